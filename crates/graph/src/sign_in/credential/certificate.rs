//! A certificate and the assertions that it signs.
//!
//! Source: Microsoft identity platform, "Microsoft identity platform application authentication
//! certificate credentials".

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, crypto};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sha2::{Digest, Sha256};
use x509_parser::der_parser::ber::BerObjectContent;
use x509_parser::der_parser::der::parse_der;
use x509_parser::parse_x509_certificate;
use x509_parser::pem::Pem;
use zeroize::Zeroizing;

use super::claims::Claims;
use crate::error::SignInCause;

/// How long an assertion is valid. It is used at once.
const LIFE: TimeDelta = TimeDelta::minutes(5);

/// The clocks of Microsoft Entra may be a little behind.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);

/// The shortest RSA key that is used. Shorter ones are not signed with: NIST SP 800-57 part 1.
const SHORTEST_KEY: usize = 2_048;

/// Certificates of a chain that are looked at.
const MOST_CERTIFICATES: usize = 16;

/// A certificate with its private RSA key. Cheap to clone; `Debug` does not show the key.
#[derive(Clone)]
pub struct ClientCertificate(Arc<Inner>);

struct Inner {
    key: EncodingKey,
    /// SHA-256 over the certificate's DER.
    thumbprint: [u8; 32],
    not_after: DateTime<Utc>,
}

/// Why a text is no certificate that an application can prove itself with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// There is no certificate, or it cannot be read.
    #[error("there is no readable certificate (a block CERTIFICATE) in the file")]
    NoCertificate,
    /// There is no private key.
    #[error("there is no private key (a block PRIVATE KEY) in the file")]
    NoKey,
    /// The private key is protected by a password.
    #[error("the private key is encrypted; store it without a password")]
    Encrypted,
    /// The private key cannot be used for RSA signatures.
    #[error("the private key is no readable RSA key, which is what Microsoft Entra accepts")]
    NotRsa,
    /// The private key is an RSA key that is not safe any more.
    #[error("the RSA key is too short: it has {bits} bits, and at least 2048 are needed")]
    TooShort {
        /// The length of its modulus.
        bits: usize,
    },
    /// The text is a PFX file in base64, as some stores of secrets give it out.
    #[error("the file is a PFX file (PKCS #12) in base64, and PEM is needed")]
    Pfx,
    /// No certificate belongs to the private key.
    #[error("the private key belongs to none of the certificates in the file")]
    Mismatch,
}

impl CertificateError {
    /// What to do, and where.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Pfx => {
                "Convert it with: base64 -d FILE > FILE.pfx && openssl pkcs12 -in FILE.pfx -out \
                 FILE.pem -nodes (with -legacy for a file of an older Windows), put FILE.pem into \
                 the workers' credentials directory and name it with: atlas tenant credentials set"
            }
            Self::TooShort { .. } => {
                "Make a new RSA key of at least 2048 bits with its certificate, upload the \
                 certificate to the application in Microsoft Entra, and put both as one PEM file \
                 into the workers' credentials directory."
            }
            _ => {
                "Put one PEM file with the certificate and its private RSA key, without a \
                 password, into the workers' credentials directory."
            }
        }
    }
}

/// Whether the bytes begin as a PFX file does: a sequence with the version 3 of PKCS #12
/// (RFC 7292, section 4).
#[must_use]
pub fn is_pfx(bytes: &[u8]) -> bool {
    let rest = match bytes {
        // The length in one byte, in one to four bytes that follow, or at the end (BER).
        [0x30, 0x80, rest @ ..] => rest,
        [0x30, length @ 0x81..=0x84, rest @ ..] => {
            rest.get(usize::from(length & 0x0f)..).unwrap_or_default()
        }
        [0x30, 0x00..=0x7f, rest @ ..] => rest,
        _ => return false,
    };
    rest.starts_with(&[0x02, 0x01, 0x03])
}

