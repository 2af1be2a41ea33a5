//! Finding out whether a pooler stands before PostgreSQL that hands sessions to others.
//!
//! No pooler says what it is. What shows it: a client whose statements run in more than one process
//! of the server, or two clients whose statements run in the same one.

use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, SimpleQueryMessage};

/// PostgreSQL has no constant for it in the driver: the name of a prepared statement is in use.
const DUPLICATE_STATEMENT: &str = "42P05";
/// A busy pooler may have other sessions to give for some time.
const ROUNDS: usize = 3;
/// A pooler whose sessions are all in use lets clients wait.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whose the sessions of two clients are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sessions {
    /// Their own, for as long as they are connected. Also when nothing else was found out.
    Own,
    /// Everybody's, and prepared statements last.
    Shared,
    /// Everybody's, and prepared statements are lost.
    Forgetful,
}

/// Compares the processes that work for two clients.
pub(super) async fn sessions(first: &Client, second: &Client) -> Result<Sessions, Error> {
    let found = compare(first, second).await;
    match found {
        Err(error) if is_about_a_lost_statement(&error) => Ok(Sessions::Forgetful),
        other => other,
    }
}

async fn compare(first: &Client, second: &Client) -> Result<Sessions, Error> {
    let process = first.prepare("SELECT pg_backend_pid()").await?;
    let before: i32 = first.query_one(&process, &[]).await?.get(0);
    for _ in 0..ROUNDS {
        // The session of an open transaction is nobody else's: the first client gets another one.
        let Ok(others) = timeout(PATIENCE, begin(second)).await else {
            return Ok(Sessions::Own);
        };
        let is_taken = others? == Some(before);
        let Ok(row) = timeout(PATIENCE, first.query_one(&process, &[])).await else {
            // The other client has the only session.
            return Ok(if is_taken {
                Sessions::Shared
            } else {
                Sessions::Own
            });
        };
        let now: i32 = row?.get(0);
        second.batch_execute("ROLLBACK").await?;
        if is_taken || now != before {
            return Ok(Sessions::Shared);
        }
    }
    Ok(Sessions::Own)
}

/// Begins a transaction, and returns the process that works for it.
async fn begin(client: &Client) -> Result<Option<i32>, Error> {
    client.batch_execute("BEGIN").await?;
    let answer = client.simple_query("SELECT pg_backend_pid()").await?;
    Ok(answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
        _ => None,
    }))
}

fn is_about_a_lost_statement(error: &Error) -> bool {
    error.code().is_some_and(|code| {
        *code == SqlState::INVALID_SQL_STATEMENT_NAME || code.code() == DUPLICATE_STATEMENT
    })
}
