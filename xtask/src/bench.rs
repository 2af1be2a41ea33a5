//! `cargo xtask bench`: builds the benchmarks, which are a program of their own because they use
//! libraries that nothing else here needs, and runs them.

use std::process::ExitCode;

use atlas_services::interrupt::Interrupt;
use atlas_services::process;
use atlas_services::workspace::Workspace;

use crate::test::exit_code;

/// Runs it with these arguments. The exit status is its own.
pub(crate) fn run(
    workspace: &Workspace,
    arguments: &[String],
    interrupt: &Interrupt,
) -> anyhow::Result<ExitCode> {
    let mut command = workspace.cargo(&["run", "--release", "--quiet", "--package", "atlas-bench"]);
    command.arg("--").args(arguments);
    Ok(exit_code(process::run(&mut command, interrupt)?))
}
