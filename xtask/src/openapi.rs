//! `cargo xtask openapi`: the committed OpenAPI documents, written or held against the API.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, bail};

use atlas_services::interrupt::Interrupt;
use atlas_services::process;
use atlas_services::programs::Programs;
use atlas_services::workspace::Workspace;

/// The documents, and the commands that print them: of the API, and of what webhooks deliver.
const DOCUMENTS: [(&str, &str); 2] = [
    ("openapi/tenantatlas.json", "openapi"),
    ("openapi/webhooks.json", "webhooks"),
];

/// Has the API print its documents, and writes them; or, to check, fails when a committed one is another.
pub(crate) fn run(
    workspace: &Workspace,
    check: bool,
    interrupt: &Interrupt,
) -> anyhow::Result<ExitCode> {
    let programs = Programs::build(workspace, false, interrupt)?;
    for (document, printed_by) in DOCUMENTS {
        let mut command = programs.command("atlas-api");
        command.arg(printed_by);
        let current = process::output(&mut command, interrupt)?;
        let path = workspace.root.join(document);
        if !check {
            fs::create_dir_all(path.parent().context("the document has no directory")?)?;
            fs::write(&path, current).with_context(|| format!("cannot write {document}"))?;
            eprintln!("wrote {document}");
        } else if fs::read_to_string(&path).ok().as_deref() != Some(&current) {
            bail!("{document} is not what the API says of itself; run `cargo xtask openapi`");
        }
    }
    Ok(ExitCode::SUCCESS)
}
