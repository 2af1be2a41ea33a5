//! Where commands find the database, the keys and the API.

use std::path::PathBuf;

use atlas_settings::DatabaseAddress;
use clap::Args;

/// The database, for commands that do not go through the API.
#[derive(Debug, Args)]
pub(crate) struct Database {
    /// Where PostgreSQL is.
    #[command(flatten)]
    pub address: DatabaseAddress,
}

/// The keys that encrypt tenant secrets.
#[derive(Debug, Args)]
pub(crate) struct Keys {
    /// File with the keys: ID:KEY pairs joined by commas, each KEY 32 bytes in base64. The first key
    /// encrypts. Without this option the keys come from the variable ATLAS_SECRET_KEYS. They are
    /// never an argument, because the process list shows arguments.
    #[arg(long, env = "ATLAS_SECRET_KEYS_FILE")]
    pub secret_keys_file: Option<PathBuf>,
}

/// The API and the caller's token.
#[derive(Debug, Args)]
pub(crate) struct Api {
    /// Base URL of the API.
    #[arg(long, env = "ATLAS_URL", default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// File with the API token; - reads it from standard input. Without this option the token comes
    /// from the variable ATLAS_TOKEN.
    #[arg(long, env = "ATLAS_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
}
