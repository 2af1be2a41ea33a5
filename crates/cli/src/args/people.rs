//! Arguments of `atlas user`, `atlas token` and `atlas member`.

use atlas_domain::access::Role;
use clap::Subcommand;
use uuid::Uuid;

use crate::args::connections::Database;

/// User administration.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add a user.
    Add {
        #[command(flatten)]
        database: Database,
        /// E-mail address. Other commands name the user by it.
        #[arg(long)]
        email: String,
        /// Display name.
        #[arg(long)]
        name: String,
        /// Let the user operate the installation: see its queues and workers.
        #[arg(long)]
        operator: bool,
    },
}

/// Token administration.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Create a token for a user. It is shown once and cannot be shown again.
    Create {
        #[command(flatten)]
        database: Database,
        /// E-mail address of the user.
        #[arg(long)]
        user: String,
        /// What the token is for.
        #[arg(long)]
        name: String,
        /// Days until the token expires. Without this option it does not expire.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3650))]
        expires_in_days: Option<u32>,
    },
    /// Revoke a token. It stops working within five seconds.
    Revoke {
        #[command(flatten)]
        database: Database,
        /// The token's id, as `token create` printed it.
        id: Uuid,
    },
}

/// Member administration.
#[derive(Debug, Subcommand)]
pub(crate) enum MemberCommand {
    /// Give a user a role in a tenant.
    Set {
        #[command(flatten)]
        database: Database,
        /// Tenant, by id or name.
        #[arg(long)]
        tenant: String,
        /// E-mail address of the user.
        #[arg(long)]
        user: String,
        /// owner, manager, operator or readonly.
        #[arg(long)]
        role: Role,
    },
}
