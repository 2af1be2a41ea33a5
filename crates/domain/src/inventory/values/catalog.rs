//! Instances of the settings catalog.
//!
//! An instance names its definition and holds one value, or a collection of them. Values of choices
//! and groups have children, which are instances again and stand below the key of their parent.
//!
//! A collection of groups has elements that only their position distinguishes, as the rules of a
//! firewall are. Each gets an identity made of what it says: the text of its child that names it
//! (`…_name`, `…_id`); where no child does, a digest of all that it holds. The only element of a
//! collection needs none, so that what changes in it is a change of that setting.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{ValuesBuilder, is_redacted, one_of, part, short_digest};
use crate::inventory::content::content_hash;

/// How the definition of a child ends that names its group, in lower case, without what joins it to
/// what stands before. The first that an element has is taken.
const NAMES: [&str; 10] = [
    "name",
    "displayname",
    "rulename",
    "keytobereplaced",
    "identifier",
    "id",
    "guid",
    "uuid",
    "sid",
    "path",
];

/// What is left of an instance when what says nothing of its value is taken away.
const NOT_VALUES: [&str; 3] = [
    "@odata.type",
    "settingDefinitionId",
    "settingInstanceTemplateReference",
];

/// Adds an instance and what is below it.
pub(super) fn instance(prefix: &str, instance: &Value, into: &mut ValuesBuilder) {
    let Some(definition) = definition(instance) else {
        return;
    };
    let key = format!("{prefix}/{}", part(definition));
    if let Some(choice) = instance.get("choiceSettingValue") {
        into.put(key.clone(), value_of(choice));
        children(&key, choice, into);
    } else if let Some(Value::Array(choices)) = instance.get("choiceSettingCollectionValue") {
        // Boxes that are ticked: their order says nothing.
        let chosen = choices.iter().map(value_of).cloned();
        let mut chosen: Vec<Value> = chosen.collect();
        chosen.sort_by_key(Value::to_string);
        into.put(key.clone(), &Value::Array(chosen));
        for choice in choices {
            let value = value_of(choice).as_str().unwrap_or_default();
            children(&format!("{key}/{}", part(value)), choice, into);
        }
    } else if let Some(simple) = instance.get("simpleSettingValue") {
        into.put(key, value_of(simple));
    } else if let Some(Value::Array(values)) = instance.get("simpleSettingCollectionValue") {
        // Servers that are asked one after the other: the order may mean something.
        let values: Vec<Value> = values.iter().map(value_of).cloned().collect();
        into.put(key, &Value::Array(values));
    } else if let Some(group) = instance.get("groupSettingValue") {
        children(&key, group, into);
    } else if let Some(Value::Array(groups)) = instance.get("groupSettingCollectionValue") {
        elements(&key, groups, into);
    } else {
        // A kind that is not known.
        let members = instance.as_object().into_iter().flatten();
        let members = members.filter(|(name, _)| !NOT_VALUES.contains(&name.as_str()));
        let members: Map<String, Value> = members
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        into.put(key, &Value::Object(members));
    }
}

fn definition(instance: &Value) -> Option<&str> {
    instance.get("settingDefinitionId")?.as_str()
}

fn value_of(holder: &Value) -> &Value {
    holder.get("value").unwrap_or(&Value::Null)
}

fn children(key: &str, holder: &Value, into: &mut ValuesBuilder) {
    let children = holder.get("children").and_then(Value::as_array);
    for child in children.into_iter().flatten() {
        instance(key, child, into);
    }
}

/// Adds the elements of a collection of groups.
fn elements(key: &str, groups: &[Value], into: &mut ValuesBuilder) {
    if groups.is_empty() {
        into.put(key.to_owned(), &Value::Array(Vec::new()));
        return;
    }
    let mut elements: Vec<Element> = groups.iter().map(Element::of).collect();
    elements.sort_by_cached_key(|element| content_hash(&element.fields));
    let mut names: BTreeMap<&str, usize> = BTreeMap::new();
    for name in elements.iter().filter_map(|one| one.name.as_deref()) {
        *names.entry(name).or_default() += 1;
    }
    let mut identities: Vec<String> = elements
        .iter()
        .map(|element| match element.name.as_deref() {
            Some(name) if names[name] == 1 => format!("/{}", part(name)),
            Some(name) => format!("/{}#{}", part(name), element.digest()),
            None if groups.len() == 1 => String::new(),
            None => format!("/#{}", element.digest()),
        })
        .collect();
    // Elements that say the same: each of them counts.
    let mut taken = BTreeSet::new();
    for identity in &mut identities {
        let alone = identity.clone();
        for number in 2.. {
            if taken.insert(identity.clone()) {
                break;
            }
            *identity = format!("{alone}#{number}");
        }
    }
    for (identity, element) in identities.into_iter().zip(elements) {
        if element.fields.is_empty() {
            into.put(format!("{key}{identity}"), &Value::Object(Map::new()));
        }
        into.absorb(&format!("{key}{identity}"), element.fields);
    }
}

/// An element of a collection of groups.
struct Element {
    /// The text of the child that names it.
    name: Option<String>,
    /// What it holds, by pointers within it.
    fields: Map<String, Value>,
}

impl Element {
    fn of(group: &Value) -> Self {
        let mut own = ValuesBuilder::default();
        children("", group, &mut own);
        Self {
            name: name(group),
            fields: own.fields(),
        }
    }

    /// A digest of what it holds, but for secrets, which are redacted differently after each change of
    /// their object.
    fn digest(&self) -> String {
        let fields = self.fields.iter().filter(|(_, value)| !is_redacted(value));
        let fields: Map<String, Value> = fields
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        short_digest(&content_hash(&fields))
    }
}

/// The name of a group: the text of the first child that names it.
fn name(group: &Value) -> Option<String> {
    let children = group.get("children")?.as_array()?;
    let named = NAMES.iter().find_map(|name| {
        let texts: Vec<Value> = children
            .iter()
            .filter(|child| definition(child).is_some_and(|id| last_word(id) == *name))
            .filter_map(|child| child.pointer("/simpleSettingValue/value"))
            .filter(|value| value.as_str().is_some_and(|text| !text.is_empty()))
            .cloned()
            .collect();
        (!texts.is_empty()).then(|| one_of(texts))
    })?;
    let text = named.as_str().filter(|_| !is_redacted(&named))?;
    Some(text.to_owned())
}

/// What a definition's id ends with, in lower case.
fn last_word(definition: &str) -> String {
    let word = definition.rsplit(['_', '.', '-', ' ']).next();
    word.unwrap_or_default().to_ascii_lowercase()
}
