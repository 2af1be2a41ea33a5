//! Certificate authorities, and what they certify.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair,
};

/// A certificate and its key, as PEM.
#[derive(Debug)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

/// A certificate authority.
#[derive(Debug)]
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    /// A new one.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(parameters, key).unwrap())
    }

    /// Its own certificate, as PEM.
    #[must_use]
    pub fn certificate(&self) -> String {
        self.0.pem()
    }

    /// A server's, for a host name.
    #[must_use]
    pub fn server(&self, host: &str) -> Identity {
        self.certify(
            host,
            vec![host.to_owned()],
            ExtendedKeyUsagePurpose::ServerAuth,
        )
    }

    /// A client's, for a user of PostgreSQL.
    #[must_use]
    pub fn client(&self, user: &str) -> Identity {
        self.certify(user, Vec::new(), ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn certify(&self, name: &str, hosts: Vec<String>, usage: ExtendedKeyUsagePurpose) -> Identity {
        let mut parameters = CertificateParams::new(hosts).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        Identity {
            certificate: parameters.signed_by(&key, &self.0).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }
}

/// A server's certificate that it signed itself.
#[must_use]
pub fn self_signed(host: &str) -> Identity {
    let parameters = CertificateParams::new(vec![host.to_owned()]).unwrap();
    let key = KeyPair::generate().unwrap();
    Identity {
        certificate: parameters.self_signed(&key).unwrap().pem(),
        key: key.serialize_pem(),
    }
}
