//! The content of an object, in a normal form in which two readings can be compared.
//!
//! Content is what an administrator decided: settings, names, scope tags. Times of changes and synchronisation,
//! counts of devices, and annotations of the service are no content. Assignments are compared apart.
//!
//! A value that is an identifier is kept with its GUIDs in lower case ([`crate::guid`]); free text
//! is kept as it is. Earlier versions kept identifiers as sent: `former_…` is their form of the same
//! object, by which a hash that they stored is recognised (`docs/adr/0003-former-hashes.md`).

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::guid::{fold_guids, is_identifier_with_guid};

/// The one annotation that is content.
const KIND: &str = "@odata.type";

/// Members of an object that change without anybody changing it, or that are compared apart. Times
/// by the name `last…DateTime` are left out by that.
const NOT_CONTENT: [&str; 36] = [
    // Compared apart, or the other end of somebody else's link.
    "assignments",
    "payloads",
    // Times and versions.
    "createdDateTime",
    "modifiedDateTime",
    "version",
    "highestAvailableVersion",
    // Counts. Rules have counts, too, so the name's ending decides nothing.
    "isAssigned",
    "settingCount",
    "deployedAppCount",
    "usedLicenseCount",
    "totalLicenseCount",
    "dependentAppCount",
    "supersedingAppCount",
    "supersededAppCount",
    "syncedDeviceCount",
    "currentSyncResultCount",
    // Results and states.
    "uploadState",
    "lastSyncStatus",
    "lastSyncErrorCode",
    "lastSyncError",
    "lastSyncTriggeredBy",
    "lastAppSyncStatus",
    "syncStatus",
    "inventorySyncStatus",
    "newUpdates",
    "deviceReporting",
    "deploymentStatus",
    "deploymentSummary",
    "runSummary",
    "deviceRunStates",
    "userRunStates",
    "healthCheckStatus",
    "healthCheckStatusDetail",
    "healthCheckStatusDetails",
    "inUse",
    "inUseByCloudPc",
];

/// Members whose values are sets of ids: Graph promises no order for them.
const SETS: [&str; 3] = ["roleScopeTagIds", "roleScopeTags", "scopeIds"];

/// The member with the apps that an app protection policy or an app configuration is for.
const APPS: &str = "apps";

/// How the text of a value is kept.
type Keep = fn(&str) -> Cow<'_, str>;

/// The members of an object that are content, in a normal form: without annotations of the service
/// (but with `@odata.type`), with sets in order, and with identifiers in one case.
#[must_use]
pub fn content_of(object: &Map<String, Value>) -> Map<String, Value> {
    content_with(object, folded)
}

/// The object's content in the form of earlier versions.
#[must_use]
pub fn former_content_of(object: &Map<String, Value>) -> Map<String, Value> {
    content_with(object, unfolded)
}

/// Whether the form of earlier versions may differ from the present one.
#[must_use]
pub fn has_former_form(value: &Value) -> bool {
    match value {
        Value::String(text) => matches!(folded(text), Cow::Owned(_)),
        Value::Array(values) => values.iter().any(has_former_form),
        Value::Object(members) => members.values().any(has_former_form),
        _ => false,
    }
}

fn content_with(object: &Map<String, Value>, keep: Keep) -> Map<String, Value> {
    object
        .iter()
        .filter(|(name, _)| is_content(name))
        .map(|(name, value)| {
            let mut value = plain(value, keep);
            if let Value::Array(values) = &mut value {
                if name == APPS {
                    values.iter_mut().for_each(leave_identifier);
                }
                if name == APPS || SETS.contains(&name.as_str()) {
                    sort(values);
                }
            }
            (name.clone(), value)
        })
        .collect()
}

/// Hash of an object's content as it is kept, that is of what [`fields`](super::change::fields)
/// made of [`content_of`]: two readings whose fields are the same have the same hash, and those
/// whose fields differ do not.
#[must_use]
pub fn content_hash(fields: &Map<String, Value>) -> [u8; 32] {
    let mut hash = Sha256::new();
    feed_members(&mut hash, fields);
    hash.finalize().into()
}

