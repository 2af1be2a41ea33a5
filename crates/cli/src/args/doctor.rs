//! Arguments of `atlas doctor`.

use std::path::PathBuf;

use atlas_settings::RedisAddress;
use clap::Args;
use reqwest::Url;

use crate::args::connections::{Database, Keys};

/// What to examine, and with which settings: those of the API and the workers.
#[derive(Debug, Args)]
pub(crate) struct DoctorArguments {
    #[command(flatten)]
    pub database: Database,
    #[command(flatten)]
    pub redis: RedisAddress,
    #[command(flatten)]
    pub keys: Keys,
    /// Prefix of all keys in Redis, as the API and the workers have it.
    #[arg(
        long,
        env = "ATLAS_QUEUE_NAMESPACE",
        value_parser = atlas_settings::queue_namespace,
        default_value = "tenantatlas",
        value_name = "NAME"
    )]
    pub queue_namespace: String,
    /// The directory with tenants' certificates and federated tokens, as the workers have it.
    #[arg(long, env = "ATLAS_CREDENTIALS_DIR", value_name = "PATH")]
    pub credentials_dir: Option<PathBuf>,
    /// Only this tenant, by name or id, instead of every enabled one. May be repeated.
    #[arg(long, value_name = "TENANT")]
    pub tenant: Vec<String>,
    /// Ask nothing of Microsoft: leave out sign-ins and permissions.
    #[arg(long)]
    pub offline: bool,
    /// Tenants that are examined at the same time.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=32), value_name = "NUMBER")]
    pub at_once: u8,
    /// Microsoft Graph's address instead of the tenant's cloud's, for a simulator.
    #[arg(long, env = "ATLAS_GRAPH_URL", value_name = "URL")]
    pub graph_url: Option<Url>,
    /// The sign-in service's address instead of the tenant's cloud's, for a simulator.
    #[arg(long, env = "ATLAS_LOGIN_URL", value_name = "URL")]
    pub login_url: Option<Url>,
}
