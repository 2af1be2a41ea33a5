//! Something that signs: an application with a certificate, or an issuer of tokens.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, PublicKeyData as _, RsaKeySize};
use serde_json::json;

/// An RSA key and a certificate for it. There is no `Debug`, which could show the key.
pub struct Identity {
    key: KeyPair,
    certificate: rcgen::Certificate,
}

impl Identity {
    /// A fresh one, whose certificate is good for a long time.
    #[must_use]
    pub fn fresh() -> Self {
        Self::until(2100)
    }

    /// One whose certificate ended long ago.
    #[must_use]
    pub fn expired() -> Self {
        Self::until(2001)
    }

    fn until(year: i32) -> Self {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let mut parameters = CertificateParams::new(vec!["worker.example.com".to_owned()]).unwrap();
        parameters.not_before = rcgen::date_time_ymd(2000, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(year, 1, 1);
        let certificate = parameters.self_signed(&key).unwrap();
        Self { key, certificate }
    }

    /// The certificate alone, in PEM: what is uploaded to Microsoft Entra.
    #[must_use]
    pub fn certificate(&self) -> String {
        self.certificate.pem()
    }

    /// The certificate and its private key, in PEM: what a worker needs.
    #[must_use]
    pub fn with_key(&self) -> String {
        format!("{}{}", self.certificate.pem(), self.key.serialize_pem())
    }

    /// The private key's lines of base64, in which it would be found if it leaked.
    #[must_use]
    pub fn key_lines(&self) -> Vec<String> {
        let pem = self.key.serialize_pem();
        let lines = pem.lines().filter(|line| !line.starts_with("-----"));
        lines.map(str::to_owned).collect()
    }

    /// The public key, in PEM.
    #[must_use]
    pub fn public_key(&self) -> String {
        let body = STANDARD.encode(self.key.subject_public_key_info());
        format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
    }

    /// A token that this issuer signs, which ends so many seconds from now.
    #[must_use]
    pub fn token(&self, issuer: &str, subject: &str, audience: &str, seconds: i64) -> String {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = i64::try_from(since.as_secs()).unwrap();
        let claims = json!({ "iss": issuer, "sub": subject, "aud": [audience],
            "exp": now + seconds });
        let key = EncodingKey::from_rsa_pem(self.key.serialize_pem().as_bytes()).unwrap();
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &key).unwrap()
    }
}
