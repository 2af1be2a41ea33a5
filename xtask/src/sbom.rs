//! `cargo xtask sbom`: what each program is made of, as CycloneDX, by cargo-cyclonedx.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use atlas_services::interrupt::Interrupt;
use atlas_services::process;
use atlas_services::workspace::Workspace;
use serde_json::Value;

use crate::ci::SKIPPED;
use crate::test::exit_code;
use crate::tools::Tool;

const CARGO_CYCLONEDX: Tool = Tool {
    package: "cargo-cyclonedx",
    version: "0.5.9",
};

/// The directories of the programs under `crates/`, and their names.
const PROGRAMS: [(&str, &str); 4] = [
    ("api", "atlas-api"),
    ("cli", "atlas"),
    ("graph-sim", "atlas-graph-sim"),
    ("worker", "atlas-worker"),
];

/// Writes `target/sbom/PROGRAM.cdx.json`.
pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt) -> anyhow::Result<ExitCode> {
    let Some(cyclonedx) = CARGO_CYCLONEDX.find(workspace, true, interrupt)? else {
        return Ok(ExitCode::from(SKIPPED));
    };
    let arguments = [
        "--quiet",
        "--format=json",
        "--spec-version=1.5",
        "--describe=binaries",
    ];
    let ended = process::run(&mut cyclonedx.command(workspace, &arguments), interrupt);
    let written = take(workspace);
    let ended = ended?;
    if !ended.success() {
        return Ok(exit_code(ended));
    }
    let directory = workspace.target.join("sbom");
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory)?;
    let written = written?;
    for (package, program) in PROGRAMS {
        let from = format!("crates/{package}/{program}_bin.cdx.json");
        let found = written.iter().find(|(path, _)| *path == Path::new(&from));
        let (_, text) = found.with_context(|| format!("cargo-cyclonedx wrote no {from}"))?;
        let parts = components(text, program)?;
        let path = directory.join(format!("{program}.cdx.json"));
        fs::write(&path, text)?;
        eprintln!("{}: {parts} components", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads and deletes what cargo-cyclonedx wrote: files beside the Cargo.toml of each package with a
/// program. Their paths are relative to the root.
fn take(workspace: &Workspace) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let mut taken = Vec::new();
    let mut directories = vec![workspace.root.clone()];
    for parent in [&workspace.root, &workspace.root.join("crates")] {
        for entry in fs::read_dir(parent)? {
            directories.push(entry?.path());
        }
    }
    for directory in directories
        .iter()
        .filter(|one| one.join("Cargo.toml").exists())
    {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
            if name.ends_with(".cdx.json") {
                let text = fs::read_to_string(&path)?;
                fs::remove_file(&path)?;
                taken.push((path.strip_prefix(&workspace.root)?.to_owned(), text));
            }
        }
    }
    Ok(taken)
}

/// How many components the document lists for the program.
fn components(text: &str, program: &str) -> anyhow::Result<usize> {
    let document: Value = serde_json::from_str(text)?;
    ensure!(document["bomFormat"] == "CycloneDX", "no CycloneDX");
    let described = &document["metadata"]["component"]["name"];
    ensure!(described == program, "it describes {described}");
    let listed = document["components"].as_array().map_or(0, Vec::len);
    ensure!(listed > 0, "it lists no components of {program}");
    Ok(listed)
}

#[cfg(test)]
mod tests {
    use super::components;

    #[test]
    fn a_document_is_of_its_program_and_lists_something() {
        let document = |format: &str, name: &str, components: &str| {
            format!(
                r#"{{"bomFormat": "{format}", "metadata": {{"component": {{"name": "{name}"}}}},
                "components": [{components}]}}"#
            )
        };
        let good = document("CycloneDX", "atlas", "{}, {}");
        assert_eq!(components(&good, "atlas").ok(), Some(2));
        for bad in [
            document("SPDX", "atlas", "{}"),
            document("CycloneDX", "atlas-api", "{}"),
            document("CycloneDX", "atlas", ""),
            "{".to_owned(),
        ] {
            assert!(components(&bad, "atlas").is_err(), "{bad}");
        }
    }
}
