//! Webhooks: events for receivers that integrators name, signed as [Standard Webhooks] has it.
//!
//! | module | subject |
//! | --- | --- |
//! | `secret` | signing secrets |
//! | `signature` | signing and verifying |
//!
//! [Standard Webhooks]: https://www.standardwebhooks.com

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may panic"))]

mod secret;
mod signature;

pub use secret::{Secret, SecretError};
pub use signature::{
    ID_HEADER, MessageId, MessageIdError, SIGNATURE_HEADER, SignedHeaders, SigningSecrets,
    TIMESTAMP_HEADER, TOLERANCE, VerificationError, verify,
};
