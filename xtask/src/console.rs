//! `cargo xtask console`: the console's own checks, and its files as they are embedded.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, bail};
use atlas_services::interrupt::{Interrupt, Interrupted};
use atlas_services::process;
use atlas_services::workspace::Workspace;

use crate::ci::SKIPPED;

const SCHEMA: &str = "src/api/schema.d.ts";
/// What the files of `dist` are made by, in this order.
const CHECKS: [&str; 3] = ["lint", "types", "test"];

/// Writes the generated client, runs lint, type check and unit tests, and writes `console/dist`. With
/// `check`, fails when any of these files were others before.
pub(crate) fn run(
    workspace: &Workspace,
    check: bool,
    interrupt: &Interrupt,
) -> anyhow::Result<ExitCode> {
    if !install(workspace, interrupt)? {
        return Ok(ExitCode::from(SKIPPED));
    }
    let console = workspace.root.join("console");
    let committed = check.then(|| read(&console)).transpose()?;
    for script in ["generate"].into_iter().chain(CHECKS).chain(["build"]) {
        let ended = process::run(&mut npm(workspace, &["run", "--silent", script]), interrupt)?;
        if !ended.success() {
            bail!("npm run {script} in console/ ended with {ended}");
        }
    }
    if let Some(committed) = committed
        && committed != read(&console)?
    {
        bail!("console/dist or {SCHEMA} is out of date: run cargo xtask console and commit");
    }
    Ok(ExitCode::SUCCESS)
}

/// Installs the packages that the console is built and tested with; whether they can be had.
pub(crate) fn install(workspace: &Workspace, interrupt: &Interrupt) -> anyhow::Result<bool> {
    // npm can be missing, and so can the registry; a lock file that does not fit is a fault.
    let mut install = npm(workspace, &["ci", "--no-audit", "--no-fund"]);
    match process::output(&mut install, interrupt) {
        Ok(_) => Ok(true),
        Err(error) if error.is::<Interrupted>() => Err(error),
        Err(error) if format!("{error:#}").contains("EUSAGE") => Err(error),
        Err(error) => {
            eprintln!("the console's packages cannot be had: {error:#}");
            Ok(false)
        }
    }
}

/// npm, in the console's directory.
pub(crate) fn npm(workspace: &Workspace, arguments: &[&str]) -> Command {
    let mut command = Command::new("npm");
    command
        .args(arguments)
        .current_dir(workspace.root.join("console"));
    command
}

/// The generated client and every built file, with their names.
fn read(console: &Path) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    let schema = console.join(SCHEMA);
    let mut open = vec![schema, console.join("dist")];
    while let Some(path) = open.pop() {
        let context = || path.display().to_string();
        if path.is_dir() {
            for entry in path.read_dir().with_context(context)? {
                open.push(entry.with_context(context)?.path());
            }
        } else {
            let content = std::fs::read(&path).with_context(context)?;
            files.push((path.display().to_string(), content));
        }
    }
    files.sort();
    Ok(files)
}
