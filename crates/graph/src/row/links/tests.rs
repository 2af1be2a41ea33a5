//! Links out of objects, family by family, and out of hostile ones.

mod assigned;
mod further_reads;
mod hostile;
mod identity;
mod members;

use atlas_domain::inventory::link::Link;
use atlas_domain::policy_types::registry;
use serde_json::{Value, json};

use super::gathered::NO_GUID;
use super::*;

/// Links as lines: kind, kind of target, id, and what else is said.
fn lines(found: &Gathered) -> Vec<String> {
    let line = |link: &Link| {
        let target = &link.target;
        let mut line = format!("{} {} {}", link.kind, target.kind, target.id);
        for (name, value) in &link.qualifier {
            line.push_str(&format!(" {name}={value}"));
        }
        line
    };
    found.links.iter().map(line).collect()
}

fn key(word: &str) -> PolicyTypeKey {
    registry().find(word).unwrap()
}

fn links_of(word: &str, object: &Value) -> Vec<String> {
    lines(&of_object(key(word), Some("roleScopeTagIds"), object))
}

fn assigned(word: &str, assignments: &Value) -> Vec<String> {
    lines(&assignments::of(key(word), assignments.as_array().unwrap()))
}

const A: &str = "0aaaaaaa-0000-4000-8000-00000000000a";
const B: &str = "0bbbbbbb-0000-4000-8000-00000000000b";

#[test]
fn every_policy_type_with_links_of_its_own_is_registered_once() {
    let mut keys: Vec<&str> = BY_TYPE
        .iter()
        .flat_map(|(keys, _)| *keys)
        .copied()
        .collect();
    let count = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), count);
    for word in keys {
        assert!(registry().find(word).is_some(), "{word}");
    }
}
