//! `cargo xtask conformance`: what others say of the committed OpenAPI document. Their programs come
//! from the npm registry.

use std::process::{Command, ExitCode};

use atlas_services::interrupt::{Interrupt, Interrupted};
use atlas_services::process;
use atlas_services::workspace::Workspace;

use crate::ci::SKIPPED;

const DOCUMENT: &str = "openapi/tenantatlas.json";

/// A program and its arguments. The version is fixed, so that a change is judged as the one before it.
const JUDGES: [&[&str]; 2] = [
    &[
        "@redocly/cli@2.77.0",
        "lint",
        DOCUMENT,
        "--extends=recommended-strict",
        "--max-problems=20",
    ],
    // Fails on a document that it cannot make types of.
    &["openapi-typescript@7.13.0", DOCUMENT, "--output=/dev/null"],
];

/// Runs every judge, also after one has complained.
pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt) -> anyhow::Result<ExitCode> {
    let mut complaints = 0;
    for judge in JUDGES {
        let [program, arguments @ ..] = judge else {
            continue;
        };
        let mut version = npx(workspace, program);
        version.arg("--version");
        match process::output(&mut version, interrupt) {
            Ok(_) => {}
            Err(error) if error.is::<Interrupted>() => return Err(error),
            Err(error) => {
                eprintln!("{program} cannot be run: {error:#}");
                return Ok(ExitCode::from(SKIPPED));
            }
        }
        let mut command = npx(workspace, program);
        command.args(arguments);
        complaints += usize::from(!process::run(&mut command, interrupt)?.success());
    }
    Ok(if complaints == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn npx(workspace: &Workspace, program: &str) -> Command {
    let mut command = Command::new("npx");
    command
        .args(["--yes", program])
        .current_dir(&workspace.root)
        .env("REDOCLY_TELEMETRY", "off")
        .env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true");
    command
}
