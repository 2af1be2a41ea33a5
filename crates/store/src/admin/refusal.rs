//! Why an act of administration changed nothing.

use crate::error::StoreError;

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum AccessChangeError {
    /// The user was removed in the meantime.
    #[error("the user does not exist any more")]
    UserGone,
    /// The person's data were erased; what is left is a pseudonym.
    #[error("the person's data were erased before")]
    UserErased,
    /// A token of a disabled user would not work.
    #[error("the user is disabled")]
    Disabled,
    /// What was asked for is so already.
    #[error("{0}")]
    Already(&'static str),
    /// The user is no member of the tenant.
    #[error("the user is no member of the tenant")]
    NotMember,
    /// These tenants would have no owner left.
    #[error("the user is the last owner of {}", .0.join(", "))]
    LastOwner(Vec<String>),
    /// Runs, or a schedule, name the user.
    #[error("runs or schedules refer to the user")]
    Referred,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<tokio_postgres::Error> for AccessChangeError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Store(error.into())
    }
}
