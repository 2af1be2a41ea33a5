//! Why Redis does not do what the queue asks, and what to do about it.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use apalis::prelude::BoxDynError;
use redis::{ErrorKind, RedisError, ServerError};
use rustls::{CertificateError, Error as TlsError};

/// How Redis ends a connection on which a long command comes before the password.
const UNAUTHENTICATED: &str = "Protocol error: unauthenticated";

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedisFaultKind {
    /// User or password are wrong, or missing.
    Password,
    /// The user may not use a command, key or channel.
    NotPermitted,
    /// It is a Cluster: what one push writes would lie on several nodes.
    Cluster,
    /// It is a replica that takes no writes.
    ReadOnly,
    /// It has as much in memory as it may have.
    Full,
    /// It takes no writes, because it cannot save them or has too few replicas.
    NoWrites,
    /// It has just started and reads its data.
    Loading,
    /// The certificate leads to no root.
    Untrusted,
    /// The certificate is for other names.
    WrongName,
    /// The certificate is no longer valid, or not yet.
    Expired,
    /// TLS failed in another way.
    Tls,
    /// The host's name cannot be resolved.
    NameNotFound,
    /// Nobody listens there.
    NobodyListens,
    /// There is no answer in time.
    TimedOut,
    /// The connection was closed.
    Closed,
    /// Something else.
    Other,
}

impl RedisFaultKind {
    /// What is wrong and what to do, in a sentence.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Password => {
                "Redis refuses the user or the password, or wants one: check both in REDIS_URL (a \
                 special character in them is percent-encoded)"
            }
            Self::NotPermitted => {
                "the user in REDIS_URL may not use a command, key or channel that the queue needs: \
                 give it the rights that docs/OPERATIONS.md lists"
            }
            Self::Cluster => {
                "Redis is a Cluster, over which the queue does not work: name a Redis or Valkey \
                 without cluster mode in REDIS_URL"
            }
            Self::ReadOnly => "Redis is a read-only replica: name its primary in REDIS_URL",
            Self::Full => "Redis is full: raise its maxmemory, or delete what else it holds",
            Self::NoWrites => "Redis takes no writes: its log has the reason",
            Self::Loading => "Redis is reading its data after a start: wait for it",
            Self::Untrusted => {
                "the certificate of Redis is not trusted: name the certificate of its authority in \
                 REDIS_CA_FILE"
            }
            Self::WrongName => {
                "the certificate of Redis is for another host name: use a name that it holds in \
                 REDIS_URL"
            }
            Self::Expired => {
                "the certificate of Redis is not valid at this time: renew it, or set the clock"
            }
            Self::Tls => "no TLS connection to Redis could be made: its log may say why",
            Self::NameNotFound => {
                "the host name in REDIS_URL cannot be resolved: correct it, or check DNS"
            }
            Self::NobodyListens => {
                "nothing listens at the host and port in REDIS_URL: start Redis, or correct them"
            }
            Self::TimedOut => {
                "Redis does not answer in time: check the network, its firewalls, and the load of \
                 Redis; with rediss:// also that the port is its port for TLS"
            }
            Self::Closed => {
                "Redis closed the connection: if its port takes only TLS, REDIS_URL begins with \
                 rediss://"
            }
            Self::Other => "Redis does not do what the queue asks",
        }
    }

    /// Whether a program that meets it at its start cannot work with this Redis at all.
    #[must_use]
    pub const fn is_unsuitable(self) -> bool {
        matches!(self, Self::Cluster | Self::ReadOnly)
    }

    /// Whether another connection may do better: to a Redis that has come back, to the primary that
    /// the name leads to by now, or with a password that was corrected there.
    pub(crate) const fn is_of_the_connection(self) -> bool {
        !matches!(
            self,
            Self::NotPermitted | Self::Cluster | Self::Full | Self::NoWrites | Self::Loading
        )
    }
}

/// Redis does not do what the queue asks. Never holds the URL, which may carry a password.
#[derive(Debug)]
pub struct RedisFault {
    kind: RedisFaultKind,
    /// None where the kind says all.
    source: Option<BoxDynError>,
}

impl RedisFault {
    /// What is wrong.
    #[must_use]
    pub const fn kind(&self) -> RedisFaultKind {
        self.kind
    }

