//! Whether the API is of use: asked often by load balancers, so it looks at most once a second.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use atlas_queue::{Doorbell, RedisFaultKind};
use atlas_store::{Store, StoreError};
use tokio::sync::Mutex;
use tokio::time::timeout;

/// How long an answer is kept.
const FRESH_FOR: Duration = Duration::from_secs(1);
/// How long a part may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What was found of the parts; `Err` holds what is wrong, in words for an operator.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    /// The database answers, and this version works with its schema.
    pub(crate) database: Result<(), String>,
    /// Redis takes messages.
    pub(crate) queue: Result<(), String>,
}

/// Looks at the parts and remembers for a moment what it saw.
pub(crate) struct Readiness {
    store: Store,
    doorbell: Doorbell,
    seen: Mutex<Option<(Instant, Parts)>>,
    stopping: AtomicBool,
}

impl Readiness {
    /// Looks at nothing yet.
    pub(crate) fn new(store: Store, doorbell: Doorbell) -> Self {
        Self {
            store,
            doorbell,
            seen: Mutex::new(None),
            stopping: AtomicBool::new(false),
        }
    }

    /// From now on the API is not ready: it was asked to stop.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// The parts as of the last second. Callers who ask at once wait for the same look.
    pub(crate) async fn parts(&self) -> Parts {
        let mut seen = self.seen.lock().await;
        if let Some((at, parts)) = &*seen
            && at.elapsed() < FRESH_FOR
        {
            return parts.clone();
        }
        let (database, queue) = tokio::join!(self.database(), self.queue());
        let parts = Parts { database, queue };
        *seen = Some((Instant::now(), parts.clone()));
        parts
    }

    async fn database(&self) -> Result<(), String> {
        match timeout(PATIENCE, self.store.schema_state()).await {
            Ok(Ok(schema)) if schema.fits() => self.fitness().await,
            Ok(Ok(wrong)) => Err(wrong.to_string()),
            Ok(Err(error)) => Err(reason(&error)),
            Err(_elapsed) => Err("the database does not answer in time".to_owned()),
        }
    }

    async fn fitness(&self) -> Result<(), String> {
        match timeout(PATIENCE, self.store.database_fault()).await {
            Ok(Ok(None)) => Ok(()),
            Ok(Ok(Some(fault))) => Err(fault.to_string()),
            Ok(Err(error)) => Err(reason(&error)),
            Err(_elapsed) => Err("the database does not answer in time".to_owned()),
        }
    }

    async fn queue(&self) -> Result<(), String> {
        let kind = match timeout(PATIENCE, self.doorbell.rehearse()).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(fault)) => fault.kind(),
            Err(_elapsed) => RedisFaultKind::TimedOut,
        };
        Err(kind.advice().to_owned())
    }
}

/// What operators can do something about, and no more: anybody may ask.
fn reason(error: &StoreError) -> String {
    match error.unfit_pooler() {
        Some(kind) => kind.advice().to_owned(),
        None => error.to_string(),
    }
}
