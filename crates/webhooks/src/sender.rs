//! Sending a delivery.

mod answer;
mod failure;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Certificate, Client, redirect};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::address::Address;
use crate::attempt::{Attempt, NoAnswer, Outcome};
use crate::networks::PermittedNetworks;
use crate::resolver::{Names, PermittedNames, SystemNames};
use crate::signature::{ID_HEADER, MessageId, SIGNATURE_HEADER, SigningSecrets, TIMESTAMP_HEADER};

/// How long a connection is kept for the next delivery to the same receiver.
const KEPT_IDLE: Duration = Duration::from_secs(15);

/// How deliveries are sent. The defaults suit production.
#[derive(Debug, Clone)]
pub struct SenderOptions {
    /// Networks of receivers that are not public.
    pub permitted_networks: PermittedNetworks,
    /// Certificates of authorities in PEM that are trusted beside the system's; may be empty.
    pub more_authorities: String,
    /// Until a connection stands: looking up the name, TCP and TLS.
    pub connect_timeout: Duration,
    /// From the beginning to the end of the answer. Standard Webhooks recommends 15 to 30 seconds.
    pub timeout: Duration,
    /// How many bytes of an answer's body are read before the connection is closed.
    pub max_answer_bytes: usize,
    /// The `User-Agent` header.
    pub user_agent: String,
}

impl Default for SenderOptions {
    fn default() -> Self {
        Self {
            permitted_networks: PermittedNetworks::default(),
            more_authorities: String::new(),
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(15),
            max_answer_bytes: 16 * 1024,
            user_agent: concat!("TenantAtlas/", env!("CARGO_PKG_VERSION"), " (webhooks)")
                .to_owned(),
        }
    }
}

/// The sender cannot be built from its options.
#[derive(Debug, thiserror::Error)]
pub enum SenderError {
    /// The further authorities are not certificates.
    #[error("the certificates of further authorities cannot be read: they must be X.509 in PEM")]
    Authorities,
    /// The HTTP client could not be made, for example for want of any authority.
    #[error("the HTTP client for deliveries could not be set up")]
    Http(#[source] reqwest::Error),
}

/// Sends deliveries. Cheap to clone; the clones share connections.
#[derive(Clone)]
pub struct Sender {
    client: Client,
    networks: Arc<PermittedNetworks>,
    max_answer_bytes: usize,
}

/// What is sent, and to whom.
#[derive(Debug, Clone)]
pub struct Delivery<'a> {
    /// The receiver.
    pub address: &'a Address,
    /// The same in all attempts, so that receivers notice what they have already.
    pub id: &'a MessageId,
    /// The moment of the attempt.
    pub at: DateTime<Utc>,
    /// JSON. It is signed and sent as it is.
    pub body: Bytes,
    /// What it is signed with.
    pub secrets: &'a SigningSecrets,
}

impl Sender {
    /// A sender that resolves names with the system's resolver.
    ///
    /// # Errors
    /// [`SenderError`].
    pub fn new(options: SenderOptions) -> Result<Self, SenderError> {
        Self::with_names(options, Arc::new(SystemNames::default()))
    }

    /// A sender that resolves names with `names`.
    ///
    /// # Errors
    /// [`SenderError`].
    pub fn with_names(options: SenderOptions, names: Arc<dyn Names>) -> Result<Self, SenderError> {
        let authorities = authorities(&options.more_authorities)?;
        let networks = Arc::new(options.permitted_networks);
        let resolver = PermittedNames {
            names,
            networks: Arc::clone(&networks),
        };
        let client = Client::builder()
            .user_agent(options.user_agent)
            .timeout(options.timeout)
            .connect_timeout(options.connect_timeout)
            .https_only(true)
            // A delivery takes a whole connection, so that closing it ends an endless answer.
            .http1_only()
            .tls_certs_merge(authorities)
            .dns_resolver(Arc::new(resolver))
            // A proxy would resolve the names by itself.
            .no_proxy()
            // A redirect would lead past the rules about addresses.
            .redirect(redirect::Policy::none())
            .referer(false)
            // A small answer could become a large one.
            .no_gzip()
            .no_brotli()
            .no_deflate()
            .no_zstd()
            .pool_idle_timeout(KEPT_IDLE)
            .pool_max_idle_per_host(1)
            .build()
            .map_err(SenderError::Http)?;
        Ok(Self {
            client,
            networks,
            max_answer_bytes: options.max_answer_bytes,
        })
    }

    /// Sends a delivery once.
    pub async fn send(&self, delivery: &Delivery<'_>) -> Attempt {
        let began = Instant::now();
        let outcome = self.exchange(delivery).await;
        Attempt {
            outcome: outcome.unwrap_or_else(Outcome::NoAnswer),
            took: began.elapsed(),
        }
    }

    async fn exchange(&self, delivery: &Delivery<'_>) -> Result<Outcome, NoAnswer> {
        let address = delivery.address;
        // The resolver sees names only.
        address
            .check(&self.networks)
            .map_err(failure::refused_address)?;
        let secrets = delivery.secrets;
        let signature = secrets.sign(delivery.id, delivery.at, &delivery.body);
        let response = self
            .client
            .post(address.url().clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(ID_HEADER, delivery.id.as_str())
            .header(TIMESTAMP_HEADER, delivery.at.timestamp())
            .header(SIGNATURE_HEADER, signature)
            .body(delivery.body.clone())
            .send()
            .await
            .map_err(failure::no_answer)?;
        let answer = answer::read(response, self.max_answer_bytes, delivery.at).await;
        Ok(answer.into())
    }
}

/// The certificates of authorities. The HTTP client would pass over what it cannot read.
fn authorities(pem: &str) -> Result<Vec<Certificate>, SenderError> {
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_slice_iter(pem.as_bytes()).map(|certificate| {
        let certificate = certificate.map_err(|_| SenderError::Authorities)?;
        let authority = Certificate::from_der(&certificate);
        let added = roots.add(certificate);
        added.map_err(|_| SenderError::Authorities)?;
        authority.map_err(|_| SenderError::Authorities)
    });
    let certificates = certificates.collect::<Result<Vec<_>, _>>()?;
    // What stands around certificates in PEM is passed over.
    if certificates.is_empty() && !pem.trim().is_empty() {
        return Err(SenderError::Authorities);
    }
    Ok(certificates)
}
