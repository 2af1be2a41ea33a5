//! A receiver of webhooks: https with a certificate of its own authority.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::authority::Authority;

/// A delivery as it arrived.
#[derive(Debug, Clone)]
pub struct ReceivedDelivery {
    /// The header `webhook-id`.
    pub id: String,
    /// The header `webhook-timestamp`.
    pub timestamp: String,
    /// The header `webhook-signature`.
    pub signature: String,
    /// The body.
    pub body: Vec<u8>,
    /// What it was answered with.
    pub status: u16,
}

/// A receiver that answers with the status that a test sets.
#[derive(Debug)]
pub struct WebhookReceiver {
    port: u16,
    shared: Arc<Shared>,
    directory: TempDir,
}

#[derive(Debug)]
struct Shared {
    status: AtomicU16,
    received: Mutex<Vec<ReceivedDelivery>>,
}

impl WebhookReceiver {
    /// A receiver that answers with 204.
    pub async fn start() -> Self {
        let authority = Authority::new("Receivers");
        let identity = authority.server("localhost");
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("ca.pem"), authority.certificate()).unwrap();
        let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            status: AtomicU16::new(204),
            received: Mutex::default(),
        });
        let all = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let (acceptor, shared) = (acceptor.clone(), Arc::clone(&all));
                tokio::spawn(async move {
                    if let Ok(mut connection) = acceptor.accept(connection).await {
                        while receive(&mut connection, &shared).await.is_some() {}
                    }
                });
            }
        });
        Self {
            port,
            shared,
            directory,
        }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://localhost:{}/hook?key=of-the-receiver", self.port)
    }

    /// The certificate of its authority, in PEM.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// Answers with this status from now on.
    pub fn answer_with(&self, status: u16) {
        self.shared.status.store(status, Ordering::SeqCst);
    }

    /// How much arrived so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shared.received.lock().unwrap().len()
    }

    /// Everything that arrived so far.
    #[must_use]
    pub fn received(&self) -> Vec<ReceivedDelivery> {
        self.shared.received.lock().unwrap().clone()
    }
}

/// Answers the next request, unless the connection ends.
async fn receive(connection: &mut TlsStream<TcpStream>, shared: &Shared) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let header = |name: &str| {
        let mut lines = head.lines().skip(1);
        let found = lines.find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then(|| value.to_owned())
        });
        found.unwrap_or_default()
    };
    let mut body = vec![0; header("content-length").parse().unwrap()];
    connection.read_exact(&mut body).await.ok()?;
    let status = shared.status.load(Ordering::SeqCst);
    shared.received.lock().unwrap().push(ReceivedDelivery {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signature: header("webhook-signature"),
        body,
        status,
    });
    let answer = format!("HTTP/1.1 {status} As Asked\r\ncontent-length: 0\r\n\r\n");
    connection.write_all(answer.as_bytes()).await.ok()?;
    connection.flush().await.ok()
}
