//! TLS to PostgreSQL, by rustls.

mod binding;
mod verifier;

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, InvalidDnsNameError, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::Socket;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};

pub(super) use verifier::OldVersion;
use verifier::{Checked, Unchecked};

/// The name of PostgreSQL's protocol in a TLS handshake, which libpq 17 sends and which
/// `sslnegotiation=direct` needs.
const PROTOCOL: &[u8] = b"postgresql";

/// A file that the URL names cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsSetupError {
    /// It cannot be read, or holds something else.
    #[error("DATABASE_URL: {parameter} names {}, which cannot be read", path.display())]
    File {
        /// The parameter that names it.
        parameter: &'static str,
        /// Its path.
        path: PathBuf,
        /// Why.
        #[source]
        source: pem::Error,
    },
    /// It holds no certificate.
    #[error("DATABASE_URL: {parameter} names {}, which holds no certificate", path.display())]
    Empty {
        /// The parameter that names it.
        parameter: &'static str,
        /// Its path.
        path: PathBuf,
    },
    /// A certificate or key in it is none that TLS can use, or they do not fit.
    #[error("DATABASE_URL: {parameter} cannot be used")]
    Unusable {
        /// The parameter that names it.
        parameter: &'static str,
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// The system has no roots.
    #[error("this system has no root certificates: name those of the server in sslrootcert")]
    NoSystemRoots,
}

/// How much of the server's certificate is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TlsMode {
    /// No TLS.
    Disable,
    /// TLS where the server has it.
    Prefer,
    /// TLS.
    Require,
    /// TLS, with a certificate that leads to a root.
    VerifyCa,
    /// The same, and the certificate is for the host's name.
    VerifyFull,
}

/// Which roots a certificate may lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Roots {
    /// None were named: the system's when a certificate is to be checked.
    Unnamed,
    /// The system's, by name.
    System,
    /// Those of a file.
    File(PathBuf),
}

/// The parameters of TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlsParameters {
    pub(crate) mode: TlsMode,
    pub(crate) roots: Roots,
    /// The files of this side's certificate and its key.
    pub(crate) identity: Option<(PathBuf, PathBuf)>,
}

/// Makes TLS connections as the URL says. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Tls(Arc<ClientConfig>);

impl Tls {
    /// Reads the files that the URL names, once: a renewed certificate needs a new start.
    pub(crate) fn new(parameters: &TlsParameters) -> Result<Self, TlsSetupError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let unusable = |parameter| move |source| TlsSetupError::Unusable { parameter, source };
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(unusable("sslmode"))?
            .dangerous();
        let builder = match checked(parameters, &provider)? {
            Some(checked) => builder.with_custom_certificate_verifier(Arc::new(checked)),
            None => builder.with_custom_certificate_verifier(Arc::new(Unchecked::new(&provider))),
        };
        let mut config = match &parameters.identity {
            Some((certificate, key)) => builder
                .with_client_auth_cert(
                    certificates("sslcert", certificate)?,
                    PrivateKeyDer::from_pem_file(key).map_err(unreadable("sslkey", key))?,
                )
                .map_err(unusable("sslcert with sslkey"))?,
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        Ok(Self(Arc::new(config)))
    }
}

/// Roots that are named are always used: a certificate that does not lead to one of them is refused
/// in the weaker modes, too, as libpq does.
fn checked(
    parameters: &TlsParameters,
    provider: &CryptoProvider,
) -> Result<Option<Checked>, TlsSetupError> {
    let named = match (&parameters.roots, parameters.mode) {
        (_, TlsMode::Disable) | (Roots::Unnamed, TlsMode::Prefer | TlsMode::Require) => {
            return Ok(None);
        }
        (Roots::File(path), _) => certificates("sslrootcert", path)?,
        (Roots::System | Roots::Unnamed, _) => Vec::new(),
    };
    let mut roots = RootCertStore::empty();
    if named.is_empty() {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(TlsSetupError::NoSystemRoots);
        }
    }
    for root in &named {
        roots
            .add(root.clone())
            .map_err(|source| TlsSetupError::Unusable {
                parameter: "sslrootcert",
                source,
            })?;
    }
    let checks_name = parameters.mode == TlsMode::VerifyFull;
    Ok(Some(Checked::new(roots, named, checks_name, provider)))
}

fn certificates(
    parameter: &'static str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, TlsSetupError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let found: Vec<_> = read.map_err(unreadable(parameter, path))?;
    if found.is_empty() {
        let path = path.to_owned();
        return Err(TlsSetupError::Empty { parameter, path });
    }
    Ok(found)
}

fn unreadable(parameter: &'static str, path: &Path) -> impl Fn(pem::Error) -> TlsSetupError {
    move |source| TlsSetupError::File {
        parameter,
        path: path.to_owned(),
        source,
    }
}

impl MakeTlsConnect<Socket> for Tls {
    type Stream = Stream;
    type TlsConnect = Handshake;
    type Error = InvalidDnsNameError;

    /// A socket of this machine has no name, and no TLS.
    fn make_tls_connect(&mut self, name: &str) -> Result<Handshake, InvalidDnsNameError> {
        let name = ServerName::try_from(if name.is_empty() { "localhost" } else { name })?;
        Ok(Handshake {
            config: Arc::clone(&self.0),
            name: name.to_owned(),
        })
    }
}

/// A TLS handshake with a server of this name.
pub(crate) struct Handshake {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl TlsConnect<Socket> for Handshake {
    type Stream = Stream;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        let connector = tokio_rustls::TlsConnector::from(self.config);
        let handshake = connector.connect(self.name, socket);
        Box::pin(async move { Ok(Stream(Box::new(handshake.await?))) })
    }
}

/// An encrypted connection.
pub(crate) struct Stream(Box<tokio_rustls::client::TlsStream<Socket>>);

impl TlsStream for Stream {
    fn channel_binding(&self) -> ChannelBinding {
        let certificates = self.0.get_ref().1.peer_certificates();
        certificates
            .and_then(|all| binding::server_end_point(all.first()?))
            .map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
