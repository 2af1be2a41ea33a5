//! From a row to an observation.

mod platform;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use atlas_domain::guid::fold_guids;
use atlas_domain::inventory::change::fields;
use atlas_domain::inventory::content::{
    content_hash, content_of, former_content_of, has_former_form,
};
use atlas_domain::inventory::link::{LinkSet, LinkSource};
use atlas_domain::inventory::{JsonText, Observation};
use atlas_domain::limits::{LONGEST_EXTERNAL_ID, LONGEST_NAME, shortened};
use atlas_domain::policy_types::PolicyTypeKey;
use serde_json::{Map, Value};

use crate::collections::{Assignments, Collection, Shape};
use crate::plan::ListPlan;
use crate::request::parse::leads_on;
use crate::row::assignments::{RowAssignments, set_assignments};
use crate::row::context::RowContext;
use crate::row::further_read::{FurtherRead, Lacking, further_reads};
use crate::row::links;
use crate::row::links::gathered::Gathered;
use crate::row::redact::redact_secrets;
use crate::row::values::RowValues;

const LONGEST_DESCRIPTION: usize = 1_000;
const LONGEST_WORD: usize = 200;

/// A row that a wanted policy type claims.
#[derive(Debug)]
pub(crate) struct ObservedRow {
    pub(crate) observation: Observation,
    /// Its id as Graph writes it, for addresses.
    pub(crate) id: String,
    pub(crate) collection: &'static Collection,
    /// What has to be read for it besides.
    pub(crate) further_reads: Vec<FurtherRead>,
    /// What is known of its values.
    pub(crate) values: RowValues,
    /// Whether its row is as it was when its values were stored.
    pub(crate) stood: bool,
    /// Whether it has links that are not kept.
    pub(crate) cut: bool,
    /// Whether it is of a kind that is not known, and belongs to its type for want of another.
    pub(crate) unknown: bool,
}

/// A row that a wanted policy type claims, but that has no id by which it could be known again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoUsableId {
    pub(crate) policy_type: PolicyTypeKey,
}

/// Makes an observation of one row, which is an object. `None` is a row that no wanted policy type
/// claims, or one of Microsoft's own.
pub(crate) fn observe(
    plan: &ListPlan,
    context: RowContext<'_>,
    mut object: Value,
) -> Result<Option<ObservedRow>, NoUsableId> {
    let Some((collection, unknown)) = route(plan.sharing(), &object) else {
        return Ok(None);
    };
    if !plan.wants(collection.key()) || is_left_out(collection, &object) {
        return Ok(None);
    }
    let policy_type = collection.key();
    let id = id(collection, &object).ok_or(NoUsableId { policy_type })?;
    let id = id.into_owned();
    let external_id = fold_guids(&id).into_owned();
    let (values, mark) = RowValues::take(collection, context, &external_id, &mut object);
    let former = redact_secrets(&mut object);
    let mut content = content(collection, &object);
    let content_hash = content_hash(&content);
    keep_name(collection, &object, &mut content);
    let mut observation = Observation {
        policy_type,
        name: name(collection, &object, &external_id),
        platform: platform::of(&object).unwrap_or_else(|| policy_type.describe().platform.clone()),
        scope_tags: scope_tags(collection, &object),
        assignment_count: None,
        assignments_hash: None,
        assignments: None,
        former_assignments_hash: None,
        former_content_hash: former_content_hash(collection, former.as_ref(), &object)
            .filter(|former| *former != content_hash),
        content_hash,
        content: JsonText::of(&content),
        values: None,
        values_mark: mark.mark,
        links: Vec::new(),
        metadata: metadata(collection, &object),
        external_id,
    };
    let all = |object| assignments(collection, context.with_assignments, object);
    let assignments = all(&object);
    let mut cut = false;
    if plan.dependencies() {
        let found = links_of(collection, context.parent, &object);
        cut |= found.cut;
        let set = LinkSet::new(LinkSource::Object, found.links);
        observation.links.push(set);
    }
    let lacking = Lacking {
        dependencies: plan.dependencies(),
        with_assignments: assignments.is_some(),
        values: values.is_lacking(),
    };
    let further_reads = further_reads(collection, &lacking, &object);
    if let Some(assignments) = assignments {
        let former = former.as_ref().and_then(all);
        let read = RowAssignments {
            assignments,
            former,
        };
        cut |= set_assignments(&mut observation, &read, plan.dependencies());
    }
    Ok(Some(ObservedRow {
        observation,
        id,
        collection,
        further_reads,
        values,
        stood: mark.stood,
        cut,
        unknown,
    }))
}

