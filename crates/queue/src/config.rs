//! Settings that both sides of the queue share.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use redis::aio::ConnectionManagerConfig;
use redis::{ConnectionAddr, IntoConnectionInfo as _, RedisError, TlsCertificates};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject as _};
use secrecy::{ExposeSecret, SecretString};

/// What is announced when there are events to read and no run to look for.
pub(crate) const EVENTS: &str = "events";

/// Where the queue is, and its limits.
#[derive(Debug, Clone)]
pub struct QueueOptions {
    /// `redis://` or `rediss://`; it may hold a password.
    pub redis_url: SecretString,
    /// Roots, as PEM, to one of which the certificate of a `rediss://` server has to lead; without
    /// it, those of the system. Read when a program starts.
    pub ca_file: Option<PathBuf>,
    /// Prefix of all keys, so that installations and tests can share one Redis.
    pub namespace: String,
    /// How long one push, or one answer of Redis, may take.
    pub push_timeout: Duration,
    /// With more undelivered messages than this, nothing more is pushed. apalis-redis 1.0.0 cannot
    /// fetch any more once 8,000 are due.
    pub max_outstanding: u64,
    /// How often a listener reports itself in Redis, in whole seconds. Messages that it had fetched
    /// are delivered to others once it has been silent for six times as long.
    pub heartbeat: Duration,
}

impl QueueOptions {
    /// Options with the limits that the design asks for.
    #[must_use]
    pub fn new(redis_url: SecretString, namespace: impl Into<String>) -> Self {
        Self {
            redis_url,
            ca_file: None,
            namespace: namespace.into(),
            push_timeout: Duration::from_secs(2),
            max_outstanding: 4_000,
            heartbeat: Duration::from_secs(5),
        }
    }

    /// Does not introduce itself by `CLIENT SETINFO`: one command less that a user needs.
    pub(crate) fn client(&self) -> Result<redis::Client, QueueSetupError> {
        let address = self.redis_url.expose_secret().into_connection_info();
        let address = address.map_err(|_| QueueSetupError::Url)?;
        if let ConnectionAddr::TcpTls { insecure: true, .. } = address.addr() {
            return Err(QueueSetupError::Insecure);
        }
        let settings = address.redis_settings().clone().set_skip_set_lib_name();
        let address = address.set_redis_settings(settings);
        let Some(path) = &self.ca_file else {
            return redis::Client::open(address).map_err(|_| QueueSetupError::Url);
        };
        if !matches!(address.addr(), ConnectionAddr::TcpTls { .. }) {
            return Err(QueueSetupError::NoTls);
        }
        let roots = TlsCertificates {
            client_tls: None,
            root_cert: Some(roots(path)?),
        };
        redis::Client::build_with_tls(address, roots).map_err(|source| {
            QueueSetupError::CaUnusable {
                path: path.clone(),
                source,
            }
        })
    }

    /// The same on both sides. `batch_size(1)`: with more, a busy worker sends no heartbeat and its
    /// jobs are given away. Locks and events of apalis-redis protect nothing that we need and each
    /// is one more way to fail. Results stay persisted: without that, nothing is ever acknowledged.
    pub(crate) fn apalis(&self) -> apalis_redis::Config {
        self.queue("runs")
    }

    /// A queue that nobody listens to, in which pushes are rehearsed.
    pub(crate) fn rehearsal(&self) -> apalis_redis::Config {
        self.queue("rehearsal")
    }

    fn queue(&self, name: &str) -> apalis_redis::Config {
        apalis_redis::Config::default()
            .queue(format!("{}:{name}", self.namespace))
            .batch_size(1)
            .heartbeat_interval(self.heartbeat)
            .missed_heartbeats(6)
            .lock_tasks(false)
            .emit_events(false)
    }

    /// The channel on which a push is announced; workers would otherwise notice it at their next
    /// poll. Events are announced on it as well, so that users of Redis need no right to another one.
    pub(crate) fn wake_channel(&self) -> String {
        format!("{}:wake", self.namespace)
    }

    /// No retries inside: a stream that breaks is opened again with a pause of its own.
    pub(crate) fn connection(&self) -> ConnectionManagerConfig {
        self.within(self.push_timeout)
    }

    /// No retries inside, and half of the time for each of the two attempts of a push.
    pub(crate) fn pushing(&self) -> ConnectionManagerConfig {
        self.within(self.push_timeout / 2)
    }

    fn within(&self, limit: Duration) -> ConnectionManagerConfig {
        ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(limit.min(Duration::from_secs(1))))
            .set_response_timeout(Some(limit))
    }
}

/// The file's content, once it is known to hold certificates.
fn roots(path: &Path) -> Result<Vec<u8>, QueueSetupError> {
    let owned = || path.to_owned();
    let text = std::fs::read(path).map_err(|source| QueueSetupError::CaUnreadable {
        path: owned(),
        source,
    })?;
    let found: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&text).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(text),
        _ => Err(QueueSetupError::CaEmpty(owned())),
    }
}

/// Why the queue cannot be set up. Never holds the URL, which may carry a password.
#[derive(Debug, thiserror::Error)]
pub enum QueueSetupError {
    /// The URL is not one of Redis.
    #[error("REDIS_URL is not a valid redis:// or rediss:// URL")]
    Url,
    /// Nobody would know who answers.
    #[error(
        "REDIS_URL ends in #insecure, with which no certificate is checked; name the roots with \
         REDIS_CA_FILE"
    )]
    Insecure,
    /// Roots for a connection that has no TLS.
    #[error("REDIS_CA_FILE is set, but REDIS_URL has no TLS: begin it with rediss://")]
    NoTls,
    /// The file with the roots cannot be read.
    #[error("REDIS_CA_FILE names {}, which cannot be read", path.display())]
    CaUnreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file holds something else.
    #[error("REDIS_CA_FILE names {}, which holds no certificate in PEM", _0.display())]
    CaEmpty(PathBuf),
    /// A certificate in the file cannot be a root.
    #[error("REDIS_CA_FILE names {}, which cannot be used", path.display())]
    CaUnusable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: RedisError,
    },
    /// The connection manager refused its settings.
    #[error("the connection to Redis cannot be set up")]
    Connection(#[source] RedisError),
}
