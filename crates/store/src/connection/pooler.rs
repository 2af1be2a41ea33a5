//! A pooler between this program and PostgreSQL: whether one is there, and how settings pass it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, SimpleQueryMessage};

use super::probe::{self, Sessions};
use super::session::{self, Delivery, Pooling};
use super::{ConnectFailure, ConnectFailureKind, Connector};

/// How long a refused pooler is not looked at again. Its configuration may be corrected meanwhile.
const REFUSED_FOR: Duration = Duration::from_secs(5);
/// A setting with a value that nobody else gives it: it arrives, or options are dropped.
const SENTINEL: (&str, &str) = ("lock_timeout", "4999ms");

/// What is known of a pooler. All pools of a store share it.
#[derive(Default)]
pub(super) struct Pooler {
    delivery: OnceCell<Delivery>,
    refused: Mutex<Option<(Instant, ConnectFailureKind)>>,
}

impl Pooler {
    /// How settings reach a session; with the request, until something else is known.
    pub(super) fn delivery(&self) -> Delivery {
        self.delivery.get().copied().unwrap_or(Delivery::Options)
    }

    fn refused(&self) -> MutexGuard<'_, Option<(Instant, ConnectFailureKind)>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refused_lately(&self) -> Option<ConnectFailureKind> {
        let (at, kind) = (*self.refused())?;
        (at.elapsed() < REFUSED_FOR).then_some(kind)
    }
}

impl Connector {
    /// Finds out, once, how settings reach a session. Refuses a pooler that hands sessions to others
    /// in a way with which the programs cannot work.
    pub(crate) async fn examine(&self) -> Result<(), ConnectFailure> {
        let judged = self.pooler.delivery.get_or_try_init(async || {
            if let Some(kind) = self.pooler.refused_lately() {
                return Err(ConnectFailure::pooler(kind));
            }
            // Boxed, because it happens once and is part of every statement's future.
            let judged = Box::pin(self.judge()).await;
            if let Err(failure) = &judged
                && failure.kind().is_about_a_pooler()
            {
                *self.pooler.refused() = Some((Instant::now(), failure.kind()));
            }
            judged
        });
        judged.await.map(|_| ())
    }

    async fn judge(&self) -> Result<Delivery, ConnectFailure> {
        if self.pooling == Pooling::Session {
            match self.passes_options().await {
                Ok(true) => return Ok(Delivery::Options),
                Ok(false) => {}
                // PgBouncer refuses options that it is not set up to drop.
                Err(error) if error.code() == Some(&SqlState::PROTOCOL_VIOLATION) => {}
                Err(error) => return Err(self.failure(error)),
            }
        }
        let sessions = self.sessions().await.map_err(|error| self.failure(error))?;
        let unfit = match (self.pooling, sessions) {
            (Pooling::Session, Sessions::Own) => return Ok(Delivery::Statements),
            (Pooling::Transaction, Sessions::Own | Sessions::Shared) => return Ok(Delivery::Role),
            (Pooling::Session, Sessions::Shared) => ConnectFailureKind::SharedSessions,
            (_, Sessions::Forgetful) => ConnectFailureKind::LostStatements,
        };
        Err(ConnectFailure::pooler(unfit))
    }

    async fn passes_options(&self) -> Result<bool, Error> {
        let client = self.visit(Some(session::options(&[SENTINEL]))).await?;
        let (name, value) = SENTINEL;
        let shown = client.simple_query(&format!("SHOW {name}")).await?;
        Ok(shown.iter().any(
            |message| matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some(value)),
        ))
    }

    async fn sessions(&self) -> Result<Sessions, Error> {
        let (first, second) = (self.visit(None).await?, self.visit(None).await?);
        probe::sessions(&first, &second).await
    }

    /// A connection that ends with its client.
    async fn visit(&self, options: Option<String>) -> Result<Client, Error> {
        let (client, connection) = self.open(options).await?;
        tokio::spawn(connection);
        Ok(client)
    }
}
