//! Why no connection was made, and what to do about it.

use std::error::Error;
use std::fmt;
use std::io;

use rustls::{AlertDescription, CertificateError, Error as TlsError};
use tokio_postgres::error::SqlState;

use crate::connection::tls::OldVersion;
use crate::error::{Cause, Refusal};

/// How the driver begins what it says of a handshake.
const DRIVERS_TLS: &str = "error performing TLS handshake";
/// What the driver says when the server wants a password and the URL has none.
const DRIVERS_PASSWORD: &str = "password missing";

/// What keeps a connection from being made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectFailureKind {
    /// The password is wrong, or missing.
    Password,
    /// The server lets this user, address or certificate not in.
    Login,
    /// The connection was to be one without TLS, and the server lets nobody in like that, or not this
    /// user.
    TlsRequired,
    /// The server has no TLS.
    TlsUnsupported,
    /// The certificate leads to no root.
    Untrusted,
    /// The certificate is for other names.
    WrongName,
    /// The certificate is no longer valid, or not yet.
    Expired,
    /// The server's certificate is of an old version of X.509.
    OldCertificate,
    /// The server does not believe this side's certificate, or wants one.
    ClientCertificate,
    /// TLS failed in another way.
    Tls,
    /// The server has no such database.
    NoDatabase,
    /// The host's name cannot be resolved.
    NameNotFound,
    /// Nobody listens there.
    Refused,
    /// Nobody answers there.
    TimedOut,
    /// No host has what `target_session_attrs` asks for.
    NoSuitableHost,
    /// The server has no connection left.
    TooManyConnections,
    /// The server is starting or stopping.
    Starting,
    /// A pooler, such as PgBouncer, refuses what a request for a connection carries.
    Pooler,
    /// A pooler hands sessions to others between transactions, and the program was not set up for it.
    SharedSessions,
    /// A pooler does so, and loses prepared statements.
    LostStatements,
    /// Something else.
    Other,
}

impl ConnectFailureKind {
    /// What is wrong and what to do, in a sentence.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Password => {
                "the server refuses the password, or wants one: check user and password in \
                 DATABASE_URL (a special character in it is percent-encoded)"
            }
            Self::Login => {
                "the server does not let this user in from here: check the user in DATABASE_URL and \
                 the server's pg_hba.conf"
            }
            Self::TlsRequired => {
                "the server does not let this user in without TLS: set sslmode=verify-full in \
                 DATABASE_URL in place of sslmode=disable"
            }
            Self::TlsUnsupported => {
                "the server has no TLS: switch it on there, or set sslmode=disable in DATABASE_URL \
                 where the network is trusted"
            }
            Self::Untrusted => {
                "the server's certificate is not trusted: name the certificate of its authority in \
                 sslrootcert in DATABASE_URL"
            }
            Self::WrongName => {
                "the server's certificate is for another host name: use a name that it holds in \
                 DATABASE_URL"
            }
            Self::Expired => {
                "the server's certificate is not valid at this time: renew it, or set the clock"
            }
            Self::OldCertificate => {
                "the server's certificate is of an old version: make one of version 3 of X.509, with \
                 the server's name as subjectAltName"
            }
            Self::ClientCertificate => {
                "the server does not accept the client certificate: check sslcert and sslkey in \
                 DATABASE_URL"
            }
            Self::Tls => "no TLS connection could be made: check sslmode in DATABASE_URL",
            Self::NoDatabase => {
                "the server has no such database: create it, or correct its name in DATABASE_URL"
            }
            Self::NameNotFound => {
                "the host name in DATABASE_URL cannot be resolved: correct it, or check DNS"
            }
            Self::Refused => {
                "nothing listens at the host and port in DATABASE_URL: start the server, or correct \
                 them"
            }
            Self::TimedOut => {
                "the host in DATABASE_URL does not answer: check the network and its firewalls"
            }
            Self::NoSuitableHost => {
                "no host in DATABASE_URL is what target_session_attrs asks for: check which server \
                 is the primary"
            }
            Self::TooManyConnections => {
                "the server has no connection left: raise max_connections, or lower the pools"
            }
            Self::Starting => "the server is starting or shutting down: wait for it",
            Self::Pooler => {
                "a pooler refuses a parameter of the connection: name PostgreSQL itself in \
                 DATABASE_URL, or take options out of it"
            }
            Self::SharedSessions => {
                "a pooler hands sessions to others between transactions: set \
                 ATLAS_DATABASE_POOLER=transaction where it is PgBouncer 1.21 or newer with \
                 max_prepared_statements above 0; else set pool_mode=session there, or name \
                 PostgreSQL itself in DATABASE_URL"
            }
            Self::LostStatements => {
                "a pooler hands sessions to others between transactions and loses prepared \
                 statements: use PgBouncer 1.21 or newer with max_prepared_statements above 0, or \
                 set pool_mode=session there, or name PostgreSQL itself in DATABASE_URL"
            }
            Self::Other => "no connection could be made",
        }
    }

    /// Whether a pooler between the program and PostgreSQL is the cause.
    #[must_use]
    pub const fn is_about_a_pooler(self) -> bool {
        matches!(
            self,
            Self::Pooler | Self::SharedSessions | Self::LostStatements
        )
    }
}

