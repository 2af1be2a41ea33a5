//! Webhooks: endpoints that events are delivered to, and what became of deliveries. How a delivery is
//! signed and sent is not said here.

use crate::event::EventType;
use crate::words::words;

/// How many endpoints one user may have.
pub const MAX_WEBHOOKS: u16 = 20;

/// The type of the event that is sent on request, to try a receiver. It is in no log.
pub const TEST_EVENT: &str = "webhook.test";

words! {
    /// Why nothing is sent to an endpoint any more.
    pub enum WebhookDisableReason: "reason why a webhook is disabled" {
        /// Its owner wanted it.
        ByOwner = "by_owner",
        /// The receiver answered with status 410.
        Gone = "gone",
        /// Every attempt had failed for three days.
        Failing = "failing",
        /// Its owner was disabled.
        OwnerDisabled = "owner_disabled",
    }
}

words! {
    /// Why something was sent, or was not.
    pub enum DeliveryCause: "cause of a delivery" {
        /// It was the next event of the log.
        Event = "event",
        /// The owner asked for an event once more.
        Redelivery = "redelivery",
        /// The owner asked for a test.
        Test = "test",
        /// Events were too old to be kept before they could be sent.
        Gap = "gap",
    }
}

words! {
    /// What became of an attempt of a delivery.
    pub enum DeliveryOutcome: "outcome of a delivery" {
        /// The receiver has it: a status from 200 to 299.
        Delivered = "delivered",
        /// The receiver wants no more: status 410.
        Gone = "gone",
        /// The receiver wants fewer requests: status 429.
        RateLimited = "rate_limited",
        /// Any other status.
        Refused = "refused",
        /// There was no answer. The receiver may have the delivery nevertheless.
        NoAnswer = "no_answer",
        /// Nothing was sent: the events were not kept any more.
        Skipped = "skipped",
    }
}

/// A signing secret as it is stored: encrypted for the workers' keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedSecret {
    /// The key that it was encrypted for.
    pub key_id: String,
    /// Encapsulated key and ciphertext.
    pub bytes: Vec<u8>,
}

/// Whether events of a type are delivered to endpoints: those of a tenant are, and what is for one user
/// alone is not.
#[must_use]
pub const fn is_delivered(event_type: EventType) -> bool {
    !matches!(event_type, EventType::NotificationCreated)
}
