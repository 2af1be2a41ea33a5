//! Arguments of `atlas queue`.

use atlas_domain::run::OperationKind;
use clap::{Args, Subcommand};

use crate::args::connections::{Administration, Api, short};

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
    pub administration: Administration,
    /// The kind of run.
    #[arg(long, default_value_t = OperationKind::InventorySync)]
    pub kind: OperationKind,
}
