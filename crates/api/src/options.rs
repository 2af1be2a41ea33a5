//! How the API is set up.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use atlas_settings::{DatabaseAddress, RedisAddress};
use atlas_telemetry::LogOptions;
use atlas_telemetry::metrics::MetricsOptions;
use atlas_webhooks::PermittedNetworks;
use url::Url;

use crate::origins::origin;
use crate::proxies::TrustedProxies;

/// Where a run's page is, unless somebody else serves it.
pub const DEFAULT_RUN_VIEW_TEMPLATE: &str = "{public_url}/view/operation-runs/{run_id}";

/// What decides how requests are answered.
#[derive(Debug, Clone)]
pub struct ApiOptions {
    /// Where callers reach the API, as in `https://atlas.example`; absent: the address that it
    /// listens on.
    pub public_url: Option<String>,
    /// The page of a run: `{public_url}` and `{run_id}` are filled in.
    pub run_view_template: String,
    /// Origins whose pages may call the API from a browser.
    pub cors_origins: Vec<String>,
    /// Requests per minute of one caller.
    pub requests_per_minute: NonZeroU32,
    /// Proxies whose `X-Forwarded-For` names the caller.
    pub trusted_proxies: TrustedProxies,
    /// How long a looked-up token is believed; at most five seconds, so that a revoked one is
    /// soon refused.
    pub token_cache: Duration,
    /// How often an export that is under way checks that its caller still has access.
    pub export_check_interval: Duration,
    /// How often the access of all callers with open streams is checked, so that a stream ends within five
    /// seconds when its caller loses it.
    pub stream_check_interval: Duration,
    /// How often streams report the progress of a run, at most.
    pub progress_interval: Duration,
    /// Streams that one caller may have open.
    pub streams_per_user: u16,
    /// Streams that may be open in this process.
    pub streams: u16,
    /// How long the body of a request may take to arrive.
    pub body_timeout: Duration,
    /// How long a request may take.
    pub request_timeout: Duration,
    /// Where Microsoft Graph is, instead of each tenant's cloud: for development and tests.
    pub graph_url: Option<Url>,
    /// How long Microsoft Graph may take to answer one page of a search.
    pub graph_timeout: Duration,
    /// Networks that are not public and that webhooks may be sent to.
    pub webhook_networks: PermittedNetworks,
    /// For how long the API goes on serving after it was asked to stop, while `/readyz` refuses.
    pub shutdown_delay: Duration,
    /// Threads that answer requests.
    pub threads: usize,
}

impl Default for ApiOptions {
    fn default() -> Self {
        Self {
            public_url: None,
            run_view_template: DEFAULT_RUN_VIEW_TEMPLATE.to_owned(),
            cors_origins: Vec::new(),
            requests_per_minute: NonZeroU32::MIN.saturating_add(599),
            trusted_proxies: TrustedProxies::default(),
            token_cache: Duration::from_secs(5),
            export_check_interval: Duration::from_secs(5),
            stream_check_interval: Duration::from_secs(4),
            progress_interval: Duration::from_millis(500),
            streams_per_user: 10,
            streams: 5_000,
            body_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            graph_url: None,
            graph_timeout: Duration::from_secs(10),
            webhook_networks: PermittedNetworks::default(),
            shutdown_delay: Duration::ZERO,
            threads: std::thread::available_parallelism().map_or(2, usize::from),
        }
    }
}

/// The command line of `atlas-api`.
#[derive(Debug, clap::Parser)]
#[command(name = "atlas-api", version, about = "The HTTP API of TenantAtlas")]
pub struct Arguments {
    /// What to do; serve when left out
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How the service is set up
    #[command(flatten)]
    pub serve: ServeArguments,
    /// What to log
    #[command(flatten)]
    pub log: LogOptions,
    /// Where to serve numbers
    #[command(flatten)]
    pub metrics: MetricsOptions,
}

