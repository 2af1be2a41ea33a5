//! The settings of a session, and how they reach it.

/// Settings of PostgreSQL, by name.
pub(crate) type Settings = &'static [(&'static str, &'static str)];

/// What may stand between a program and PostgreSQL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pooling {
    /// Nothing, or a pooler that keeps a session for as long as its client is connected.
    #[default]
    Session,
    /// A pooler that hands a session to others between transactions, as PgBouncer does with
    /// `pool_mode=transaction`. It keeps prepared statements: PgBouncer 1.21 and later do, with
    /// `max_prepared_statements` above 0.
    Transaction,
}

/// How settings reach a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    /// With the request for a connection.
    Options,
    /// By statements after it, because a pooler drops the options.
    Statements,
    /// Those of the role apply: nothing of a session lasts.
    Role,
}

/// As a request for a connection carries them.
pub(super) fn options(settings: &[(&str, &str)]) -> String {
    joined(settings, " ", |name, value| format!("-c {name}={value}"))
}

/// As statements that begin with `set`, such as `SET LOCAL`.
pub(crate) fn statements(set: &str, settings: &[(&str, &str)]) -> String {
    joined(settings, "; ", |name, value| {
        format!("{set} {name} = '{value}'")
    })
}

fn joined(settings: &[(&str, &str)], between: &str, text: impl Fn(&str, &str) -> String) -> String {
    let texts: Vec<_> = settings
        .iter()
        .map(|(name, value)| text(name, value))
        .collect();
    texts.join(between)
}