/// The policy type and the id of a row that a wanted policy type claims and the inventory leaves out,
/// as one of Microsoft's own: links may lead to it.
pub(crate) fn left_out(plan: &ListPlan, object: &Value) -> Option<(PolicyTypeKey, String)> {
    if !plan.leaves_out() {
        return None;
    }
    let (collection, _) = route(plan.sharing(), object)?;
    let left_out = plan.wants(collection.key()) && is_left_out(collection, object);
    let id = id(collection, object).filter(|_| left_out)?;
    Some((collection.key(), fold_guids(&id).into_owned()))
}

/// What the object says, as it is kept and compared. A member that its list carries wrongly is not
/// said by it. The id of a singleton says nothing of it: Graph gives one at one time and none at
/// another.
fn content(collection: &Collection, object: &Value) -> Map<String, Value> {
    let mut content = object.as_object().map(content_of).unwrap_or_default();
    content.retain(|name, _| !is_listed_wrongly(collection, name));
    if collection.shape() == Shape::Singleton {
        content.remove(&collection.id);
    }
    fields(&content)
}

/// A name is kept whole where a long value is kept as its digest: the item's own name is shortened,
/// and this is the one place that has all of it. The hash is that of the digest, so that content
/// that is stored with it does not differ.
fn keep_name(collection: &Collection, object: &Value, content: &mut Map<String, Value>) {
    let Some((property, _)) = given_name(collection, object) else {
        return;
    };
    if let Some(kept) = content.get_mut(&format!("/{property}"))
        && kept.is_object()
    {
        kept.clone_from(&object[property]);
    }
}

/// The hash that versions before would have stored for the object, where it may be another than
/// today's. `former` is what they kept of it, where that is something else.
fn former_content_hash(
    collection: &Collection,
    former: Option<&Value>,
    object: &Value,
) -> Option<[u8; 32]> {
    let singleton = collection.shape() == Shape::Singleton;
    if former.is_none() && !singleton && !has_former_form(object) {
        return None;
    }
    let mut content = former_content_of(former.unwrap_or(object).as_object()?);
    content.retain(|name, _| !is_listed_wrongly(collection, name));
    Some(content_hash(&fields(&content)))
}

fn is_listed_wrongly(collection: &Collection, name: &str) -> bool {
    collection.lists_wrong_scope_tags() && collection.scope_tags.as_deref() == Some(name)
}

fn links_of(collection: &Collection, parent: Option<&str>, object: &Value) -> Gathered {
    let tags = collection
        .scope_tags
        .as_deref()
        .filter(|_| !collection.lists_wrong_scope_tags());
    let mut found = links::of_object(collection.key(), tags, object);
    if let Some(parent) = parent {
        links::enrollment::of_parent(parent, &mut found);
    }
    found
}

/// The one collection that claims the row, among those that share its list, and whether it does so
/// for want of another.
fn route(sharing: &[&'static Collection], object: &Value) -> Option<(&'static Collection, bool)> {
    let value = |collection: &Collection| {
        let routing = collection.routing.as_ref()?;
        object
            .pointer(&routing.pointer)
            .filter(|value| !is_blank(value))
    };
    let claims = |collection: &&&'static Collection| {
        collection.routing.as_ref().is_none_or(|routing| {
            value(collection).is_some_and(|value| routing.values.contains(value))
        })
    };
    let takes_the_rest = |collection: &&&'static Collection| {
        collection.routing.as_ref().is_some_and(|r| r.otherwise)
    };
    if let Some(claiming) = sharing.iter().find(claims) {
        return Some((claiming, claiming.is_unknown_kind(object)));
    }
    let rest = sharing.iter().find(takes_the_rest)?;
    // Where the rest is a type of its own, and not one that is named, its kinds are listed.
    let unknown = if rest.routing.as_ref().is_some_and(|r| r.values.is_empty()) {
        rest.is_unknown_kind(object)
    } else {
        value(rest).is_some()
    };
    Some((rest, unknown))
}

