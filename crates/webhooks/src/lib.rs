//! Webhooks: events for receivers that integrators name, signed as [Standard Webhooks] has it.
//!
//! | module | subject |
//! | --- | --- |
//! | `address` | where an endpoint receives its deliveries |
//! | `networks` | which addresses deliveries may be sent to |
//! | `secret` | signing secrets |
//! | `signature` | signing and verifying |
//!
//! [Standard Webhooks]: https://www.standardwebhooks.com

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

mod address;
mod networks;
mod secret;
mod signature;

pub use address::{Address, AddressError};
pub use networks::{NetworkKind, NetworksError, PermittedNetworks, RefusedAddress};
pub use secret::{Secret, SecretError};
pub use signature::{
    ID_HEADER, MessageId, MessageIdError, SIGNATURE_HEADER, SignedHeaders, SigningSecrets,
    TIMESTAMP_HEADER, TOLERANCE, VerificationError, verify,
};
