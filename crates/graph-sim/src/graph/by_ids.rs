//! `POST /directoryObjects/getByIds`: the objects of the directory with these ids.
//!
//! As with the real service, ids that are not known are left out without a word, and the order says
//! nothing.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

use super::odata::Query;
use super::{GraphRequest, errors};
use crate::answer::Answer;
use crate::collections::{collections, index_of};
use crate::content::{self, Links, View, places};

/// Ids that one request may name.
const MOST: usize = 1_000;

/// Kinds of objects that may be asked for. Only groups are found: users, devices and service
/// principals exist by their ids alone.
const KINDS: [&str; 8] = [
    "user",
    "group",
    "device",
    "servicePrincipal",
    "application",
    "orgContact",
    "administrativeUnit",
    "directoryObject",
];

#[derive(Debug, Deserialize)]
struct Wanted {
    ids: Vec<String>,
    #[serde(default)]
    types: Option<Vec<String>>,
}

/// Whether this path is answered here.
pub(crate) fn is_path(path: &str) -> bool {
    matches!(
        path,
        "/v1.0/directoryObjects/getByIds" | "/beta/directoryObjects/getByIds"
    )
}

/// Answers a request.
pub(crate) fn answer(request: &GraphRequest<'_>, body: &[u8]) -> Answer {
    let refuse = |message: &str| errors::request_refused(message, request.ids);
    let Ok(wanted) = serde_json::from_slice::<Wanted>(body) else {
        return refuse("Unable to read JSON request payload.");
    };
    let query = match Query::parse(request.query, request.ids) {
        Ok(query) => query,
        Err(refusal) => return *refusal,
    };
    if wanted.ids.is_empty() {
        return refuse("The collection 'ids' must contain at least one identifier.");
    }
    if wanted.ids.len() > MOST {
        return refuse("Number of included identifiers cannot exceed '1000'.");
    }
    if let Some(odd) = wanted.ids.iter().find(|id| !is_guid(id)) {
        return refuse(&format!("Invalid object identifier '{odd}'."));
    }
    let types = wanted.types.unwrap_or_default();
    if let Some(odd) = types.iter().find(|one| !KINDS.contains(&one.as_str())) {
        return refuse(&format!("Invalid resource type '{odd}'."));
    }
    let groups = types.is_empty()
        || types
            .iter()
            .any(|one| one == "group" || one == "directoryObject");
    let ids: BTreeSet<String> = wanted
        .ids
        .iter()
        .map(|id| id.to_ascii_lowercase())
        .collect();
    let rows: Vec<Value> = ids
        .iter()
        .filter(|_| groups)
        .filter_map(|id| group(request, &query, id))
        .collect();
    let count = rows.len();
    let mut answer = Answer::graph_json(
        200,
        &json!({
            "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#directoryObjects",
            "value": rows,
        }),
    );
    answer.rows = count;
    answer
}

fn group(request: &GraphRequest<'_>, query: &Query, id: &str) -> Option<Value> {
    let index = index_of(places::GROUPS);
    let row = content::find(&request.directory, index, id)?;
    let view = View {
        item: true,
        v1: request.path.starts_with("/v1.0"),
        unknown_members: request.unknown_members,
        expand: &[],
    };
    let mut body = query.select(row.body(view, &mut Links::ignored()));
    let kind = format!("#{}", collections()[index].entity_type);
    body.insert("@odata.type".to_owned(), json!(kind));
    Some(Value::Object(body))
}

fn is_guid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let hexadecimal = |part: &&str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(hexadecimal)
}
