//! What is sent to one endpoint, one after the other.

use std::time::Duration;

use atlas_domain::causes::Causes;
use atlas_domain::webhook::{DeliveryCause, DeliveryOutcome, WebhookDisableReason};
use atlas_store::{
    AfterAttempt, DeliveryAttempt, NextDelivery, Recorded, StoreError, WebhookClaim,
};
use atlas_telemetry::crash_point;
use atlas_telemetry::metrics::WEBHOOK_DELIVERIES;
use atlas_webhooks::{
    Address, AddressError, Delivery, DisableReason, Failures, MessageId, Next, Outcome,
    SealingError, SigningSecrets, next,
};
use chrono::{DateTime, Utc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Webhooks;
use super::message::body;

/// How long an endpoint is served before others have their turn.
const TURN: Duration = Duration::from_secs(30);

/// Why a delivery was not tried. The lease ends by itself, and another worker may be able to.
#[derive(Debug, thiserror::Error)]
enum LaneError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Secret(#[from] SealingError),
    #[error("the stored address is none")]
    Address(#[from] AddressError),
    #[error("the body of a delivery cannot be written")]
    Body(#[from] serde_json::Error),
}

/// Sends until there is nothing to be sent, an attempt fails, or it is others' turn.
pub(super) async fn serve(webhooks: &Webhooks, claim: WebhookClaim, shutdown: &CancellationToken) {
    if let Err(error) = deliver_all(webhooks, claim, shutdown).await {
        let webhook_id = claim.endpoint;
        tracing::error!(error = %Causes(&error), %webhook_id, "a webhook is not served");
    }
}

async fn deliver_all(
    webhooks: &Webhooks,
    claim: WebhookClaim,
    shutdown: &CancellationToken,
) -> Result<(), LaneError> {
    let until = Instant::now() + TURN;
    loop {
        if shutdown.is_cancelled() || Instant::now() >= until {
            return Ok(webhooks.store.release_webhook(claim).await?);
        }
        let delivery = webhooks.store.next_delivery(claim, webhooks.lease).await?;
        let Some(delivery) = delivery else {
            return Ok(());
        };
        match deliver(webhooks, claim, &delivery).await? {
            Recorded::GoOn => {}
            Recorded::Ended => return Ok(()),
            Recorded::Lost => {
                let webhook_id = claim.endpoint;
                tracing::warn!(%webhook_id, "the lease of a webhook was lost");
                return Ok(());
            }
        }
    }
}

/// One attempt, and recording it.
async fn deliver(
    webhooks: &Webhooks,
    claim: WebhookClaim,
    delivery: &NextDelivery,
) -> Result<Recorded, LaneError> {
    let address: Address = delivery.url.parse()?;
    let open = |sealed| webhooks.keys.open(sealed, claim.endpoint);
    let secrets = SigningSecrets {
        current: open(&delivery.secret)?,
        previous: delivery.previous_secret.as_ref().map(open).transpose()?,
    };
    let request = Delivery {
        address: &address,
        id: &MessageId::from(delivery.sent.id().into_uuid()),
        at: webhooks.clock.now(),
        body: body(delivery, claim.endpoint)?,
        secrets: &secrets,
    };
    let attempt = webhooks.sender.send(&request).await;
    crash_point!("webhook.sent");
    let outcome = word(&attempt.outcome);
    WEBHOOK_DELIVERIES.add(&[outcome.as_str()], 1);
    log(claim, delivery, &attempt.outcome);
    let recorded = DeliveryAttempt {
        outcome,
        status: attempt.outcome.answer().map(|answer| answer.status),
        detail: attempt.outcome.to_string(),
        took: attempt.took,
        after: after(webhooks, delivery, &attempt.outcome),
        receiver: address.to_string(),
    };
    let store = &webhooks.store;
    Ok(store.record_delivery(claim, delivery, &recorded).await?)
}

/// What follows. A request of the owner is sent once, but a receiver may end the endpoint by it.
fn after(webhooks: &Webhooks, delivery: &NextDelivery, outcome: &Outcome) -> AfterAttempt {
    let ended_at = webhooks.clock.now();
    let failures = Failures {
        since: delivery.failing_since.unwrap_or(ended_at).min(ended_at),
        attempts: delivery.attempt(),
    };
    let is_event = delivery.cause() == DeliveryCause::Event;
    match next(outcome, failures, ended_at, webhooks.entropy.as_ref()) {
        Next::Disable(DisableReason::Gone) => AfterAttempt::Disable(WebhookDisableReason::Gone),
        Next::Disable(DisableReason::Failing) if is_event => {
            AfterAttempt::Disable(WebhookDisableReason::Failing)
        }
        Next::RetryAt(at) if is_event => AfterAttempt::RetryIn(until(ended_at, at)),
        Next::Done | Next::RetryAt(_) | Next::Disable(DisableReason::Failing) => AfterAttempt::Done,
    }
}

fn until(now: DateTime<Utc>, at: DateTime<Utc>) -> Duration {
    (at - now).to_std().unwrap_or_default()
}

const fn word(outcome: &Outcome) -> DeliveryOutcome {
    match outcome {
        Outcome::Delivered(_) => DeliveryOutcome::Delivered,
        Outcome::Gone(_) => DeliveryOutcome::Gone,
        Outcome::RateLimited(_) => DeliveryOutcome::RateLimited,
        Outcome::Refused(_) => DeliveryOutcome::Refused,
        Outcome::NoAnswer(_) => DeliveryOutcome::NoAnswer,
    }
}

/// What owners do not see is for the operator: addresses of internal networks, for example.
fn log(claim: WebhookClaim, delivery: &NextDelivery, outcome: &Outcome) {
    let (webhook_id, event_id) = (claim.endpoint, delivery.sent.id());
    match outcome {
        Outcome::Delivered(_) => tracing::debug!(%webhook_id, %event_id, "delivered"),
        Outcome::NoAnswer(no_answer) => {
            let detail = &no_answer.detail;
            tracing::info!(%webhook_id, %event_id, %outcome, detail, "not delivered");
        }
        _ => tracing::info!(%webhook_id, %event_id, %outcome, "not delivered"),
    }
}
