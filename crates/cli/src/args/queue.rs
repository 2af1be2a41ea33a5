//! Arguments of `atlas queue`.

use atlas_domain::run::OperationKind;
use clap::{Args, Subcommand};

use crate::args::connections::{Api, Database};

/// Looking at queues, and holding them.
#[derive(Debug, Subcommand)]
pub(crate) enum QueueCommand {
    /// Show how the runs of each kind stand, and which workers there are.
    Status(Api),
    /// Let no further run of a kind be taken up. Runs that are under way go on; new ones wait.
    Pause {
        #[command(flatten)]
        control: QueueControl,
        /// Why, for whoever looks.
        #[arg(long, value_parser = short)]
        reason: Option<String>,
    },
    /// Let runs of a kind be taken up again.
    Resume(QueueControl),
}

/// Which kind, and who asks.
#[derive(Debug, Args)]
pub(crate) struct QueueControl {
    #[command(flatten)]
    pub database: Database,
    /// The kind of run.
    #[arg(long, default_value_t = OperationKind::InventorySync)]
    pub kind: OperationKind,
    /// Who asks, for the audit log.
    #[arg(long, env = "USER", default_value = "installation", value_parser = short)]
    pub by: String,
}

/// Text of at least one and at most 500 characters, the API's limit for a reason.
fn short(text: &str) -> Result<String, String> {
    match text.trim().chars().count() {
        0 => Err("it must not be empty".to_owned()),
        1..=500 => Ok(text.trim().to_owned()),
        _ => Err("it must have at most 500 characters".to_owned()),
    }
}
