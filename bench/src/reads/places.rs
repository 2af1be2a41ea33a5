//! What stands for the names in braces of a case: ids that the seeded installation has.

use std::time::{Duration, SystemTime};

use anyhow::{Context, ensure};
use atlas_services::http::get_json;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;

use super::{Installation, seed};
use crate::http::Connection;

/// A tenant of usual size.
const USUAL_TENANT: usize = 120;
/// A filter by several tenants, or by several runs, has this many.
const SEVERAL: usize = 20;
/// A version that every item with contents had.
const VERSION: usize = 3;
const DAY: Duration = Duration::from_secs(86_400);

/// Names in braces and their values.
#[derive(Debug)]
pub(super) struct Places(Vec<(&'static str, String)>);

impl Places {
    /// Asks the API for what depends on the seed.
    pub(super) fn find(installation: &Installation<'_>) -> anyhow::Result<Self> {
        let api = installation.usual_api()?;
        let tenant = seed::tenant(1);
        let get = |path: &str| get_json(api.address(), path, &installation.token);
        let me = text(&get("/me")?, "/id")?;
        let newest = "kind=inventory_sync&status=completed&limit=100";
        let runs = get(&format!("/operation-runs?tenant_id={tenant}&{newest}"))?;
        let runs = ids(&runs)?;
        let several_runs = runs.iter().take(SEVERAL);
        let ids_of_several = several_runs.map(String::as_str).collect::<Vec<_>>();
        let run = with_results(&api.address(), &installation.token, &runs)?;
        let links = get(&format!(
            "/tenants/{tenant}/inventory-links?kind=assigned_to"
        ))?;
        let several_tenants = (1..=SEVERAL).map(seed::tenant);
        Ok(Self(vec![
            ("{usual_tenant}", seed::tenant(USUAL_TENANT)),
            (
                "{several_tenants}",
                several_tenants.collect::<Vec<_>>().join("&tenant_id="),
            ),
            ("{tenant_id}", tenant),
            ("{several_runs}", ids_of_several.join("&ids=")),
            ("{run_id}", run),
            ("{me}", me),
            ("{item_id}", text(&links, "/items/0/item/id")?),
            ("{version_number}", VERSION.to_string()),
            ("{webhook_id}", seed::WEBHOOK.to_owned()),
            ("{group_id}", text(&links, "/items/0/target/id")?),
            ("{an_hour_ago}", ago(Duration::from_secs(3600))?),
            ("{a_day_ago}", ago(DAY)?),
            ("{three_days_ago}", ago(DAY * 3)?),
            ("{sixty_days_ago}", ago(DAY * 60)?),
            ("{eighty_five_days_ago}", ago(DAY * 85)?),
        ]))
    }

    /// The path with values in place of the names.
    pub(super) fn fill(&self, path: &str) -> String {
        self.0.iter().fold(path.to_owned(), |path, (name, value)| {
            path.replace(name, value)
        })
    }
}

/// The moment this long ago, to the second, as a query parameter.
fn ago(distance: Duration) -> anyhow::Result<String> {
    let then = SystemTime::now()
        .checked_sub(distance)
        .context("before 1970")?;
    Ok(DateTime::<Utc>::from(then).to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// The first of these runs that has results of policy types.
fn with_results(
    address: &std::net::SocketAddr,
    token: &str,
    runs: &[String],
) -> anyhow::Result<String> {
    let mut connection = Connection::open(*address)?;
    for run in runs {
        let path = format!("/operation-runs/{run}/results");
        let results = connection.send("GET", &path, Some(token), "")?.json()?;
        if results["items"]
            .as_array()
            .is_some_and(|items| !items.is_empty())
        {
            return Ok(run.clone());
        }
    }
    anyhow::bail!("no run has results")
}

fn ids(page: &Value) -> anyhow::Result<Vec<String>> {
    let items = page["items"].as_array().context("a page without items")?;
    ensure!(!items.is_empty(), "the seed has no such rows");
    items.iter().map(|item| text(item, "/id")).collect()
}

fn text(value: &Value, pointer: &str) -> anyhow::Result<String> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found
        .map(str::to_owned)
        .with_context(|| format!("an answer without {pointer}"))
}
