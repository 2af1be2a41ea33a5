//! `atlas inventory`: what the last syncs found.

pub(crate) mod export;
pub(crate) mod versions;

use serde_json::{Value, json};

use crate::args::connections::Api;
use crate::args::inventory::{InventoryChanges, InventoryLinks, InventoryList};
use crate::client::ApiClient;
use crate::output::{self, cell};

/// Items of a tenant, by name.
pub(crate) async fn list(arguments: &InventoryList, as_json: bool) -> anyhow::Result<()> {
    let mut query: Vec<_> = arguments
        .policy_types
        .iter()
        .map(|key| ("policy_type", key.clone()))
        .collect();
    if let Some(q) = &arguments.q {
        query.push(("q", q.clone()));
    }
    if let Some(time) = &arguments.as_of {
        query.push(("as_of", time.clone()));
    }
    let found = Asked {
        api: &arguments.api,
        tenant: &arguments.tenant,
        what: "inventory-items",
        limit: arguments.limit,
    };
    let columns = [
        ("NAME", "/name"),
        ("TYPE", "/policy_type"),
        ("PLATFORM", "/platform"),
        ("ASSIGNMENTS", "/assignment_count"),
        ("LAST SEEN", "/last_seen_at"),
        ("MISSING SINCE", "/missing_since"),
    ];
    show(&found.items(query).await?, &columns, as_json)
}

/// What a tenant's items lean on and are aimed at, by target.
pub(crate) async fn links(arguments: &InventoryLinks, as_json: bool) -> anyhow::Result<()> {
    let query = [
        ("kind", arguments.kind.clone()),
        ("target_kind", arguments.target_kind.clone()),
        ("target_id", arguments.target_id.clone()),
        ("dangling", arguments.dangling.then(|| "true".to_owned())),
    ];
    let found = Asked {
        api: &arguments.api,
        tenant: &arguments.tenant,
        what: "inventory-links",
        limit: arguments.limit,
    };
    let columns = [
        ("NAME", "/item/name"),
        ("TYPE", "/item/policy_type"),
        ("LINK", "/kind"),
        ("TARGET KIND", "/target/kind"),
        ("TARGET", "/target/id"),
        ("TARGET NAME", "/target/name"),
        ("DANGLING", "/dangling"),
    ];
    show(&found.items(given(query)).await?, &columns, as_json)
}

/// What changed in a tenant, the newest first.
pub(crate) async fn changes(arguments: &InventoryChanges, as_json: bool) -> anyhow::Result<()> {
    let query = [
        ("since", arguments.since.clone()),
        ("item_id", arguments.item.map(|id| id.to_string())),
        ("kind", arguments.kind.clone()),
        ("policy_type", arguments.policy_type.clone()),
        ("actor", arguments.actor.clone()),
    ];
    let found = Asked {
        api: &arguments.api,
        tenant: &arguments.tenant,
        what: "inventory-changes",
        limit: arguments.limit,
    };
    let columns = [
        ("AT", "/occurred_at"),
        ("CHANGE", "/kind"),
        ("NAME", "/item/name"),
        ("TYPE", "/item/policy_type"),
        ("BY", "/by"),
        ("FIELDS", "/content/field_count"),
        ("ASSIGNED", "/assignments/added_count"),
        ("UNASSIGNED", "/assignments/removed_count"),
    ];
    let mut changes = found.items(given(query)).await?;
    if !as_json {
        changes.iter_mut().for_each(name_actors);
    }
    show(&changes, &columns, as_json)
}

/// Adds a cell `by` with the names of the actors.
fn name_actors(row: &mut Value) {
    let actors = row["actors"].as_array().into_iter().flatten();
    let names = actors.map(|actor| match cell(actor, "/name") {
        name if name.is_empty() => cell(actor, "/id"),
        name => name,
    });
    let names: Vec<String> = names.collect();
    row["by"] = names.join(", ").into();
}

/// A list of a tenant.
struct Asked<'a> {
    api: &'a Api,
    tenant: &'a str,
    what: &'static str,
    limit: u32,
}

impl Asked<'_> {
    async fn items(&self, query: Vec<(&'static str, String)>) -> anyhow::Result<Vec<Value>> {
        let api = ApiClient::new(self.api)?;
        let tenant_id = api.tenant_id(self.tenant).await?;
        let path = format!("/tenants/{tenant_id}/{}", self.what);
        api.list(&path, query, usize::try_from(self.limit)?).await
    }
}

/// The parts of a query that were given.
fn given<const N: usize>(
    query: [(&'static str, Option<String>); N],
) -> Vec<(&'static str, String)> {
    let given = |(name, value): (&'static str, Option<String>)| Some((name, value?));
    query.into_iter().filter_map(given).collect()
}

/// A table of these columns, each a heading and where its cells stand; or everything as JSON.
fn show(items: &[Value], columns: &[(&str, &str)], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        output::json(&json!({ "items": items }))?;
        return Ok(());
    }
    let rows: Vec<Vec<String>> = items
        .iter()
        .map(|item| columns.iter().map(|(_, at)| cell(item, at)).collect())
        .collect();
    let headings: Vec<&str> = columns.iter().map(|(heading, _)| *heading).collect();
    output::table(&headings, &rows)?;
    Ok(())
}
