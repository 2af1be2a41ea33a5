//! Arguments of `atlas groups`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use uuid::Uuid;

use crate::args::connections::Api;

/// Groups.
#[derive(Debug, Subcommand)]
pub(crate) enum GroupsCommand {
    /// Start a sync of the groups of one or more tenants, or join the one that is active.
    Sync(GroupsSync),
    /// Find groups by name: stored ones, or with your own token those that you may see in the directory.
    Search(GroupsSearch),
    /// Show the names of groups by their ids, from the stored groups.
    Resolve(GroupsResolve),
}

/// Starting syncs of groups.
#[derive(Debug, Args)]
pub(crate) struct GroupsSync {
    #[command(flatten)]
    pub api: Api,
    /// Tenants, by id or name.
    #[arg(required = true)]
    pub tenants: Vec<String>,
    /// Show a progress bar for each run and wait until the runs end.
    #[arg(long)]
    pub follow: bool,
}

/// What to look for.
#[derive(Debug, Args)]
pub(crate) struct GroupsSearch {
    #[command(flatten)]
    pub api: Api,
    /// Tenant, by id or name.
    pub tenant: String,
    /// A name or a part of one.
    pub q: String,
    /// File with your own delegated token for Microsoft Graph, to search the directory; - reads it
    /// from standard input. Without this option the stored groups are searched.
    #[arg(long, value_name = "PATH")]
    pub graph_token_file: Option<PathBuf>,
    /// Most groups to list.
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub limit: u32,
}

/// Which groups.
#[derive(Debug, Args)]
pub(crate) struct GroupsResolve {
    #[command(flatten)]
    pub api: Api,
    /// Tenant, by id or name.
    pub tenant: String,
    /// Ids of groups in Microsoft Entra.
    #[arg(required = true)]
    pub ids: Vec<Uuid>,
}
