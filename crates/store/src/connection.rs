//! How connections to PostgreSQL are made: where to, over which TLS, and why one was not made.

mod failure;
mod pooler;
mod probe;
mod session;
mod tls;
mod url;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use atlas_domain::causes::Causes;
use diesel::ConnectionError;
use diesel_async::AsyncPgConnection;
use secrecy::SecretString;
use tokio_postgres::{CancelToken, Client, Config, Connection, Error, Socket};

pub use failure::{ConnectFailure, ConnectFailureKind};
use pooler::Pooler;
use session::Delivery;
pub use session::Pooling;
pub(crate) use session::{Settings, statements};
pub use tls::TlsSetupError;
use tls::{Stream, Tls, TlsMode};
use url::DatabaseUrl;
pub use url::UrlError;

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
    pooling: Pooling,
    settings: Vec<(&'static str, &'static str)>,
    pooler: Arc<Pooler>,
}

impl Connector {
    /// Reads the URL and the files that it names, and logs when nobody checks who the server is.
    pub(crate) fn new(
        url: &SecretString,
        application_name: &str,
        pooling: Pooling,
    ) -> Result<Self, UrlError> {
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
            pooling,
            settings: Vec::new(),
            pooler: Arc::default(),
        })
    }

    /// The same with further settings of the session. They come after the options of the URL, so that
    /// they decide where both set the same. A pooler of transactions keeps none: see [`Pooling`].
    pub(crate) fn with_settings(&self, settings: Settings) -> Self {
        let mut with = self.clone();
        with.settings.extend(settings);
        with
    }

    /// What a pool is made from.
    pub(crate) const fn config(&self) -> &Config {
        &self.config
    }

    /// What was said to stand between this program and PostgreSQL.
    pub(crate) const fn pooling(&self) -> Pooling {
        self.pooling
    }

    /// A connection with its settings, and what has to be polled for it. [`Connector::examine`] comes
    /// before the first.
    pub(crate) async fn connect(&self) -> Result<(Client, Connection<Socket, Stream>), Error> {
        let delivery = self.pooler.delivery();
        let options = (delivery == Delivery::Options).then(|| session::options(&self.settings));
        let (client, mut connection) = self.open(options).await?;
        if delivery == Delivery::Statements {
            let statements = statements("SET", &self.settings);
            driven(&mut connection, client.batch_execute(&statements)).await?;
        }
        Ok((client, connection))
    }

    async fn open(
        &self,
        options: Option<String>,
    ) -> Result<(Client, Connection<Socket, Stream>), Error> {
        let Some(options) = options else {
            return self.config.connect(self.tls.clone()).await;
        };
        let mut config = self.config.clone();
        config.options(match config.get_options() {
            Some(given) => format!("{given} {options}"),
            None => options,
        });
        config.connect(self.tls.clone()).await
    }

    /// A connection for diesel.
    pub(crate) async fn establish(&self) -> Result<AsyncPgConnection, ConnectFailure> {
        self.examine().await?;
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
    pub(crate) fn failure(&self, error: Error) -> ConnectFailure {
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

/// Polls a connection that nobody else polls yet until a statement on it is done.
async fn driven<T>(
    connection: &mut Connection<Socket, Stream>,
    statement: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let mut statement = pin!(statement);
    tokio::select! {
        biased;
        done = &mut statement => done,
        ended = connection => match ended {
            Ok(()) => statement.await,
            Err(error) => Err(error),
        },
    }
}
