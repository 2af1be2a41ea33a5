//! The command line: every flag and variable in one place.

use std::path::PathBuf;

use atlas_domain::access::Role;
use atlas_domain::run::OperationKind;
use atlas_domain::tenant::{Cloud, CredentialFile};
use clap::{Args, Parser, Subcommand};
use secrecy::SecretString;
use uuid::Uuid;

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
    /// Tenants of this installation.
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// Users of this installation.
    #[command(subcommand)]
    User(UserCommand),
    /// API tokens.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Who belongs to which tenant, with which role.
    #[command(subcommand)]
    Member(MemberCommand),
    /// Keys that encrypt tenant secrets.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Start an inventory sync of one or more tenants, or join the one that is active.
    Sync(SyncArguments),
    /// Operation runs.
    #[command(subcommand)]
    Runs(RunsCommand),
    /// What the last syncs found.
    #[command(subcommand)]
    Inventory(InventoryCommand),
    /// Groups of a tenant's directory.
    #[command(subcommand)]
    Groups(GroupsCommand),
    /// The queues of the installation, for its operators.
    #[command(subcommand)]
    Queue(QueueCommand),
}

/// Where the database is. For administration, which does not go through the API.
#[derive(Debug, Args)]
pub(crate) struct Database {
    /// PostgreSQL, as postgres://user:password@host/database.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: SecretString,
}

/// The keys that encrypt tenant secrets.
#[derive(Debug, Args)]
pub(crate) struct Keys {
    /// A file that holds the keys: ID:KEY pairs joined by commas, each KEY 32 bytes in base64; the
    /// first encrypts. Without it they are taken from the variable ATLAS_SECRET_KEYS, never from an
    /// argument, which would stand in the process list.
    #[arg(long, env = "ATLAS_SECRET_KEYS_FILE")]
    pub secret_keys_file: Option<PathBuf>,
}

/// Tenant administration.
#[derive(Debug, Subcommand)]
pub(crate) enum TenantCommand {
    /// Add a tenant, with its application's credentials if they are at hand.
    Add(TenantAdd),
    /// What a tenant's application proves itself with to Microsoft Entra.
    #[command(subcommand)]
    Credentials(CredentialsCommand),
    /// List all tenants.
    List(Database),
}

/// A new tenant.
#[derive(Debug, Args)]
pub(crate) struct TenantAdd {
    #[command(flatten)]
    pub database: Database,
    #[command(flatten)]
    pub keys: Keys,
    /// Name for people.
    #[arg(long)]
    pub name: String,
    /// The tenant's id in Microsoft Entra ("Directory (tenant) ID").
    #[arg(long, value_parser = directory_id)]
    pub directory_id: Uuid,
    /// The application's id ("Application (client) ID"). Without it the tenant cannot be synced.
    #[arg(long, requires = "proof")]
    pub client_id: Option<String>,
    #[command(flatten)]
    pub proof: Proof,
    /// The Microsoft cloud: global, us_government, us_government_dod or china.
    #[arg(long, default_value_t = Cloud::Global)]
    pub cloud: Cloud,
}

/// Administration of credentials.
#[derive(Debug, Subcommand)]
pub(crate) enum CredentialsCommand {
    /// Store credentials of a tenant's application, in place of those before. Runs that begin later
    /// use them.
    Set(CredentialsSet),
}

/// Credentials for a tenant that is known.
#[derive(Debug, Args)]
pub(crate) struct CredentialsSet {
    #[command(flatten)]
    pub database: Database,
    #[command(flatten)]
    pub keys: Keys,
    /// Tenant, by id or name.
    #[arg(long)]
    pub tenant: String,
    /// The application's id ("Application (client) ID").
    #[arg(long, requires = "proof")]
    pub client_id: String,
    #[command(flatten)]
    pub proof: Proof,
}

