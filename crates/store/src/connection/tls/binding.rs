//! The channel binding of SCRAM-SHA-256-PLUS: the password's proof holds for this server's
//! certificate only (RFC 5929, section 4).

use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512};
use rustls::pki_types::CertificateDer;
use x509_parser::der_parser::oid::Oid;
use x509_parser::oid_registry::{
    OID_PKCS1_MD5WITHRSAENC, OID_PKCS1_SHA1WITHRSA, OID_PKCS1_SHA256WITHRSA,
    OID_PKCS1_SHA384WITHRSA, OID_PKCS1_SHA512WITHRSA, OID_SIG_ECDSA_WITH_SHA256,
    OID_SIG_ECDSA_WITH_SHA384, OID_SIG_ECDSA_WITH_SHA512,
};
use x509_parser::parse_x509_certificate;

/// The hash of a server's certificate, by the algorithm with which it is signed; SHA-256 for those
/// that are too weak. None for a signature without a hash of its own, such as Ed25519, for which RFC
/// 5929 leaves it undefined: the password is proved without the binding then.
pub(super) fn server_end_point(certificate: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let (_, read) = parse_x509_certificate(certificate).ok()?;
    let algorithm = hash_of(&read.signature_algorithm.algorithm)?;
    Some(digest::digest(algorithm, certificate).as_ref().to_vec())
}

fn hash_of(signature: &Oid<'_>) -> Option<&'static digest::Algorithm> {
    let by_hash: [(&[Oid<'static>], &'static digest::Algorithm); 3] = [
        (
            &[
                OID_PKCS1_MD5WITHRSAENC,
                OID_PKCS1_SHA1WITHRSA,
                OID_PKCS1_SHA256WITHRSA,
                OID_SIG_ECDSA_WITH_SHA256,
            ],
            &SHA256,
        ),
        (
            &[OID_PKCS1_SHA384WITHRSA, OID_SIG_ECDSA_WITH_SHA384],
            &SHA384,
        ),
        (
            &[OID_PKCS1_SHA512WITHRSA, OID_SIG_ECDSA_WITH_SHA512],
            &SHA512,
        ),
    ];
    by_hash
        .iter()
        .find(|(signatures, _)| signatures.contains(signature))
        .map(|(_, hash)| *hash)
}
