//! The house's programs, as `cargo build` left them.

use std::path::PathBuf;
use std::process::Command;

/// Every program that an installation runs.
pub(crate) const NAMES: [&str; 4] = ["atlas", "atlas-api", "atlas-worker", "atlas-graph-sim"];

/// What `PROGRAM ARGUMENTS… --help` prints.
pub(crate) fn help(program: &str, arguments: &[&str]) -> String {
    let path = directory().join(program);
    let output = Command::new(&path)
        .args(arguments)
        .arg("--help")
        .output()
        .unwrap_or_else(|error| panic!("{} (cargo build --workspace): {error}", path.display()));
    assert!(
        output.status.success(),
        "{program} {arguments:?} --help: {output:?}"
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Where the programs are: set by `cargo xtask test`, else beside the directory of the tests.
fn directory() -> PathBuf {
    match std::env::var_os("ATLAS_BIN_DIR") {
        Some(directory) => directory.into(),
        None => std::env::current_exe()
            .unwrap()
            .ancestors()
            .nth(2)
            .unwrap()
            .to_owned(),
    }
}
