//! Signing secrets, as Standard Webhooks writes them.

use std::fmt;

use atlas_domain::clock::Entropy;
use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use secrecy::SecretString;
use zeroize::{Zeroize, ZeroizeOnDrop};

const PREFIX: &str = "whsec_";

/// Length of a new secret in bytes: that of the hash, as RFC 2104 section 3 recommends.
const NEW_LENGTH: usize = 32;

/// Secrets that people paste have their padding or not.
const PADDED_OR_NOT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The secret that an endpoint's deliveries are signed with. As text it is `whsec_` and the bytes in
/// base64.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret(Vec<u8>);

/// Why a text is no secret. The text itself is never repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It begins otherwise.
    #[error("a signing secret begins with whsec_")]
    Prefix,
    /// What follows the prefix cannot be decoded.
    #[error("what follows whsec_ must be base64 with the characters A-Z, a-z, 0-9, + and /")]
    Encoding,
    /// It is too short or too long.
    #[error(
        "a signing secret has {} to {} bytes; this one has {bytes}",
        Secret::MIN_LENGTH,
        Secret::MAX_LENGTH
    )]
    Length {
        /// How many there are.
        bytes: usize,
    },
}

impl Secret {
    /// Fewest bytes (Standard Webhooks, "Signature scheme").
    pub const MIN_LENGTH: usize = 24;
    /// Most bytes (Standard Webhooks, "Signature scheme").
    pub const MAX_LENGTH: usize = 64;

    /// A new secret of 32 random bytes.
    #[must_use]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = vec![0; NEW_LENGTH];
        entropy.fill(&mut bytes);
        Self(bytes)
    }

    /// Reads `whsec_` and 24 to 64 bytes in base64, with or without padding.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let encoded = text.strip_prefix(PREFIX).ok_or(SecretError::Prefix)?;
        let bytes = PADDED_OR_NOT.decode(encoded);
        let secret = Self(bytes.map_err(|_| SecretError::Encoding)?);
        let bytes = secret.0.len();
        if !(Self::MIN_LENGTH..=Self::MAX_LENGTH).contains(&bytes) {
            return Err(SecretError::Length { bytes });
        }
        Ok(secret)
    }

    /// The text that [`Self::parse`] reads, to be stored encrypted and to be shown once.
    #[must_use]
    pub fn to_text(&self) -> SecretString {
        let mut text = String::with_capacity(PREFIX.len() + self.0.len().div_ceil(3) * 4);
        text.push_str(PREFIX);
        STANDARD.encode_string(&self.0, &mut text);
        text.into()
    }

    /// The key of the signature.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    use super::*;

    struct Counting;

    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            for (byte, value) in bytes.iter_mut().zip(1..) {
                *byte = value;
            }
        }
    }

    fn text_of(bytes: &[u8]) -> String {
        format!("whsec_{}", STANDARD.encode(bytes))
    }

    #[test]
    fn a_new_secret_is_the_given_randomness_and_is_read_back() {
        let secret = Secret::generate(&Counting);
        let text = secret.to_text();
        assert_eq!(
            text.expose_secret(),
            "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
        );
        let read = Secret::parse(text.expose_secret()).unwrap();
        assert_eq!(read.bytes(), (1..=32).collect::<Vec<u8>>());
    }

    #[test]
    fn what_is_no_secret_is_refused_with_the_reason() {
        for (text, reason) in [
            (STANDARD.encode([7; 32]), SecretError::Prefix),
            (
                format!("WHSEC_{}", STANDARD.encode([7; 32])),
                SecretError::Prefix,
            ),
            ("whsec_not base64".to_owned(), SecretError::Encoding),
            (
                "whsec_____________________________________".to_owned(),
                SecretError::Encoding,
            ),
            (format!(" {}", text_of(&[7; 32])), SecretError::Prefix),
            ("whsec_".to_owned(), SecretError::Length { bytes: 0 }),
            (text_of(&[7; 23]), SecretError::Length { bytes: 23 }),
            (text_of(&[7; 65]), SecretError::Length { bytes: 65 }),
        ] {
            assert_eq!(Secret::parse(&text).unwrap_err(), reason, "{text}");
        }
        let reason = SecretError::Length { bytes: 65 }.to_string();
        assert_eq!(
            reason,
            "a signing secret has 24 to 64 bytes; this one has 65"
        );
    }

    #[test]
    fn neither_a_secret_nor_an_error_shows_what_was_read() {
        let secret = Secret::parse(&text_of(b"0123456789abcdefghijklmnopqrstuv")).unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(redacted)");
        let error = Secret::parse(&text_of(b"short and secret")).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(
            !shown.contains("c2hvcnQ") && !shown.contains("short"),
            "{shown}"
        );
    }

    proptest! {
        #[test]
        fn every_secret_is_read_back_with_padding_and_without(
            bytes in proptest::collection::vec(any::<u8>(), 24..=64),
        ) {
            let secret = Secret::parse(&text_of(&bytes)).unwrap();
            prop_assert_eq!(secret.bytes(), &bytes);
            let text = secret.to_text();
            prop_assert_eq!(text.expose_secret(), &text_of(&bytes));
            let bare = Secret::parse(text.expose_secret().trim_end_matches('='));
            let bare = bare.unwrap();
            prop_assert_eq!(bare.bytes(), &bytes);
        }
    }
}
