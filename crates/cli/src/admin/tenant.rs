//! Tenants and their credentials.

use anyhow::bail;
use atlas_domain::clock::{Clock as _, SystemClock, SystemEntropy};
use atlas_domain::ids::{DirectoryId, TenantId};
use atlas_domain::tenant::{Expiry, StoredProof};
use atlas_domain::vault::CLIENT_SECRET_COLUMN;
use atlas_store::{NewCredential, NewTenant, TenantChange};
use chrono::NaiveDate;
use serde_json::json;

use super::{administer, check_name, find_tenant, keyring, open, read_secret};
use crate::args::connections::{Database, Keys};
use crate::args::tenant::{
    CredentialsCommand, CredentialsSet, Proof, SecretEnd, TenantAdd, TenantCommand, TenantNamed,
    TenantRemove,
};
use crate::output;

/// Does what the command says.
pub(crate) async fn run(command: TenantCommand, as_json: bool) -> anyhow::Result<()> {
    match command {
        TenantCommand::Add(command) => add(command, as_json).await,
        TenantCommand::Credentials(CredentialsCommand::Set(command)) => {
            set_credentials(command, as_json).await
        }
        TenantCommand::List(database) => list(&database, as_json).await,
        TenantCommand::Disable(named) => set_enabled(&named, false, as_json).await,
        TenantCommand::Enable(named) => set_enabled(&named, true, as_json).await,
        TenantCommand::Remove(command) => remove(&command, as_json).await,
    }
}

async fn add(command: TenantAdd, as_json: bool) -> anyhow::Result<()> {
    check_name("a tenant", &command.name)?;
    let store = administer(&command.administration)?;
    let directory_id = DirectoryId::from_uuid(command.directory_id);
    // A secret is sealed for the tenant's id, so the id comes first.
    let id = TenantId::mint(&SystemClock, &SystemEntropy);
    let credential = match command.client_id {
        Some(client_id) => {
            let (proof, end) = (command.proof, command.end);
            Some(credential(client_id, proof, end, &command.keys, id)?)
        }
        None => None,
    };
    let tenant = NewTenant {
        id,
        name: command.name,
        directory_id,
        cloud: command.cloud,
        credential,
    };
    store.add_tenant(tenant).await?;
    if as_json {
        output::json(&json!({ "id": id, "directory_id": directory_id }))?;
    } else {
        output::line(id)?;
    }
    Ok(())
}

async fn set_credentials(command: CredentialsSet, as_json: bool) -> anyhow::Result<()> {
    let store = administer(&command.administration)?;
    let tenant = find_tenant(&store, &command.tenant).await?;
    let credential = credential(
        command.client_id,
        command.proof,
        command.end,
        &command.keys,
        tenant.id,
    )?;
    let kind = credential.proof.kind();
    store.set_credential(tenant.id, credential).await?;
    if as_json {
        output::json(&json!({ "id": tenant.id, "credential": kind }))?;
    } else {
        output::line(format_args!("{} has a {kind} now", tenant.name))?;
    }
    Ok(())
}

fn credential(
    client_id: String,
    proof: Proof,
    end: SecretEnd,
    keys: &Keys,
    tenant: TenantId,
) -> anyhow::Result<NewCredential> {
    if client_id.trim().is_empty() {
        bail!("the client id is empty");
    }
    let today = SystemClock.now().date_naive();
    if let Some(day) = end.expires.filter(|day| *day < today) {
        bail!("a secret that ended on {day} is of no use; nothing was stored");
    }
    let proof = match proof {
        Proof {
            client_secret_file: Some(path),
            ..
        } => {
            let ring = keyring(keys)?;
            let secret = read_secret(&path)?;
            let sealed = ring.seal(&secret, tenant, CLIENT_SECRET_COLUMN, &SystemEntropy);
            StoredProof::ClientSecret(sealed)
        }
        Proof {
            certificate_file: Some(name),
            ..
        } => {
            let end = name.as_str().to_ascii_lowercase();
            if end.ends_with(".pfx") || end.ends_with(".p12") {
                bail!(
                    "{name} is a PFX file (PKCS #12) by its name, and PEM is needed; convert it \
                     with: openssl pkcs12 -in {name} -out {}.pem -nodes",
                    &name.as_str()[..name.as_str().len() - 4]
                );
            }
            StoredProof::Certificate(name)
        }
        Proof {
            federated_token_file: Some(name),
            ..
        } => StoredProof::FederatedToken(name),
        // clap requires one of them.
        _ => bail!("no credentials are given"),
    };
    Ok(NewCredential {
        client_id,
        proof,
        expires_on: end.expires,
    })
}

