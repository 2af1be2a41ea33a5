//! Arguments of `atlas sync` and `atlas runs`.

use clap::{Args, Subcommand};
use uuid::Uuid;

use crate::args::connections::Api;

/// Starting syncs.
#[derive(Debug, Args)]
pub(crate) struct SyncArguments {
    #[command(flatten)]
    pub api: Api,
    /// Tenants, by id or name.
    #[arg(required = true)]
    pub tenants: Vec<String>,
    /// Show a progress bar for each run and wait until the runs end.
    #[arg(long)]
    pub follow: bool,
    /// Only this policy type; may be repeated.
    #[arg(long = "policy-type")]
    pub policy_types: Vec<String>,
    /// Only policy types of this category; may be repeated.
    #[arg(long = "category")]
    pub categories: Vec<String>,
    /// Leave out foundations: objects that policies refer to, such as filters and scope tags.
    #[arg(long)]
    pub no_foundations: bool,
    /// Do not store links between items and their targets.
    #[arg(long)]
    pub no_dependencies: bool,
    /// Read every value again, also those that are stored and whose objects have not moved.
    #[arg(long)]
    pub verify_all: bool,
}

/// Looking at runs.
#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// List the newest runs.
    List(RunsList),
    /// Show a run with its results per policy type.
    Show(OneRun),
    /// Follow a run to its end.
    Watch(OneRun),
    /// Cancel a run: at once while it is queued, within seconds while it is running.
    Cancel(RunCancel),
    /// Repeat a run that has ended, as a new run.
    Retry(RunRetry),
}

/// Which runs.
#[derive(Debug, Args)]
pub(crate) struct RunsList {
    #[command(flatten)]
    pub api: Api,
    /// Only runs of this tenant, by id or name.
    #[arg(long)]
    pub tenant: Option<String>,
    /// Only runs with this status: queued, running or completed.
    #[arg(long)]
    pub status: Option<String>,
    /// Most runs to list.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub limit: u16,
}

/// Which run.
#[derive(Debug, Args)]
pub(crate) struct OneRun {
    #[command(flatten)]
    pub api: Api,
    /// The run's id.
    pub id: Uuid,
}

/// Which run to cancel.
#[derive(Debug, Args)]
pub(crate) struct RunCancel {
    #[command(flatten)]
    pub run: OneRun,
    /// Why, in at most 500 characters; shown with the run and kept in the audit log.
    #[arg(long)]
    pub reason: Option<String>,
}

/// Which run to repeat.
#[derive(Debug, Args)]
pub(crate) struct RunRetry {
    #[command(flatten)]
    pub run: OneRun,
    /// Read only the policy types that the run failed to read or did not reach.
    #[arg(long)]
    pub failed_only: bool,
    /// Show a progress bar and wait until the run ends.
    #[arg(long)]
    pub follow: bool,
}
