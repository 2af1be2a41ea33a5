//! Answers to probes.

use serde::Serialize;

/// The process is alive.
#[derive(Debug, Serialize)]
pub(crate) struct Health {
    /// Always `ok`.
    pub(crate) status: &'static str,
    /// The version that runs.
    pub(crate) version: &'static str,
}

/// Which program this is.
#[derive(Debug, Serialize)]
pub(crate) struct Version {
    /// Its name.
    pub(crate) program: &'static str,
    /// Its version.
    pub(crate) version: &'static str,
    /// The version of the newest migration that it knows. `/readyz` says whether it works with the
    /// database's schema.
    pub(crate) schema_version: &'static str,
}

/// Whether the API is of use.
#[derive(Debug, Serialize)]
pub(crate) struct ReadyReport {
    /// The whole.
    pub(crate) status: ReadyStatus,
    /// Its parts.
    pub(crate) components: Vec<Component>,
}

/// Whether the API is of use, in one word.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReadyStatus {
    /// Everything works.
    Ready,
    /// Everything can be read; nothing can be started.
    Degraded,
}

/// A part that the API needs.
#[derive(Debug, Serialize)]
pub(crate) struct Component {
    /// `database` or `queue`.
    pub(crate) name: &'static str,
    /// Whether it works.
    pub(crate) up: bool,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
}
