//! Names in place of what differs from one recording to the next: identifiers get a name by first
//! appearance, the same wherever they stand; times, addresses and secrets get a word.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

/// Members whose values are different each time, whatever they stand in.
const MEMBERS: [(&str, &str); 10] = [
    ("client_request_id", "<request>"),
    ("instance", "<request>"),
    ("oldest_due_seconds", "<seconds>"),
    ("request_id", "<request>"),
    ("trace_id", "<request>"),
    ("upstream_request_id", "<request>"),
    ("worker", "<worker>"),
    ("worker_id", "<worker>"),
    ("next_cursor", "<cursor>"),
    ("previous_cursor", "<cursor>"),
];

/// Times this close to now were made while recording; others come from the simulator.
const NEAR: TimeDelta = TimeDelta::days(3);
/// Characters of an identifier.
const ID: usize = 36;

/// The names that were given so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Masks {
    ids: BTreeMap<String, String>,
    counts: BTreeMap<String, usize>,
    /// Texts, and what stands in their place. The first that fits is taken.
    texts: Vec<(String, String)>,
}

/// What becomes of identifiers without a name.
#[derive(Clone, Copy)]
enum Unnamed {
    /// They get one.
    Name,
    /// They all look the same.
    Hide,
}

impl Masks {
    /// From here on this text stands as that one, wherever it is found.
    pub(crate) fn replace(&mut self, text: impl Into<String>, by: impl Into<String>) {
        self.texts.push((text.into(), by.into()));
    }

    /// From here on this identifier has this name.
    pub(crate) fn call(&mut self, id: &(impl ToString + ?Sized), name: impl Into<String>) {
        self.ids
            .insert(id.to_string(), format!("<{}>", name.into()));
    }

    /// The name of an identifier; the next one of its sort if it has none.
    pub(crate) fn name(&mut self, id: &str, sort: &str) -> String {
        if let Some(name) = self.ids.get(id) {
            return name.clone();
        }
        let count = self.counts.entry(sort.to_owned()).or_default();
        *count += 1;
        let name = format!("<{sort} {count}>");
        self.ids.insert(id.to_owned(), name.clone());
        name
    }

    /// The value with names.
    pub(crate) fn mask(&mut self, value: &Value) -> Value {
        self.value(value, Unnamed::Name)
    }

    /// The value with the names that are known; what has none yet looks the same everywhere.
    pub(crate) fn mask_known(&mut self, value: &Value) -> Value {
        self.value(value, Unnamed::Hide)
    }

    /// The text with names.
    pub(crate) fn text(&mut self, text: &str) -> String {
        self.string(text, Unnamed::Name)
    }

    fn value(&mut self, value: &Value, unnamed: Unnamed) -> Value {
        match value {
            Value::Object(members) => {
                let mut names: Vec<&String> = members.keys().collect();
                names.sort();
                let masked = names.into_iter().map(|name| {
                    let member = &members[name];
                    let known = MEMBERS.iter().find(|(known, _)| known == name);
                    let masked = match known {
                        Some((_, mask)) if is_something(member) => Value::from(*mask),
                        _ => self.value(member, unnamed),
                    };
                    (name.clone(), masked)
                });
                Value::Object(masked.collect())
            }
            Value::Array(elements) => {
                let masked = elements.iter().map(|element| self.value(element, unnamed));
                Value::Array(masked.collect())
            }
            Value::String(text) => self.string(text, unnamed).into(),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    fn string(&mut self, text: &str, unnamed: Unnamed) -> String {
        if is_near(text) {
            return "<time>".to_owned();
        }
        let mut text = text.to_owned();
        for (known, by) in &self.texts {
            text = text.replace(known, by);
        }
        if text.contains(" of waiting") {
            text = without_numbers(&text);
        }
        let mut masked = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(character) = rest.chars().next() {
            if let Some(id) = rest.get(..ID).filter(|one| is_minted(one)) {
                masked.push_str(&self.id(&id.to_ascii_lowercase(), unnamed));
                rest = &rest[ID..];
            } else {
                masked.push(character);
                rest = &rest[character.len_utf8()..];
            }
        }
        masked
    }

    fn id(&mut self, id: &str, unnamed: Unnamed) -> String {
        match unnamed {
            Unnamed::Name => self.name(id, "id"),
            Unnamed::Hide => {
                let known = self.ids.get(id).cloned();
                known.unwrap_or_else(|| "<id>".to_owned())
            }
        }
    }
}

fn is_something(value: &Value) -> bool {
    !value.is_null() && value != 0
}

/// Whether it is a UUID of version 7, as all identifiers are that are made here and none that the
/// simulator makes.
pub(crate) fn is_minted(text: &str) -> bool {
    text.len() == ID
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            14 => byte == b'7',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_near(text: &str) -> bool {
    let time = DateTime::parse_from_rfc3339(text);
    time.is_ok_and(|time| (Utc::now() - time.with_timezone(&Utc)).abs() < NEAR)
}

/// How often and how long something was waited for depends on the machine.
fn without_numbers(text: &str) -> String {
    let mut masked = String::new();
    let mut in_number = false;
    for character in text.chars() {
        let goes_on = in_number && (character.is_ascii_alphanumeric() || character == '.');
        if character.is_ascii_digit() && !in_number {
            masked.push('#');
            in_number = true;
        } else if !goes_on {
            masked.push(character);
            in_number = false;
        }
    }
    masked
}

#[test]
fn identifiers_get_names_by_first_appearance_and_keep_them() {
    let (one, other) = (
        "0197c1a2-5d41-7d18-9a3b-2c3d4e5f6071",
        "0197c1a2-5d41-7d18-9a3b-2c3d4e5f6072",
    );
    let foreign = "0197c1a2-5d41-4d18-9a3b-2c3d4e5f6071";
    let mut masks = Masks::default();
    masks.call(other, "tenant");
    let text = format!("x-{one}/{other}?{foreign}-{one}");
    assert_eq!(
        masks.text(&text),
        format!("x-<id 1>/<tenant>?{foreign}-<id 1>")
    );
    assert_eq!(masks.text(&Utc::now().to_rfc3339()), "<time>");
    assert_eq!(masks.text("2000-01-01T00:00:00Z"), "2000-01-01T00:00:00Z");
    assert_eq!(
        masks.text("once, after 12ms 3us of waiting"),
        "once, after # # of waiting"
    );
    assert_eq!(masks.text("ü-ö-12345678-ä"), "ü-ö-12345678-ä");
}
