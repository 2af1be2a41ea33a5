//! Arguments of `atlas tenant`.

use std::path::PathBuf;

use atlas_domain::tenant::{Cloud, CredentialFile};
use chrono::NaiveDate;
use clap::{Args, Subcommand};
use uuid::Uuid;

use crate::args::connections::{Administration, Database, Keys};

/// Tenant administration.
#[derive(Debug, Subcommand)]
pub(crate) enum TenantCommand {
    /// Add a tenant, with or without its application's credentials.
    Add(TenantAdd),
    /// Credentials of a tenant's application in Microsoft Entra.
    #[command(subcommand)]
    Credentials(CredentialsCommand),
    /// List all tenants.
    List(Database),
    /// Disable a tenant: nothing is started for it, queued runs are cancelled and running ones are
    /// asked to stop.
    Disable(TenantNamed),
    /// Enable a tenant again.
    Enable(TenantNamed),
    /// Remove a tenant with everything of it: runs, inventory, groups, members, notifications and its
    /// entries of the audit log. Ended in the middle, it goes on when it is called again.
    Remove(TenantRemove),
}

/// A tenant that is there.
#[derive(Debug, Args)]
pub(crate) struct TenantNamed {
    #[command(flatten)]
    pub administration: Administration,
    /// Tenant, by id or name.
    pub tenant: String,
}

/// A tenant to remove.
#[derive(Debug, Args)]
pub(crate) struct TenantRemove {
    #[command(flatten)]
    pub named: TenantNamed,
    /// Do not ask for the tenant's name on standard input.
    #[arg(long)]
    pub yes: bool,
}

/// A new tenant.
#[derive(Debug, Args)]
pub(crate) struct TenantAdd {
    #[command(flatten)]
    pub administration: Administration,
    #[command(flatten)]
    pub keys: Keys,
    /// Display name.
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
    #[command(flatten)]
    pub end: SecretEnd,
    /// The Microsoft cloud: global, us_government, us_government_dod or china.
    #[arg(long, default_value_t = Cloud::Global)]
    pub cloud: Cloud,
}

/// Administration of credentials.
#[derive(Debug, Subcommand)]
pub(crate) enum CredentialsCommand {
    /// Store credentials of a tenant's application and replace earlier ones. Runs that begin later use
    /// them.
    Set(CredentialsSet),
}

/// New credentials of a tenant.
#[derive(Debug, Args)]
pub(crate) struct CredentialsSet {
    #[command(flatten)]
    pub administration: Administration,
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
    #[command(flatten)]
    pub end: SecretEnd,
}

/// An application's proof: one of these.
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
    /// directory. The file is read at each sign-in. Only the name is stored.
    #[arg(long, value_name = "NAME", requires = "client_id")]
    pub federated_token_file: Option<CredentialFile>,
}

/// When a secret ends.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct SecretEnd {
    /// Day on which the client secret ends, as Microsoft Entra shows it under "Expires". It is counted
    /// and shown from 30 days before on.
    // clap does not ask for what is required once something that conflicts with it is given.
    #[arg(
        long,
        value_name = "YYYY-MM-DD",
        value_parser = day,
        requires = "client_secret_file",
        conflicts_with_all = ["certificate_file", "federated_token_file"]
    )]
    pub expires: Option<NaiveDate>,
}

fn day(text: &str) -> Result<NaiveDate, String> {
    let is_written_so = text.len() == 10 && text.bytes().filter(|byte| *byte == b'-').count() == 2;
    let day = text.parse().ok().filter(|_| is_written_so);
    day.ok_or_else(|| "it is no day in the form 2027-03-31".to_owned())
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
    fn a_day_is_written_with_four_digits_of_the_year_first() {
        assert_eq!(day("2027-03-31").unwrap().to_string(), "2027-03-31");
        for other in [
            "",
            "31.03.2027",
            "2027-3-31",
            "27-03-31",
            "2027-02-29",
            "2027-03-31T00:00",
        ] {
            assert_eq!(
                day(other).unwrap_err(),
                "it is no day in the form 2027-03-31"
            );
        }
    }

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
