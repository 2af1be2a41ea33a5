//! Hashes of what an object says, so that two readings can be compared.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// Members that change without anybody changing the policy, or that are hashed apart.
const NOT_CONTENT: [&str; 16] = [
    "assignments",
    "payloads",
    "createdDateTime",
    "lastModifiedDateTime",
    "modifiedDateTime",
    "lastSyncDateTime",
    "lastUpdatedDateTime",
    "lastHeartbeatDateTime",
    "lastConnectionDateTime",
    "lastSuccessfulSyncDateTime",
    "isAssigned",
    "settingCount",
    "deployedAppCount",
    "usedLicenseCount",
    "version",
    "highestAvailableVersion",
];

/// Hash of an object's content: members in sorted order, without `@odata.*` annotations at the top
/// level (but with `@odata.type`), assignments, counts and times.
#[must_use]
pub fn content_hash(object: &Value) -> [u8; 32] {
    let mut hash = Sha256::new();
    match object {
        Value::Object(members) => {
            let mut kept: Vec<_> = members
                .iter()
                .filter(|(name, _)| is_content(name))
                .collect();
            kept.sort_unstable_by_key(|(name, _)| name.as_str());
            for (name, value) in kept {
                feed_text(&mut hash, name);
                feed(&mut hash, value);
            }
        }
        other => feed(&mut hash, other),
    }
    hash.finalize().into()
}

/// The members of an object that are content: those that [`content_hash`] is made of.
#[must_use]
pub fn content_of(object: &Map<String, Value>) -> Map<String, Value> {
    object
        .iter()
        .filter(|(name, _)| is_content(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Hash of an object's assignments. Their order does not count: Graph promises none.
#[must_use]
pub fn assignments_hash(assignments: &[Value]) -> [u8; 32] {
    let mut each: Vec<[u8; 32]> = assignments
        .iter()
        .map(|assignment| {
            let mut hash = Sha256::new();
            feed(&mut hash, assignment);
            hash.finalize().into()
        })
        .collect();
    each.sort_unstable();
    let mut hash = Sha256::new();
    for one in each {
        hash.update(one);
    }
    hash.finalize().into()
}

fn is_content(name: &str) -> bool {
    if name == "@odata.type" {
        return true;
    }
    !name.contains('@') && !NOT_CONTENT.contains(&name)
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
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn order_times_and_assignments_do_not_count_and_settings_do() {
        let base = json!({"id": "1", "a": {"x": 1, "y": [1, 2]}, "lastModifiedDateTime": "t1"});
        let same = json!({"lastModifiedDateTime": "t2", "a": {"y": [1, 2], "x": 1}, "id": "1",
            "assignments": [{"id": "z"}], "assignments@odata.context": "c"});
        assert_eq!(content_hash(&base), content_hash(&same));
        for other in [
            json!({"id": "1", "a": {"x": 1, "y": [2, 1]}}),
            json!({"id": "1", "a": {"x": "1", "y": [1, 2]}}),
            json!({"id": "1", "a": {"x": 1, "y": [1, 2]}, "b": null}),
        ] {
            assert_ne!(content_hash(&base), content_hash(&other), "{other}");
        }
    }

    #[test]
    fn assignments_compare_as_a_set() {
        let (a, b) = (json!({"id": "a"}), json!({"id": "b"}));
        assert_eq!(
            assignments_hash(&[a.clone(), b.clone()]),
            assignments_hash(&[b, a.clone()])
        );
        assert_ne!(assignments_hash(&[a]), assignments_hash(&[]));
    }
}
