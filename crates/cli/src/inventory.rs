//! `atlas inventory`: what the last syncs found.

use serde_json::json;

use crate::args::InventoryList;
use crate::client::ApiClient;
use crate::output::{self, cell};

/// Items of a tenant, by name.
pub(crate) async fn list(arguments: &InventoryList, as_json: bool) -> anyhow::Result<()> {
    let api = ApiClient::new(&arguments.api)?;
    let tenant_id = api.tenant_id(&arguments.tenant).await?;
    let mut query: Vec<_> = arguments
        .policy_types
        .iter()
        .map(|key| ("policy_type", key.clone()))
        .collect();
    if let Some(q) = &arguments.q {
        query.push(("q", q.clone()));
    }
    let limit = usize::try_from(arguments.limit)?;
    let items = api
        .list(
            &format!("/tenants/{tenant_id}/inventory-items"),
            query,
            limit,
        )
        .await?;
    if as_json {
        output::json(&json!({ "items": items }));
        return Ok(());
    }
    let rows: Vec<_> = items
        .iter()
        .map(|item| {
            [
                "/name",
                "/policy_type",
                "/platform",
                "/assignment_count",
                "/last_seen_at",
                "/missing_since",
            ]
            .iter()
            .map(|pointer| cell(item, pointer))
            .collect()
        })
        .collect();
    let headings = [
        "NAME",
        "TYPE",
        "PLATFORM",
        "ASSIGNMENTS",
        "LAST SEEN",
        "MISSING SINCE",
    ];
    output::table(&headings, &rows);
    Ok(())
}
