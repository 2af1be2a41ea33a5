//! Certificates as people bring them, and what is said of those that do not fit.

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