/// No connection was made.
#[derive(Debug)]
pub struct ConnectFailure {
    kind: ConnectFailureKind,
    /// None where the kind says all.
    source: Option<Cause>,
}

impl ConnectFailure {
    /// `plain` says that the connection was to be one without TLS.
    pub(super) fn of(error: tokio_postgres::Error, plain: bool) -> Self {
        match error.as_db_error().map(Refusal::of) {
            Some(refusal) => Self {
                kind: kind_of_refusal(refusal.code(), plain),
                source: Some(Box::new(refusal)),
            },
            None => Self {
                kind: kind_of_error(&error),
                source: Some(Box::new(error)),
            },
        }
    }

    /// A connection that was made could not be used.
    pub(super) fn set_up(error: diesel::ConnectionError) -> Self {
        Self {
            kind: ConnectFailureKind::Other,
            source: Some(Box::new(error)),
        }
    }

    /// A pooler with which the programs cannot work.
    pub(super) const fn pooler(kind: ConnectFailureKind) -> Self {
        Self { kind, source: None }
    }

    /// What keeps the connection from being made.
    #[must_use]
    pub const fn kind(&self) -> ConnectFailureKind {
        self.kind
    }
}

impl fmt::Display for ConnectFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.advice())
    }
}

impl Error for ConnectFailure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source: &Cause = self.source.as_ref()?;
        Some(&**source)
    }
}

/// What the server said.
fn kind_of_refusal(code: &SqlState, plain: bool) -> ConnectFailureKind {
    match *code {
        SqlState::INVALID_PASSWORD => ConnectFailureKind::Password,
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION if plain => ConnectFailureKind::TlsRequired,
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION => ConnectFailureKind::Login,
        SqlState::INVALID_CATALOG_NAME => ConnectFailureKind::NoDatabase,
        SqlState::TOO_MANY_CONNECTIONS => ConnectFailureKind::TooManyConnections,
        SqlState::CANNOT_CONNECT_NOW | SqlState::ADMIN_SHUTDOWN => ConnectFailureKind::Starting,
        SqlState::PROTOCOL_VIOLATION => ConnectFailureKind::Pooler,
        _ => ConnectFailureKind::Other,
    }
}

/// What happened before the server could say anything.
fn kind_of_error(error: &tokio_postgres::Error) -> ConnectFailureKind {
    let cause = error.source();
    if let Some(error) = cause.and_then(<dyn Error>::downcast_ref::<io::Error>) {
        return match error.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(tls) => kind_of_tls(tls),
            None => kind_of_io(error),
        };
    }
    // The driver's own words, which it has no type for: no password, and the server has no TLS.
    if cause.is_some_and(|cause| cause.to_string() == DRIVERS_PASSWORD) {
        return ConnectFailureKind::Password;
    }
    if error.to_string() == DRIVERS_TLS && cause.is_some() {
        return ConnectFailureKind::TlsUnsupported;
    }
    ConnectFailureKind::Other
}

fn kind_of_tls(error: &TlsError) -> ConnectFailureKind {
    match error {
        TlsError::InvalidCertificate(reason) => match reason {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                ConnectFailureKind::WrongName
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => ConnectFailureKind::Expired,
            CertificateError::Other(reason) if reason.0.is::<OldVersion>() => {
                ConnectFailureKind::OldCertificate
            }
            _ => ConnectFailureKind::Untrusted,
        },
        TlsError::AlertReceived(
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateRequired,
        ) => ConnectFailureKind::ClientCertificate,
        _ => ConnectFailureKind::Tls,
    }
}

/// A name that cannot be resolved has no number of the operating system, and no kind that has a name.
fn kind_of_io(error: &io::Error) -> ConnectFailureKind {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => ConnectFailureKind::Refused,
        io::ErrorKind::TimedOut
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable => ConnectFailureKind::TimedOut,
        // Of a socket's directory.
        io::ErrorKind::NotFound => ConnectFailureKind::Refused,
        io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => {
            ConnectFailureKind::NoSuitableHost
        }
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::InvalidData
        | io::ErrorKind::Other
        | io::ErrorKind::PermissionDenied => ConnectFailureKind::Other,
        _ if error.raw_os_error().is_none() => ConnectFailureKind::NameNotFound,
        _ => ConnectFailureKind::Other,
    }
}
