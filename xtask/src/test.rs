//! `cargo xtask test`: every test, with everything that the tests need. A browser is only used where
//! the machine has one, because fetching it takes longer than all else.

mod selection;

use std::process::{Command, ExitCode, ExitStatus};

use atlas_services::interrupt::{Interrupt, Interrupted};
use atlas_services::process;
use atlas_services::programs::Programs;
use atlas_services::servers::browser::Browser;
use atlas_services::servers::german::German;
use atlas_services::servers::pgbouncer::PgBouncers;
use atlas_services::servers::wrong_clock::WrongClock;
use atlas_services::servers::{Durability, Services};
use atlas_services::workspace::{FOR_TESTS, Workspace};

use crate::ci::SKIPPED;

/// Builds everything, finds or starts the services, and runs the tests. The exit status is the
/// test runner's.
pub(crate) fn run(
    workspace: &Workspace,
    arguments: &[String],
    interrupt: &Interrupt,
) -> anyhow::Result<ExitCode> {
    let programs = Programs::build_for_tests(workspace, interrupt)?;
    let services = Services::start(workspace, Durability::Disposable, interrupt)?;
    let servers = services.programs(workspace, interrupt);
    let wrong_clock = WrongClock::find(workspace, interrupt)?;
    let german = German::find(workspace, services.directory(), interrupt)?;
    let poolers = PgBouncers::find(workspace, services.directory(), interrupt)?;
    let mut command = if has_nextest(workspace, interrupt)? {
        let mut command = workspace.cargo(&["nextest", "run"]);
        command
            .args(FOR_TESTS)
            .args(selection::of_one_build(arguments));
        command
    } else {
        let mut command = workspace.cargo(&["test"]);
        match arguments {
            [] => command
                .args(["--workspace", "--all-targets"])
                .args(FOR_TESTS),
            given => command.args(given),
        };
        command
    };
    with_services(&mut command, &services, &programs);
    command.envs(servers);
    command.envs(wrong_clock.iter().map(WrongClock::variable));
    command.envs(german.iter().flat_map(German::variables));
    command.envs(poolers.variables());
    let status = process::run(&mut command, interrupt)?;
    if !status.success() || !arguments.is_empty() {
        return Ok(exit_code(status));
    }
    // Examples in documentation run under cargo's own runner only.
    let examples = [&["test", "--workspace", "--doc"][..], &FOR_TESTS].concat();
    let mut command = workspace.cargo(&examples);
    let status = process::run(with_services(&mut command, &services, &programs), interrupt)?;
    Ok(exit_code(status))
}

/// Finds or fetches a browser and runs the tests that open pages in it. The exit status is the test
/// runner's, or [`SKIPPED`] without a browser.
pub(crate) fn run_in_browser(
    workspace: &Workspace,
    interrupt: &Interrupt,
) -> anyhow::Result<ExitCode> {
    let Some(browser) = Browser::find_with_driver(workspace, interrupt)? else {
        return Ok(ExitCode::from(SKIPPED));
    };
    let programs = Programs::build_for_tests(workspace, interrupt)?;
    let services = Services::start(workspace, Durability::Disposable, interrupt)?;
    let runner: &[&str] = if has_nextest(workspace, interrupt)? {
        &["nextest", "run"]
    } else {
        &["test"]
    };
    let mut command = workspace.cargo(runner);
    command.args(["--package", "atlas-tests", "--test", "e2e", "browser::"]);
    with_services(&mut command, &services, &programs).envs(browser.variables());
    Ok(exit_code(process::run(&mut command, interrupt)?))
}

/// Sets the variables that say where the services and the programs are.
pub(crate) fn with_services<'a>(
    command: &'a mut Command,
    services: &Services,
    programs: &Programs,
) -> &'a mut Command {
    command
        .env("DATABASE_URL", services.database_url())
        .env("REDIS_URL", services.redis_url())
        .env("ATLAS_BIN_DIR", programs.directory())
}

/// Whether cargo-nextest is installed.
fn has_nextest(workspace: &Workspace, interrupt: &Interrupt) -> anyhow::Result<bool> {
    match process::output(&mut workspace.cargo(&["nextest", "--version"]), interrupt) {
        Ok(_) => Ok(true),
        Err(error) if error.is::<Interrupted>() => Err(error),
        Err(_) => {
            eprintln!("cargo-nextest is not installed: cargo's own runner is used");
            Ok(false)
        }
    }
}

/// The same status, for whoever waits for this program.
pub(crate) fn exit_code(status: ExitStatus) -> ExitCode {
    status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from)
}
