//! The recorded files.

use std::path::PathBuf;

use serde_json::Value;

use crate::difference::differences;
use crate::intended::intended;
use crate::later;
use crate::layout;

/// Set to anything: the files are written instead of compared.
const RECORD: &str = "ATLAS_RECORD";
/// Differences that a failure shows.
const SHOWN: usize = 20;
/// Where answers and the document are recorded.
const ANSWERS: [&str; 3] = ["answers/", "outcomes/answers", "openapi"];
/// Where all tables of a database are recorded.
const TABLES: &str = "tables/";

/// What was recorded under this name; nothing while files are recorded.
pub(crate) fn recorded(name: &str) -> Option<Value> {
    if std::env::var_os(RECORD).is_some() {
        return None;
    }
    let path = path(name);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; record it first", path.display()));
    Some(serde_json::from_str(&text).unwrap())
}

/// Whether there is a file of this name, or it is to be written.
pub(crate) fn is_recorded(name: &str) -> bool {
    std::env::var_os(RECORD).is_some() || path(name).exists()
}

/// Compares a value with the file of this name, or records it.
///
/// # Panics
/// When they differ, with the first places in which they do.
pub(crate) fn hold(name: &str, value: &Value) {
    let Some(recorded) = recorded(name) else {
        let path = path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, layout::text(value)).unwrap();
        return;
    };
    let recorded = intended(name, recorded);
    let mut value = later::without_kinds(value.clone());
    if name.starts_with(TABLES) {
        value = later::without_columns(value, &recorded);
    } else if ANSWERS.iter().any(|beginning| name.starts_with(beginning)) {
        value = later::without_members(value, &recorded);
    }
    let found = differences(&recorded, &value);
    if found.is_empty() {
        return;
    }
    let shown: Vec<String> = found.iter().take(SHOWN).map(ToString::to_string).collect();
    panic!(
        "{name} differs in {} places; the first of them:\n{}",
        found.len(),
        shown.join("\n")
    );
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("golden/recorded")
        .join(name)
}
