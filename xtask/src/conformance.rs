//! `cargo xtask conformance`: whether others can work with the API as it describes itself. Their programs
//! come from npm and PyPI: judges of the document, generators of clients, and schemathesis, which sends
//! what the document permits and what it does not.

mod clients;
mod installation;
mod judges;
mod room;

use std::process::{Command, ExitCode};

use atlas_services::interrupt::{Interrupt, Interrupted};
use atlas_services::process;
use atlas_services::workspace::Workspace;
use clap::{Args, ValueEnum};

use crate::ci::SKIPPED;
use installation::Installation;

/// What to check.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only this, which may be given more than once.
    #[arg(long, value_enum)]
    only: Vec<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// What judges say of the document.
    Document,
    /// A client of openapi-fetch, with answers validated by orval's schemas; the code of the guides.
    Typescript,
    /// A client of openapi-python-client, with answers read by pydantic; the code of the guides.
    Python,
    /// All checks of schemathesis, with two users of two tenants.
    Schemathesis,
}

/// What came of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Conforms,
    Fails,
    /// This machine lacks something, which was printed.
    Skipped,
}

/// Runs every part, also after one has failed.
pub(crate) fn run(
    workspace: &Workspace,
    options: &Options,
    interrupt: &Interrupt,
) -> anyhow::Result<ExitCode> {
    let wanted = |part: &Part| options.only.is_empty() || options.only.contains(part);
    let mut verdicts = Vec::new();
    if wanted(&Part::Document) {
        verdicts.push((Part::Document, judges::run(workspace, interrupt)?));
    }
    // Schemathesis comes last: it pauses queues.
    let live = [Part::Typescript, Part::Python, Part::Schemathesis];
    let live: Vec<Part> = live.into_iter().filter(wanted).collect();
    if !live.is_empty() {
        let mut installation = Installation::start(workspace, interrupt)?;
        for part in live {
            let verdict = match part {
                Part::Typescript => clients::typescript(workspace, &installation, interrupt),
                Part::Python => clients::python(workspace, &installation, interrupt),
                _ => clients::schemathesis(workspace, &installation, interrupt),
            };
            // A program that died is the better explanation of what failed.
            installation.check()?;
            verdicts.push((part, verdict?));
        }
    }
    for (part, verdict) in &verdicts {
        eprintln!("{part:?}: {verdict:?}");
    }
    let any = |wanted| verdicts.iter().any(|(_, verdict)| *verdict == wanted);
    Ok(if any(Verdict::Fails) {
        ExitCode::FAILURE
    } else if any(Verdict::Skipped) {
        ExitCode::from(SKIPPED)
    } else {
        ExitCode::SUCCESS
    })
}

/// Runs a command that fetches something; false, with the reason printed, where it cannot.
fn fetched(what: &str, command: &mut Command, interrupt: &Interrupt) -> anyhow::Result<bool> {
    match process::output(command, interrupt) {
        Ok(_) => Ok(true),
        Err(error) if error.is::<Interrupted>() => Err(error),
        Err(error) => {
            eprintln!("{what} cannot be had: {error:#}");
            Ok(false)
        }
    }
}

/// Runs these commands up to the first that fails.
fn all_succeed(
    commands: impl IntoIterator<Item = Command>,
    interrupt: &Interrupt,
) -> anyhow::Result<Verdict> {
    for mut command in commands {
        if !process::run(&mut command, interrupt)?.success() {
            return Ok(Verdict::Fails);
        }
    }
    Ok(Verdict::Conforms)
}