/// Assignments in a normal form: without the ids and annotations that the service makes up for
/// them, without members that say nothing, and in an order of their own. Graph promises none, and
/// returns the same assignment differently in a list and under its object.
#[must_use]
pub fn assignments_of(rows: &[Value]) -> Vec<Value> {
    assignments_with(rows, folded)
}

/// The assignments in the form of earlier versions.
#[must_use]
pub fn former_assignments_of(rows: &[Value]) -> Vec<Value> {
    assignments_with(rows, unfolded)
}

fn assignments_with(rows: &[Value], keep: Keep) -> Vec<Value> {
    let mut assignments: Vec<Value> = rows
        .iter()
        .map(|assignment| {
            let mut assignment = plain(assignment, keep);
            if let Value::Object(members) = &mut assignment {
                members.remove(KIND);
                members.remove("id");
            }
            without_nulls(&mut assignment);
            assignment
        })
        .collect();
    sort(&mut assignments);
    assignments
}

/// Hash of an object's assignments in their normal form.
#[must_use]
pub fn assignments_hash(assignments: &[Value]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for assignment in assignments {
        feed(&mut hash, assignment);
    }
    hash.finalize().into()
}

/// Whether a member of an object is content, by its name.
pub(super) fn is_content(name: &str) -> bool {
    let is_time = name.starts_with("last") && name.ends_with("DateTime");
    (name == KIND || !name.contains('@')) && !is_time && !NOT_CONTENT.contains(&name)
}

/// A value in its normal form: without annotations, and with identifiers in one case.
pub(super) fn normal(value: &Value) -> Value {
    plain(value, folded)
}

/// The value without annotations, at any depth.
fn plain(value: &Value, keep: Keep) -> Value {
    match value {
        Value::String(text) => Value::String(keep(text).into_owned()),
        Value::Array(values) => values.iter().map(|value| plain(value, keep)).collect(),
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| *name == KIND || !name.contains('@'))
            .map(|(name, value)| (name.clone(), plain(value, keep)))
            .collect(),
        other => other.clone(),
    }
}

fn folded(text: &str) -> Cow<'_, str> {
    if is_identifier_with_guid(text) {
        fold_guids(text)
    } else {
        Cow::Borrowed(text)
    }
}

const fn unfolded(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}

/// An app of a policy is its identifier; its own version changes with every edit of the policy.
fn leave_identifier(app: &mut Value) {
    if let Some(identifier) = app.get_mut("mobileAppIdentifier") {
        *app = identifier.take();
    }
}

fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, value| !value.is_null());
            members.values_mut().for_each(without_nulls);
        }
        Value::Array(values) => values.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

/// Sorts by what the values say; the order of an object's members says nothing.
fn sort(values: &mut [Value]) {
    values.sort_by_cached_key(hash_of);
}

/// A hash of what a value says.
pub(super) fn hash_of(value: &Value) -> [u8; 32] {
    let mut hash = Sha256::new();
    feed(&mut hash, value);
    hash.finalize().into()
}

fn feed_text(hash: &mut Sha256, text: &str) {
    hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
    hash.update(text.as_bytes());
}

/// Each value begins with a letter for its kind, and lengths stand before contents, so that no two
/// different values feed the same bytes.
fn feed(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Null => hash.update(b"n"),
        Value::Bool(flag) => hash.update(if *flag { b"t" } else { b"f" }),
        Value::Number(number) => {
            hash.update(b"d");
            feed_text(hash, &number.to_string());
        }
        Value::String(text) => {
            hash.update(b"s");
            feed_text(hash, text);
        }
        Value::Array(values) => {
            hash.update(b"a");
            hash.update(
                u64::try_from(values.len())
                    .unwrap_or(u64::MAX)
                    .to_be_bytes(),
            );
            values.iter().for_each(|value| feed(hash, value));
        }
        Value::Object(members) => {
            hash.update(b"o");
            feed_members(hash, members);
        }
    }
}

fn feed_members(hash: &mut Sha256, members: &Map<String, Value>) {
    hash.update(
        u64::try_from(members.len())
            .unwrap_or(u64::MAX)
            .to_be_bytes(),
    );
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_unstable_by_key(|(name, _)| name.as_str());
    for (name, value) in sorted {
        feed_text(hash, name);
        feed(hash, value);
    }
}