impl ClientCertificate {
    /// Reads PEM text that holds a private RSA key (PKCS #8 or PKCS #1, without a password) and its
    /// certificate, in any order. Other certificates, such as those of a chain, are passed over, and
    /// so are byte order marks, which editors of Windows put before a text.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn from_pem(text: &SecretString) -> Result<Self, CertificateError> {
        let text = Zeroizing::new(text.expose_secret().replace('\u{feff}', ""));
        let block = key_block(&text)?;
        if let Some(bits) = modulus_bits(&block)
            && bits < SHORTEST_KEY
        {
            return Err(CertificateError::TooShort { bits });
        }
        let key =
            EncodingKey::from_rsa_pem(block.as_bytes()).map_err(|_| CertificateError::NotRsa)?;
        let probe = b"whose key is this?";
        let signed =
            crypto::sign(probe, &key, Algorithm::PS256).map_err(|_| CertificateError::NotRsa)?;
        let mut any = false;
        for pem in Pem::iter_from_buffer(text.as_bytes()).take(MOST_CERTIFICATES) {
            let Ok(pem) = pem else { break };
            if pem.label != "CERTIFICATE" {
                drop(Zeroizing::new(pem.contents));
                continue;
            }
            let Ok((_, certificate)) = parse_x509_certificate(&pem.contents) else {
                continue;
            };
            any = true;
            let public =
                DecodingKey::from_rsa_der(&certificate.public_key().subject_public_key.data);
            if !crypto::verify(&signed, probe, &public, Algorithm::PS256).unwrap_or(false) {
                continue;
            }
            let end = certificate.validity().not_after.timestamp();
            return Ok(Self(Arc::new(Inner {
                key,
                thumbprint: Sha256::digest(&pem.contents).into(),
                not_after: DateTime::from_timestamp(end, 0).unwrap_or(DateTime::<Utc>::MAX_UTC),
            })));
        }
        Err(if any {
            CertificateError::Mismatch
        } else {
            CertificateError::NoCertificate
        })
    }

    /// When the certificate ends.
    #[must_use]
    pub fn not_after(&self) -> DateTime<Utc> {
        self.0.not_after
    }

    pub(super) fn thumbprint(&self) -> &[u8; 32] {
        &self.0.thumbprint
    }

    /// Signs an assertion.
    ///
    /// # Errors
    /// [`SignInCause::CertificateExpired`]; [`SignInCause::CredentialUnreadable`] when the key
    /// cannot sign.
    pub(super) fn assert(&self, claims: &Claims<'_>) -> Result<SecretString, SignInCause> {
        #[derive(Serialize)]
        struct Said<'a> {
            aud: &'a str,
            iss: &'a str,
            sub: &'a str,
            jti: &'a str,
            nbf: i64,
            iat: i64,
            exp: i64,
        }

        if claims.now >= self.0.not_after {
            return Err(SignInCause::CertificateExpired);
        }
        let mut header = Header::new(Algorithm::PS256);
        header.x5t_s256 = Some(URL_SAFE_NO_PAD.encode(self.0.thumbprint));
        let said = Said {
            aud: claims.audience,
            iss: claims.client_id,
            sub: claims.client_id,
            jti: &claims.id,
            nbf: (claims.now - LEEWAY).timestamp(),
            iat: claims.now.timestamp(),
            exp: (claims.now + LIFE).timestamp(),
        };
        jsonwebtoken::encode(&header, &said, &self.0.key)
            .map(SecretString::from)
            .map_err(|_| SignInCause::CredentialUnreadable)
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate")
            .field("not_after", &self.0.not_after)
            .finish_non_exhaustive()
    }
}

/// The block of the private key, with its first and last line.
fn key_block(text: &str) -> Result<Zeroizing<String>, CertificateError> {
    if text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----")
        || text.contains("Proc-Type: 4,ENCRYPTED")
    {
        return Err(CertificateError::Encrypted);
    }
    if text.contains("-----BEGIN EC PRIVATE KEY-----") {
        return Err(CertificateError::NotRsa);
    }
    for label in ["PRIVATE KEY", "RSA PRIVATE KEY"] {
        let (first, last) = (
            format!("-----BEGIN {label}-----"),
            format!("-----END {label}-----"),
        );
        let Some(begin) = text.find(&first) else {
            continue;
        };
        let end = text[begin..].find(&last).ok_or(CertificateError::NotRsa)?;
        let block = &text[begin..begin + end + last.len()];
        return Ok(Zeroizing::new(block.to_owned()));
    }
    // Enough for the beginning of a PFX file.
    let begin: Vec<u8> = text.bytes().filter(u8::is_ascii_graphic).take(16).collect();
    match STANDARD.decode(begin) {
        Ok(begin) if is_pfx(&begin) => Err(CertificateError::Pfx),
        _ => Err(CertificateError::NoKey),
    }
}

/// The length of an RSA key's modulus (RFC 8017, appendix A.1.2), also inside of PKCS #8 (RFC 5208,
/// section 5).
fn modulus_bits(block: &str) -> Option<usize> {
    let pem = Pem::iter_from_buffer(block.as_bytes()).next()?.ok()?;
    let contents = Zeroizing::new(pem.contents);
    let (_, key) = parse_der(&contents).ok()?;
    let mut modulus = key.as_sequence().ok()?.get(1)?.clone();
    let inner;
    if modulus.as_sequence().is_ok() {
        (_, inner) = parse_der(key.as_sequence().ok()?.get(2)?.as_slice().ok()?).ok()?;
        modulus = inner.as_sequence().ok()?.get(1)?.clone();
    }
    let BerObjectContent::Integer(bytes) = modulus.content else {
        return None;
    };
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let first = bytes.get(zeros)?;
    Some((bytes.len() - zeros) * 8 - first.leading_zeros() as usize)
}
