//! The recorded files.

use std::path::PathBuf;

use serde_json::Value;

use crate::difference::differences;
use crate::intended::intended;
use crate::layout;

/// Set to anything: the files are written instead of compared.
const RECORD: &str = "ATLAS_RECORD";
/// Differences that a failure shows.
const SHOWN: usize = 20;

/// Compares a value with the file of this name, or records it.
///
/// # Panics
/// When they differ, with the first places in which they do.
pub(crate) fn hold(name: &str, value: &Value) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("golden/recorded")
        .join(name);
    if std::env::var_os(RECORD).is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, layout::text(value)).unwrap();
        return;
    }
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; record it first", path.display()));
    let recorded = intended(name, serde_json::from_str(&text).unwrap());
    let found = differences(&recorded, value);
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
