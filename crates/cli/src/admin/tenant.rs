//! Tenants and their credentials.

use anyhow::{Context, bail};
use atlas_domain::clock::{SystemClock, SystemEntropy};
use atlas_domain::ids::{DirectoryId, TenantId};
use atlas_domain::vault::CLIENT_SECRET_COLUMN;
use atlas_store::{NewCredential, NewTenant, Store};
use serde_json::json;

use super::{keyring, open, read_secret};
use crate::args::{Database, TenantAdd, TenantCommand};
use crate::output;

/// Adds or lists.
pub(crate) async fn run(command: TenantCommand, as_json: bool) -> anyhow::Result<()> {
    match command {
        TenantCommand::Add(command) => add(&command, as_json).await,
        TenantCommand::List(database) => list(&database, as_json).await,
    }
}

async fn add(command: &TenantAdd, as_json: bool) -> anyhow::Result<()> {
    if command.name.trim().is_empty() {
        bail!("a tenant needs a name");
    }
    let store = open(&command.database)?;
    let directory_id = DirectoryId::from_uuid(command.directory_id);
    let id = if command.replace_credentials {
        let id = find_by_directory(&store, directory_id).await?;
        let credential = credential(command, id)?.context("no client id")?;
        store.set_credential(id, credential).await?;
        id
    } else {
        let id = TenantId::mint(&SystemClock, &SystemEntropy);
        let tenant = NewTenant {
            id,
            name: command.name.clone(),
            directory_id,
            cloud: command.cloud,
            credential: credential(command, id)?,
        };
        store.add_tenant(tenant).await?;
        id
    };
    if as_json {
        output::json(&json!({ "id": id, "directory_id": directory_id }));
    } else {
        println!("{id}");
    }
    Ok(())
}

/// The secret is sealed for the tenant's id, so the id comes first.
fn credential(command: &TenantAdd, tenant: TenantId) -> anyhow::Result<Option<NewCredential>> {
    let (Some(client_id), Some(path)) = (&command.client_id, &command.client_secret_file) else {
        return Ok(None);
    };
    let ring = keyring(&command.keys)?;
    let secret = read_secret(path)?;
    let sealed = ring.seal(&secret, tenant, CLIENT_SECRET_COLUMN, &SystemEntropy);
    Ok(Some(NewCredential {
        client_id: client_id.clone(),
        sealed,
    }))
}

async fn find_by_directory(store: &Store, directory: DirectoryId) -> anyhow::Result<TenantId> {
    let known = store.all_tenants().await?;
    let tenant = known
        .into_iter()
        .find(|tenant| tenant.directory_id == directory);
    Ok(tenant
        .with_context(|| format!("no tenant with directory id {directory}"))?
        .id)
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
                    "connected": tenant.connected,
                })
            })
            .collect();
        output::json(&json!({ "items": items }));
        return Ok(());
    }
    let rows: Vec<_> = tenants
        .into_iter()
        .map(|tenant| {
            vec![
                tenant.id.to_string(),
                tenant.name,
                tenant.directory_id.to_string(),
                tenant.cloud.to_string(),
                if tenant.connected { "yes" } else { "no" }.to_owned(),
            ]
        })
        .collect();
    output::table(&["ID", "NAME", "DIRECTORY", "CLOUD", "CREDENTIALS"], &rows);
    Ok(())
}
