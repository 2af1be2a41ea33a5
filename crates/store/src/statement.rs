//! Statements that live in files of their own, under `sql/`, and run on tokio-postgres, which keeps
//! the SQLSTATE of an error.
//!
//! [`statement!`] gives a file a struct with a typed field for each parameter, and a typed row.
//! A test prepares every statement and compares the types that PostgreSQL reports with both.

mod row;
#[cfg(test)]
mod tests;
mod text;

use deadpool_postgres::GenericClient;
use tokio_postgres::types::ToSql;

use crate::error::StoreError;
#[cfg(test)]
pub(crate) use row::Column;
pub(crate) use row::{CountRow, FromRow, PlaceRow, RoleRow, row};
pub(crate) use text::{Text, join, number};

/// A statement with its values.
pub(crate) trait Statement {
    /// What is known of it at compile time.
    const INFO: Info;
    /// What it returns, row by row; `()` when it returns no columns.
    type Row: FromRow;

    /// The complete text.
    fn text(&self) -> &'static str {
        Self::INFO.text
    }

    /// The values, in the order of their numbers.
    fn parameters(&self) -> Vec<&(dyn ToSql + Sync)>;
}

/// What is known of a statement at compile time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Info {
    /// The complete text.
    pub(crate) text: &'static str,
    /// Its file under `sql/`, without the ending.
    #[cfg(test)]
    pub(crate) file: &'static str,
    /// Its parameters, in the order of their numbers.
    #[cfg(test)]
    pub(crate) parameters: &'static [Parameter],
    /// Its columns.
    #[cfg(test)]
    pub(crate) columns: fn() -> Vec<Column>,
    /// The transitions of runs that it makes.
    #[cfg(test)]
    pub(crate) transitions: &'static [atlas_domain::run::Transition],
}

/// A parameter of a statement.
#[cfg(test)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameter {
    /// Its name in the file.
    pub(crate) name: &'static str,
    /// The type of its field.
    pub(crate) rust_type: &'static str,
    /// Whether its field can be sent as this type.
    pub(crate) accepts: fn(&tokio_postgres::types::Type) -> bool,
}

/// Every row that the statement returns.
pub(crate) async fn fetch_all<S: Statement>(
    client: &impl GenericClient,
    statement: &S,
) -> Result<Vec<S::Row>, StoreError> {
    let prepared = client.prepare_cached(statement.text()).await?;
    let rows = client.query(&prepared, &statement.parameters()).await?;
    let rows: Result<_, _> = rows.iter().map(|row| S::Row::from_row(row, 0)).collect();
    Ok(rows?)
}

/// The only row, when there is one.
pub(crate) async fn fetch_optional<S: Statement>(
    client: &impl GenericClient,
    statement: &S,
) -> Result<Option<S::Row>, StoreError> {
    let prepared = client.prepare_cached(statement.text()).await?;
    let row = client.query_opt(&prepared, &statement.parameters()).await?;
    Ok(row.map(|row| S::Row::from_row(&row, 0)).transpose()?)
}

/// The only row of a statement that always returns one.
pub(crate) async fn fetch_one<S: Statement>(
    client: &impl GenericClient,
    statement: &S,
) -> Result<S::Row, StoreError> {
    let prepared = client.prepare_cached(statement.text()).await?;
    let row = client.query_one(&prepared, &statement.parameters()).await?;
    Ok(S::Row::from_row(&row, 0)?)
}

/// Runs a statement that returns nothing, and says how many rows it changed.
pub(crate) async fn execute<S: Statement<Row = ()>>(
    client: &impl GenericClient,
    statement: &S,
) -> Result<u64, StoreError> {
    let prepared = client.prepare_cached(statement.text()).await?;
    Ok(client.execute(&prepared, &statement.parameters()).await?)
}

/// A parameter and the type of its field.
#[cfg(test)]
macro_rules! parameter {
    ($name:ident: $type:ty) => {
        $crate::statement::Parameter {
            name: stringify!($name),
            rust_type: stringify!($type),
            accepts: <$type as tokio_postgres::types::ToSql>::accepts,
        }
    };
}
#[cfg(test)]
pub(crate) use parameter;

/// The text of a file under `sql/`.
macro_rules! sql_file {
    ($file:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/sql/", $file, ".sql"))
    };
}
pub(crate) use sql_file;

/// The complete text of a file: see [`text`].
macro_rules! sql_text {
    ($file:literal, [$($piece:literal),*], [$($parameter:expr),*], [$($constant:expr),* $(,)?]) => {{
        const PIECES: &[(&str, &str)] = &[$(($piece, $crate::statement::sql_file!($piece))),*];
        const FILE: &str = $crate::statement::sql_file!($file);
        const JOINED: &str = {
            const LEN: usize = $crate::statement::join::<0>(FILE, PIECES).len();
            const TEXT: $crate::statement::Text<LEN> = $crate::statement::join(FILE, PIECES);
            TEXT.as_str()
        };
        const NAMES: &[&str] = &[$($parameter),*];
        const CONSTANTS: &[(&str, &str)] = &[$($constant),*];
        const LEN: usize = $crate::statement::number::<0>(JOINED, NAMES, CONSTANTS).len();
        const TEXT: $crate::statement::Text<LEN> =
            $crate::statement::number(JOINED, NAMES, CONSTANTS);
        TEXT.as_str()
    }};
}
pub(crate) use sql_text;

/// A struct for a file under `sql/`: a field for each parameter, and the type of its rows.
///
/// `pieces` are the files that it includes. `transitions` are those that it makes: the status that
/// they leave is the constant `source`. `constants` are others, with their values.
macro_rules! statement {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $name:ident $(<$lifetime:lifetime>)? {
            $($(#[$field_attribute:meta])* $field:ident: $type:ty),* $(,)?
        }
        file: $file:literal,
        row: $row:ty,
        $(pieces: [$($piece:literal),* $(,)?],)?
        $(transitions: [$first:ident $(, $further:ident)* $(,)?],)?
        $(constants: [$($constant:ident = $value:expr),* $(,)?],)?
    ) => {
        $(#[$attribute])*
        #[derive(Debug)]
        $visibility struct $name $(<$lifetime>)? {
            $($(#[$field_attribute])* $visibility $field: $type),*
        }

        impl $(<$lifetime>)? $crate::statement::Statement for $name $(<$lifetime>)? {
            const INFO: $crate::statement::Info = $crate::statement::Info {
                #[cfg(test)]
                file: $file,
                text: $crate::statement::sql_text!(
                    $file,
                    [$($($piece),*)?],
                    [$(stringify!($field)),*],
                    [
                        $(("source", atlas_domain::run::Transition::$first.source().as_str()),)?
                        $($((stringify!($constant), $value),)*)?
                    ]
                ),
                #[cfg(test)]
                parameters: &[$($crate::statement::parameter!($field: $type)),*],
                #[cfg(test)]
                columns: <$row as $crate::statement::FromRow>::columns,
                #[cfg(test)]
                transitions: &[
                    $(
                        atlas_domain::run::Transition::$first,
                        $(atlas_domain::run::Transition::$further),*
                    )?
                ],
            };
            type Row = $row;

            fn parameters(&self) -> Vec<&(dyn tokio_postgres::types::ToSql + Sync)> {
                vec![$(&self.$field),*]
            }
        }
    };
}
pub(crate) use statement;