    /// Where there is no error of Redis to show.
    pub(crate) const fn of_kind(kind: RedisFaultKind) -> Self {
        Self { kind, source: None }
    }

    /// An error that is not of Redis.
    pub(crate) fn other(error: impl Into<BoxDynError>) -> Self {
        Self {
            kind: RedisFaultKind::Other,
            source: Some(error.into()),
        }
    }
}

impl From<RedisError> for RedisFault {
    fn from(error: RedisError) -> Self {
        Self {
            kind: kind_of(&error),
            source: Some(Box::new(error)),
        }
    }
}

impl From<apalis_redis::Error> for RedisFault {
    fn from(error: apalis_redis::Error) -> Self {
        match error {
            apalis_redis::Error::Database(error) => error.into(),
            error => Self::other(error),
        }
    }
}

impl fmt::Display for RedisFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.advice())
    }
}

impl Error for RedisFault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source: &BoxDynError = self.source.as_ref()?;
        Some(&**source)
    }
}

/// What an error of Redis, or of a connection to it, says.
pub(crate) fn kind_of(error: &RedisError) -> RedisFaultKind {
    if error.kind() == ErrorKind::AuthenticationFailed {
        return RedisFaultKind::Password;
    }
    if let Some(errors) = error.clone().into_server_errors() {
        let first = errors.first().map(|(_, error)| error);
        return first.map_or(RedisFaultKind::Other, kind_of_refusal);
    }
    match (error.is_io_error(), io_error(error)) {
        (true, Some(error)) => match error.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(tls) => kind_of_tls(tls),
            None => kind_of_io(error),
        },
        // The driver of a connection ended with it.
        (true, None) => RedisFaultKind::Closed,
        (false, _) => RedisFaultKind::Other,
    }
}

/// The first word of a refusal says what it is, except that who has no password is not let speak so
/// long that it would come to that.
fn kind_of_refusal(refusal: &ServerError) -> RedisFaultKind {
    match refusal.code() {
        "ERR"
            if refusal
                .details()
                .is_some_and(|text| text.contains(UNAUTHENTICATED)) =>
        {
            RedisFaultKind::Password
        }
        code => kind_of_code(code),
    }
}

/// The first word of an answer.
pub(crate) fn kind_of_code(code: &str) -> RedisFaultKind {
    match code {
        "NOAUTH" | "WRONGPASS" => RedisFaultKind::Password,
        "NOPERM" => RedisFaultKind::NotPermitted,
        "CROSSSLOT" | "MOVED" | "ASK" | "TRYAGAIN" | "CLUSTERDOWN" => RedisFaultKind::Cluster,
        "READONLY" => RedisFaultKind::ReadOnly,
        "OOM" => RedisFaultKind::Full,
        "MISCONF" | "NOREPLICAS" | "MASTERDOWN" => RedisFaultKind::NoWrites,
        "LOADING" => RedisFaultKind::Loading,
        _ => RedisFaultKind::Other,
    }
}

/// The error of the operating system, which the driver shares among those who wait for it.
fn io_error(error: &RedisError) -> Option<&io::Error> {
    let source = error.source()?;
    match source.downcast_ref::<Arc<dyn Error + Send + Sync>>() {
        Some(shared) => shared.downcast_ref(),
        None => source.downcast_ref(),
    }
}

fn kind_of_tls(error: &TlsError) -> RedisFaultKind {
    match error {
        TlsError::InvalidCertificate(reason) => match reason {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                RedisFaultKind::WrongName
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => RedisFaultKind::Expired,
            _ => RedisFaultKind::Untrusted,
        },
        _ => RedisFaultKind::Tls,
    }
}

/// A name that cannot be resolved has no number of the operating system, and no kind that has a name.
fn kind_of_io(error: &io::Error) -> RedisFaultKind {
    match error.kind() {
        // A socket's file that is not there is as much.
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => RedisFaultKind::NobodyListens,
        io::ErrorKind::TimedOut
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable => RedisFaultKind::TimedOut,
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::NotConnected
        | io::ErrorKind::BrokenPipe => RedisFaultKind::Closed,
        io::ErrorKind::InvalidData | io::ErrorKind::Other | io::ErrorKind::PermissionDenied => {
            RedisFaultKind::Other
        }
        _ if error.raw_os_error().is_none() => RedisFaultKind::NameNotFound,
        _ => RedisFaultKind::Other,
    }
}
