//! What workers send, and what became of it. Every statement that changes an endpoint's place checks the
//! lease, and none is open while something is sent.

use std::time::Duration;

use atlas_domain::audit::{ActorKind, AuditAction};
use atlas_domain::event::EventType;
use atlas_domain::ids::{DeliveryId, EventId, LeaseToken, RunId, TenantId, WebhookId};
use atlas_domain::notification::{self, WEBHOOK_DISABLED};
use atlas_domain::webhook::{DeliveryCause, DeliveryOutcome, SealedSecret, WebhookDisableReason};
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use crate::error::StoreError;
use crate::events::{EventPlace, EventView};
use crate::pool::Store;
use crate::runs::milliseconds;
use crate::statement::{CountRow, fetch_one, row, statement};
#[cfg(test)]
use crate::statement::{Info, Statement};

/// How far an endpoint may be behind the end of the log before it is moved there, while nothing is for it.
/// Nearer ones are left where they are, so that a log that grows does not write all endpoints anew.
const FAR: &str = "500";

/// What the delivery log says of events that were deleted before they were sent.
const GAP: &str = "events that were older than the log keeps were not sent";

/// An endpoint that a worker has leased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookClaim {
    pub endpoint: WebhookId,
    pub token: LeaseToken,
}

/// What to send.
#[derive(Debug, Clone, PartialEq)]
pub enum Sent {
    /// An event of the log.
    Event(EventView),
    /// A test that the owner asked for.
    Test { id: EventId, at: DateTime<Utc> },
}

/// The next delivery of an endpoint.
#[derive(Debug, Clone)]
pub struct NextDelivery {
    pub sent: Sent,
    /// The request of the owner that it answers; absent: it is the next event of the log.
    request: Option<Uuid>,
    pub url: String,
    /// What links begin with.
    pub public_url: String,
    pub secret: SealedSecret,
    /// The secret before, while both sign.
    pub previous_secret: Option<SealedSecret>,
    /// Failed attempts of this event so far.
    pub failures: u32,
    /// When the first of them ended.
    pub failing_since: Option<DateTime<Utc>>,
}

/// What became of an attempt.
#[derive(Debug, Clone)]
pub struct DeliveryAttempt {
    pub outcome: DeliveryOutcome,
    /// Of HTTP.
    pub status: Option<u16>,
    /// A sentence for the owner.
    pub detail: String,
    pub took: Duration,
    pub after: AfterAttempt,
    /// Scheme, host and port of the receiver, for a notification.
    pub receiver: String,
}

/// What follows an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterAttempt {
    /// The next event.
    Done,
    /// The same one, after so long.
    RetryIn(Duration),
    /// Nothing: the endpoint is disabled, and its owner notified.
    Disable(WebhookDisableReason),
}

/// How recording an attempt went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// The lease goes on.
    GoOn,
    /// The lease has ended: the endpoint waits, or is disabled.
    Ended,
    /// The lease was somebody else's already, and nothing was recorded.
    Lost,
}

statement! {
    struct AnyActive {}
    file: "webhooks/any_active",
    row: FoundRow,
}

row! {
    struct FoundRow {
        found: bool,
    }
}

statement! {
    struct Claim {
        most: i64,
        token: Uuid,
        lease_ms: i64,
    }
    file: "webhooks/claim",
    row: ClaimedRow,
    pieces: ["webhooks/pieces/log", "webhooks/pieces/next_event"],
    constants: [
        gap = DeliveryCause::Gap.as_str(),
        skipped = DeliveryOutcome::Skipped.as_str(),
        gap_detail = GAP,
        owner_disabled = WebhookDisableReason::OwnerDisabled.as_str(),
        actor = ActorKind::Worker.as_str(),
        action = AuditAction::WebhookDisabled.as_str(),
        far = FAR,
    ],
}

row! {
    struct ClaimedRow {
        id: Uuid,
    }
}

statement! {
    struct Next {
        endpoint: Uuid,
        token: Uuid,
        lease_ms: i64,
    }
    file: "webhooks/next_delivery",
    row: NextRow,
    pieces: ["webhooks/pieces/log", "webhooks/pieces/next_event"],
}

row! {
    struct NextRow {
        request_id: Option<Uuid>,
        event_id: Uuid,
        position: Option<i64>,
        mark: Option<i64>,
        event_type: Option<String>,
        occurred_at: DateTime<Utc>,
        tenant_id: Option<Uuid>,
        run_id: Option<Uuid>,
        data: Option<Value>,
        url: String,
        public_url: String,
        key_id: String,
        secret: Vec<u8>,
        failures: i32,
        failing_since: Option<DateTime<Utc>>,
        previous_key_id: Option<String>,
        previous_secret: Option<Vec<u8>>,
    }
}

