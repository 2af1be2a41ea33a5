//! A certificate and the assertions that it signs.
//!
//! Source: Microsoft identity platform, "Microsoft identity platform application authentication
//! certificate credentials".

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

use super::Claims;
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

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Validation, decode, decode_header};
    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};
    use serde_json::Value;

    use super::*;

    struct Made {
        key: String,
        certificate: rcgen::Certificate,
        public: Vec<u8>,
    }

    fn make(algorithm: &'static rcgen::SignatureAlgorithm) -> Made {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let mut params = CertificateParams::new(vec!["atlas.example".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(2030, 1, 1);
        let certificate = params.self_signed(&key).unwrap();
        Made {
            key: key.serialize_pem(),
            certificate,
            public: rcgen::PublicKeyData::der_bytes(&key).to_vec(),
        }
    }

    fn read(text: &str) -> Result<ClientCertificate, CertificateError> {
        ClientCertificate::from_pem(&SecretString::from(text))
    }

    fn claims(now: &str) -> Claims<'static> {
        Claims {
            audience: "https://login.example/d/oauth2/v2.0/token",
            client_id: "client",
            id: "unique".to_owned(),
            now: now.parse().unwrap(),
        }
    }

    #[test]
    fn an_assertion_says_what_is_documented_and_is_signed_by_the_key() {
        let (made, other) = (make(&PKCS_RSA_SHA256), make(&PKCS_RSA_SHA256));
        let chain = format!(
            "{}\n{}{}",
            other.certificate.pem(),
            made.key,
            made.certificate.pem()
        );
        let certificate = read(&chain).unwrap();
        let assertion = certificate.assert(&claims("2029-01-01T00:00:00Z")).unwrap();
        let assertion = assertion.expose_secret();

        let header = decode_header(assertion).unwrap();
        assert_eq!(header.alg, Algorithm::PS256);
        assert_eq!(header.typ.as_deref(), Some("JWT"));
        let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(made.certificate.der()));
        assert_eq!(header.x5t_s256, Some(thumbprint));

        let mut validation = Validation::new(Algorithm::PS256);
        validation.set_audience(&["https://login.example/d/oauth2/v2.0/token"]);
        validation.set_issuer(&["client"]);
        validation.validate_exp = false;
        let public = DecodingKey::from_rsa_der(&made.public);
        let said = decode::<Value>(assertion, &public, &validation)
            .unwrap()
            .claims;
        assert_eq!(
            (&said["sub"], &said["jti"]),
            (&"client".into(), &"unique".into())
        );
        let seconds = |name: &str| said[name].as_i64().unwrap();
        assert_eq!(seconds("iat"), 1_861_920_000);
        assert!(seconds("nbf") <= seconds("iat"));
        assert!(seconds("exp") - seconds("nbf") <= 600);
        let foreign = DecodingKey::from_rsa_der(&other.public);
        assert!(decode::<Value>(assertion, &foreign, &validation).is_err());
    }

    #[test]
    fn a_certificate_that_has_ended_is_not_sent() {
        let made = make(&PKCS_RSA_SHA256);
        let certificate = read(&format!("{}{}", made.key, made.certificate.pem())).unwrap();
        assert_eq!(certificate.not_after().timestamp(), 1_893_456_000);
        let refused = certificate.assert(&claims("2030-01-01T00:00:00Z"));
        assert_eq!(refused.unwrap_err(), SignInCause::CertificateExpired);
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_reason() {
        let (made, other) = (make(&PKCS_RSA_SHA256), make(&PKCS_RSA_SHA256));
        let curve = make(&PKCS_ECDSA_P256_SHA256);
        let certificate = made.certificate.pem();
        for (text, reason) in [
            (String::new(), CertificateError::NoKey),
            (certificate.clone(), CertificateError::NoKey),
            (made.key.clone(), CertificateError::NoCertificate),
            (
                format!("{}{certificate}", other.key),
                CertificateError::Mismatch,
            ),
            (
                format!("{}{}", curve.key, curve.certificate.pem()),
                CertificateError::NotRsa,
            ),
            (
                format!(
                    "{}{certificate}",
                    made.key.replace("PRIVATE", "ENCRYPTED PRIVATE")
                ),
                CertificateError::Encrypted,
            ),
            (
                format!("{certificate}-----BEGIN PRIVATE KEY-----\nMIIB"),
                CertificateError::NotRsa,
            ),
        ] {
            assert_eq!(read(&text).unwrap_err(), reason);
        }
    }

    #[test]
    fn byte_order_marks_are_passed_over() {
        let made = make(&PKCS_RSA_SHA256);
        let (key, certificate) = (&made.key, made.certificate.pem());
        for text in [
            format!("\u{feff}{certificate}{key}"),
            format!("\u{feff}{key}\u{feff}{certificate}"),
        ] {
            assert_eq!(read(&text).unwrap().not_after().timestamp(), 1_893_456_000);
        }
    }

    /// DER of a tag and what it holds, of at most 65,535 bytes.
    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82], &length[..], content].concat()
    }

    /// A private key as OpenSSL writes it, with a modulus of so many bytes and none of the rest.
    fn short_key(label: &str, bytes: usize) -> String {
        let modulus = [&[0, 0x80], &vec![0x55; bytes - 1][..]].concat();
        let pkcs1 = der(
            0x30,
            &[der(2, &[0]), der(2, &modulus), der(2, &[3])].concat(),
        );
        let key = if label == "PRIVATE KEY" {
            let algorithm = der(
                0x30,
                &der(6, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1]),
            );
            der(0x30, &[der(2, &[0]), algorithm, der(4, &pkcs1)].concat())
        } else {
            pkcs1
        };
        let key = STANDARD.encode(key);
        format!("-----BEGIN {label}-----\n{key}\n-----END {label}-----\n")
    }

    #[test]
    fn a_short_key_is_refused_with_its_length_and_the_length_that_is_needed() {
        for label in ["PRIVATE KEY", "RSA PRIVATE KEY"] {
            for bytes in [64, 128, 192] {
                let refused = read(&short_key(label, bytes)).unwrap_err();
                assert_eq!(refused, CertificateError::TooShort { bits: 8 * bytes });
            }
        }
        let refused = read(&short_key("PRIVATE KEY", 128)).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the RSA key is too short: it has 1024 bits, and at least 2048 are needed"
        );
        let hint = refused.hint();
        assert!(
            hint.contains("a new RSA key of at least 2048 bits"),
            "{hint}"
        );
        let block = make(&PKCS_RSA_SHA256).key;
        assert_eq!(modulus_bits(&block), Some(2_048));
    }

    #[test]
    fn a_pfx_file_is_known_by_its_beginning() {
        let version = [0x02, 0x01, 0x03];
        for (begin, is) in [
            (&[0x30, 0x82, 0x0a, 0x4f][..], true),
            (&[0x30, 0x81, 0xff], true),
            (&[0x30, 0x80], true),
            (&[0x30, 0x84, 0, 0, 1, 1], true),
            (&[0x30, 0x7f], true),
            (&[0x31, 0x82, 0x0a, 0x4f], false),
            (&[0x30, 0x82], false),
            (&[], false),
        ] {
            let bytes = [begin, &version, &[0x30, 0x82, 0x0a]].concat();
            assert_eq!(is_pfx(&bytes), is, "{begin:x?}");
        }
        // A certificate as DER.
        assert!(!is_pfx(make(&PKCS_RSA_SHA256).certificate.der()));
        let text = STANDARD.encode([0x30, 0x82, 0x0a, 0x4f, 2, 1, 3, 0x30, 0x82, 0x0a, 0x15, 6]);
        let refused = read(&text).unwrap_err();
        assert_eq!(refused, CertificateError::Pfx);
        let command = "openssl pkcs12 -in FILE.pfx -out FILE.pem -nodes";
        assert!(refused.hint().contains(command));
        assert_eq!(read("no PEM at all").unwrap_err(), CertificateError::NoKey);
    }

    #[test]
    fn the_key_is_not_shown() {
        let made = make(&PKCS_RSA_SHA256);
        let certificate = read(&format!("{}{}", made.key, made.certificate.pem())).unwrap();
        let shown = format!("{certificate:?}");
        assert!(
            made.key.lines().all(|line| !shown.contains(line)),
            "{shown}"
        );
        assert!(shown.contains("2030-01-01"), "{shown}");
    }
}
