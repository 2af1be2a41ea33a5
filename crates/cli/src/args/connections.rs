//! Where commands find the database, the keys and the API.

use std::path::PathBuf;

use clap::Args;
use secrecy::SecretString;

/// Where the database is. For administration, which does not go through the API.
#[derive(Debug, Args)]
pub(crate) struct Database {
    /// PostgreSQL, as postgres://user:password@host/database.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: SecretString,
}

/// The keys that encrypt tenant secrets.
#[derive(Debug, Args)]
pub(crate) struct Keys {
    /// A file that holds the keys: ID:KEY pairs joined by commas, each KEY 32 bytes in base64; the
    /// first encrypts. Without it they are taken from the variable ATLAS_SECRET_KEYS, never from an
    /// argument, which would stand in the process list.
    #[arg(long, env = "ATLAS_SECRET_KEYS_FILE")]
    pub secret_keys_file: Option<PathBuf>,
}

/// Where the API is and who asks.
#[derive(Debug, Args)]
pub(crate) struct Api {
    /// Base URL of the API.
    #[arg(long, env = "ATLAS_URL", default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// File with the API token; - reads it from standard input. Otherwise the variable ATLAS_TOKEN.
    #[arg(long, env = "ATLAS_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
}