statement! {
    struct Release {
        endpoint: Uuid,
        token: Uuid,
    }
    file: "webhooks/release",
    row: (),
}

statement! {
    struct Record<'a> {
        endpoint: Uuid,
        token: Uuid,
        delivered: bool,
        in_order: bool,
        keep: bool,
        position: Option<i64>,
        wait_ms: i64,
        disable: Option<&'static str>,
        request: Option<Uuid>,
        delivery: Uuid,
        tenant: Option<Uuid>,
        cause: &'static str,
        event: Uuid,
        event_type: &'a str,
        attempt: i32,
        outcome: &'static str,
        status: Option<i32>,
        detail: &'a str,
        took_ms: i32,
    }
    file: "webhooks/record",
    row: CountRow,
}

statement! {
    struct NotifyDisabled {
        endpoint: Uuid,
        tenant: Option<Uuid>,
        notification: Uuid,
        title: String,
        body: String,
        audit: Uuid,
        reason: &'static str,
    }
    file: "webhooks/notify_disabled",
    row: CountRow,
    pieces: ["events/pieces/of_notices"],
    constants: [
        notice = WEBHOOK_DISABLED,
        notified = EventType::NotificationCreated.as_str(),
        actor = ActorKind::Worker.as_str(),
        action = AuditAction::WebhookDisabled.as_str(),
    ],
}

impl NextRow {
    fn into_next(self) -> Result<NextDelivery, StoreError> {
        let id = EventId::from_uuid(self.event_id);
        let sent = match (self.position, self.mark, self.event_type, self.tenant_id) {
            (Some(position), Some(mark), Some(event_type), Some(tenant)) => {
                Sent::Event(EventView {
                    id,
                    place: EventPlace { position, mark },
                    event_type,
                    occurred_at: self.occurred_at,
                    tenant_id: TenantId::from_uuid(tenant),
                    run_id: self.run_id.map(RunId::from_uuid),
                    data: self.data.unwrap_or_default(),
                })
            }
            (None, None, None, None) => Sent::Test {
                id,
                at: self.occurred_at,
            },
            _ => {
                return Err(StoreError::corrupt(
                    "webhook delivery",
                    "a part of it is missing",
                ));
            }
        };
        let previous = self.previous_key_id.zip(self.previous_secret);
        Ok(NextDelivery {
            sent,
            request: self.request_id,
            url: self.url,
            public_url: self.public_url,
            secret: SealedSecret {
                key_id: self.key_id,
                bytes: self.secret,
            },
            previous_secret: previous.map(|(key_id, bytes)| SealedSecret { key_id, bytes }),
            failures: self.failures.unsigned_abs(),
            failing_since: self.failing_since,
        })
    }
}

impl NextDelivery {
    /// Why it is sent.
    #[must_use]
    pub const fn cause(&self) -> DeliveryCause {
        match (&self.sent, self.request) {
            (Sent::Test { .. }, _) => DeliveryCause::Test,
            (Sent::Event(_), Some(_)) => DeliveryCause::Redelivery,
            (Sent::Event(_), None) => DeliveryCause::Event,
        }
    }

    /// Whether it is the next event of the log, which others wait for.
    const fn is_in_order(&self) -> bool {
        self.request.is_none()
    }

    /// Which attempt of its event the next one is, from 1. A request is attempted once.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        if self.is_in_order() {
            self.failures.saturating_add(1)
        } else {
            1
        }
    }
}

impl Sent {
    /// The same in every attempt.
    #[must_use]
    pub const fn id(&self) -> EventId {
        match self {
            Self::Event(event) => event.id,
            Self::Test { id, .. } => *id,
        }
    }

    /// A word of [`EventType`], one of a later version, or that of tests.
    #[must_use]
    pub fn event_type(&self) -> &str {
        match self {
            Self::Event(event) => &event.event_type,
            Self::Test { .. } => atlas_domain::webhook::TEST_EVENT,
        }
    }

    fn place(&self) -> (Option<i64>, Option<Uuid>) {
        match self {
            Self::Event(event) => (
                Some(event.place.position),
                Some(event.tenant_id.into_uuid()),
            ),
            Self::Test { .. } => (None, None),
        }
    }
}

