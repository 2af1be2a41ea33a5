//! From a row to an observation.

mod platform;
#[cfg(test)]
mod tests;

use atlas_domain::inventory::Observation;
use atlas_domain::inventory::change::fields;
use atlas_domain::inventory::content::{assignments_hash, content_hash, content_of};
use serde_json::{Map, Value};

use crate::collections::{Assignments, Collection, Shape};
use crate::plan::ListPlan;
use crate::withhold::withhold;

/// The external id of a singleton that Graph gives none.
const SINGLETON_ID: &str = "singleton";

const LONGEST_ID: usize = 500;
const LONGEST_NAME: usize = 1_000;
const LONGEST_DESCRIPTION: usize = 1_000;
const LONGEST_WORD: usize = 200;

/// Reads one row. `None` is a row that no wanted policy type claims, or one of Microsoft's own.
/// `told` says whether assignments were asked for.
pub(crate) fn observe(
    plan: &ListPlan,
    told: bool,
    row: &str,
) -> Result<Option<Observation>, &'static str> {
    let mut object: Value =
        serde_json::from_str(row).map_err(|_| "a row is not JSON that can be read")?;
    if !object.is_object() {
        return Err("a row is not an object");
    }
    let Some(collection) = route(plan.sharing(), &object) else {
        return Ok(None);
    };
    if !plan.wants(collection.key()) || is_left_out(collection, &object) {
        return Ok(None);
    }
    withhold(&mut object);
    let policy_type = collection.key();
    let external_id = external_id(collection, &object)?;
    let assignments = assignments(collection, told, &object);
    Ok(Some(Observation {
        policy_type,
        name: name(collection, &object, &external_id),
        platform: platform::of(&object).unwrap_or_else(|| policy_type.describe().platform.clone()),
        scope_tags: scope_tags(collection, &object),
        assignment_count: assignments.map(|all| i32::try_from(all.len()).unwrap_or(i32::MAX)),
        assignments_hash: assignments.map(assignments_hash),
        assignments: assignments.map(<[Value]>::to_vec),
        content: object
            .as_object()
            .map(|members| fields(&content_of(members)))
            .unwrap_or_default(),
        links: Vec::new(),
        metadata: metadata(collection, &object),
        content_hash: content_hash(&object),
        external_id,
    }))
}

/// The one collection that claims the row, among those that share its list.
fn route(sharing: &[&'static Collection], object: &Value) -> Option<&'static Collection> {
    let claims = |collection: &&&'static Collection| {
        collection.routing.as_ref().is_none_or(|routing| {
            object
                .pointer(&routing.pointer)
                .is_some_and(|value| routing.values.contains(value))
        })
    };
    let takes_the_rest = |collection: &&&'static Collection| {
        collection.routing.as_ref().is_some_and(|r| r.otherwise)
    };
    sharing
        .iter()
        .find(claims)
        .or_else(|| sharing.iter().find(takes_the_rest))
        .copied()
}

fn is_left_out(collection: &Collection, object: &Value) -> bool {
    let rule = &collection.leave_out;
    !rule.is_empty()
        && rule
            .iter()
            .all(|(name, value)| object.get(name) == Some(value))
}

fn external_id(collection: &Collection, object: &Value) -> Result<String, &'static str> {
    let id = object
        .get(&collection.id)
        .and_then(Value::as_str)
        .filter(|id| !id.is_empty() && id.len() <= LONGEST_ID && !id.contains(char::is_control));
    match id {
        Some(id) => Ok(id.to_owned()),
        None if collection.shape() == Shape::Singleton => Ok(SINGLETON_ID.to_owned()),
        None => Err("a row has no usable id"),
    }
}

fn name(collection: &Collection, object: &Value, external_id: &str) -> String {
    let given = collection
        .name
        .iter()
        .find_map(|property| text(object, property, LONGEST_NAME));
    given.unwrap_or_else(|| {
        if collection.shape() == Shape::Singleton {
            collection.key().describe().label.clone()
        } else {
            external_id.to_owned()
        }
    })
}

fn scope_tags(collection: &Collection, object: &Value) -> Vec<String> {
    let Some(Value::Array(values)) = collection
        .scope_tags
        .as_ref()
        .and_then(|field| object.get(field))
    else {
        return Vec::new();
    };
    let mut tags: Vec<String> = values
        .iter()
        .filter_map(Value::as_str)
        .map(|tag| clip(tag, LONGEST_WORD).replace(char::is_control, ""))
        .filter(|tag| !tag.is_empty())
        .collect();
    tags.sort_unstable();
    tags.dedup();
    tags
}

/// The assignments, when the row carries all of them.
fn assignments<'a>(collection: &Collection, told: bool, object: &'a Value) -> Option<&'a [Value]> {
    let told = told && collection.assignments() == Assignments::ExpandList;
    if !told || object.get("assignments@odata.nextLink").is_some() {
        return None;
    }
    object.get("assignments")?.as_array().map(Vec::as_slice)
}

/// Small facts that are safe to keep. Members are absent when the object does not tell them:
///
/// - `odata_type`: what kind of object it is, without the leading `#`
/// - `description`: at most 1,000 characters
/// - `created_at`, `modified_at`: RFC 3339, as Graph gave them
/// - `version`, `state`, `template_family`, `platform`: Graph's own words
fn metadata(collection: &Collection, object: &Value) -> Value {
    let mut facts = Map::new();
    let mut add = |name: &str, fact: Option<String>| {
        if let Some(fact) = fact {
            facts.insert(name.to_owned(), Value::String(fact));
        }
    };
    let word = |property: &str| text(object, property, LONGEST_WORD);
    let kind = word("@odata.type").map(|kind| kind.trim_start_matches('#').to_owned());
    add(
        "odata_type",
        kind.or_else(|| collection.entity_type.clone()),
    );
    add(
        "description",
        text(object, "description", LONGEST_DESCRIPTION),
    );
    add("created_at", word("createdDateTime"));
    add(
        "modified_at",
        word("lastModifiedDateTime").or_else(|| word("modifiedDateTime")),
    );
    let number = || Some(object.get("version")?.as_i64()?.to_string());
    add("version", word("version").or_else(number));
    add("state", word("state"));
    let family = object.get("templateReference");
    add(
        "template_family",
        family.and_then(|template| text(template, "templateFamily", LONGEST_WORD)),
    );
    add("platform", word("platforms").or_else(|| word("platform")));
    Value::Object(facts)
}

/// A text property without NUL, which PostgreSQL cannot store, cut to `longest` characters. Blank
/// text is no text.
fn text(object: &Value, property: &str, longest: usize) -> Option<String> {
    let text = object.get(property)?.as_str()?;
    let text = clip(text, longest).replace('\0', "");
    (!text.trim().is_empty()).then_some(text)
}

fn clip(text: &str, longest: usize) -> &str {
    text.char_indices()
        .nth(longest)
        .map_or(text, |(end, _)| &text[..end])
}
