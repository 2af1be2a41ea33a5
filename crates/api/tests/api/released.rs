//! The document against that of the last release: whatever a client of that release may stand on is still
//! there, or `CHANGELOG.md` says that it is not, in a line with the same words:
//!
//! ```text
//! - Breaking: `GET /x: answer 200: /items/selection is gone`. Read it from ….
//! ```
//!
//! The words may leave out their beginning, so that one line declares the same change at several places.
//!
//! A release copies `openapi/tenantatlas.json` to `openapi/released.json`.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// A document, whose references are followed.
struct Document(Value);

/// In which direction a value travels: what is promised of answers is asked of requests.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Answer,
    Request,
}

impl Document {
    fn parse(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap())
    }

    /// The value, or what it refers to. Of a reference within `allOf` likewise.
    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        let target = value["$ref"]
            .as_str()
            .or(value["allOf"][0]["$ref"].as_str());
        target.map_or(value, |target| {
            let found = self.0.pointer(target.strip_prefix('#').unwrap());
            self.resolve(found.unwrap())
        })
    }

    fn operations(&self) -> impl Iterator<Item = (String, &str, &Value)> {
        members(&self.0["paths"]).flat_map(|(path, item)| {
            members(item).map(move |(method, operation)| {
                (
                    format!("{} {path}", method.to_uppercase()),
                    path.as_str(),
                    operation,
                )
            })
        })
    }

    fn parameters<'a>(&'a self, operation: &'a Value) -> impl Iterator<Item = &'a Value> {
        let all = operation["parameters"].as_array().into_iter().flatten();
        all.map(|parameter| self.resolve(parameter))
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn words(value: &Value) -> BTreeSet<&str> {
    let all = value.as_array().into_iter().flatten();
    all.filter_map(Value::as_str).collect()
}

/// What a client of the old document finds broken in the new one.
fn breaks(old: &Document, new: &Document) -> Vec<String> {
    let mut found = Vec::new();
    for (name, _, before) in old.operations() {
        let Some((_, _, after)) = new.operations().find(|(other, ..)| *other == name) else {
            found.push(format!("{name} is gone"));
            continue;
        };
        parameters(&name, (old, before), (new, after), &mut found);
        let body = |document: &'_ Document, operation: &Value| {
            let body = document.resolve(&operation["requestBody"]).clone();
            body["content"]["application/json"]["schema"].clone()
        };
        let place = format!("{name}: body:");
        let (one, other) = (body(old, before), body(new, after));
        if !one.is_null() {
            let (one, other) = ((old, &one), (new, &other));
            compare(&place, "", one, other, Direction::Request, &mut found);
        } else if after["requestBody"]["required"] == true {
            found.push(format!("{place} is required"));
        }
        answers(&name, (old, before), (new, after), &mut found);
    }
    found
}

fn parameters(
    name: &str,
    (old, before): (&Document, &Value),
    (new, after): (&Document, &Value),
    found: &mut Vec<String>,
) {
    let key = |parameter: &Value| (parameter["in"].clone(), parameter["name"].clone());
    for parameter in old.parameters(before) {
        let place = format!("{name}: parameter {}", parameter["name"].as_str().unwrap());
        match new
            .parameters(after)
            .find(|other| key(other) == key(parameter))
        {
            None => found.push(format!("{place} is gone")),
            Some(other) => {
                let (one, other) = ((old, &parameter["schema"]), (new, &other["schema"]));
                let place = format!("{place}:");
                compare(&place, "", one, other, Direction::Request, found);
            }
        }
    }
    for parameter in new.parameters(after).filter(|one| one["required"] == true) {
        let is_known = old
            .parameters(before)
            .any(|other| key(other) == key(parameter) && other["required"] == true);
        if !is_known {
            let parameter = parameter["name"].as_str().unwrap();
            found.push(format!("{name}: parameter {parameter} is required"));
        }
    }
}

fn answers(
    name: &str,
    (old, before): (&Document, &Value),
    (new, after): (&Document, &Value),
    found: &mut Vec<String>,
) {
    for (status, answer) in members(&before["responses"]) {
        let is_success = status.starts_with('2');
        let place = format!("{name}: answer {status}");
        let Some(other) = after["responses"].get(status) else {
            if is_success {
                found.push(format!("{place} is gone"));
            }
            continue;
        };
        let (answer, other) = (old.resolve(answer), new.resolve(other));
        for (header, _) in members(&answer["headers"]) {
            if other["headers"].get(header).is_none() {
                found.push(format!("{place}: header {header} is gone"));
            }
        }
        for (media, content) in members(&answer["content"]) {
            let Some(others) = other["content"].get(media) else {
                found.push(format!("{place}: {media} is gone"));
                continue;
            };
            // Of refusals the members that all problems have are held by tests of their own.
            if !is_success {
                continue;
            }
            let place = format!("{place}:");
            let (one, other) = ((old, &content["schema"]), (new, &others["schema"]));
            compare(&place, "", one, other, Direction::Answer, found);
        }
    }
}

