//! Where commands find the database, the keys and the API.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use atlas_settings::DatabaseAddress;
use clap::Args;

/// The database, for commands that do not go through the API.
#[derive(Debug, Args)]
pub(crate) struct Database {
    /// Where PostgreSQL is.
    #[command(flatten)]
    pub address: DatabaseAddress,
}

/// The database, for commands that change the installation, and who does it.
#[derive(Debug, Args)]
pub(crate) struct Administration {
    #[command(flatten)]
    pub database: Database,
    /// Who does it, for the audit log. Without this option, the operating system's user.
    #[arg(
        long,
        env = "USER",
        default_value_t = operating_system_user(),
        hide_default_value = true,
        hide_env_values = true,
        value_parser = short,
        value_name = "NAME"
    )]
    pub by: String,
}

/// The keys that encrypt tenant secrets.
#[derive(Debug, Args)]
pub(crate) struct Keys {
    /// File with the keys: ID:KEY pairs joined by commas, each KEY 32 bytes in base64. The first key
    /// encrypts. Without this option the keys come from the variable ATLAS_SECRET_KEYS. They are
    /// never an argument, because the process list shows arguments.
    #[arg(long, env = "ATLAS_SECRET_KEYS_FILE")]
    pub secret_keys_file: Option<PathBuf>,
}

/// The API and the caller's token.
#[derive(Debug, Args)]
pub(crate) struct Api {
    /// Base URL of the API.
    #[arg(
        long,
        env = "ATLAS_URL",
        hide_env_values = true,
        default_value = "http://127.0.0.1:8080"
    )]
    pub url: String,
    /// File with the API token; - reads it from standard input. Without this option the token comes
    /// from the variable ATLAS_TOKEN.
    #[arg(long, env = "ATLAS_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
}

/// Text of at least one and at most 500 characters, the API's limit for a reason.
pub(crate) fn short(text: &str) -> Result<String, String> {
    match text.trim().chars().count() {
        0 => Err("it must not be empty".to_owned()),
        1..=500 => Ok(text.trim().to_owned()),
        _ => Err("it must have at most 500 characters".to_owned()),
    }
}

/// The name of the user that this process runs as, or the user's number where no name is known: in a
/// container the variable USER is seldom set.
fn operating_system_user() -> String {
    let Ok(process) = fs::metadata("/proc/self") else {
        return "unknown".to_owned();
    };
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_of(process.uid(), &users).unwrap_or_else(|| format!("uid {}", process.uid()))
}

/// The name of a user in the lines of `/etc/passwd`: `name:password:uid:…`.
fn name_of(uid: u32, users: &str) -> Option<String> {
    let uid = uid.to_string();
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operating_system_names_its_users() {
        let users = "root:x:0:0:root:/root:/bin/bash\n\n+\natlas:x:1000:1000::/:/bin/sh\n";
        assert_eq!(name_of(1000, users), Some("atlas".to_owned()));
        assert_eq!(name_of(0, users), Some("root".to_owned()));
        assert_eq!(name_of(1, users), None);
    }
}
