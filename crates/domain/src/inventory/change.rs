//! What differs between two readings of an object.
//!
//! An object's content is kept as a flat map from JSON pointer (RFC 6901) to value, so that a
//! difference can be shown field by field. Only objects are taken apart; arrays are values, because
//! the positions of their members mean nothing.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::json_text::length_of;
use crate::hex::hex;
use crate::words::words;

words! {
    /// What happened to an item, as one sync saw it.
    #[derive(PartialOrd, Ord)]
    pub enum ChangeKind: "kind of change" {
        /// Seen for the first time.
        Created = "created",
        /// Its content differs.
        Changed = "changed",
        /// Its assignments differ.
        Reassigned = "reassigned",
        /// It is not on a list that was read to its end.
        Gone = "gone",
        /// It was gone, and is there again.
        Back = "back",
    }
}

/// Values longer than this, in bytes of JSON, are kept as their digest; but an object's name is kept
/// whole.
pub const LONGEST_VALUE: usize = 2_048;
/// Objects are taken apart down to this depth; what lies deeper is one value.
const DEEPEST: usize = 8;
/// Fields of one object that are kept.
const MOST_FIELDS: usize = 1_000;
/// Where the fields beyond [`MOST_FIELDS`] are kept, as one digest.
const FURTHER_FIELDS: &str = "/…";

/// Takes an object apart into its fields. A value that is too long stands as
/// `{"sha256": "…", "bytes": n}`: that it changed can still be shown.
#[must_use]
pub fn fields(object: &Map<String, Value>) -> Map<String, Value> {
    let mut all = Vec::new();
    take_apart("", object, 0, &mut all);
    all.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    let further = all.split_off(all.len().min(MOST_FIELDS));
    let mut fields: Map<String, Value> = all
        .into_iter()
        .map(|(pointer, value)| (pointer, kept(value, LONGEST_VALUE)))
        .collect();
    if !further.is_empty() {
        let further = Value::Object(further.into_iter().map(|(p, v)| (p, v.clone())).collect());
        fields.insert(FURTHER_FIELDS.to_owned(), digest(&further.to_string()));
    }
    fields
}

/// Adds the fields of an object under `prefix`. `depth` is how deep it stands.
pub(super) fn take_apart<'a>(
    prefix: &str,
    object: &'a Map<String, Value>,
    depth: usize,
    into: &mut Vec<(String, &'a Value)>,
) {
    for (name, value) in object {
        let pointer = format!("{prefix}/{}", name.replace('~', "~0").replace('/', "~1"));
        match value {
            Value::Object(members) if depth + 1 < DEEPEST && !members.is_empty() => {
                take_apart(&pointer, members, depth + 1, into);
            }
            other => into.push((pointer, other)),
        }
    }
}

/// The value; its digest where it is longer than `longest` bytes of JSON.
pub(super) fn kept(value: &Value, longest: usize) -> Value {
    if length_of(value) <= longest {
        value.clone()
    } else {
        digest(&value.to_string())
    }
}

/// What stands for a text that is too long.
pub(super) fn digest(text: &str) -> Value {
    serde_json::json!({"sha256": hex(&Sha256::digest(text)), "bytes": text.len()})
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(object: &Value) -> Map<String, Value> {
        fields(object.as_object().unwrap())
    }

    #[test]
    fn objects_are_taken_apart_and_arrays_are_values() {
        let object = json!({"a": {"b/c": 1, "d~": [{"x": 1}], "e": {}}, "f": null});
        assert_eq!(
            Value::Object(of(&object)),
            json!({"/a/b~1c": 1, "/a/d~0": [{"x": 1}], "/a/e": {}, "/f": null})
        );
    }

    #[test]
    fn a_long_value_is_kept_as_its_digest_and_a_change_of_it_shows() {
        let (one, other) = ("x".repeat(5_000), "y".repeat(5_000));
        let (one, other) = (of(&json!({"s": one})), of(&json!({"s": other})));
        assert_eq!(one["/s"]["bytes"], 5_002);
        assert_ne!(one, other);
    }

    #[test]
    fn fields_beyond_the_limit_are_one_digest() {
        let many = |last: i32| {
            let object: Map<String, Value> = (0..1_500)
                .map(|n| (format!("f{n:04}"), json!(if n == 1_499 { last } else { n })))
                .collect();
            fields(&object)
        };
        let fields = many(0);
        assert_eq!(fields.len(), MOST_FIELDS + 1);
        assert_ne!(fields, many(1));
    }
}
