//! Administration: straight to the database, for whoever runs the installation.

pub(crate) mod audit;
pub(crate) mod keys;
pub(crate) mod members;
pub(crate) mod queue;
pub(crate) mod tenant;
pub(crate) mod tokens;
pub(crate) mod users;

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use atlas_domain::clock::{SystemClock, SystemEntropy};
use atlas_domain::vault::Keyring;
use atlas_store::{AccessChangeError, SchemaState, Store, StoreOptions, TenantRow, UserRow};
use chrono::{DateTime, SecondsFormat, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::args::connections::{Administration, Database, Keys};
use crate::output;

/// Secrets and tokens are short; anything longer is a wrong file.
const MAX_SECRET_BYTES: u64 = 16 * 1024;

/// Characters of the name of a tenant, a user or a token.
const LONGEST_NAME: usize = 200;

/// Applies what is missing of the schema. Refuses one that works with later versions only.
pub(crate) async fn migrate(database: &Database, as_json: bool) -> anyhow::Result<()> {
    let (url, pooling) = (database.address.url()?, database.address.pooling());
    let applied = atlas_store::migrate_through(&url, pooling).await?;
    let state = open(database)?.schema_state().await?;
    if !state.fits() {
        bail!("{state}");
    }
    if as_json {
        output::json(&json!({ "applied": applied }))?;
    } else if applied.is_empty() && state == SchemaState::Current {
        output::line("The schema is current.")?;
    } else if applied.is_empty() {
        output::line(format_args!("Nothing to apply: {state}."))?;
    } else {
        for name in applied {
            output::line(format_args!("applied {name}"))?;
        }
    }
    Ok(())
}

pub(crate) fn open(database: &Database) -> anyhow::Result<Store> {
    let options = StoreOptions {
        database_url: database.address.url()?,
        pooling: database.address.pooling(),
        pool_size: 1,
        read_pool_size: 1,
        application_name: "atlas".to_owned(),
        acquire_timeout: Duration::from_secs(10),
    };
    Ok(Store::new(
        &options,
        Arc::new(SystemClock),
        Arc::new(SystemEntropy),
    )?)
}

/// For commands that change the installation: the audit log names who did it.
fn administer(administration: &Administration) -> anyhow::Result<Store> {
    Ok(open(&administration.database)?.administered_by(&administration.by))
}

async fn find_user(store: &Store, email: &str) -> anyhow::Result<UserRow> {
    store
        .user_by_email(email)
        .await?
        .with_context(|| format!("no user {email:?}; atlas user list shows them"))
}

pub(crate) async fn find_tenant(store: &Store, tenant: &str) -> anyhow::Result<TenantRow> {
    let mut found = store.tenants_by_name_or_id(tenant).await?;
    if found.len() > 1 {
        bail!("several tenants are called {tenant:?}; name it by its id (atlas tenant list)");
    }
    found
        .pop()
        .with_context(|| format!("no tenant {tenant:?}; atlas tenant list shows them"))
}

/// Refuses a name that is empty, or that nobody could have meant.
fn check_name(whose: &str, name: &str) -> anyhow::Result<()> {
    if name.trim().is_empty() {
        bail!("{whose} needs a name");
    }
    if name.chars().count() > LONGEST_NAME {
        bail!("the name of {whose} has at most {LONGEST_NAME} characters");
    }
    Ok(())
}

/// A refusal in one line, with the command that helps.
fn refused(error: AccessChangeError, email: &str) -> anyhow::Error {
    match error {
        AccessChangeError::LastOwner(tenants) => anyhow!(
            "{email} is the last owner of {}; make somebody else an owner first: \
             atlas member set --role owner",
            tenants.join(", ")
        ),
        AccessChangeError::Referred => anyhow!(
            "runs or schedules refer to {email}, who cannot be removed; atlas user erase erases the person's \
             data and keeps a pseudonym"
        ),
        AccessChangeError::Disabled => anyhow!(
            "{email} is disabled, and a token would not work; enable the user first: \
             atlas user enable {email}"
        ),
        AccessChangeError::Store(error) => error.into(),
        other => anyhow!("{email}: {other}"),
    }
}

/// A moment in a table; empty when there is none.
fn shown(moment: Option<DateTime<Utc>>) -> String {
    moment.map_or_else(String::new, |at| {
        at.to_rfc3339_opts(SecondsFormat::Secs, true)
    })
}

pub(crate) fn keyring(keys: &Keys) -> anyhow::Result<Keyring> {
    let text = match &keys.secret_keys_file {
        Some(path) => read_secret(path)?,
        None => SecretString::from(variable("ATLAS_SECRET_KEYS").context(
            "no keys: set ATLAS_SECRET_KEYS or --secret-keys-file (atlas keys generate makes one)",
        )?),
    };
    Keyring::parse(text.expose_secret()).context("ATLAS_SECRET_KEYS")
}

/// A variable that must not be a flag, because flags stand in the process list.
#[allow(
    clippy::disallowed_methods,
    reason = "secrets are taken from the environment only"
)]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// Reads a secret from a file, or from standard input when the path is `-`. A line end at its end
/// is not part of it.
pub(crate) fn read_secret(path: &Path) -> anyhow::Result<SecretString> {
    let mut text = String::new();
    let source = path.display();
    if path == Path::new("-") {
        std::io::stdin()
            .take(MAX_SECRET_BYTES + 1)
            .read_to_string(&mut text)
    } else {
        std::fs::File::open(path)
            .and_then(|file| file.take(MAX_SECRET_BYTES + 1).read_to_string(&mut text))
    }
    .with_context(|| format!("cannot read the secret from {source}"))?;
    if text.len() as u64 > MAX_SECRET_BYTES {
        bail!("{source} holds more than {MAX_SECRET_BYTES} bytes; that is no secret");
    }
    let trimmed = text.trim_end_matches(['\r', '\n']);
    if trimmed.is_empty() {
        bail!("{source} is empty");
    }
    Ok(SecretString::from(trimmed))
}
