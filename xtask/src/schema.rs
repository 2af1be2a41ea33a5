//! `cargo xtask schema`: what the store has of the database's schema, written anew.
//!
//! Two tests of the store compare these files with a database that has every migration; asked to,
//! they write them instead. So the files are written by what checks them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use crate::test::exit_code;
use atlas_services::interrupt::Interrupt;
use atlas_services::process;
use atlas_services::servers::{Durability, Services};
use atlas_services::workspace::Workspace;

/// The tables, for diesel's builder.
const TABLES: &str = "crates/store/src/schema.rs";
/// Every statement of `crates/store/sql`, complete, with the types that PostgreSQL reports.
const STATEMENTS: &str = "crates/store/sql/expanded";
/// What the tests take for the wish to write.
const WRITE: &str = "ATLAS_WRITE_SCHEMA";

/// Finds or starts the services, has the tests write, and names the files that are different now.
/// The exit status is the tests': they also compare the types of every statement with its struct.
pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt) -> anyhow::Result<ExitCode> {
    let before = files(&workspace.root)?;
    let services = Services::start(workspace, Durability::Disposable, interrupt)?;
    let mut command = workspace.cargo(&["test", "-p", "atlas-store", "--lib", "--"]);
    command
        .args(["schema_file::", "statement::tests::"])
        .env("DATABASE_URL", services.database_url())
        .env("REDIS_URL", services.redis_url())
        .env(WRITE, "1");
    let status = process::run(&mut command, interrupt)?;
    for change in changes(&before, &files(&workspace.root)?) {
        eprintln!("{change}");
    }
    Ok(exit_code(status))
}

/// The generated files below the root, with what they hold.
fn files(root: &Path) -> anyhow::Result<BTreeMap<PathBuf, String>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![PathBuf::from(TABLES), PathBuf::from(STATEMENTS)];
    while let Some(path) = waiting.pop() {
        let place = root.join(&path);
        if place.is_dir() {
            for entry in fs::read_dir(&place).with_context(|| path.display().to_string())? {
                waiting.push(path.join(entry?.file_name()));
            }
        } else if place.exists() {
            let text = fs::read_to_string(&place).with_context(|| path.display().to_string())?;
            found.insert(path, text);
        }
    }
    Ok(found)
}

/// A line for each file that was written or removed, or one that says that there is none.
fn changes(before: &BTreeMap<PathBuf, String>, after: &BTreeMap<PathBuf, String>) -> Vec<String> {
    let written = after
        .iter()
        .filter(|(path, text)| before.get(*path) != Some(text))
        .map(|(path, _)| format!("wrote {}", path.display()));
    let removed = before
        .keys()
        .filter(|path| !after.contains_key(*path))
        .map(|path| format!("removed {}", path.display()));
    let lines: Vec<String> = written.chain(removed).collect();
    if lines.is_empty() {
        vec!["schema.rs and the expanded statements are current".to_owned()]
    } else {
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_different_and_lost_files_are_named_and_the_others_are_not() {
        let files = |contents: &[(&str, &str)]| -> BTreeMap<PathBuf, String> {
            let named = |(path, text): &(&str, &str)| (path.into(), (*text).to_owned());
            contents.iter().map(named).collect()
        };
        let before = files(&[("a", "1"), ("b", "1"), ("c", "1")]);
        let after = files(&[("b", "2"), ("c", "1"), ("d", "1")]);
        assert_eq!(
            changes(&before, &after),
            ["wrote b", "wrote d", "removed a"]
        );
        assert_eq!(
            changes(&after, &after),
            ["schema.rs and the expanded statements are current"]
        );
    }
}