fn is_blank(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}

fn is_left_out(collection: &Collection, object: &Value) -> bool {
    let rule = &collection.leave_out;
    !rule.is_empty()
        && rule
            .iter()
            .all(|(name, value)| object.get(name) == Some(value))
}

/// The object's id as Graph writes it. There is one singleton of its policy type, whatever id an
/// answer gives it, so its id is the policy type's key.
fn id<'a>(collection: &Collection, object: &'a Value) -> Option<Cow<'a, str>> {
    if collection.shape() == Shape::Singleton {
        return Some(Cow::Borrowed(collection.key().as_str()));
    }
    let id = object.get(&collection.id).and_then(Value::as_str);
    id.filter(|id| is_usable_id(id)).map(Cow::Borrowed)
}

/// Whether an object can be known by this id.
pub(crate) fn is_usable_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= LONGEST_EXTERNAL_ID && !id.contains(char::is_control)
}

fn name(collection: &Collection, object: &Value, external_id: &str) -> String {
    let given = given_name(collection, object);
    let given = given.map(|(_, name)| shortened(&name, LONGEST_NAME).to_owned());
    given.unwrap_or_else(|| {
        if collection.shape() == Shape::Singleton {
            collection.key().describe().label.clone()
        } else {
            external_id.to_owned()
        }
    })
}

/// The name that the object has, and the property that it stands in.
fn given_name<'a>(collection: &'a Collection, object: &Value) -> Option<(&'a str, String)> {
    let properties = collection.name.iter();
    properties
        .map(String::as_str)
        .find_map(|property| Some((property, text(object, property, usize::MAX)?)))
}

fn scope_tags(collection: &Collection, object: &Value) -> Option<Vec<String>> {
    if collection.lists_wrong_scope_tags() {
        return None;
    }
    let Some(Value::Array(values)) = collection
        .scope_tags
        .as_ref()
        .and_then(|field| object.get(field))
    else {
        return Some(Vec::new());
    };
    Some(tags_of(values))
}

/// Scope tags as they are kept: few characters each, GUIDs in lower case, in order, once.
pub(crate) fn tags_of(values: &[Value]) -> Vec<String> {
    let mut tags: Vec<String> = values
        .iter()
        .filter_map(Value::as_str)
        .map(|tag| fold_guids(&clip(tag, LONGEST_WORD).replace(char::is_control, "")).into_owned())
        .filter(|tag| !tag.is_empty())
        .collect();
    tags.sort_unstable();
    tags.dedup();
    tags
}

/// The assignments, when the row carries all of them.
fn assignments<'a>(
    collection: &Collection,
    with_assignments: bool,
    object: &'a Value,
) -> Option<&'a [Value]> {
    let expanded = with_assignments && collection.assignments() == Assignments::ExpandList;
    if !expanded || leads_on(object, "assignments@odata.nextLink") {
        return None;
    }
    object.get("assignments")?.as_array().map(Vec::as_slice)
}

/// Small facts that are safe to keep. Members are absent when the object does not carry them:
///
/// - `odata_type`: what kind of object it is, without the leading `#`
/// - `description`: at most 1,000 characters
/// - `created_at`, `modified_at`: RFC 3339, as Graph gave them
/// - `version`, `state`, `template_family`, `platform`: Graph's own words
fn metadata(collection: &Collection, object: &Value) -> JsonText {
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
    JsonText::of(&facts)
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
