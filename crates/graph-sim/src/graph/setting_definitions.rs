//! The catalogue of setting definitions, which is no collection of the table.

use serde_json::Value;

use super::odata::Query;
use super::paging::{self, Listing};
use super::{Answered, GraphRequest, errors};
use crate::answer::Answer;
use crate::content::{Definition, catalogue, definition};

/// The permission that reading needs.
pub(super) const PERMISSION: &str = "DeviceManagementConfiguration.Read.All";

/// Definitions are listed in full pages only.
const PAGE: usize = 1_000;

/// Whether the segments name the catalogue or something in it.
pub(super) fn is_path(segments: &[String]) -> bool {
    matches!(segments, [root, name, ..]
        if root == "deviceManagement" && name == "configurationSettings")
}

/// The list, or the definition with the id that follows.
pub(super) fn answer(request: &GraphRequest<'_>, version: &str, id: &[String]) -> Answered {
    let ids = request.ids;
    if version != "beta" {
        return Err(errors::unknown_segment("configurationSettings", ids).into());
    }
    let query = Query::parse(request.query, ids)?;
    let context =
        "https://graph.microsoft.com/beta/$metadata#deviceManagement/configurationSettings";
    let shown = |one: &Definition| match one.json() {
        Value::Object(body) => query.select(body),
        _ => serde_json::Map::new(),
    };
    match id {
        [] => {
            let all: Vec<&Definition> = catalogue()
                .iter()
                .filter(|one| {
                    let filter = query.filter.as_ref();
                    filter.is_none_or(|filter| filter.holds(&one.json()))
                })
                .collect();
            let listing = Listing {
                context: context.to_owned(),
                total: all.len(),
                page_size: PAGE,
                max_top: PAGE,
                counts_pages: true,
                ends_early: false,
                shrinks: false,
            };
            paging::page(request, &query, &listing, |position| {
                Value::Object(shown(all[position]))
            })
        }
        [id] => {
            let one = definition(id).ok_or_else(|| errors::not_found(ids))?;
            let mut whole = serde_json::Map::new();
            whole.insert(
                "@odata.context".to_owned(),
                Value::String(format!("{context}/$entity")),
            );
            whole.extend(shown(one));
            let mut answer = Answer::graph_json(200, &Value::Object(whole));
            answer.rows = 1;
            Ok(answer)
        }
        [_, beyond, ..] => Err(errors::unknown_segment(beyond, ids).into()),
    }
}
