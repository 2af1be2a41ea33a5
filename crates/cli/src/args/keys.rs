//! Arguments of `atlas keys`.

use clap::Subcommand;

use crate::args::connections::{Database, Keys};

/// Key administration.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Encrypt every secret again that is not yet under the first key. Safe to repeat.
    Rotate {
        #[command(flatten)]
        database: Database,
        #[command(flatten)]
        keys: Keys,
    },
    /// Print a fresh key as ID:KEY, ready for ATLAS_SECRET_KEYS.
    Generate {
        /// The id of the key.
        #[arg(long, default_value = "k1")]
        id: String,
    },
}
