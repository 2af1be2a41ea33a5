//! Arguments of `atlas queue`.

use atlas_domain::run::OperationKind;
use clap::{Args, Subcommand};

use crate::args::connections::{Api, Database};

/// Queue administration.
#[derive(Debug, Subcommand)]
pub(crate) enum QueueCommand {
    /// Show the runs of each kind by status, and the workers.
    Status(Api),
    /// Pause a kind of run: workers claim no more of them. Running ones go on; queued ones wait.
    Pause {
        #[command(flatten)]
        control: QueueControl,
        /// Why; shown with the queue.
        #[arg(long, value_parser = short)]
        reason: Option<String>,
    },
    /// Resume a kind of run.
    Resume(QueueControl),
}

/// Which kind of run, and who does it.
#[derive(Debug, Args)]
pub(crate) struct QueueControl {
    #[command(flatten)]
    pub database: Database,
    /// The kind of run.
    #[arg(long, default_value_t = OperationKind::InventorySync)]
    pub kind: OperationKind,
    /// Who does it, for the audit log.
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