/// What `atlas-api` can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::Subcommand)]
pub enum Command {
    /// Serve the API until SIGTERM or Ctrl-C (the default)
    Serve,
    /// Print the OpenAPI document
    Openapi,
    /// Print the OpenAPI document of what webhooks deliver
    Webhooks,
    /// Ask the API at --listen whether it is ready: exit status 0 if so, else 1
    Health,
}

/// How the service is set up, as flags and environment variables.
#[derive(Debug, Clone, clap::Args)]
pub struct ServeArguments {
    /// Where PostgreSQL is
    #[command(flatten)]
    pub database: DatabaseAddress,
    /// Where Redis is
    #[command(flatten)]
    pub redis: RedisAddress,
    /// Where to listen; port 0 takes a free one
    #[arg(
        long,
        env = "ATLAS_LISTEN",
        default_value = "127.0.0.1:8080",
        global = true
    )]
    pub listen: SocketAddr,
    /// A file to write the address to, once the API listens
    #[arg(long, env = "ATLAS_ADDRESS_FILE", value_name = "PATH", global = true)]
    pub address_file: Option<PathBuf>,
    /// Where callers reach the API; without it, the address that it listens on
    #[arg(long, env = "ATLAS_PUBLIC_URL", value_name = "URL", global = true)]
    pub public_url: Option<String>,
    /// The page of a run: {public_url} and {run_id} are filled in
    #[arg(
        long,
        env = "ATLAS_RUN_VIEW_TEMPLATE",
        value_name = "TEMPLATE",
        default_value = DEFAULT_RUN_VIEW_TEMPLATE,
        value_parser = run_view_template,
        global = true
    )]
    pub run_view_template: String,
    /// Connections to PostgreSQL at most
    #[arg(
        long,
        env = "ATLAS_DATABASE_POOL",
        value_name = "N",
        default_value_t = 16,
        value_parser = clap::value_parser!(u16).range(1..=1000),
        global = true
    )]
    pub database_pool: u16,
    /// Further connections to PostgreSQL, for what pages read, at most; without it, one for each
    /// processor, and two at least
    #[arg(
        long,
        env = "ATLAS_DATABASE_READ_POOL",
        value_name = "N",
        value_parser = clap::value_parser!(u16).range(1..=1000),
        global = true
    )]
    pub database_read_pool: Option<u16>,
    /// Prefix of the keys in Redis; the same for the API and its workers
    #[arg(
        long,
        env = "ATLAS_QUEUE_NAMESPACE",
        value_parser = atlas_settings::queue_namespace,
        value_name = "NAME",
        default_value = "tenantatlas",
        global = true
    )]
    pub queue_namespace: String,
    /// Origins whose pages may call the API from a browser: https:, two slashes and the host, separated by
    /// commas
    #[arg(
        long,
        env = "ATLAS_CORS_ORIGINS",
        value_name = "ORIGIN",
        value_delimiter = ',',
        value_parser = origin,
        global = true
    )]
    pub cors_origins: Vec<String>,
    /// How long Redis may take to accept a job, as in 2s or 500ms
    #[arg(
        long,
        env = "ATLAS_PUSH_TIMEOUT",
        value_name = "DURATION",
        default_value = "2s",
        value_parser = duration,
        global = true
    )]
    pub push_timeout: Duration,
    /// For how long an API that was asked to stop goes on serving while it says that it is not ready,
    /// as in 10s: longer than a load balancer takes to notice; without it, not at all
    #[arg(
        long,
        env = "ATLAS_SHUTDOWN_DELAY",
        value_name = "DURATION",
        value_parser = duration,
        global = true
    )]
    pub shutdown_delay: Option<Duration>,
    /// Microsoft Graph for live searches, instead of the address of each tenant's cloud; for
    /// development and tests
    #[arg(long, env = "ATLAS_GRAPH_URL", value_name = "URL", global = true)]
    pub graph_url: Option<Url>,
    /// Networks that are not public and that webhooks may be sent to nevertheless, as 10.1.0.0/16,
    /// separated by commas; the same for the workers
    #[arg(
        long,
        env = "ATLAS_WEBHOOK_NETWORKS",
        value_name = "NETWORKS",
        default_value = "",
        hide_default_value = true,
        global = true
    )]
    pub webhook_networks: PermittedNetworks,
    /// Requests per minute of one caller
    #[arg(
        long,
        env = "ATLAS_RATE_LIMIT",
        value_name = "N",
        default_value = "600",
        global = true
    )]
    pub rate_limit: NonZeroU32,
    /// Streams of events that one caller may have open in this process
    #[arg(
        long,
        env = "ATLAS_STREAMS_PER_USER",
        value_name = "N",
        default_value_t = 10,
        value_parser = clap::value_parser!(u16).range(1..=1000),
        global = true
    )]
    pub streams_per_user: u16,
    /// Streams of events that may be open in this process
    #[arg(
        long,
        env = "ATLAS_STREAMS",
        value_name = "N",
        default_value_t = 5000,
        value_parser = clap::value_parser!(u16).range(1..),
        global = true
    )]
    pub streams: u16,
    /// Networks of the proxies before the API, as 10.0.0.0/8, separated by commas: their
    /// X-Forwarded-For says where a request came from. Without them the header is ignored
    #[arg(
        long,
        env = "ATLAS_TRUSTED_PROXIES",
        value_name = "NETWORKS",
        default_value = "",
        hide_default_value = true,
        global = true
    )]
    pub trusted_proxies: TrustedProxies,
}

