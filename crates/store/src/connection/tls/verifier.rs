//! Whether a server's certificate is believed.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
};
use x509_parser::parse_x509_certificate;
use x509_parser::x509::X509Version;

/// The certificate is of version 1 or 2 of X.509, as `openssl x509 -req` makes them when it is given
/// no extensions. TLS libraries in C take such certificates, rustls takes none for a server.
#[derive(Debug, thiserror::Error)]
#[error("the server's certificate is not of version 3 of X.509")]
pub(in crate::connection) struct OldVersion;

/// Believes a certificate that leads to a root, or that is itself named as one: PostgreSQL's manual
/// shows how to make such a certificate for a server.
#[derive(Debug)]
pub(super) struct Checked {
    roots: RootCertStore,
    named: Vec<CertificateDer<'static>>,
    checks_name: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Checked {
    /// `named` are the roots of a file.
    pub(super) fn new(
        roots: RootCertStore,
        named: Vec<CertificateDer<'static>>,
        checks_name: bool,
        provider: &CryptoProvider,
    ) -> Self {
        Self {
            roots,
            named,
            checks_name,
            algorithms: provider.signature_verification_algorithms,
        }
    }
}

impl ServerCertVerifier for Checked {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        refuse_old_version(end_entity)?;
        let certificate = ParsedCertificate::try_from(end_entity)?;
        if self.named.iter().any(|named| named == end_entity) {
            check_validity(end_entity, now)?;
        } else {
            verify_server_cert_signed_by_trust_anchor(
                &certificate,
                &self.roots,
                intermediates,
                now,
                self.algorithms.all,
            )?;
        }
        if self.checks_name {
            verify_server_name(&certificate, server_name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Before rustls does so, with a reason of ours that can be recognized.
fn refuse_old_version(certificate: &CertificateDer<'_>) -> Result<(), Error> {
    let (_, read) =
        parse_x509_certificate(certificate).map_err(|_| CertificateError::BadEncoding)?;
    if read.version() == X509Version::V3 {
        return Ok(());
    }
    Err(CertificateError::Other(OtherError(Arc::new(OldVersion))).into())
}

fn check_validity(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let (_, read) =
        parse_x509_certificate(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if now < read.validity().not_before.timestamp() {
        return Err(CertificateError::NotValidYet.into());
    }
    if now > read.validity().not_after.timestamp() {
        return Err(CertificateError::Expired.into());
    }
    Ok(())
}

/// Believes every certificate. The server still has to have its key.
#[derive(Debug)]
pub(super) struct Unchecked {
    algorithms: WebPkiSupportedAlgorithms,
}

impl Unchecked {
    pub(super) const fn new(provider: &CryptoProvider) -> Self {
        Self {
            algorithms: provider.signature_verification_algorithms,
        }
    }
}

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // The handshake's signature could not be checked with it.
        refuse_old_version(end_entity)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rustls::crypto::aws_lc_rs;
    use rustls::pki_types::pem::PemObject as _;

    use super::*;

    /// Of version 1, as `openssl x509 -req -signkey` makes it; good for a hundred years.
    const VERSION_1: &str = "\
-----BEGIN CERTIFICATE-----\n\
MIIBMjCB2QIUEpHx47rdCB1YoBVUpHnW8Ducb/EwCgYIKoZIzj0EAwIwGzEZMBcG\n\
A1UEAwwQZGF0YWJhc2UuZXhhbXBsZTAgFw0yNjExMzAxNTI4MjZaGA8yMTI2MTEw\n\
NjE1MjgyNlowGzEZMBcGA1UEAwwQZGF0YWJhc2UuZXhhbXBsZTBZMBMGByqGSM49\n\
AgEGCCqGSM49AwEHA0IABNd0Tt8gRd5KW0qOPmfjcAfy6TSowoZ+aodBtaz+o4oI\n\
Wk7JMmaVKvQxxwa5UDbIMC75qV6uB2hPmccnh5S62HswCgYIKoZIzj0EAwIDSAAw\n\
RQIhAKU1u0vJlcHC7AR9Opy0UxgorA3adjDSNg/FkUUUtnqfAiB7B9+puz7cf1RZ\n\
WpiXAIqt2sH/dQz2w/7B3+p+mcVSLQ==\n\
-----END CERTIFICATE-----\n";

    #[test]
    fn a_certificate_of_an_old_version_is_refused_with_that_reason_even_where_none_is_checked() {
        let provider = aws_lc_rs::default_provider();
        let certificate = CertificateDer::from_pem_slice(VERSION_1.as_bytes()).unwrap();
        let named = vec![certificate.clone()];
        let verifiers: [Box<dyn ServerCertVerifier>; 2] = [
            Box::new(Checked::new(RootCertStore::empty(), named, true, &provider)),
            Box::new(Unchecked::new(&provider)),
        ];
        let name = ServerName::try_from("database.example").unwrap();
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(2_000_000_000));
        for verifier in verifiers {
            let refused = verifier.verify_server_cert(&certificate, &[], &name, &[], now);
            let Err(Error::InvalidCertificate(CertificateError::Other(reason))) = refused else {
                panic!("{refused:?}");
            };
            assert!(reason.0.is::<OldVersion>(), "{reason:?}");
        }
    }
}
