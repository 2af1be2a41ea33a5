//! API tokens: `tap_`, 30 random base-62 characters (178 bits) and a checksum of 6, so that a
//! mistyped token is refused without a look into the database. Only the SHA-256 is stored.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::clock::Entropy;

const PREFIX: &str = "tap_";
const RANDOM_LENGTH: usize = 30;
const CHECKSUM_LENGTH: usize = 6;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

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
        let mut text = String::with_capacity(PREFIX.len() + RANDOM_LENGTH + CHECKSUM_LENGTH);
        text.push_str(PREFIX);
        while text.len() < PREFIX.len() + RANDOM_LENGTH {
            let mut byte = [0_u8; 1];
            entropy.fill(&mut byte);
            // 248 is the largest multiple of 62 in a byte: beyond it the draw would be skewed.
            if byte[0] < 248 {
                text.push(char::from(ALPHABET[usize::from(byte[0] % 62)]));
            }
        }
        let checksum = checksum(&text);
        text.push_str(&checksum);
        Self(SecretString::from(text))
    }

    /// Reads a presented token.
    ///
    /// # Errors
    /// [`MalformedToken`] when prefix, length, alphabet or checksum do not fit.
    pub fn parse(text: &str) -> Result<Self, MalformedToken> {
        let body = text.strip_prefix(PREFIX).ok_or(MalformedToken)?;
        let well_formed = body.len() == RANDOM_LENGTH + CHECKSUM_LENGTH
            && body.bytes().all(|byte| ALPHABET.contains(&byte));
        if !well_formed {
            return Err(MalformedToken);
        }
        let (signed, given) = text.split_at(PREFIX.len() + RANDOM_LENGTH);
        if checksum(signed) != given {
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

/// CRC-32 in base 62, most significant digit first. 62^6 exceeds 2^32, so six digits always fit.
fn checksum(signed: &str) -> String {
    let mut rest = crc32fast::hash(signed.as_bytes());
    let mut digits = [b'0'; CHECKSUM_LENGTH];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[(rest % 62) as usize];
        rest /= 62;
    }
    digits.iter().map(|&digit| char::from(digit)).collect()
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
