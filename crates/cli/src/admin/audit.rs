//! The audit log, of a tenant or of the installation.

use atlas_store::AuditEntry;
use serde_json::{Value, json};

use super::{find_tenant, open, shown};
use crate::args::audit::{AuditCommand, AuditList};
use crate::output;

/// Does what the command says.
pub(crate) async fn run(command: AuditCommand, as_json: bool) -> anyhow::Result<()> {
    let AuditCommand::List(command) = command;
    list(&command, as_json).await
}

async fn list(command: &AuditList, as_json: bool) -> anyhow::Result<()> {
    let store = open(&command.database)?;
    let tenant = match &command.tenant {
        Some(tenant) => Some(find_tenant(&store, tenant).await?.id),
        None => None,
    };
    let entries = store.newest_audit_entries(tenant, command.limit).await?;
    if as_json {
        let items: Vec<Value> = entries
            .iter()
            .map(|entry| {
                json!({
                    "occurred_at": entry.occurred_at,
                    "actor": {
                        "kind": entry.actor_kind,
                        "id": entry.actor_id,
                        "name": entry.actor_name,
                    },
                    "action": entry.action,
                    "target": { "kind": entry.target_kind, "id": entry.target_id },
                    "outcome": entry.outcome,
                    "address": entry.address,
                    "user_agent": entry.user_agent,
                    "detail": entry.detail,
                })
            })
            .collect();
        output::json(&json!({ "items": items }))?;
        return Ok(());
    }
    let rows: Vec<_> = entries
        .into_iter()
        .map(|entry| {
            vec![
                shown(Some(entry.occurred_at)),
                who(&entry),
                entry.action,
                format!("{} {}", entry.target_kind, entry.target_id),
                entry.outcome,
                entry.address.unwrap_or_default(),
                entry
                    .detail
                    .map(|detail| detail.to_string())
                    .unwrap_or_default(),
            ]
        })
        .collect();
    let headings = [
        "TIME", "BY", "ACTION", "TARGET", "OUTCOME", "ADDRESS", "DETAIL",
    ];
    output::table(&headings, &rows)?;
    Ok(())
}

/// The user's name, or who administered, or what kind of program it was.
fn who(entry: &AuditEntry) -> String {
    let by = entry
        .detail
        .as_ref()
        .and_then(|detail| detail["by"].as_str());
    let name = entry.actor_name.as_deref().or(by);
    name.unwrap_or(&entry.actor_kind).to_owned()
}
