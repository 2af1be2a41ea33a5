//! `cargo xtask deny`: what is depended on against `deny.toml`, by cargo-deny.

use std::process::ExitCode;

use atlas_services::interrupt::Interrupt;
use atlas_services::process;
use atlas_services::workspace::Workspace;

use crate::ci::SKIPPED;
use crate::test::exit_code;
use crate::tools::Tool;

const CARGO_DENY: Tool = Tool {
    package: "cargo-deny",
    version: "0.20.2",
};

/// What to check, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Check for known vulnerabilities, instead of licences, bans and sources. Their database comes
    /// from the network
    #[arg(long)]
    advisories: bool,
    /// Build cargo-deny, which takes minutes, where it is not installed
    #[arg(long)]
    build: bool,
}

/// The exit status is that of cargo-deny, or [`SKIPPED`] where it, or what it needs, is not to be had.
pub(crate) fn run(
    workspace: &Workspace,
    options: &Options,
    interrupt: &Interrupt,
) -> anyhow::Result<ExitCode> {
    let Some(deny) = CARGO_DENY.find(workspace, options.build, interrupt)? else {
        return Ok(ExitCode::from(SKIPPED));
    };
    let check: &[&str] = if options.advisories {
        let mut fetch = deny.command(workspace, &["fetch", "db"]);
        if !process::run(&mut fetch, interrupt)?.success() {
            eprintln!("the database of advisories cannot be fetched");
            return Ok(ExitCode::from(SKIPPED));
        }
        &["check", "advisories"]
    } else {
        // Versions of which there are several are no failure, and long to read.
        &[
            "--log-level",
            "error",
            "check",
            "licenses",
            "bans",
            "sources",
        ]
    };
    Ok(exit_code(process::run(
        &mut deny.command(workspace, check),
        interrupt,
    )?))
}
