//! Arguments of `atlas audit`.

use clap::{Args, Subcommand};

use crate::args::connections::Database;

/// The audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// List the newest entries, of a tenant or of the installation.
    List(AuditList),
}

/// Which entries to list.
#[derive(Debug, Args)]
pub(crate) struct AuditList {
    #[command(flatten)]
    pub database: Database,
    /// Entries of this tenant, by id or name. Without this option, those that belong to no tenant:
    /// users, tokens, operators, queues, failed sign-ins.
    #[arg(long)]
    pub tenant: Option<String>,
    /// How many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
}