/// What an application proves itself with: one of these.
#[derive(Debug, Args)]
#[group(id = "proof", multiple = false)]
pub(crate) struct Proof {
    /// File with the client secret; - reads it from standard input. It is stored encrypted.
    #[arg(long, value_name = "PATH", requires = "client_id")]
    pub client_secret_file: Option<PathBuf>,
    /// Name of a file with a certificate and its private RSA key, as PEM, in the directory that the
    /// workers' ATLAS_CREDENTIALS_DIR names. Only the name is stored.
    #[arg(long, value_name = "NAME", requires = "client_id")]
    pub certificate_file: Option<CredentialFile>,
    /// Name of a file with a token of another issuer (workload identity federation), in the same
    /// directory. It is read anew at each sign-in. Only the name is stored.
    #[arg(long, value_name = "NAME", requires = "client_id")]
    pub federated_token_file: Option<CredentialFile>,
}

/// User administration.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add a user.
    Add {
        #[command(flatten)]
        database: Database,
        /// E-mail address; the user's name on this command line.
        #[arg(long)]
        email: String,
        /// Name for people.
        #[arg(long)]
        name: String,
        /// The user operates the installation: may look at its queues and workers.
        #[arg(long)]
        operator: bool,
    },
}

/// Token administration.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token for a user. It is shown once and cannot be shown again.
    Create {
        #[command(flatten)]
        database: Database,
        /// E-mail address of the user.
        #[arg(long)]
        user: String,
        /// What the token is for.
        #[arg(long)]
        name: String,
        /// Days until it expires; without it, it does not.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3650))]
        expires_in_days: Option<u32>,
    },
    /// Make a token useless, within five seconds.
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

/// Key administration.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Encrypt every secret again that is not yet under the first key. Safe to repeat.
    Rotate {
        #[command(flatten)]
        database: Database,
        #[command(flatten)]
        keys: Keys,
    },
    /// Print a fresh key as ID:KEY, ready for ATLAS_SECRET_KEYS.
    Generate {
        /// The id of the key.
        #[arg(long, default_value = "k1")]
        id: String,
    },
}

/// Where the API is and who asks.
#[derive(Debug, Args)]
pub(crate) struct Api {
    /// Base URL of the API.
    #[arg(long, env = "ATLAS_URL", default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// File with the API token; - reads it from standard input. Otherwise the variable ATLAS_TOKEN.
    #[arg(long, env = "ATLAS_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
}

/// Starting syncs.
#[derive(Debug, Args)]
pub(crate) struct SyncArguments {
    #[command(flatten)]
    pub api: Api,
    /// Tenants, by id or name.
    #[arg(required = true)]
    pub tenants: Vec<String>,
    /// Show a progress bar per run and wait for the end.
    #[arg(long)]
    pub follow: bool,
    /// Only this policy type; may be repeated.
    #[arg(long = "policy-type")]
    pub policy_types: Vec<String>,
    /// Only policy types of this category; may be repeated.
    #[arg(long = "category")]
    pub categories: Vec<String>,
    /// Leave out the objects that policies lean on.
    #[arg(long)]
    pub no_foundations: bool,
    /// Do not record what items refer to.
    #[arg(long)]
    pub no_dependencies: bool,
}

/// Looking at runs.
#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// List the newest runs.
    List(RunsList),
    /// Show one run with its results per policy type.
    Show(OneRun),
    /// Follow one run to its end.
    Watch(OneRun),
    /// Cancel a run: at once while it is queued, within seconds while it is running.
    Cancel(RunCancel),
    /// Ask for the work of a run that has ended again, as a new run.
    Retry(RunRetry),
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
    /// Only the policy types that the run failed to read or did not come to.
    #[arg(long)]
    pub failed_only: bool,
    /// Show a progress bar and wait for the end.
    #[arg(long)]
    pub follow: bool,
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
    /// How many, at most.
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

