//! Arguments of `atlas user`, `atlas token` and `atlas member`.

use atlas_domain::access::Role;
use clap::{Args, Subcommand};
use uuid::Uuid;

use crate::args::connections::{Administration, Database};

/// User administration.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add a user.
    Add(UserAdd),
    /// List all users.
    List(Database),
    /// Disable a user: no token of theirs works, within five seconds.
    Disable(UserNamed),
    /// Enable a user again. Tokens that were not revoked work again.
    Enable(UserNamed),
    /// Let a user operate the installation: see its queues and workers.
    Operator {
        #[command(flatten)]
        named: UserNamed,
        /// Withdraw it instead, within five seconds.
        #[arg(long)]
        withdraw: bool,
    },
    /// Remove a user whom no run refers to, with tokens, memberships and notifications.
    Remove(UserNamed),
    /// Erase a person's data: name, e-mail address, tokens, memberships, notifications and the
    /// addresses that requests came from. Runs and the audit log keep a pseudonym.
    Erase(UserNamed),
}

/// A new user.
#[derive(Debug, Args)]
pub(crate) struct UserAdd {
    #[command(flatten)]
    pub administration: Administration,
    /// E-mail address. Other commands name the user by it.
    #[arg(long)]
    pub email: String,
    /// Display name.
    #[arg(long)]
    pub name: String,
    /// Let the user operate the installation: see its queues and workers.
    #[arg(long)]
    pub operator: bool,
}

/// A user that is there.
#[derive(Debug, Args)]
pub(crate) struct UserNamed {
    #[command(flatten)]
    pub administration: Administration,
    /// E-mail address of the user.
    pub email: String,
}

/// Token administration.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Create a token for a user. It is shown once and cannot be shown again.
    Create(TokenCreate),
    /// List tokens, never the tokens themselves.
    List(TokenList),
    /// Revoke a token, or all tokens of a user. They stop working within five seconds.
    Revoke(TokenRevoke),
}

/// A new token.
#[derive(Debug, Args)]
pub(crate) struct TokenCreate {
    #[command(flatten)]
    pub administration: Administration,
    /// E-mail address of the user.
    #[arg(long)]
    pub user: String,
    /// What the token is for.
    #[arg(long)]
    pub name: String,
    /// Days until the token expires. Without this option it does not expire.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub expires_in_days: Option<u32>,
}

/// Which tokens to list.
#[derive(Debug, Args)]
pub(crate) struct TokenList {
    #[command(flatten)]
    pub database: Database,
    /// Only tokens of the user with this e-mail address.
    #[arg(long)]
    pub user: Option<String>,
}

/// Which tokens to revoke.
#[derive(Debug, Args)]
pub(crate) struct TokenRevoke {
    #[command(flatten)]
    pub administration: Administration,
    /// The token's id, as `token create` and `token list` print it.
    #[arg(required_unless_present = "user", conflicts_with = "user")]
    pub id: Option<Uuid>,
    /// All tokens of the user with this e-mail address.
    #[arg(long)]
    pub user: Option<String>,
}

/// Member administration.
#[derive(Debug, Subcommand)]
pub(crate) enum MemberCommand {
    /// Give a user a role in a tenant.
    Set(MemberSet),
    /// List the members of a tenant.
    List(MemberList),
    /// End a user's membership in a tenant.
    Remove(MemberRemove),
}

/// A role to give.
#[derive(Debug, Args)]
pub(crate) struct MemberSet {
    #[command(flatten)]
    pub administration: Administration,
    /// Tenant, by id or name.
    #[arg(long)]
    pub tenant: String,
    /// E-mail address of the user.
    #[arg(long)]
    pub user: String,
    /// owner, manager, operator or readonly.
    #[arg(long)]
    pub role: Role,
}

/// Whose members to list.
#[derive(Debug, Args)]
pub(crate) struct MemberList {
    #[command(flatten)]
    pub database: Database,
    /// Tenant, by id or name.
    #[arg(long)]
    pub tenant: String,
}

/// A membership to end.
#[derive(Debug, Args)]
pub(crate) struct MemberRemove {
    #[command(flatten)]
    pub administration: Administration,
    /// Tenant, by id or name.
    #[arg(long)]
    pub tenant: String,
    /// E-mail address of the user.
    #[arg(long)]
    pub user: String,
}