impl Store {
    /// Leases endpoints that have something to be sent, at most so many. `None` when no endpoint is
    /// active.
    ///
    /// # Errors
    /// [`StoreError`]; trying again is safe.
    pub async fn claim_webhooks(
        &self,
        lease: Duration,
        most: u16,
    ) -> Result<Option<Vec<WebhookClaim>>, StoreError> {
        if !self.fetch_one(&AnyActive {}).await?.found {
            return Ok(None);
        }
        self.number_events().await?;
        let token = self.mint();
        let claim = Claim {
            most: most.into(),
            token,
            lease_ms: milliseconds(lease),
        };
        let claimed = self.fetch_all(&claim).await?.into_iter();
        let claimed = claimed.map(|row| WebhookClaim {
            endpoint: WebhookId::from_uuid(row.id),
            token: LeaseToken::from_uuid(token),
        });
        Ok(Some(claimed.collect()))
    }

    /// What to send to the endpoint now, with the lease renewed. `None` when there is nothing, and the
    /// lease has ended, or when it was lost.
    ///
    /// # Errors
    /// [`StoreError`]; trying again is safe.
    pub async fn next_delivery(
        &self,
        claim: WebhookClaim,
        lease: Duration,
    ) -> Result<Option<NextDelivery>, StoreError> {
        self.number_events().await?;
        let next = Next {
            endpoint: claim.endpoint.into_uuid(),
            token: claim.token.into_uuid(),
            lease_ms: milliseconds(lease),
        };
        let row = self.fetch_optional(&next).await?;
        row.map(NextRow::into_next).transpose()
    }

    /// Ends a lease before there is nothing to be sent.
    ///
    /// # Errors
    /// [`StoreError`]; the lease ends by itself then.
    pub async fn release_webhook(&self, claim: WebhookClaim) -> Result<(), StoreError> {
        let release = Release {
            endpoint: claim.endpoint.into_uuid(),
            token: claim.token.into_uuid(),
        };
        self.execute(&release).await?;
        Ok(())
    }

    /// Records what became of a delivery, and moves the endpoint on. Notifies its owner when it is
    /// disabled.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was recorded then.
    pub async fn record_delivery(
        &self,
        claim: WebhookClaim,
        delivery: &NextDelivery,
        attempt: &DeliveryAttempt,
    ) -> Result<Recorded, StoreError> {
        let (position, tenant) = delivery.sent.place();
        let in_order = delivery.is_in_order();
        let (wait, disable) = match attempt.after {
            AfterAttempt::Done => (Duration::ZERO, None),
            AfterAttempt::RetryIn(wait) => (wait, None),
            AfterAttempt::Disable(reason) => (Duration::ZERO, Some(reason)),
        };
        let delivered = attempt.outcome == DeliveryOutcome::Delivered;
        let keep = disable.is_none() && (delivered || !in_order);
        let record = Record {
            endpoint: claim.endpoint.into_uuid(),
            token: claim.token.into_uuid(),
            delivered,
            in_order,
            keep,
            position,
            wait_ms: milliseconds(wait),
            disable: disable.map(WebhookDisableReason::as_str),
            request: delivery.request,
            delivery: DeliveryId::from_uuid(self.mint()).into_uuid(),
            tenant,
            cause: delivery.cause().as_str(),
            event: delivery.sent.id().into_uuid(),
            event_type: delivery.sent.event_type(),
            attempt: i32::try_from(delivery.attempt()).unwrap_or(i32::MAX),
            outcome: attempt.outcome.as_str(),
            status: attempt.status.map(i32::from),
            detail: &attempt.detail,
            took_ms: i32::try_from(attempt.took.as_millis()).unwrap_or(i32::MAX),
        };
        let Some(reason) = disable else {
            return Ok(match (self.fetch_one(&record).await?.count, keep) {
                (0, _) => Recorded::Lost,
                (_, true) => Recorded::GoOn,
                (_, false) => Recorded::Ended,
            });
        };
        let message = notification::webhook_disabled(&attempt.receiver, reason);
        let notify = NotifyDisabled {
            endpoint: record.endpoint,
            tenant,
            notification: self.mint(),
            title: message.title,
            body: message.body,
            audit: self.mint(),
            reason: reason.as_str(),
        };
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        if fetch_one(&transaction, &record).await?.count == 0 {
            return Ok(Recorded::Lost);
        }
        fetch_one(&transaction, &notify).await?;
        transaction.commit().await?;
        Ok(Recorded::Ended)
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] = &[
    <AnyActive as Statement>::INFO,
    <Claim as Statement>::INFO,
    <Next as Statement>::INFO,
    <Release as Statement>::INFO,
    <Record<'_> as Statement>::INFO,
    <NotifyDisabled as Statement>::INFO,
];
