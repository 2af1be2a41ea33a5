//! Arguments of `atlas keys`.

use clap::Subcommand;

use crate::args::connections::{Administration, Keys};

/// Key administration.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Encrypt again, with the first key, every secret that another key encrypts. Safe to repeat.
    Rotate {
        #[command(flatten)]
        administration: Administration,
        #[command(flatten)]
        keys: Keys,
    },
    /// Print a new key as ID:KEY, for ATLAS_SECRET_KEYS.
    Generate {
        /// The id of the key.
        #[arg(long, default_value = "k1")]
        id: String,
    },
}
