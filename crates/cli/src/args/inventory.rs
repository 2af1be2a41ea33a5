//! Arguments of `atlas inventory`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use uuid::Uuid;

use crate::args::connections::Api;

/// Looking at the inventory.
#[derive(Debug, Subcommand)]
pub(crate) enum InventoryCommand {
    /// List items of a tenant, by name.
    List(InventoryList),
    /// List links of a tenant's items: what they depend on and apply to, by target.
    Links(InventoryLinks),
    /// List changes of a tenant's items, the newest first.
    Changes(InventoryChanges),
    /// Show what an item contains, now or at an earlier time.
    Show(InventoryShow),
    /// List the versions of an item, the newest first.
    History(InventoryHistory),
    /// Show what differs between two versions of an item.
    Diff(InventoryDiff),
    /// Write a JSON file for each item into a directory, now or as of an earlier time.
    Export(InventoryExport),
}

/// Which items.
#[derive(Debug, Args)]
pub(crate) struct InventoryList {
    #[command(flatten)]
    pub api: Api,
    /// Tenant, by id or name.
    pub tenant: String,
    /// Only items of this policy type; may be repeated.
    #[arg(long = "policy-type")]
    pub policy_types: Vec<String>,
    /// Only items whose names contain this text.
    #[arg(long)]
    pub q: Option<String>,
    /// What was known at this time, such as 2026-01-31T00:00:00Z, of the items that existed then.
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<String>,
    /// Most items to list.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub limit: u32,
}

/// Which links.
#[derive(Debug, Args)]
pub(crate) struct InventoryLinks {
    #[command(flatten)]
    pub api: Api,
    /// Tenant, by id or name.
    pub tenant: String,
    /// Only links of this kind, such as assigned_to.
    #[arg(long)]
    pub kind: Option<String>,
    /// Only links to targets of this kind, such as group.
    #[arg(long)]
    pub target_kind: Option<String>,
    /// Only links to the target with this id.
    #[arg(long, requires = "target_kind")]
    pub target_id: Option<String>,
    /// Only dangling links, whose target is not there.
    #[arg(long)]
    pub dangling: bool,
    /// Most links to list.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub limit: u32,
}

/// Which item.
#[derive(Debug, Args)]
pub(crate) struct Item {
    #[command(flatten)]
    pub api: Api,
    /// Tenant, by id or name.
    pub tenant: String,
    /// The item, by its id in TenantAtlas.
    pub item: Uuid,
}

/// Which content of an item.
#[derive(Debug, Args)]
pub(crate) struct InventoryShow {
    #[command(flatten)]
    pub item: Item,
    /// What was known at this time, such as 2026-01-31T00:00:00Z.
    #[arg(long, value_name = "TIME", conflicts_with = "number")]
    pub as_of: Option<String>,
    /// The version with this number.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i32).range(1..))]
    pub number: Option<i32>,
}

/// Which versions.
#[derive(Debug, Args)]
pub(crate) struct InventoryHistory {
    #[command(flatten)]
    pub item: Item,
    /// Most versions to list.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub limit: u32,
}

/// Which two versions.
#[derive(Debug, Args)]
pub(crate) struct InventoryDiff {
    #[command(flatten)]
    pub item: Item,
    /// The number of one version.
    #[arg(value_parser = clap::value_parser!(i32).range(1..))]
    pub number: i32,
    /// The other version: its number, previous or current.
    #[arg(long, default_value = "previous", value_name = "VERSION")]
    pub against: String,
}

/// What to export where.
#[derive(Debug, Args)]
pub(crate) struct InventoryExport {
    #[command(flatten)]
    pub api: Api,
    /// Tenant, by id or name.
    pub tenant: String,
    /// The directory. It is made when it is not there, or must be empty or of an earlier export of the
    /// same tenant, which is recognised by the file .tenantatlas-export.json.
    pub directory: PathBuf,
    /// What was known at this time, such as 2026-01-31T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<String>,
    /// Use the directory whatever is in it. Files that no export wrote are left alone.
    #[arg(long)]
    pub force: bool,
}

/// Which changes.
#[derive(Debug, Args)]
pub(crate) struct InventoryChanges {
    #[command(flatten)]
    pub api: Api,
    /// Tenant, by id or name.
    pub tenant: String,
    /// Only changes since this time, such as 2026-01-31T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only changes of the item with this id.
    #[arg(long)]
    pub item: Option<Uuid>,
    /// Only changes of this kind: created, changed, reassigned, gone or back.
    #[arg(long)]
    pub kind: Option<String>,
    /// Only changes of items of this policy type.
    #[arg(long = "policy-type")]
    pub policy_type: Option<String>,
    /// Only changes by this user or application, by id or name.
    #[arg(long)]
    pub actor: Option<String>,
    /// Most changes to list.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub limit: u32,
}
