//! Whether a database is one that the programs can work with, whatever its schema is.

use diesel::result::QueryResult;
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};

use crate::error::StoreError;
use crate::functions::current_setting;
use crate::pool::Store;

/// Names in tenants may hold any character.
const ENCODING: &str = "UTF8";

/// What keeps the programs from working with a database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseFault {
    /// It cannot hold every character.
    #[error(
        "the database's encoding is {0} and has to be UTF8: create another one with ENCODING 'UTF8' \
         TEMPLATE template0"
    )]
    Encoding(String),
    /// It is a standby, or set to be read-only.
    #[error(
        "the database takes no writes: connect to the primary (with several hosts, add \
         target_session_attrs=read-write to DATABASE_URL), or switch \
         default_transaction_read_only off"
    )]
    ReadOnly,
}

/// The first fault of the database of this connection.
pub(crate) async fn fault(
    connection: &mut AsyncPgConnection,
) -> QueryResult<Option<DatabaseFault>> {
    let (encoding, read_only): (String, String) = diesel::select((
        current_setting("server_encoding"),
        // Also on a standby.
        current_setting("transaction_read_only"),
    ))
    .get_result(connection)
    .await?;
    Ok(if encoding != ENCODING {
        Some(DatabaseFault::Encoding(encoding))
    } else if read_only == "on" {
        Some(DatabaseFault::ReadOnly)
    } else {
        None
    })
}

impl Store {
    /// What keeps the programs from working with this database, if anything does.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn database_fault(&self) -> Result<Option<DatabaseFault>, StoreError> {
        self.read(async |connection| fault(connection).await).await
    }
}
