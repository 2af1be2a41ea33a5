//! Webhooks: events for receivers that integrators name, signed as [Standard Webhooks] has it.
//!
//! This crate signs a delivery, sends it once, and says when to try again. What is to be delivered,
//! in which order, and what became of it is stored by those who use it:
//!
//! ```no_run
//! # use atlas_domain::clock::{Clock, SystemClock, SystemEntropy};
//! # use atlas_webhooks::{Address, Delivery, Failures, MessageId, Next, Sender, SigningSecrets, next};
//! # async fn deliver(sender: &Sender, address: &Address, id: &MessageId, secrets: &SigningSecrets,
//! #     body: bytes::Bytes, failures: Failures) -> Next {
//! let at = SystemClock.now();
//! let attempt = sender.send(&Delivery { address, id, at, body, secrets }).await;
//! println!("{} after {:?}", attempt.outcome, attempt.took);
//! next(&attempt.outcome, failures, SystemClock.now(), &SystemEntropy)
//! # }
//! ```
//!
//! What is absent here, and must stay absent: a request that is not https, a connection to an address
//! that was not checked, a redirect that is followed, a proxy, an answer that is decompressed or read
//! without a limit, and a secret in a text.
//!
//! | module | subject |
//! | --- | --- |
//! | `address` | where an endpoint receives its deliveries |
//! | `attempt` | what became of an attempt to deliver |
//! | `networks` | which addresses deliveries may be sent to |
//! | `resolver` | from names to addresses that may be connected to |
//! | `schedule` | when a delivery is tried again, and when its endpoint is disabled |
//! | `sealing` | signing secrets at rest, which only workers can read |
//! | `secret` | signing secrets |
//! | `sender` | sending a delivery |
//! | `signature` | signing and verifying |
//!
//! [Standard Webhooks]: https://www.standardwebhooks.com

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

mod address;
mod attempt;
mod networks;
mod resolver;
mod schedule;
mod sealing;
mod secret;
mod sender;
mod signature;

pub use address::{Address, AddressError};
pub use attempt::{Answer, Attempt, NoAnswer, NoAnswerCause, Outcome};
pub use networks::{NetworkKind, NetworksError, PermittedNetworks, RefusedAddress};
pub use resolver::{LookUp, Names, SystemNames};
pub use schedule::{DisableReason, Failures, GIVE_UP_AFTER, LONGEST_RETRY_AFTER, Next, next};
pub use sealing::{OpeningKeys, SealingError, SealingKey};
pub use secret::{Secret, SecretError};
pub use sender::{Delivery, Sender, SenderError, SenderOptions};
pub use signature::{
    ID_HEADER, MessageId, MessageIdError, SIGNATURE_HEADER, SignedHeaders, SigningSecrets,
    TIMESTAMP_HEADER, TOLERANCE, VerificationError, verify,
};
