//! What can go wrong between this crate and the database.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::pooled_connection::deadpool::PoolError;

/// A statement did not do its work. The text holds no SQL and no values; the source is for the log.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached, is shutting down, or was too busy to answer in time.
    #[error("the database is not available")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database undid the statement, because it and another one waited for each other.
    #[error("others wrote the same rows in the same moment")]
    Deadlock(#[source] DieselError),
    /// What was to be added is there already.
    #[error("{0} exists already")]
    Conflict(&'static str),
    /// A row holds something that this version cannot read.
    #[error("a stored {what} is not readable")]
    Corrupt {
        /// What kind of value.
        what: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A defect: the statement and the schema do not fit, or a constraint was broken.
    #[error("the database refused a statement")]
    Unexpected(#[source] DieselError),
}

impl StoreError {
    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Deadlock(_))
    }

    pub(crate) fn corrupt(
        what: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Corrupt {
            what,
            source: source.into(),
        }
    }
}

impl From<PoolError> for StoreError {
    fn from(error: PoolError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

/// Messages by which PostgreSQL and its driver say that the connection, not the statement, is at
/// fault. diesel hands on the text and not the SQLSTATE of these (classes 08, 53 and 57).
const CONNECTION_TROUBLE: [&str; 12] = [
    "connection closed",
    "connection reset",
    "broken pipe",
    "terminating connection",
    "the database system is",
    "canceling statement",
    "too many clients",
    "lock timeout",
    "unexpected eof",
    "error communicating",
    "idle-in-transaction",
    "crash of another server process",
];

/// Likewise for SQLSTATE 40P01.
const DEADLOCK: &str = "deadlock detected";

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        if let DieselError::DatabaseError(_, information) = &error
            && information.message() == DEADLOCK
        {
            return Self::Deadlock(error);
        }
        let transient = match &error {
            DieselError::DatabaseError(
                DatabaseErrorKind::ClosedConnection
                | DatabaseErrorKind::SerializationFailure
                | DatabaseErrorKind::UnableToSendCommand,
                _,
            ) => true,
            DieselError::DatabaseError(_, information) => {
                let message = information.message().to_ascii_lowercase();
                CONNECTION_TROUBLE
                    .iter()
                    .any(|known| message.contains(known))
            }
            DieselError::BrokenTransactionManager => true,
            _ => false,
        };
        if transient {
            Self::Unavailable(Box::new(error))
        } else {
            Self::Unexpected(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use atlas_domain::causes::Causes;

    use super::*;
    use crate::inventory::WriteError;

    #[test]
    fn a_log_that_shows_the_causes_has_what_the_database_said() {
        let said = "index row size 3016 exceeds btree version 4 maximum 2704";
        let error =
            DieselError::DatabaseError(DatabaseErrorKind::Unknown, Box::new(said.to_owned()));
        let error = WriteError::from(StoreError::from(error));
        assert_eq!(
            Causes(&error).to_string(),
            format!("the database refused a statement: {said}")
        );
        assert_eq!(error.to_string(), "the database refused a statement");
    }
}
