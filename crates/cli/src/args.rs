//! The command line. The arguments of each command stand in a file of its own.

pub(crate) mod audit;
pub(crate) mod connections;
pub(crate) mod doctor;
pub(crate) mod groups;
pub(crate) mod inventory;
pub(crate) mod keys;
pub(crate) mod people;
pub(crate) mod queue;
pub(crate) mod runs;
pub(crate) mod schedule;
pub(crate) mod tenant;

use clap::{Parser, Subcommand};

use audit::AuditCommand;
use connections::Database;
use doctor::DoctorArguments;
use groups::GroupsCommand;
use inventory::InventoryCommand;
use keys::KeysCommand;
use people::{MemberCommand, TokenCommand, UserCommand};
use queue::QueueCommand;
use runs::{RunsCommand, SyncArguments};
use schedule::ScheduleCommand;
use tenant::TenantCommand;

/// Operate TenantAtlas and use it from a shell.
#[derive(Debug, Parser)]
#[command(name = "atlas", version, propagate_version = true)]
pub(crate) struct Arguments {
    /// Print JSON for programs instead of tables for people.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Bring the database to this version's schema.
    Migrate(Database),
    /// Examine the installation: database, Redis, keys, clock, and each tenant's sign-in and
    /// permissions. Exit status 0 only when all is well.
    Doctor(Box<DoctorArguments>),
    /// Tenants of this installation.
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// Users of this installation.
    #[command(subcommand)]
    User(UserCommand),
    /// API tokens.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Members of tenants and their roles.
    #[command(subcommand)]
    Member(MemberCommand),
    /// The audit log.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Keys that encrypt tenant secrets.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Start an inventory sync of one or more tenants, or join the one that is active.
    Sync(SyncArguments),
    /// When tenants are synced by themselves.
    #[command(subcommand)]
    Schedule(ScheduleCommand),
    /// Operation runs.
    #[command(subcommand)]
    Runs(RunsCommand),
    /// Items, links and changes that syncs found.
    #[command(subcommand)]
    Inventory(InventoryCommand),
    /// Groups of a tenant's directory.
    #[command(subcommand)]
    Groups(GroupsCommand),
    /// Queues of the installation, for its operators.
    #[command(subcommand)]
    Queue(QueueCommand),
}
