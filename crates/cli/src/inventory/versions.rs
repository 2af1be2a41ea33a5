//! `atlas inventory show`, `history` and `diff`: what an item contains, and what it contained before.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{name_actors, show as show_list};
use crate::args::inventory::{InventoryDiff, InventoryHistory, InventoryShow, Item};
use crate::client::ApiClient;
use crate::output::{self, cell};

/// What stands in place of a field for an assignment.
const ASSIGNED: &str = "(assigned)";

/// What an item contains: a row for each property or setting, and one for each assignment.
pub(crate) async fn show(arguments: &InventoryShow, as_json: bool) -> anyhow::Result<()> {
    let under = match arguments.number {
        Some(number) => format!("/versions/{number}"),
        None => "/content".to_owned(),
    };
    let as_of: Vec<_> = arguments
        .as_of
        .iter()
        .map(|time| ("as_of", time.clone()))
        .collect();
    let body = get(&arguments.item, &under, &as_of).await?;
    if as_json {
        output::json(&body)?;
        return Ok(());
    }
    headline(&body["item"], &[&body["version"]])?;
    let settings = body["settings"].as_array().into_iter().flatten();
    let settings: BTreeMap<&str, &Value> = settings
        .filter_map(|one| Some((one["field"].as_str()?, one)))
        .collect();
    let fields = body["content"].as_object().into_iter().flatten();
    let fields = fields.map(|(field, value)| {
        let setting = settings.get(field.as_str()).copied();
        vec![name(setting), field.clone(), named(Some(value), setting)]
    });
    let assignments = body["assignments"].as_array().into_iter().flatten();
    let assignments = assignments.map(|one| assigned([one.get("target")]));
    table(["FIELD", "VALUE"], fields.chain(assignments).collect())?;
    Ok(())
}

/// An item's versions.
pub(crate) async fn history(arguments: &InventoryHistory, as_json: bool) -> anyhow::Result<()> {
    let api = ApiClient::new(&arguments.item.api)?;
    let path = path(&api, &arguments.item, "/versions").await?;
    let limit = usize::try_from(arguments.limit)?;
    let mut versions = api.list(&path, Vec::new(), limit).await?;
    if !as_json {
        versions.iter_mut().for_each(name_actors);
    }
    let columns = [
        ("VERSION", "/number"),
        ("FROM", "/valid_from"),
        ("TO", "/valid_to"),
        ("NAME", "/name"),
        ("BY", "/by"),
        ("RUN", "/operation_run_id"),
    ];
    show_list(&versions, &columns, as_json)
}

/// What differs between two versions of an item.
pub(crate) async fn diff(arguments: &InventoryDiff, as_json: bool) -> anyhow::Result<()> {
    let under = format!("/versions/{}/diff", arguments.number);
    let against = [("against", arguments.against.clone())];
    let body = get(&arguments.item, &under, &against).await?;
    if as_json {
        output::json(&body)?;
        return Ok(());
    }
    headline(&body["item"], &[&body["from"], &body["to"]])?;
    let list = |at: &str| {
        body.pointer(at)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let field = |one: &Value| {
        vec![
            name(Some(one)),
            cell(one, "/field"),
            named(one.get("old"), Some(one)),
            named(one.get("new"), Some(one)),
        ]
    };
    let fields = list("/content/fields").map(field);
    let removed = list("/assignments/removed").map(|one| assigned([one.get("target"), None]));
    let added = list("/assignments/added").map(|one| assigned([None, one.get("target")]));
    let rows: Vec<_> = fields.chain(removed).chain(added).collect();
    let listed = u64::try_from(rows.len())?;
    table(["FIELD", "FROM", "TO"], rows)?;
    let counts = [
        "/content/field_count",
        "/assignments/added_count",
        "/assignments/removed_count",
    ];
    let count: u64 = counts
        .iter()
        .filter_map(|at| body.pointer(at)?.as_u64())
        .sum();
    if count > listed {
        output::note(format!("{listed} of {count} differences are listed"));
    }
    Ok(())
}

async fn get(item: &Item, under: &str, query: &[(&str, String)]) -> anyhow::Result<Value> {
    let api = ApiClient::new(&item.api)?;
    let path = path(&api, item, under).await?;
    Ok(api.get(&path, query).await?.body)
}

async fn path(api: &ApiClient, item: &Item, under: &str) -> anyhow::Result<String> {
    let tenant_id = api.tenant_id(&item.tenant).await?;
    let item = item.item;
    Ok(format!(
        "/tenants/{tenant_id}/inventory-items/{item}{under}"
    ))
}

/// Says which item in which versions is shown.
fn headline(item: &Value, versions: &[&Value]) -> anyhow::Result<()> {
    let version = |version: &&Value| {
        let number = cell(version, "/number");
        let from = cell(version, "/valid_from");
        match cell(version, "/valid_to") {
            end if end.is_empty() => format!("version {number} (since {from})"),
            end => format!("version {number} ({from} to {end})"),
        }
    };
    let versions: Vec<String> = versions.iter().map(version).collect();
    let name = output::one_line(&cell(item, "/name"));
    let policy_type = cell(item, "/policy_type");
    output::line(format!(
        "{name} ({policy_type}), {}",
        versions.join(" and ")
    ))?;
    Ok(())
}

/// A table whose rows begin with the name of a setting. Where no name is known there is no column of
/// names.
fn table<const N: usize>(
    headings: [&str; N],
    mut rows: Vec<Vec<String>>,
) -> Result<(), output::NotPrinted> {
    let mut headings = Vec::from(headings);
    if rows.iter().any(|row| !row[0].is_empty()) {
        headings.insert(0, "SETTING");
    } else {
        for row in &mut rows {
            row.remove(0);
        }
    }
    output::table(&headings, &rows)
}

/// A row for an assignment, with its target in one of the columns.
fn assigned<const N: usize>(targets: [Option<&Value>; N]) -> Vec<String> {
    let beginning = [String::new(), ASSIGNED.to_owned()];
    beginning.into_iter().chain(targets.map(text)).collect()
}

/// The name of a setting; empty when it is not known.
fn name(setting: Option<&Value>) -> String {
    setting.map_or_else(String::new, |setting| cell(setting, "/setting/name"))
}

/// A value in a cell; an option of a setting by its name and identifier.
fn named(value: Option<&Value>, setting: Option<&Value>) -> String {
    let text = text(value);
    let options = setting.and_then(|setting| setting["options"].as_array());
    let mut options = options.into_iter().flatten();
    match options.find(|option| Some(&option["id"]) == value) {
        Some(option) => format!("{} ({text})", cell(option, "/name")),
        None => text,
    }
}

/// A value in a cell; empty when it is absent.
fn text(value: Option<&Value>) -> String {
    value.map_or_else(String::new, |value| {
        cell(&json!({ "value": value }), "/value")
    })
}
