//! How connections to PostgreSQL are made: where to, over which TLS, and why one was not made.

mod failure;
mod tls;
mod url;

use std::time::Duration;

use atlas_domain::causes::Causes;
use diesel::ConnectionError;
use diesel_async::AsyncPgConnection;
use secrecy::SecretString;
use tokio_postgres::{CancelToken, Client, Config, Connection, Socket};

pub use failure::{ConnectFailure, ConnectFailureKind};
pub use tls::TlsSetupError;
use tls::{Stream, Tls};
pub use url::UrlError;
use url::{DatabaseUrl, TlsMode};

/// How long one address of a host may take, unless the URL says otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The driver's own, of two hours, counts as not set.
const DRIVERS_KEEPALIVES_IDLE: Duration = Duration::from_secs(2 * 60 * 60);
const KEEPALIVES_IDLE: Duration = Duration::from_secs(10);

/// Makes connections as the URL says. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Connector {
    config: Config,
    tls: Tls,
    mode: TlsMode,
}

impl Connector {
    /// Reads the URL and the files that it names, and logs when nobody checks who the server is.
    pub(crate) fn new(url: &SecretString, application_name: &str) -> Result<Self, UrlError> {
        let url = DatabaseUrl::parse(url)?;
        if url.is_unchecked() {
            tracing::warn!(
                "nothing checks that the database is the right one, and the connection to it may be \
                 readable by others: set sslmode=verify-full in DATABASE_URL, or sslmode=disable \
                 where the network is trusted"
            );
        }
        let tls = Tls::new(&url.tls)?;
        let mut config = url.config;
        if config.get_application_name().is_none() {
            config.application_name(application_name);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_keepalives_idle() == DRIVERS_KEEPALIVES_IDLE {
            config.keepalives_idle(KEEPALIVES_IDLE);
        }
        Ok(Self {
            config,
            tls,
            mode: url.tls.mode,
        })
    }

    /// The same with further settings of the session, as `-c name=value`. They come after those of the
    /// URL, so that they decide where both set the same.
    pub(crate) fn with_settings(&self, settings: &str) -> Self {
        let mut config = self.config.clone();
        let options = match self.config.get_options() {
            Some(given) => format!("{given} {settings}"),
            None => settings.to_owned(),
        };
        config.options(options);
        Self {
            config,
            ..self.clone()
        }
    }

    /// What a pool is made from.
    pub(crate) const fn config(&self) -> &Config {
        &self.config
    }

    /// A connection, and what has to be polled for it.
    pub(crate) async fn connect(
        &self,
    ) -> Result<(Client, Connection<Socket, Stream>), tokio_postgres::Error> {
        self.config.connect(self.tls.clone()).await
    }

    /// A connection for diesel.
    pub(crate) async fn establish(&self) -> Result<AsyncPgConnection, ConnectFailure> {
        let (client, connection) = self.connect().await.map_err(|e| self.failure(e))?;
        AsyncPgConnection::try_from_client_and_connection(client, connection)
            .await
            .map_err(ConnectFailure::set_up)
    }

    /// The same, for a pool of diesel's, whose error holds a text only.
    pub(crate) async fn establish_pooled(&self) -> Result<AsyncPgConnection, ConnectionError> {
        let established = self.establish().await;
        established.map_err(|error| ConnectionError::BadConnection(Causes(&error).to_string()))
    }

    /// Why no connection was made.
    pub(crate) fn failure(&self, error: tokio_postgres::Error) -> ConnectFailure {
        ConnectFailure::of(error, self.mode == TlsMode::Disable)
    }

    /// Ends what a connection works on, beside whoever calls this and over the same TLS. The server
    /// learns of a closed connection by itself, only later.
    pub(crate) fn cancel(&self, token: CancelToken) {
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let tls = self.tls.clone();
            runtime.spawn(async move {
                if let Err(error) = token.cancel_query(tls).await {
                    tracing::debug!(error = %Causes(&error), "a statement was not cancelled");
                }
            });
        }
    }
}
