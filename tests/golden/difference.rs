//! Where two values differ.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use crate::layout::on_one_line;

/// Characters of a value that a failure shows.
const SHOWN: usize = 300;

/// A place in which two values differ.
#[derive(Debug, PartialEq)]
pub(crate) struct Difference<'a> {
    place: String,
    recorded: Option<&'a Value>,
    found: Option<&'a Value>,
}

impl fmt::Display for Difference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "at {}\n  recorded: {}\n  found:    {}",
            self.place,
            shown(self.recorded),
            shown(self.found)
        )
    }
}

fn shown(value: Option<&Value>) -> String {
    let Some(value) = value else {
        return "(nothing)".to_owned();
    };
    let line = on_one_line(value);
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Every place in which the values differ, by JSON pointer, in order. Objects are compared member
/// by member. Arrays of one length are compared element by element; of different lengths, what both
/// begin and end with is left aside, so that one more row is one difference.
pub(crate) fn differences<'a>(recorded: &'a Value, found: &'a Value) -> Vec<Difference<'a>> {
    let mut differences = Vec::new();
    collect("", Some(recorded), Some(found), &mut differences);
    differences
}

fn collect<'a>(
    place: &str,
    recorded: Option<&'a Value>,
    found: Option<&'a Value>,
    differences: &mut Vec<Difference<'a>>,
) {
    if recorded == found {
        return;
    }
    match (recorded, found) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for name in names {
                let place = format!("{place}/{name}");
                collect(&place, old.get(name), new.get(name), differences);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            let start = if old.len() == new.len() {
                0
            } else {
                old.iter().zip(new).take_while(|(a, b)| a == b).count()
            };
            let (rest_old, rest_new) = (&old[start..], &new[start..]);
            let end = if old.len() == new.len() {
                0
            } else {
                let ends = rest_old.iter().rev().zip(rest_new.iter().rev());
                ends.take_while(|(a, b)| a == b).count()
            };
            let (old, new) = (
                &rest_old[..rest_old.len() - end],
                &rest_new[..rest_new.len() - end],
            );
            for at in 0..old.len().max(new.len()) {
                let place = format!("{place}/{}", start + at);
                collect(&place, old.get(at), new.get(at), differences);
            }
        }
        _ => differences.push(Difference {
            place: place.to_owned(),
            recorded,
            found,
        }),
    }
}

#[test]
fn places_are_named_and_one_more_row_is_one_difference() {
    let places = |recorded: &str, found: &str| -> Vec<String> {
        let (recorded, found) = (
            serde_json::from_str(recorded).unwrap(),
            serde_json::from_str(found).unwrap(),
        );
        let found = differences(&recorded, &found);
        found.iter().map(|one| one.place.clone()).collect()
    };
    assert_eq!(
        places(
            r#"{"a": [{"b": 1, "c": 2}]}"#,
            r#"{"a": [{"b": 2, "d": 2}]}"#
        ),
        ["/a/0/b", "/a/0/c", "/a/0/d"]
    );
    assert_eq!(places("[1, 2, 3]", "[1, 5, 2, 3]"), ["/1"]);
    assert_eq!(places("[1, 2, 3]", "[1, 3]"), ["/1"]);
    assert!(places(r#"{"a": 1, "b": 2}"#, r#"{"b": 2, "a": 1}"#).is_empty());
}