impl ServeArguments {
    /// Connections for what pages read: more than there are processors would keep those of the
    /// database from starts and permission checks.
    #[must_use]
    pub fn read_pool_size(&self) -> usize {
        let processors = || std::thread::available_parallelism().map_or(2, usize::from);
        self.database_read_pool
            .map_or_else(|| processors().max(2), usize::from)
    }

    /// Settings that cannot be. What holds a password is not repeated.
    ///
    /// # Errors
    /// One sentence on which.
    pub fn check(&self) -> Result<(), &'static str> {
        let Some(text) = self.public_url.as_ref().filter(|text| !text.is_empty()) else {
            return Ok(());
        };
        let url = Url::parse(text).ok().filter(Url::has_host);
        let Some(url) = url.filter(|url| matches!(url.scheme(), "http" | "https")) else {
            return Err("ATLAS_PUBLIC_URL must be a URL such as https://atlas.example");
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err("ATLAS_PUBLIC_URL is given to callers and must hold no user or password");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("ATLAS_PUBLIC_URL is the beginning of links and must hold no ? and no #");
        }
        Ok(())
    }

    /// What of it decides how requests are answered.
    #[must_use]
    pub fn api_options(&self) -> ApiOptions {
        let given = |text: &&String| !text.is_empty();
        ApiOptions {
            public_url: self.public_url.as_ref().filter(given).cloned(),
            run_view_template: self.run_view_template.clone(),
            cors_origins: self.cors_origins.iter().filter(given).cloned().collect(),
            requests_per_minute: self.rate_limit,
            trusted_proxies: self.trusted_proxies.clone(),
            streams_per_user: self.streams_per_user,
            streams: self.streams,
            graph_url: self.graph_url.clone(),
            webhook_networks: self.webhook_networks.clone(),
            shutdown_delay: self.shutdown_delay.unwrap_or_default(),
            ..ApiOptions::default()
        }
    }
}

/// A page for each run.
fn run_view_template(text: &str) -> Result<String, String> {
    if text.contains("{run_id}") {
        Ok(text.to_owned())
    } else {
        Err("it must contain {run_id}".to_owned())
    }
}

/// Reads `2s` or `500ms`, of at most a minute.
fn duration(text: &str) -> Result<Duration, String> {
    let parsed = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(number), _) => number.parse().map(Duration::from_millis),
        (None, Some(number)) => number.parse().map(Duration::from_secs),
        (None, None) => return Err("write a duration such as 2s or 500ms".to_owned()),
    };
    let parsed = parsed.map_err(|error| error.to_string())?;
    if parsed.is_zero() || parsed > Duration::from_secs(60) {
        return Err("must be more than nothing and at most 60s".to_owned());
    }
    Ok(parsed)
}

#[cfg(test)]
mod tests;
