//! Signing and verifying, by the scheme `v1` of [Standard Webhooks][spec]: HMAC-SHA256 over
//! `id.timestamp.body`.
//!
//! The crate `standardwebhooks` does the same, but reads the machine's clock and signs with one secret
//! only.
//!
//! [spec]: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use crate::secret::Secret;

/// The header with the identifier of the message, which is the same in every attempt at it.
pub const ID_HEADER: &str = "webhook-id";
/// The header with the moment of the attempt, in seconds since 1970.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// The header with the signatures, separated by spaces.
pub const SIGNATURE_HEADER: &str = "webhook-signature";

/// How far the clocks of sender and receiver may differ, as the libraries of Standard Webhooks have
/// it.
pub const TOLERANCE: Duration = Duration::from_secs(5 * 60);

const SCHEME: &str = "v1,";

/// Identifier of a message: 1 to 64 letters, digits, `_` and `-`. A dot would let another message
/// have the same signature.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MessageId(String);

/// A text that is no [`MessageId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message id has 1 to 64 letters, digits, _ and -")]
pub struct MessageIdError;

impl MessageId {
    /// The identifier, as it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Uuid> for MessageId {
    fn from(id: Uuid) -> Self {
        Self(id.to_string())
    }
}

impl FromStr for MessageId {
    type Err = MessageIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if (1..=64).contains(&text.len()) && text.bytes().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err(MessageIdError)
        }
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an endpoint's deliveries are signed with.
#[derive(Debug, Clone)]
pub struct SigningSecrets {
    /// The secret that receivers should know.
    pub current: Secret,
    /// The one before, while receivers may still have it: both sign.
    pub previous: Option<Secret>,
}

impl SigningSecrets {
    /// The value of [`SIGNATURE_HEADER`]: one signature for each secret, the current one's first.
    #[must_use]
    pub fn sign(&self, id: &MessageId, at: DateTime<Utc>, body: &[u8]) -> String {
        let timestamp = at.timestamp().to_string();
        let secrets = [Some(&self.current), self.previous.as_ref()];
        let signatures = secrets.into_iter().flatten().map(|secret| {
            let mac = authenticate(secret, id.as_str(), &timestamp, body);
            format!("{SCHEME}{}", STANDARD.encode(mac.finalize().into_bytes()))
        });
        signatures.collect::<Vec<_>>().join(" ")
    }
}

/// The three headers of a delivery, as they were received.
#[derive(Debug, Clone, Copy)]
pub struct SignedHeaders<'a> {
    /// Value of [`ID_HEADER`].
    pub id: &'a str,
    /// Value of [`TIMESTAMP_HEADER`].
    pub timestamp: &'a str,
    /// Value of [`SIGNATURE_HEADER`].
    pub signature: &'a str,
}

/// Why a delivery must not be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerificationError {
    /// The timestamp is no number.
    #[error("webhook-timestamp is not a number of seconds")]
    Timestamp,
    /// It may be an earlier delivery that somebody sends again.
    #[error("webhook-timestamp is too long ago")]
    TooOld,
    /// The clocks differ by more than the tolerance.
    #[error("webhook-timestamp is too far in the future")]
    TooNew,
    /// There is nothing to compare with.
    #[error("webhook-signature has no signature of the scheme v1")]
    NoSignature,
    /// The secret is another one, or id, timestamp or body were changed.
    #[error("no signature in webhook-signature is that of this id, timestamp and body")]
    Mismatch,
}

/// Checks a delivery as a receiver has to: the timestamp is at most `tolerance` from `now`, and one of
/// the `v1` signatures is that of `secret`. Signatures are compared in constant time; those of other
/// schemes are passed over.
///
/// # Errors
/// [`VerificationError`].
pub fn verify(
    secret: &Secret,
    headers: SignedHeaders<'_>,
    body: &[u8],
    now: DateTime<Utc>,
    tolerance: Duration,
) -> Result<(), VerificationError> {
    let timestamp: i64 = headers
        .timestamp
        .parse()
        .map_err(|_| VerificationError::Timestamp)?;
    let distance = now.timestamp().abs_diff(timestamp);
    if distance > tolerance.as_secs() {
        return Err(if timestamp < now.timestamp() {
            VerificationError::TooOld
        } else {
            VerificationError::TooNew
        });
    }
    let mut signatures = headers
        .signature
        .split(' ')
        .filter_map(|signature| signature.strip_prefix(SCHEME))
        .peekable();
    if signatures.peek().is_none() {
        return Err(VerificationError::NoSignature);
    }
    let mac = authenticate(secret, headers.id, headers.timestamp, body);
    let matches = |encoded: &str| {
        STANDARD
            .decode(encoded)
            .is_ok_and(|signature| mac.clone().verify_slice(&signature).is_ok())
    };
    if signatures.any(matches) {
        Ok(())
    } else {
        Err(VerificationError::Mismatch)
    }
}

/// The code that authenticates `id.timestamp.body`.
fn authenticate(secret: &Secret, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.bytes()).expect("HMAC takes keys of any length");
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    mac
}

#[cfg(test)]
mod tests;
