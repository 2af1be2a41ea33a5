//! A certificate and the assertions that it signs.
//!
//! Source: Microsoft identity platform, "Microsoft identity platform application authentication
//! certificate credentials".

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, crypto};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sha2::{Digest, Sha256};
use x509_parser::parse_x509_certificate;
use x509_parser::pem::Pem;
use zeroize::Zeroizing;

use super::Claims;
use crate::error::SignInCause;

/// How long an assertion is valid. It is used at once.
const LIFE: TimeDelta = TimeDelta::minutes(5);

/// The clocks of Microsoft Entra may be a little behind.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);

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
    /// No certificate belongs to the private key.
    #[error("the private key belongs to none of the certificates in the file")]
    Mismatch,
}

impl ClientCertificate {
    /// Reads PEM text that holds a private RSA key (PKCS #8 or PKCS #1, without a password) and its
    /// certificate, in any order. Other certificates, such as those of a chain, are passed over.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn from_pem(text: &SecretString) -> Result<Self, CertificateError> {
        let text = text.expose_secret();
        let key = EncodingKey::from_rsa_pem(key_block(text)?.as_bytes())
            .map_err(|_| CertificateError::NotRsa)?;
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
    Err(CertificateError::NoKey)
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
