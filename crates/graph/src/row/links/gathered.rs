//! Links as they are found, and how they are read out of JSON.

use std::collections::BTreeMap;

use atlas_domain::guid::fold_guids;
use atlas_domain::inventory::link::{Link, LinkKind, LinkTarget, TargetKind};
use serde_json::Value;

use crate::row::user_information::redact;

/// Links that one reading of one object may bring.
pub(crate) const MOST: usize = 10_000;
/// Bytes of an id.
pub(crate) const LONGEST_ID: usize = 300;
/// Characters of a qualifier's value.
const LONGEST_QUALIFIER: usize = 100;

/// How the names of qualifiers end whose values are ids.
const ID: &str = "_id";

pub(crate) const NO_GUID: &str = "00000000-0000-0000-0000-000000000000";

/// The words that stand for the groups of everybody, by the ids that Graph gives them where it has
/// no other way to name them.
const EVERYBODY: [(&str, &str); 2] = [
    ("adadadad-808e-44e2-905a-0b7873a8a531", "all_devices"),
    ("acacacac-9df4-4c7d-9d50-4ef0226f57a9", "all_users"),
];

/// Links as they are found.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gathered {
    /// What was found, in the order it was found in.
    pub(crate) links: Vec<Link>,
    /// Whether anything was passed over.
    pub(crate) cut: bool,
}

/// What else is said of a link, as names and values.
pub(crate) type Qualifier = BTreeMap<String, String>;

impl Gathered {
    /// Adds a link without a qualifier to the id in `id`, if there is one.
    pub(crate) fn add(&mut self, kind: LinkKind, target: TargetKind, id: Option<&Value>) {
        self.add_with(kind, target, id, Qualifier::new());
    }

    /// Adds a link to the id in `id`, if there is one: a text that is neither empty nor the GUID of
    /// zeros.
    pub(crate) fn add_with(
        &mut self,
        kind: LinkKind,
        target: TargetKind,
        id: Option<&Value>,
        qualifier: Qualifier,
    ) {
        if let Some(id) = id.and_then(Value::as_str) {
            self.add_id(kind, target, id, qualifier);
        }
    }

    /// Adds a link to each id of an array.
    pub(crate) fn add_each(&mut self, kind: LinkKind, target: TargetKind, ids: Option<&Value>) {
        for id in array(ids) {
            self.add(kind, target, Some(id));
        }
    }

    /// Adds a link to `id`, unless it names nothing.
    pub(crate) fn add_id(
        &mut self,
        kind: LinkKind,
        target: TargetKind,
        id: &str,
        qualifier: Qualifier,
    ) {
        if id.is_empty() || id == NO_GUID {
            return;
        }
        if self.links.len() >= MOST || id.len() > LONGEST_ID || id.contains(char::is_control) {
            self.cut = true;
            return;
        }
        self.links.push(Link {
            kind,
            target: LinkTarget {
                kind: target,
                id: fold_guids(&redact(id)).into_owned(),
            },
            qualifier,
        });
    }

    /// Adds a link to a group, or to the virtual one that the id stands for.
    pub(crate) fn add_group(&mut self, kind: LinkKind, id: Option<&Value>, qualifier: Qualifier) {
        let Some(id) = id.and_then(Value::as_str) else {
            return;
        };
        match EVERYBODY
            .iter()
            .find(|(known, _)| id.eq_ignore_ascii_case(known))
        {
            Some((_, word)) => self.add_id(kind, TargetKind::VirtualGroup, word, qualifier),
            None => self.add_id(kind, TargetKind::Group, id, qualifier),
        }
    }
}

/// The scope tags of an object: ids, or the tags themselves.
pub(crate) fn scoped_by(tags: Option<&Value>, found: &mut Gathered) {
    for tag in array(tags) {
        let id = tag.get("id").or(Some(tag));
        found.add(LinkKind::ScopedBy, TargetKind::RoleScopeTag, id);
    }
}

/// The members of an array; nothing when it is none.
pub(crate) fn array(value: Option<&Value>) -> &[Value] {
    value
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// The name of an object's kind without the namespace, such as `groupAssignmentTarget`.
pub(crate) fn kind_of(object: &Value) -> &str {
    let kind = object.get("@odata.type").and_then(Value::as_str);
    kind.and_then(|kind| kind.rsplit('.').next())
        .unwrap_or_default()
}

/// Adds `name` with the value of `member` when that is a short text, a number or a switch. By a name
/// that ends in `_id` it is one.
pub(crate) fn qualify(qualifier: &mut Qualifier, name: &str, value: Option<&Value>) {
    let text = match value {
        Some(Value::String(text)) if !text.is_empty() && name.ends_with(ID) => {
            fold_guids(text).into_owned()
        }
        Some(Value::String(text)) if !text.is_empty() => redact(text).into_owned(),
        Some(value @ (Value::Bool(_) | Value::Number(_))) => value.to_string(),
        _ => return,
    };
    let short: String = text
        .chars()
        .filter(|one| !one.is_control())
        .take(LONGEST_QUALIFIER)
        .collect();
    qualifier.insert(name.to_owned(), short);
}