/// Looking at the inventory.
#[derive(Debug, Subcommand)]
pub(crate) enum InventoryCommand {
    /// List items of a tenant, by name.
    List(InventoryList),
    /// List what a tenant's items lean on and are aimed at, by target.
    Links(InventoryLinks),
    /// List what changed in a tenant, the newest first.
    Changes(InventoryChanges),
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
    /// Only links to the target with this id among its kind.
    #[arg(long, requires = "target_kind")]
    pub target_id: Option<String>,
    /// Only links that lead nowhere.
    #[arg(long)]
    pub dangling: bool,
    /// How many, at most.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub limit: u32,
}

/// Which changes.
#[derive(Debug, Args)]
pub(crate) struct InventoryChanges {
    #[command(flatten)]
    pub api: Api,
    /// Tenant, by id or name.
    pub tenant: String,
    /// Only changes since then, as 2026-01-31T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only of the item with this id.
    #[arg(long)]
    pub item: Option<Uuid>,
    /// Only created, changed, reassigned, gone or back.
    #[arg(long)]
    pub kind: Option<String>,
    /// Only of this policy type.
    #[arg(long = "policy-type")]
    pub policy_type: Option<String>,
    /// How many, at most.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub limit: u32,
}

/// Which items.
#[derive(Debug, Args)]
pub(crate) struct InventoryList {
    #[command(flatten)]
    pub api: Api,
    /// Tenant, by id or name.
    pub tenant: String,
    /// Only this policy type; may be repeated.
    #[arg(long = "policy-type")]
    pub policy_types: Vec<String>,
    /// Only names that contain this text.
    #[arg(long)]
    pub q: Option<String>,
    /// How many, at most.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub limit: u32,
}

/// Groups.
#[derive(Debug, Subcommand)]
pub(crate) enum GroupsCommand {
    /// Bring the stored groups of one or more tenants up to date, or join the run that does.
    Sync(GroupsSync),
    /// Find groups by name: stored ones, or with your own token those that the directory shows you.
    Search(GroupsSearch),
    /// Names for ids of groups, from what is stored.
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
    /// Show a progress bar per run and wait for the end.
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
    /// A name, or a part of it.
    pub q: String,
    /// File with your own delegated token for Microsoft Graph, to ask the directory; - reads it
    /// from standard input. Without it the stored groups are searched.
    #[arg(long, value_name = "PATH")]
    pub graph_token_file: Option<PathBuf>,
    /// How many, at most.
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
    /// Ids in Microsoft Entra.
    #[arg(required = true)]
    pub ids: Vec<Uuid>,
}

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

/// A directory's id. Microsoft Entra names a directory by its domains too, which may change hands.
fn directory_id(text: &str) -> Result<Uuid, String> {
    let text = text.trim();
    text.parse().map_err(|_| {
        let is_domain = text.contains('.')
            && text
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
        if is_domain {
            "it is a domain name, and the directory (tenant) id is needed: in the Microsoft Entra \
             admin center under Overview, \"Tenant ID\", 32 hexadecimal digits with hyphens"
                .to_owned()
        } else {
            "it is not a directory (tenant) id, which has 32 hexadecimal digits with hyphens"
                .to_owned()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_name_is_distinguished_from_a_directory_id() {
        let id = "72f988bf-86f1-41af-91ab-2d7cd011db47";
        assert_eq!(directory_id(id).unwrap().to_string(), id);
        assert_eq!(directory_id(&format!(" {id} ")).unwrap().to_string(), id);
        for domain in ["contoso.onmicrosoft.com", "contoso.com", "münchen.example"] {
            assert_eq!(
                directory_id(domain).unwrap_err(),
                "it is a domain name, and the directory (tenant) id is needed: in the Microsoft \
                 Entra admin center under Overview, \"Tenant ID\", 32 hexadecimal digits with hyphens"
            );
        }
        for other in [
            "",
            "contoso",
            "72f988bf-86f1-41af-91ab-2d7cd011db4",
            "a b.c",
        ] {
            assert_eq!(
                directory_id(other).unwrap_err(),
                "it is not a directory (tenant) id, which has 32 hexadecimal digits with hyphens"
            );
        }
    }
}
