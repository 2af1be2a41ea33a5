//! What concerns the whole house: who may use whom, what no source may contain, and that the
//! pages and files beside the code say what the code does.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a failed step is a failed test, and the test runner's environment is asked"
)]

mod arrows;
mod circles;
mod compose;
mod compose_secrets;
mod crash_points;
mod dependencies;
mod dockerfile;
mod documentation;
mod numbers;
mod programs;
mod readme;
mod registries;
mod security;
mod settings;
mod sources;
mod sql;

use std::path::PathBuf;

/// The repository.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// A file of the repository as text.
fn read(path: &str) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
