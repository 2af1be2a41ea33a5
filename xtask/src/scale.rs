//! `cargo xtask scale`: the tests that seed a million rows, which take minutes each.

use std::process::ExitCode;

use crate::test;
use atlas_services::interrupt::Interrupt;
use atlas_services::process;
use atlas_services::servers::{Durability, Services};
use atlas_services::workspace::Workspace;

/// Runs them against real PostgreSQL, which is found or started. Cargo's own runner is used: it ends
/// no test for taking long, and shows what the test prints while it goes.
pub(crate) fn run(workspace: &Workspace, interrupt: &Interrupt) -> anyhow::Result<ExitCode> {
    let services = Services::start(workspace, Durability::Disposable, interrupt)?;
    let mut command = workspace.cargo(&[
        "test",
        "--quiet",
        "--package",
        "atlas-store",
        "--test",
        "store",
        "--",
        "--ignored",
        "--nocapture",
        "scale::",
    ]);
    command
        .env("DATABASE_URL", services.database_url())
        .env("REDIS_URL", services.redis_url());
    let status = process::run(&mut command, interrupt)?;
    Ok(test::exit_code(status))
}
