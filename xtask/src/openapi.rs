//! `cargo xtask openapi`: the committed OpenAPI document, written or held against the API.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, bail};

use atlas_services::interrupt::Interrupt;
use atlas_services::process;
use atlas_services::programs::Programs;
use atlas_services::workspace::Workspace;

const DOCUMENT: &str = "openapi/tenantatlas.json";

/// Has the API print its document, and writes it; or, to check, fails when the committed one is
/// another.
pub(crate) fn run(
    workspace: &Workspace,
    check: bool,
    interrupt: &Interrupt,
) -> anyhow::Result<ExitCode> {
    let programs = Programs::build(workspace, false, interrupt)?;
    let mut command = programs.command("atlas-api");
    command.arg("openapi");
    let current = process::output(&mut command, interrupt)?;
    let path = workspace.root.join(DOCUMENT);
    if !check {
        fs::create_dir_all(path.parent().context("the document has no directory")?)?;
        fs::write(&path, current).with_context(|| format!("cannot write {DOCUMENT}"))?;
        eprintln!("wrote {DOCUMENT}");
    } else if fs::read_to_string(&path).ok().as_deref() != Some(&current) {
        bail!("{DOCUMENT} is not what the API says of itself; run `cargo xtask openapi`");
    }
    Ok(ExitCode::SUCCESS)
}
