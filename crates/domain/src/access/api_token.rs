//! API tokens: `tap_`, 30 random base-62 characters (178 bits) and a checksum of 6, so that a
//! mistyped token is refused without a look into the database. Only the SHA-256 is stored.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::checked_text;
use crate::clock::Entropy;

const PREFIX: &str = "tap_";

/// The secret that a caller presents. Its `Debug` shows nothing.
pub struct ApiToken(SecretString);

/// What is stored and looked up instead of a token.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

/// The text is not a token that this service can have issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a well-formed API token")]
pub struct MalformedToken;

impl ApiToken {
    /// Makes a new token.
    #[must_use]
    pub fn mint(entropy: &dyn Entropy) -> Self {
        Self(SecretString::from(checked_text::mint(PREFIX, entropy)))
    }

    /// Reads a presented token.
    ///
    /// # Errors
    /// [`MalformedToken`] when prefix, length, alphabet or checksum do not fit.
    pub fn parse(text: &str) -> Result<Self, MalformedToken> {
        if !checked_text::is_well_formed(PREFIX, text) {
            return Err(MalformedToken);
        }
        Ok(Self(SecretString::from(text)))
    }

    /// What is stored and looked up.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0.expose_secret().as_bytes()).into())
    }

    /// The last four characters, by which a person recognises a token in a list.
    #[must_use]
    pub fn last_four(&self) -> String {
        let text = self.0.expose_secret();
        text[text.len() - 4..].to_owned()
    }

    /// The token itself, to be shown once to the person it was made for.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiToken([REDACTED])")
    }
}

impl TokenHash {
    /// The bytes, for a row.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemEntropy;

    #[test]
    fn a_minted_token_parses_and_every_single_character_change_is_refused() {
        let token = ApiToken::mint(&SystemEntropy);
        let text = token.reveal().to_owned();
        assert_eq!(ApiToken::parse(&text).unwrap().hash(), token.hash());
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'x' { b'y' } else { b'x' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(ApiToken::parse(&changed).is_err(), "{at}");
        }
        assert!(!format!("{token:?}").contains(&text[4..]));
    }

    #[test]
    fn foreign_text_is_refused() {
        for text in [
            "",
            "tap_",
            "Bearer",
            "tap_ü",
            &format!("tap_{}", "a".repeat(36)),
        ] {
            assert!(ApiToken::parse(text).is_err(), "{text}");
        }
    }
}
