//! Reads for screens, and writes of one row, which diesel's builder composes: a statement holds only
//! the conditions that were asked for.

use std::time::{Duration, Instant};

use diesel::result::{DatabaseErrorKind, Error as DieselError, QueryResult};
use diesel_async::pooled_connection::deadpool::Object;
use diesel_async::{
    AnsiTransactionManager, AsyncPgConnection, RunQueryDsl as _, TransactionManager as _,
};
use tokio::time::timeout;

use crate::connection::{Connector, Pooling, statements};
use crate::error::StoreError;
use crate::pool::{READ_SETTINGS, Store};

/// The statement time limit of the pool, less what a timer may be early.
const TIME_LIMIT: Duration = Duration::from_millis(4_900);

/// How long a read waits for its turn, before it goes beside the slow reads that it waits for.
const TURN: Duration = Duration::from_millis(100);

impl Store {
    /// Runs what the builder composes on a connection for reads. When the caller hangs up, the
    /// statement is cancelled and the connection is closed.
    ///
    /// Quick reads take turns on half of the connections: read by all at once, they would be ready
    /// hardly sooner and take every processor from starts and permission checks. The other half is
    /// there so that as many slow reads as have a turn hold up each other read for [`TURN`] at most.
    pub(crate) async fn read<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        F: AsyncFnOnce(&mut AsyncPgConnection) -> QueryResult<T>,
    {
        self.examine().await?;
        let _turn = timeout(TURN, self.read_turns.acquire()).await;
        let mut reading = Reading {
            connection: Some(self.reads.get().await?),
            connector: &self.connector,
        };
        let started = Instant::now();
        let pooling = self.connector.pooling();
        let connection = reading.connection()?;
        let result = match pooling {
            Pooling::Session => query(connection).await,
            Pooling::Transaction => limited(connection, query).await,
        };
        let result = match result {
            Ok(value) => Ok(value),
            Err(error) if keeps_no_code(&error) => Err(reading.judge(error, started).await),
            Err(error) => Err(error.into()),
        };
        // The pool may not have noticed yet that a connection ended.
        if !matches!(result, Err(StoreError::Unavailable(_))) {
            reading.connection = None;
        }
        result
    }
}

/// Runs a query in a transaction with the settings of reads, on a connection that keeps none.
async fn limited<T, F>(connection: &mut AsyncPgConnection, query: F) -> QueryResult<T>
where
    F: AsyncFnOnce(&mut AsyncPgConnection) -> QueryResult<T>,
{
    let begin = format!("BEGIN; {}", statements("SET LOCAL", READ_SETTINGS));
    AnsiTransactionManager::begin_transaction_sql(connection, &begin).await?;
    match query(connection).await {
        Ok(value) => {
            AnsiTransactionManager::commit_transaction(connection).await?;
            Ok(value)
        }
        Err(error) => {
            // The first error is the one to report; a connection that is broken shows it again.
            let _ = AnsiTransactionManager::rollback_transaction(connection).await;
            Err(error)
        }
    }
}

/// diesel keeps no SQLSTATE of these.
const fn keeps_no_code(error: &DieselError) -> bool {
    matches!(
        error,
        DieselError::DatabaseError(DatabaseErrorKind::Unknown, _)
    )
}

/// A connection that answers; emptied when the answer is there.
struct Reading<'a> {
    connection: Option<Object<AsyncPgConnection>>,
    connector: &'a Connector,
}

impl Reading<'_> {
    fn connection(&mut self) -> Result<&mut AsyncPgConnection, StoreError> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            None => Err(StoreError::Unavailable(
                "the connection is given back".into(),
            )),
        }
    }

    /// Without the SQLSTATE: a connection that answers no more is away, a statement that took as long
    /// as it may was stopped, and everything else is a defect.
    async fn judge(&mut self, error: DieselError, started: Instant) -> StoreError {
        if started.elapsed() >= TIME_LIMIT {
            return StoreError::Busy(Box::new(error));
        }
        let alive = match self.connection() {
            Ok(connection) => diesel::select(diesel::dsl::sql::<diesel::sql_types::Integer>("1"))
                .execute(connection)
                .await
                .is_ok(),
            Err(_) => false,
        };
        if alive {
            error.into()
        } else {
            StoreError::Unavailable(Box::new(error))
        }
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        self.connector.cancel(connection.cancel_token());
        drop(Object::take(connection));
    }
}
