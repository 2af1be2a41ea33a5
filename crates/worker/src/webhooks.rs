//! Delivery of events to webhooks. Every worker does this: an endpoint is leased by one of them at a time,
//! and its events are sent one after the other, in the order of the log. Nothing is locked while something
//! is sent. A worker that dies leaves a lease that ends by itself; who goes on sends again what was not
//! recorded, with the same identifier.
//!
//! | module | subject |
//! | --- | --- |
//! | `lane` | what is sent to one endpoint, one after the other |
//! | `message` | the body of a delivery |

mod lane;
mod message;

use std::sync::Arc;
use std::time::Duration;

use atlas_domain::causes::Causes;
use atlas_domain::clock::{Clock, Entropy};
use atlas_store::{Store, StoreError};
use atlas_webhooks::{OpeningKeys, Sender};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::dispatcher::Dispatcher;
use crate::last_reason::LastReason;
use crate::turns::Turns;

/// How often endpoints are looked at while there are active ones.
const POLL: Duration = Duration::from_secs(1);
/// Likewise, while there is none.
const IDLE_POLL: Duration = Duration::from_secs(5);
/// Likewise, when all places were taken and others may wait.
const BUSY_POLL: Duration = Duration::from_millis(100);

/// What is logged with the reason.
const FAIL: &str = "webhooks cannot be looked at";

/// What deliveries are made with.
pub struct Webhooks {
    pub store: Store,
    pub sender: Sender,
    pub keys: OpeningKeys,
    /// How long an endpoint stays this worker's. A request takes less than half of it.
    pub lease: Duration,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
}

/// Delivers until `shutdown`, with at most so many requests under way, and lets these end.
pub async fn run(
    webhooks: Webhooks,
    deliveries: u16,
    dispatcher: Arc<Dispatcher>,
    turns: Turns,
    shutdown: CancellationToken,
) {
    let webhooks = Arc::new(webhooks);
    let places = Arc::new(Semaphore::new(deliveries.into()));
    let lanes = TaskTracker::new();
    let mut last = LastReason::default();
    let mut published = false;
    while !shutdown.is_cancelled() {
        let pause = if dispatcher.schema_fits() {
            let looked = look(
                &webhooks,
                &mut published,
                &places,
                &lanes,
                &turns,
                &shutdown,
            )
            .await;
            match looked {
                Ok(pause) => {
                    last = LastReason::default();
                    pause
                }
                Err(error) => {
                    last.log(FAIL, Causes(&error).to_string());
                    IDLE_POLL
                }
            }
        } else {
            IDLE_POLL
        };
        tokio::select! {
            () = shutdown.cancelled() => break,
            () = tokio::time::sleep(pause) => {}
        }
    }
    lanes.close();
    lanes.wait().await;
}

/// Leases what is due and starts to serve it; returns how long to wait until the next look.
async fn look(
    webhooks: &Arc<Webhooks>,
    published: &mut bool,
    places: &Arc<Semaphore>,
    lanes: &TaskTracker,
    turns: &Turns,
    shutdown: &CancellationToken,
) -> Result<Duration, StoreError> {
    let free = u16::try_from(places.available_permits()).unwrap_or(u16::MAX);
    if free == 0 {
        return Ok(BUSY_POLL);
    }
    let turn = turns.take().await;
    let store = &webhooks.store;
    if !*published {
        let key = webhooks.keys.sealing_key();
        store.publish_webhook_key(key.id(), key.public()).await?;
        *published = true;
    }
    let claimed = store.claim_webhooks(webhooks.lease, free).await?;
    drop(turn);
    let Some(claimed) = claimed else {
        return Ok(IDLE_POLL);
    };
    let pause = if claimed.is_empty() { POLL } else { BUSY_POLL };
    for claim in claimed {
        // Nobody else takes places, so that there is one for each.
        let place = places.clone().try_acquire_owned();
        let (webhooks, shutdown) = (Arc::clone(webhooks), shutdown.clone());
        lanes.spawn(async move {
            lane::serve(&webhooks, claim, &shutdown).await;
            drop(place);
        });
    }
    Ok(pause)
}
