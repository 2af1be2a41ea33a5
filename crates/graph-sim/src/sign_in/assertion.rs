//! Proofs that are signed: by the application's certificate, or by an issuer that it trusts.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use x509_parser::pem::parse_x509_pem;

use super::SignInRefusal;

/// How long an assertion may be good for.
const LONGEST_SECONDS: i64 = 600;
/// How far clocks may be apart.
const LEEWAY_SECONDS: i64 = 60;

/// A certificate of the application. It holds no private key.
pub(super) struct Certificate {
    sha256: String,
    sha1: String,
    key: DecodingKey,
}

impl Certificate {
    /// Reads a certificate in PEM.
    ///
    /// # Errors
    /// When it is none with an RSA key.
    pub(super) fn read(pem: &str) -> Result<Self, &'static str> {
        let (_, pem) = parse_x509_pem(pem.as_bytes()).map_err(|_| "this is no PEM")?;
        let certificate = pem.parse_x509().map_err(|_| "this is no certificate")?;
        let public = certificate.public_key();
        if !matches!(
            public.parsed(),
            Ok(x509_parser::public_key::PublicKey::RSA(_))
        ) {
            return Err("the key of the certificate is not one of RSA");
        }
        Ok(Self {
            sha256: URL_SAFE_NO_PAD.encode(digest::digest(&SHA256, &pem.contents)),
            sha1: URL_SAFE_NO_PAD.encode(digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, &pem.contents)),
            key: DecodingKey::from_rsa_der(&public.subject_public_key.data),
        })
    }
}

/// An issuer of tokens that the application trusts, for one subject.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FederatedCredential {
    /// `iss` of the tokens, to the letter.
    pub issuer: String,
    /// `sub` of the tokens, to the letter.
    pub subject: String,
    /// `aud` of the tokens; usually `api://AzureADTokenExchange`.
    pub audience: String,
    /// The issuer's public RSA key in PEM.
    pub public_key_pem: String,
}

impl std::fmt::Debug for FederatedCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FederatedCredential")
            .field("issuer", &self.issuer)
            .field("subject", &self.subject)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

impl FederatedCredential {
    /// Why it is none, if it is not.
    pub(crate) fn problem(&self) -> Option<&'static str> {
        DecodingKey::from_rsa_pem(self.public_key_pem.as_bytes())
            .is_err()
            .then_some("the key is no public RSA key in PEM")
    }
}

#[derive(Debug, Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<Value>,
    jti: Option<String>,
    nbf: Option<i64>,
    exp: Option<i64>,
}

/// Verifies the signature and nothing else.
pub(super) fn verified<T: serde::de::DeserializeOwned>(
    token: &str,
    key: &DecodingKey,
    algorithm: Algorithm,
) -> Option<T> {
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    decode(token, key, &validation)
        .ok()
        .map(|token| token.claims)
}

pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

/// Who an assertion is checked against.
pub(super) struct Expected<'a> {
    pub(super) client_id: &'a str,
    /// The address of the token endpoint.
    pub(super) endpoint: &'a str,
    pub(super) certificates: &'a [Certificate],
    pub(super) federated: &'a [FederatedCredential],
}

impl Expected<'_> {
    /// Whether an assertion proves that its bearer is the application.
    pub(super) fn check(&self, assertion: &str) -> Result<(), SignInRefusal> {
        let claims = jsonwebtoken::dangerous::insecure_decode::<Claims>(assertion)
            .map_err(|_| SignInRefusal::AssertionClaims)?
            .claims;
        let own = claims.iss.as_deref() == Some(self.client_id);
        if own {
            self.check_certificate(assertion, &claims)
        } else {
            self.check_federated(assertion, &claims)
        }
    }

    fn check_certificate(&self, assertion: &str, claims: &Claims) -> Result<(), SignInRefusal> {
        let header = decode_header(assertion).map_err(|_| SignInRefusal::AssertionClaims)?;
        let certificate = self
            .certificates
            .iter()
            .find(|one| match (&header.x5t_s256, &header.x5t, header.alg) {
                (Some(sha256), _, Algorithm::PS256 | Algorithm::RS256) => *sha256 == one.sha256,
                // The older form.
                (None, Some(sha1), Algorithm::RS256) => *sha1 == one.sha1,
                _ => false,
            })
            .ok_or(SignInRefusal::AssertionInvalid)?;
        verified::<Value>(assertion, &certificate.key, header.alg)
            .ok_or(SignInRefusal::AssertionInvalid)?;
        let for_us = claims.aud.as_ref().and_then(Value::as_str) == Some(self.endpoint);
        if !for_us || claims.sub != claims.iss || claims.jti.as_ref().is_none_or(String::is_empty) {
            return Err(SignInRefusal::AssertionClaims);
        }
        in_time(claims, Some(LONGEST_SECONDS))
    }

    fn check_federated(&self, assertion: &str, claims: &Claims) -> Result<(), SignInRefusal> {
        if self.federated.is_empty() {
            return Err(SignInRefusal::NothingFederated);
        }
        let trusted = |refusal, fits: &dyn Fn(&FederatedCredential) -> bool| {
            self.federated.iter().find(|one| fits(one)).ok_or(refusal)
        };
        let is = |claim: &Option<String>, wanted: &str| claim.as_deref() == Some(wanted);
        trusted(SignInRefusal::IssuerUnknown, &|one| {
            is(&claims.iss, &one.issuer)
        })?;
        trusted(SignInRefusal::SubjectUnknown, &|one| {
            is(&claims.iss, &one.issuer) && is(&claims.sub, &one.subject)
        })?;
        let credential = trusted(SignInRefusal::AudienceUnknown, &|one| {
            is(&claims.iss, &one.issuer)
                && is(&claims.sub, &one.subject)
                && names(claims.aud.as_ref(), &one.audience)
        })?;
        let key = DecodingKey::from_rsa_pem(credential.public_key_pem.as_bytes())
            .map_err(|_| SignInRefusal::AssertionInvalid)?;
        verified::<Value>(assertion, &key, Algorithm::RS256)
            .ok_or(SignInRefusal::AssertionInvalid)?;
        in_time(claims, None)
    }
}

/// Whether an audience, one or several, is this one.
fn names(audience: Option<&Value>, wanted: &str) -> bool {
    match audience {
        Some(Value::String(one)) => one == wanted,
        Some(Value::Array(several)) => several.iter().any(|one| one == wanted),
        _ => false,
    }
}

fn in_time(claims: &Claims, longest: Option<i64>) -> Result<(), SignInRefusal> {
    let now = now();
    let from = claims.nbf.unwrap_or(now);
    let until = claims.exp.ok_or(SignInRefusal::AssertionClaims)?;
    let in_time = from <= now + LEEWAY_SECONDS && now <= until + LEEWAY_SECONDS;
    if in_time && longest.is_none_or(|longest| until - from <= longest) {
        Ok(())
    } else {
        Err(SignInRefusal::AssertionNotInTime)
    }
}
