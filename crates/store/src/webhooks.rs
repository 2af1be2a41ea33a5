//! Webhooks: endpoints of users, which events of the log are delivered to, and the delivery log.
//!
//! An endpoint has a place in the log. A worker leases it, sends the event after the place, records what
//! became of it, and moves the place on; whoever lost the lease moves nothing. So the events of an
//! endpoint are sent in the order of the log, each at least once (docs/adr/0019-webhooks.md).
//!
//! | module | subject |
//! | --- | --- |
//! | `deliveries` | the delivery log, and what owners ask to be sent |
//! | `endpoints` | endpoints as their owners set and see them |
//! | `secrets` | signing secrets, and the key that they are encrypted for |
//! | `sending` | what workers send, and what became of it |

mod deliveries;
mod endpoints;
mod secrets;
mod sending;

pub use deliveries::{DeliveryView, WebhookRequestError};
pub use endpoints::{NewWebhook, WebhookChange, WebhookCreateError, WebhookView};
pub use secrets::SecretRotation;
pub use sending::{AfterAttempt, DeliveryAttempt, NextDelivery, Recorded, Sent, WebhookClaim};

#[cfg(test)]
pub(crate) fn statements() -> Vec<crate::statement::Info> {
    [
        deliveries::STATEMENTS,
        endpoints::STATEMENTS,
        secrets::STATEMENTS,
        sending::STATEMENTS,
    ]
    .concat()
}
