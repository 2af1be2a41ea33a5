//! What no source file may contain.

use std::fs;
use std::path::{Path, PathBuf};

/// Every Rust file under a directory of the repository, with its text.
pub(crate) fn files(directory: &str) -> impl Iterator<Item = (PathBuf, String)> {
    let mut found = Vec::new();
    collect(&crate::root().join(directory), &mut found);
    assert!(!found.is_empty(), "{directory} has no Rust files");
    found.into_iter().map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        (path, text)
    })
}

fn collect(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn all_files() -> impl Iterator<Item = (PathBuf, String)> {
    ["bench", "crates", "services", "tests", "xtask"]
        .into_iter()
        .flat_map(files)
}

/// Whether the code calls `sql_query` with a text that is put together while it runs.
fn builds_sql(text: &str) -> bool {
    let dense: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let call = "sql_query(";
    ["format!(", "&format!(", "String::", "&String::"]
        .iter()
        .any(|made| dense.contains(&format!("{call}{made}")))
}

#[test]
fn a_text_put_together_for_sql_query_is_noticed() {
    let open = "sql_query(";
    assert!(builds_sql(&format!(
        "{open}\n    &format!(\"SELECT {{x}}\"))"
    )));
    assert!(builds_sql(&format!("{open}format!(\"\"))")));
    assert!(!builds_sql(&format!("{open}ADMIT)")));
}

#[test]
fn sql_is_never_put_together_while_the_program_runs() {
    let offenders: Vec<_> = all_files()
        .filter(|(_, text)| builds_sql(text))
        .map(|(path, _)| path)
        .collect();
    assert!(offenders.is_empty(), "{offenders:?}");
}

#[test]
fn modules_are_named_after_what_they_hold() {
    let offenders: Vec<_> = all_files()
        .map(|(path, _)| path)
        .filter(|path| {
            [
                "mod.rs",
                "util.rs",
                "utils.rs",
                "helpers.rs",
                "common.rs",
                "misc.rs",
            ]
            .iter()
            .any(|name| path.ends_with(name))
        })
        .collect();
    assert!(offenders.is_empty(), "{offenders:?}");
}

#[test]
fn nothing_is_left_to_do() {
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X:"),
    ];
    let offenders: Vec<_> = all_files()
        .filter(|(_, text)| marks.iter().any(|mark| text.contains(mark)))
        .map(|(path, _)| path)
        .collect();
    assert!(offenders.is_empty(), "{offenders:?}");
}

#[test]
fn no_room_allows_dead_code() {
    let mark = concat!("allow(dead", "_code");
    let offenders: Vec<_> = all_files()
        .filter(|(_, text)| text.contains(mark))
        .map(|(path, _)| path)
        .collect();
    assert!(offenders.is_empty(), "{offenders:?}");
}
