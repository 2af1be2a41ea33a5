//! `atlas inventory export`: a file for each item, so that a version control system shows what changed
//! between two exports.

mod directory;
mod names;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use self::directory::ExportDirectory;
use crate::args::inventory::InventoryExport;
use crate::client::ApiClient;
use crate::output;

/// What the lines of the API look like.
const FORMAT_VERSION: u64 = 1;

/// Writes the items of a tenant into a directory, and removes the files of those that are gone. Unless
/// all of them were read, nothing in the directory changes.
pub(crate) async fn export(arguments: &InventoryExport, as_json: bool) -> anyhow::Result<()> {
    let api = ApiClient::new(&arguments.api)?;
    let tenant_id = api.tenant_id(&arguments.tenant).await?;
    let mut directory = ExportDirectory::open(&arguments.directory, &tenant_id, arguments.force)?;
    let as_of = arguments.as_of.iter().map(|time| ("as_of", time.clone()));
    let query: Vec<_> = as_of.collect();
    let path = format!("/tenants/{tenant_id}/inventory-export");
    let mut lines = api.lines(&path, &query).await?;
    let mut item_count: u64 = 0;
    let mut is_complete = false;
    while let Some(line) = lines.next().await? {
        let line: Value = serde_json::from_slice(&line).context("a line is not JSON")?;
        match line["line"].as_str() {
            Some("header") if line["format_version"] != FORMAT_VERSION => {
                bail!("the API is of a later version, whose exports this atlas does not know");
            }
            Some("item") => {
                directory.stage(&line)?;
                item_count += 1;
            }
            Some("end") => is_complete = line["item_count"] == item_count,
            _ => {}
        }
    }
    if !is_complete {
        bail!(
            "the API ended the export before its last line, and nothing was changed; it does so when \
             it fails, and when your access to the tenant ends"
        );
    }
    let done = directory.publish()?;
    if as_json {
        let (written, removed) = (done.written, done.removed);
        output::json(&json!({"items": item_count, "written": written, "removed": removed}))?;
    } else {
        output::line(format_args!(
            "{item_count} items: {} files written, {} removed",
            done.written, done.removed
        ))?;
    }
    Ok(())
}