async fn list(database: &Database, as_json: bool) -> anyhow::Result<()> {
    let tenants = open(database)?.all_tenants().await?;
    if as_json {
        let items: Vec<_> = tenants
            .iter()
            .map(|tenant| {
                json!({
                    "id": tenant.id,
                    "name": tenant.name,
                    "directory_id": tenant.directory_id,
                    "cloud": tenant.cloud,
                    "enabled": tenant.enabled,
                    "connected": tenant.credential.is_some(),
                    "credential": tenant.credential,
                    "credential_expires_on": tenant.credential_expires_on,
                })
            })
            .collect();
        output::json(&json!({ "items": items }))?;
        return Ok(());
    }
    let today = SystemClock.now().date_naive();
    let rows: Vec<_> = tenants
        .into_iter()
        .map(|tenant| {
            vec![
                tenant.id.to_string(),
                tenant.name,
                tenant.directory_id.to_string(),
                tenant.cloud.to_string(),
                if tenant.enabled {
                    "enabled"
                } else {
                    "disabled"
                }
                .to_owned(),
                tenant
                    .credential
                    .map_or_else(|| "none".to_owned(), |kind| kind.to_string()),
                tenant
                    .credential_expires_on
                    .map_or_else(|| "-".to_owned(), |day| end(day, today)),
            ]
        })
        .collect();
    let headings = [
        "ID",
        "NAME",
        "DIRECTORY",
        "CLOUD",
        "STATE",
        "CREDENTIALS",
        "ENDS",
    ];
    output::table(&headings, &rows)?;
    Ok(())
}

fn end(day: NaiveDate, today: NaiveDate) -> String {
    match Expiry::of(day, today) {
        Expiry::Good => day.to_string(),
        Expiry::Ending => format!("{day} (soon)"),
        Expiry::Ended => format!("{day} (ended)"),
    }
}

async fn set_enabled(named: &TenantNamed, enabled: bool, as_json: bool) -> anyhow::Result<()> {
    let store = administer(&named.administration)?;
    let tenant = find_tenant(&store, &named.tenant).await?;
    let changed = if enabled {
        store.enable_tenant(tenant.id).await?
    } else {
        store.disable_tenant(tenant.id).await?
    };
    let state = if enabled { "enabled" } else { "disabled" };
    match changed {
        TenantChange::Changed => {}
        TenantChange::Already => bail!("{} is {state} already", tenant.name),
        TenantChange::Gone => bail!("{} was removed in the meantime", tenant.name),
    }
    if as_json {
        output::json(&json!({ "id": tenant.id, "enabled": enabled }))?;
    } else {
        output::line(format_args!("{} is {state}", tenant.name))?;
    }
    Ok(())
}

async fn remove(command: &TenantRemove, as_json: bool) -> anyhow::Result<()> {
    let store = administer(&command.named.administration)?;
    let tenant = find_tenant(&store, &command.named.tenant).await?;
    if !command.yes {
        output::note(format_args!(
            "This removes {} with its runs, inventory, groups and audit log. Type its name to go on:",
            tenant.name
        ));
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        if answer.trim() != tenant.name {
            bail!("that is not the tenant's name; nothing was removed");
        }
    }
    if !store.remove_tenant(tenant.id).await? {
        bail!("{} was removed in the meantime", tenant.name);
    }
    if as_json {
        output::json(&json!({ "id": tenant.id, "removed": true }))?;
    } else {
        output::line(format_args!("{} is removed", tenant.name))?;
    }
    Ok(())
}
