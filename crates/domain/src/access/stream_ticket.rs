//! Stream tickets: `tst_`, random characters and a checksum, as API tokens have them. A browser sends one in
//! the address of a stream, where it cannot send a header. Only the SHA-256 is stored.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::checked_text;
use crate::clock::Entropy;

const PREFIX: &str = "tst_";

/// The ticket that a caller presents. Its `Debug` shows nothing.
pub struct StreamTicket(SecretString);

/// What is stored and looked up instead of a ticket.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TicketHash([u8; 32]);

/// The text is not a ticket that this service can have issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a well-formed stream ticket")]
pub struct MalformedTicket;

impl StreamTicket {
    /// Makes a new ticket.
    #[must_use]
    pub fn mint(entropy: &dyn Entropy) -> Self {
        Self(SecretString::from(checked_text::mint(PREFIX, entropy)))
    }

    /// Reads a presented ticket.
    ///
    /// # Errors
    /// [`MalformedTicket`] when prefix, length, alphabet or checksum do not fit.
    pub fn parse(text: &str) -> Result<Self, MalformedTicket> {
        if !checked_text::is_well_formed(PREFIX, text) {
            return Err(MalformedTicket);
        }
        Ok(Self(SecretString::from(text)))
    }

    /// What is stored and looked up.
    #[must_use]
    pub fn hash(&self) -> TicketHash {
        TicketHash(Sha256::digest(self.0.expose_secret().as_bytes()).into())
    }

    /// The ticket itself, for the caller who asked for it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for StreamTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamTicket([REDACTED])")
    }
}

impl TicketHash {
    /// The bytes, for a row.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TicketHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::super::api_token::ApiToken;
    use super::*;
    use crate::clock::SystemEntropy;

    #[test]
    fn a_ticket_is_read_again_and_is_no_token() {
        let ticket = StreamTicket::mint(&SystemEntropy);
        let text = ticket.reveal().to_owned();
        assert_eq!(StreamTicket::parse(&text).unwrap().hash(), ticket.hash());
        assert!(ApiToken::parse(&text).is_err());
        let token = ApiToken::mint(&SystemEntropy);
        assert!(StreamTicket::parse(token.reveal()).is_err());
        assert!(!format!("{ticket:?}").contains(&text[4..]));
    }
}
