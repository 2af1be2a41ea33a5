//! The database below what is measured, for seeding it and for reading times from it.

use std::pin::pin;
use std::time::Duration;

use anyhow::Context as _;
use atlas_services::interrupt::Interrupt;
use atlas_services::servers::Services;
use tokio::runtime::Runtime;
use tokio::time::timeout;
use tokio_postgres::{Client, Error, NoTls, Row};

/// How often a signal is looked for while a statement runs.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A connection, and the runtime that drives it while a statement runs.
pub(crate) struct Database<'a> {
    runtime: Runtime,
    client: Client,
    interrupt: &'a Interrupt,
}

impl<'a> Database<'a> {
    /// Connects to the PostgreSQL that was started.
    pub(crate) fn connect(services: &Services, interrupt: &'a Interrupt) -> anyhow::Result<Self> {
        Self::connect_to(services.database_url(), interrupt)
    }

    /// Connects to another database of it.
    pub(crate) fn connect_to(url: &str, interrupt: &'a Interrupt) -> anyhow::Result<Self> {
        let runtime = super::runtime()?;
        let client = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
            // The next statement reports when it breaks.
            tokio::spawn(connection);
            Ok::<_, Error>(client)
        });
        Ok(Self {
            runtime,
            client: client.context("the database does not accept a connection")?,
            interrupt,
        })
    }

    /// Executes statements that return nothing; several are one transaction.
    pub(crate) fn execute(&self, statements: &str) -> anyhow::Result<()> {
        self.wait(statements, self.client.batch_execute(statements))
    }

    /// The one row of a query.
    pub(crate) fn row(&self, query: &str) -> anyhow::Result<Row> {
        self.wait(query, self.client.query_one(query, &[]))
    }

    /// Every row of a query.
    pub(crate) fn rows(&self, query: &str) -> anyhow::Result<Vec<Row>> {
        self.wait(query, self.client.query(query, &[]))
    }

    fn wait<T>(
        &self,
        statement: &str,
        done: impl Future<Output = Result<T, Error>>,
    ) -> anyhow::Result<T> {
        self.runtime.block_on(async {
            let mut done = pin!(done);
            loop {
                match timeout(LOOK_AGAIN, &mut done).await {
                    Ok(result) => return result.with_context(|| shortened(statement)),
                    Err(_) => self.interrupt.check()?,
                }
            }
        })
    }
}

/// The beginning of a statement, for an error.
fn shortened(statement: &str) -> String {
    statement.chars().take(200).collect()
}
