//! How an application proves itself to Microsoft Entra.

mod certificate;
mod claims;
mod federated;

use std::fmt;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::error::SignInCause;

pub(crate) use claims::Claims;

pub use certificate::{CertificateError, ClientCertificate, is_pfx};

/// What an application proves itself with. `Debug` shows the kind alone.
#[derive(Clone)]
pub enum Credential {
    /// A secret that was made for the application in Microsoft Entra.
    ClientSecret(SecretString),
    /// A certificate that was uploaded to the application, with its private key.
    Certificate(ClientCertificate),
    /// A token of another issuer, which the application trusts by a federated identity credential.
    FederatedToken {
        /// The file that holds the token. It is read anew for each sign-in: whoever puts tokens
        /// there exchanges them before they end.
        file: PathBuf,
    },
}

/// What is sent to the token endpoint.
pub(crate) enum Proof {
    Secret(SecretString),
    /// A signed JSON Web Token.
    Assertion(SecretString),
}

impl Credential {
    /// Makes what is to be sent.
    pub(crate) async fn prove(&self, claims: Claims<'_>) -> Result<Proof, SignInCause> {
        match self {
            Self::ClientSecret(secret) => Ok(Proof::Secret(secret.clone())),
            Self::Certificate(certificate) => certificate.assert(&claims).map(Proof::Assertion),
            Self::FederatedToken { file } => federated::read(file).await.map(Proof::Assertion),
        }
    }

    /// Distinguishes credentials without keeping them.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        let hash = Sha256::new();
        let hash = match self {
            Self::ClientSecret(secret) => hash
                .chain_update(b"secret\0")
                .chain_update(secret.expose_secret()),
            Self::Certificate(certificate) => hash
                .chain_update(b"certificate\0")
                .chain_update(certificate.thumbprint()),
            Self::FederatedToken { file } => hash
                .chain_update(b"federated\0")
                .chain_update(file.as_os_str().as_encoded_bytes()),
        };
        hash.finalize().into()
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClientSecret(_) => "ClientSecret",
            Self::Certificate(_) => "Certificate",
            Self::FederatedToken { .. } => "FederatedToken",
        })
    }
}
