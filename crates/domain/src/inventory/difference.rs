//! The difference of two versions of an object, as it is also recorded with each change.

use serde::Deserialize;
use serde_json::{Map, Value};

/// Fields and assignments of a difference that are listed at most; the counts count all.
pub const MOST_LISTED: usize = 1_000;

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct FieldDifference {
    /// Where it stands in the object: a JSON pointer (RFC 6901).
    pub field: String,
    /// What it was; absent when it was not there.
    pub old: Option<Value>,
    /// What it is; absent when it is no longer there.
    pub new: Option<Value>,
}

/// What differs between two contents.
#[derive(Debug, Clone, PartialEq)]
pub struct ContentDifference {
    /// The first [`MOST_LISTED`] fields, by pointer.
    pub fields: Vec<FieldDifference>,
    /// How many differ.
    pub field_count: u64,
}

/// What differs between the assignments of two versions.
#[derive(Debug, Clone, PartialEq)]
pub struct AssignmentsDifference {
    /// The first [`MOST_LISTED`] that are new, in the order of their normal form.
    pub added: Vec<Value>,
    pub added_count: u64,
    /// The first [`MOST_LISTED`] that are no more.
    pub removed: Vec<Value>,
    pub removed_count: u64,
}

/// What differs between two contents, which are maps from JSON pointer to value (see
/// [`fields`](super::change::fields)). Null is as good as nothing: Graph means the same by both.
#[must_use]
pub fn content_difference(old: &Map<String, Value>, new: &Map<String, Value>) -> ContentDifference {
    let value = |of: &Map<String, Value>, field: &str| -> Option<Value> {
        of.get(field).filter(|value| !value.is_null()).cloned()
    };
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let differing = names.into_iter().filter_map(|field| {
        let (old, new) = (value(old, field), value(new, field));
        (old != new).then(|| FieldDifference {
            field: field.clone(),
            old,
            new,
        })
    });
    let (fields, field_count) = listed(differing);
    ContentDifference {
        fields,
        field_count,
    }
}

/// What differs between two lists of assignments in their normal form (see
/// [`assignments_of`](super::content::assignments_of)), whatever their order.
#[must_use]
pub fn assignments_difference(old: &[Value], new: &[Value]) -> AssignmentsDifference {
    let (added, added_count) = listed(not_among(new, old));
    let (removed, removed_count) = listed(not_among(old, new));
    AssignmentsDifference {
        added,
        added_count,
        removed,
        removed_count,
    }
}

/// Those of `some` that are not among `others`, each as often as it is there more often.
fn not_among(some: &[Value], others: &[Value]) -> impl Iterator<Item = Value> {
    let mut left: Vec<&Value> = others.iter().collect();
    some.iter().filter_map(move |one| {
        let Some(at) = left.iter().position(|other| *other == one) else {
            return Some(one.clone());
        };
        left.swap_remove(at);
        None
    })
}

fn listed<T>(all: impl Iterator<Item = T>) -> (Vec<T>, u64) {
    let mut count = 0;
    let mut listed = Vec::new();
    for one in all {
        count += 1;
        if listed.len() < MOST_LISTED {
            listed.push(one);
        }
    }
    (listed, count)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn map(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn fields_that_differ_are_listed_by_name_and_null_is_nothing() {
        let old = map(&json!({"/b": 1, "/a": 1, "/c": null, "/d": [1]}));
        let new = map(&json!({"/b": 2, "/a": 1, "/e": "x"}));
        let difference = content_difference(&old, &new);
        let of = |field: &str, old: Option<Value>, new: Option<Value>| FieldDifference {
            field: field.to_owned(),
            old,
            new,
        };
        assert_eq!(
            difference.fields,
            [
                of("/b", Some(json!(1)), Some(json!(2))),
                of("/d", Some(json!([1])), None),
                of("/e", None, Some(json!("x"))),
            ]
        );
        assert_eq!(difference.field_count, 3);
    }

    #[test]
    fn a_difference_of_very_many_fields_is_cut_and_counted() {
        let many = |value: u32| {
            (0..5_000)
                .map(|n| (format!("/{n}"), json!(value)))
                .collect()
        };
        let difference = content_difference(&many(1), &many(2));
        assert_eq!(difference.fields.len(), MOST_LISTED);
        assert_eq!(difference.field_count, 5_000);
    }

    proptest! {
        #[test]
        fn what_was_removed_and_added_leads_from_the_old_assignments_to_the_new(
            old in proptest::collection::vec(0u8..4, 0..6),
            new in proptest::collection::vec(0u8..4, 0..6),
        ) {
            let values = |numbers: &[u8]| numbers.iter().map(|n| json!(n)).collect::<Vec<_>>();
            let (old, new) = (values(&old), values(&new));
            let difference = assignments_difference(&old, &new);
            let mut reached = old;
            for one in &difference.removed {
                let at = reached.iter().position(|other| other == one).unwrap();
                reached.remove(at);
            }
            reached.extend(difference.added.clone());
            let sorted = |mut values: Vec<Value>| {
                values.sort_by_key(Value::to_string);
                values
            };
            prop_assert_eq!(sorted(reached), sorted(new));
            prop_assert!(difference.added.iter().all(|one| !difference.removed.contains(one)));
        }
    }
}