/// Compares schemas. No schema of the document refers to itself.
fn compare(
    place: &str,
    pointer: &str,
    (old, before): (&Document, &Value),
    (new, after): (&Document, &Value),
    direction: Direction,
    found: &mut Vec<String>,
) {
    let (before, after) = (old.resolve(before), new.resolve(after));
    let shown = if pointer.is_empty() { "it" } else { pointer };
    // What says nothing of its type may be anything.
    let types = (&before["type"], &after["type"]);
    let is_same = types.0 == types.1 || types.0.is_array() || types.1.is_null();
    if !is_same {
        found.push(format!(
            "{place} {shown} is {} instead of {}",
            types.1, types.0
        ));
        return;
    }
    let (once, now) = (words(&before["enum"]), words(&after["enum"]));
    match direction {
        Direction::Request if !now.is_empty() && once.is_empty() => {
            found.push(format!("{place} {shown} takes some words only"));
        }
        Direction::Request => {
            for word in once.difference(&now).filter(|_| !now.is_empty()) {
                found.push(format!("{place} {shown} does not take {word}"));
            }
        }
        Direction::Answer => {
            for word in now.difference(&once).filter(|_| !once.is_empty()) {
                found.push(format!("{place} {shown} may be {word}"));
            }
        }
    }
    let (once, now) = (words(&before["required"]), words(&after["required"]));
    match direction {
        Direction::Answer => {
            for name in once.difference(&now) {
                let is_there = after["properties"].get(*name).is_some();
                let what = if is_there { "may be absent" } else { "is gone" };
                found.push(format!("{place} {pointer}/{name} {what}"));
            }
        }
        Direction::Request => {
            for name in now.difference(&once) {
                found.push(format!("{place} {pointer}/{name} is required"));
            }
        }
    }
    for (name, property) in members(&before["properties"]) {
        let inner = format!("{pointer}/{name}");
        match after["properties"].get(name) {
            None if once.contains(name.as_str()) && direction == Direction::Answer => {}
            None => found.push(format!("{place} {inner} is gone")),
            Some(other) => {
                compare(
                    place,
                    &inner,
                    (old, property),
                    (new, other),
                    direction,
                    found,
                );
            }
        }
    }
    if before["items"].is_object() && after["items"].is_object() {
        let inner = format!("{pointer}/*");
        let (one, other) = ((old, &before["items"]), (new, &after["items"]));
        compare(place, &inner, one, other, direction, found);
    }
}

#[test]
fn what_breaks_clients_of_the_last_release_is_declared() {
    let released = Document::parse(include_str!("../../../../openapi/released.json"));
    let current = Document::parse(&atlas_api::document());
    let changelog = include_str!("../../../../CHANGELOG.md");
    let unreleased = changelog.split("\n## [").nth(1).unwrap();
    let lines = unreleased.lines();
    let declared: Vec<&str> = lines
        .filter_map(|line| line.strip_prefix("- Breaking: `")?.split('`').next())
        .collect();
    let undeclared: Vec<String> = breaks(&released, &current)
        .into_iter()
        .filter(|one| !declared.iter().any(|end| one.ends_with(end)))
        .collect();
    assert!(
        undeclared.is_empty(),
        "clients of the last release break; if that is meant, declare each in CHANGELOG.md, \
         Unreleased, as \"- Breaking: `…`\":\n{}",
        undeclared.join("\n")
    );
}

#[test]
fn breaking_changes_are_found_and_others_are_not() {
    let document = |parameters: &str, answer: &str| {
        Document::parse(&format!(
            r##"{{"paths": {{"/a": {{"get": {{"parameters": [{parameters}], "responses": {{
                "200": {{"content": {{"application/json": {{"schema":
                    {{"$ref": "#/components/schemas/A"}}}}}}}}}}}}}}}},
                "components": {{"schemas": {{"A": {answer}}}}}}}"##
        ))
    };
    let answer = |required: &str, properties: &str| {
        format!(r#"{{"type": "object", "required": [{required}], "properties": {{{properties}}}}}"#)
    };
    let filter =
        r#"{"in": "query", "name": "q", "schema": {"type": "string", "enum": ["x", "y"]}}"#;
    let both = answer(
        r#""b""#,
        r#""b": {"type": "string", "enum": ["u"]}, "c": {"type": "integer"}"#,
    );
    let before = document(filter, &both);
    let broken = |parameters: &str, schema: &str| breaks(&before, &document(parameters, schema));
    assert_eq!(broken(filter, &both), [""; 0]);
    let more = answer(
        r#""b", "d""#,
        r#""b": {"type": "string", "enum": ["u"]}, "c": {"type": "integer"}, "d": {}"#,
    );
    let wider =
        r#"{"in": "query", "name": "q", "schema": {"type": "string", "enum": ["x", "y", "z"]}}"#;
    assert_eq!(broken(wider, &more), [""; 0]);
    assert_eq!(broken("", &both), ["GET /a: parameter q is gone"]);
    let narrower = r#"{"in": "query", "name": "q", "required": true,
        "schema": {"type": "string", "enum": ["x"]}}"#;
    assert_eq!(
        broken(narrower, &both),
        [
            "GET /a: parameter q: it does not take y",
            "GET /a: parameter q is required"
        ]
    );
    let other = answer(
        "",
        r#""b": {"type": "string", "enum": ["u", "v"]}, "c": {"type": "string"}"#,
    );
    assert_eq!(
        broken(filter, &other),
        [
            "GET /a: answer 200: /b may be absent",
            "GET /a: answer 200: /b may be v",
            "GET /a: answer 200: /c is \"string\" instead of \"integer\""
        ]
    );
    let fewer = answer("", r#""c": {"type": "integer"}"#);
    assert_eq!(broken(filter, &fewer), ["GET /a: answer 200: /b is gone"]);
    let nothing = Document::parse(r#"{"paths": {}}"#);
    assert_eq!(breaks(&before, &nothing), ["GET /a is gone"]);
}
