//! What can go wrong between this crate and the database.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use deadpool_postgres::PoolError as StatementPoolError;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::pooled_connection::deadpool::PoolError as ReadPoolError;
use tokio_postgres::error::{DbError, SqlState};
use tokio_postgres::types::WrongType;

use crate::connection::{ConnectFailure, ConnectFailureKind};

/// Why, for a log.
pub(crate) type Cause = Box<dyn Error + Send + Sync>;

/// A statement did not do its work. The text holds no SQL and no values; the source is for the log.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached, is starting or shutting down, or has no connection left.
    #[error("the database is not available")]
    Unavailable(#[source] Cause),
    /// The statement took longer than it may, or waited too long for rows that others hold.
    #[error("the database did not answer in time")]
    Busy(#[source] Cause),
    /// The database undid the statement, because it and another one waited for each other.
    #[error("others wrote the same rows in the same moment")]
    Deadlock(#[source] Cause),
    /// The database has no space left, on disk or in memory.
    #[error("the database has no space left")]
    Full(#[source] Cause),
    /// The server takes no writes, as a standby does after a failover.
    #[error("the database takes no writes")]
    ReadOnly(#[source] Cause),
    /// What was to be added is there already.
    #[error("{0} exists already")]
    Conflict(&'static str),
    /// What a new row was to refer to is not there any more.
    #[error("{0} was removed in the meantime")]
    Gone(&'static str),
    /// A row holds something that this version cannot read.
    #[error("a stored {what} is not readable")]
    Corrupt {
        /// What kind of value.
        what: &'static str,
        /// Why.
        #[source]
        source: Cause,
    },
    /// A defect: the statement and the schema do not fit, or a constraint was broken.
    #[error("the database refused a statement")]
    Unexpected(#[source] Cause),
}

impl StoreError {
    /// Whether the same call may succeed later: the statement is not at fault.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(_)
                | Self::Busy(_)
                | Self::Deadlock(_)
                | Self::Full(_)
                | Self::ReadOnly(_)
        )
    }

    /// What is wrong with the pooler before the database, when that is why there is no connection.
    #[must_use]
    pub fn unfit_pooler(&self) -> Option<ConnectFailureKind> {
        let Self::Unavailable(cause) = self else {
            return None;
        };
        let kind = cause.downcast_ref::<ConnectFailure>()?.kind();
        kind.is_about_a_pooler().then_some(kind)
    }

    /// Whether a row that the statement was to store broke a constraint, or holds a value that the
    /// database cannot hold.
    pub(crate) fn is_about_values(&self) -> bool {
        let class = self.code().map(|code| &code.code()[..2]);
        matches!(class, Some("22" | "23" | "54"))
    }

    /// Whether the row is there already.
    pub(crate) fn is_duplicate(&self) -> bool {
        let Self::Unexpected(cause) = self else {
            return false;
        };
        let unique = DatabaseErrorKind::UniqueViolation;
        self.code() == Some(&SqlState::UNIQUE_VIOLATION)
            || matches!(cause.downcast_ref(), Some(DieselError::DatabaseError(kind, _)) if *kind == unique)
    }

    /// Whether a row that the statement was to store refers to one that is not there.
    pub(crate) fn is_about_something_gone(&self) -> bool {
        let Self::Unexpected(cause) = self else {
            return false;
        };
        let foreign = DatabaseErrorKind::ForeignKeyViolation;
        self.code() == Some(&SqlState::FOREIGN_KEY_VIOLATION)
            || matches!(cause.downcast_ref(), Some(DieselError::DatabaseError(kind, _)) if *kind == foreign)
    }

    /// Whether the statement names a table that is not there.
    pub(crate) fn is_about_a_missing_table(&self) -> bool {
        self.code() == Some(&SqlState::UNDEFINED_TABLE)
    }

    /// The same failure for each of several callers, where it is about none of them: there is no
    /// connection, no space, or nothing is written. Another error is returned as it is.
    pub(crate) fn of_all(self) -> Result<impl Fn() -> Self, Self> {
        let (failure, cause): (fn(Cause) -> Self, Cause) = match self {
            Self::Unavailable(cause) => (Self::Unavailable, cause),
            Self::Full(cause) => (Self::Full, cause),
            Self::ReadOnly(cause) => (Self::ReadOnly, cause),
            other => return Err(other),
        };
        let cause: Arc<dyn Error + Send + Sync> = cause.into();
        Ok(move || failure(Box::new(cause.clone())))
    }

    pub(crate) fn corrupt(what: &'static str, source: impl Into<Cause>) -> Self {
        Self::Corrupt {
            what,
            source: source.into(),
        }
    }

    /// A refusal with this SQLSTATE.
    #[cfg(test)]
    pub(crate) fn refused(code: &str) -> Self {
        Self::from(Refusal {
            code: SqlState::from_code(code),
            message: "refused by a test".to_owned(),
            table: None,
            constraint: None,
        })
    }

    /// The SQLSTATE of a refusal, where the driver keeps it.
    fn code(&self) -> Option<&SqlState> {
        let Self::Unexpected(cause) = self else {
            return None;
        };
        Some(&cause.downcast_ref::<Refusal>()?.code)
    }
}

/// What PostgreSQL says of a statement that failed, without the values that its detail may repeat.
#[derive(Debug)]
pub(crate) struct Refusal {
    code: SqlState,
    message: String,
    table: Option<String>,
    constraint: Option<String>,
}

impl Refusal {
    pub(crate) fn of(error: &DbError) -> Self {
        Self {
            code: error.code().clone(),
            message: error.message().to_owned(),
            table: error.table().map(str::to_owned),
            constraint: error.constraint().map(str::to_owned),
        }
    }
}

impl Refusal {
    /// The SQLSTATE.
    pub(crate) const fn code(&self) -> &SqlState {
        &self.code
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (SQLSTATE {}", self.message, self.code.code())?;
        if let Some(table) = &self.table {
            write!(f, ", table {table}")?;
        }
        if let Some(constraint) = &self.constraint {
            write!(f, ", constraint {constraint}")?;
        }
        f.write_str(")")
    }
}

impl Error for Refusal {}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(refused) = error.as_db_error() else {
            let ours = |cause: &(dyn Error + 'static)| cause.is::<WrongType>();
            return if error.source().is_some_and(ours) {
                Self::Unexpected(Box::new(error))
            } else {
                // The connection is gone, or was not made.
                Self::Unavailable(Box::new(error))
            };
        };
        Self::from(Refusal::of(refused))
    }
}

impl From<Refusal> for StoreError {
    /// The classes of SQLSTATE are in PostgreSQL's manual, appendix A.
    fn from(refusal: Refusal) -> Self {
        let code = refusal.code.clone();
        let refusal: Cause = Box::new(refusal);
        match code {
            SqlState::T_R_DEADLOCK_DETECTED | SqlState::T_R_SERIALIZATION_FAILURE => {
                Self::Deadlock(refusal)
            }
            SqlState::LOCK_NOT_AVAILABLE
            | SqlState::QUERY_CANCELED
            | SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT => Self::Busy(refusal),
            SqlState::READ_ONLY_SQL_TRANSACTION => Self::ReadOnly(refusal),
            SqlState::TOO_MANY_CONNECTIONS => Self::Unavailable(refusal),
            code => match &code.code()[..2] {
                "08" | "57" => Self::Unavailable(refusal),
                "53" => Self::Full(refusal),
                _ => Self::Unexpected(refusal),
            },
        }
    }
}

impl From<ConnectFailure> for StoreError {
    /// Whatever keeps a connection from being made, callers can do nothing about it.
    fn from(error: ConnectFailure) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

impl From<StatementPoolError> for StoreError {
    fn from(error: StatementPoolError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

impl From<ReadPoolError> for StoreError {
    /// Why no connection was made; what the pool says around it helps nobody.
    fn from(error: ReadPoolError) -> Self {
        Self::Unavailable(match error {
            ReadPoolError::Backend(reason) => Box::new(reason),
            other => Box::new(other),
        })
    }
}

impl From<DieselError> for StoreError {
    /// diesel keeps the SQLSTATE of few errors: `reads.rs` decides about the others.
    fn from(error: DieselError) -> Self {
        match &error {
            DieselError::DatabaseError(
                DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand,
                _,
            )
            | DieselError::BrokenTransactionManager => Self::Unavailable(Box::new(error)),
            DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => {
                Self::Deadlock(Box::new(error))
            }
            DieselError::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, _) => {
                Self::ReadOnly(Box::new(error))
            }
            _ => Self::Unexpected(Box::new(error)),
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
        let refusal = Refusal {
            code: SqlState::PROGRAM_LIMIT_EXCEEDED,
            message: "index row size 3016 exceeds btree version 4 maximum 2704".to_owned(),
            table: None,
            constraint: Some("one_name".to_owned()),
        };
        let error = WriteError::from(StoreError::Unexpected(Box::new(refusal)));
        assert_eq!(
            Causes(&error).to_string(),
            "the database refused a statement: index row size 3016 exceeds btree version 4 maximum \
             2704 (SQLSTATE 54000, constraint one_name)"
        );
        assert_eq!(error.to_string(), "the database refused a statement");
    }
}
