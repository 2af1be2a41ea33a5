//! `cargo xtask browser`: the console in Chromium, against real programs.

use std::process::ExitCode;

use atlas_services::interrupt::Interrupt;
use atlas_services::process;
use atlas_services::programs::Programs;
use atlas_services::servers::browser::Browser;
use atlas_services::servers::{Durability, Services};
use atlas_services::workspace::Workspace;
use clap::Args;

use crate::ci::SKIPPED;
use crate::console;
use crate::test::{exit_code, with_services};

/// Which of the tests.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only the first steps of a new user: sign in, sync, and read what came of it.
    #[arg(long, conflicts_with = "pictures")]
    short: bool,
    /// Write pictures of every page, light and dark, wide and narrow, to docs/console.
    #[arg(long)]
    pictures: bool,
}

/// Runs the tests of `console/browser`, each file with an installation of its own. The exit status is
/// the test runner's, or [`SKIPPED`] without a browser or npm's packages.
pub(crate) fn run(
    workspace: &Workspace,
    options: &Options,
    interrupt: &Interrupt,
) -> anyhow::Result<ExitCode> {
    let Some(browser) = Browser::find(workspace, interrupt)? else {
        return Ok(ExitCode::from(SKIPPED));
    };
    if !console::install(workspace, interrupt)? {
        return Ok(ExitCode::from(SKIPPED));
    }
    let programs = Programs::build_for_tests(workspace, interrupt)?;
    let services = Services::start(workspace, Durability::Disposable, interrupt)?;
    let script = if options.short {
        "journey"
    } else if options.pictures {
        "pictures"
    } else {
        "browser"
    };
    let mut command = console::npm(workspace, &["run", "--silent", script]);
    with_services(&mut command, &services, &programs).envs(browser.variables());
    if options.pictures {
        command.env("ATLAS_PICTURES", workspace.root.join("docs/console"));
    }
    Ok(exit_code(process::run(&mut command, interrupt)?))
}
