//! Webhooks: events for receivers that integrators name, signed as [Standard Webhooks] has it.
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
mod secret;
mod sender;
mod signature;

pub use address::{Address, AddressError};
pub use attempt::{Answer, Attempt, NoAnswer, NoAnswerCause, Outcome};
pub use networks::{NetworkKind, NetworksError, PermittedNetworks, RefusedAddress};
pub use resolver::{LookUp, Names, SystemNames};
pub use secret::{Secret, SecretError};
pub use sender::{Delivery, Sender, SenderError, SenderOptions};
pub use signature::{
    ID_HEADER, MessageId, MessageIdError, SIGNATURE_HEADER, SignedHeaders, SigningSecrets,
    TIMESTAMP_HEADER, TOLERANCE, VerificationError, verify,
};
