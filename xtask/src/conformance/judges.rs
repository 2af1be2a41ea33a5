//! What judges say of the committed document.

use std::process::Command;

use anyhow::Context;
use atlas_services::interrupt::Interrupt;
use atlas_services::process;
use atlas_services::workspace::Workspace;
use serde_json::Value;

use super::{Verdict, fetched};

const DOCUMENT: &str = "openapi/tenantatlas.json";

/// Programs that fail on what they do not like, and their arguments. Versions are fixed, so that a change
/// is judged as the one before it.
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

/// A figure that a program prints as JSON.
struct Figure {
    name: &'static str,
    /// The program and its arguments.
    command: &'static [&'static str],
    pointer: &'static str,
    at_least: f64,
}

const FIGURES: [Figure; 2] = [
    Figure {
        name: "Redocly's agent readiness",
        command: &["@redocly/cli@2.77.0", "score", DOCUMENT, "--format=json"],
        pointer: "/agentReadiness",
        at_least: 90.0,
    },
    Figure {
        name: "the mean of IBM's validator",
        command: &["ibm-openapi-validator@1.38.4", "-s", "-j", "-n", DOCUMENT],
        pointer: "/impactScore/categorizedSummary/overall",
        at_least: 82.0,
    },
];

/// Runs every judge, also after one has complained.
pub(super) fn run(workspace: &Workspace, interrupt: &Interrupt) -> anyhow::Result<Verdict> {
    let figures = FIGURES.iter().map(|figure| figure.command);
    for command in JUDGES.into_iter().chain(figures) {
        let mut version = npx(workspace, &[command[0], "--version"]);
        if !fetched(command[0], &mut version, interrupt)? {
            return Ok(Verdict::Skipped);
        }
    }
    let mut complaints = 0;
    for judge in JUDGES {
        let ended = process::run(&mut npx(workspace, judge), interrupt)?;
        complaints += usize::from(!ended.success());
    }
    for figure in FIGURES {
        let found = figure.read(workspace, interrupt)?;
        eprintln!("{} is {found}, at least {}", figure.name, figure.at_least);
        complaints += usize::from(found < figure.at_least);
    }
    Ok(if complaints == 0 {
        Verdict::Conforms
    } else {
        Verdict::Fails
    })
}

impl Figure {
    fn read(&self, workspace: &Workspace, interrupt: &Interrupt) -> anyhow::Result<f64> {
        // Such programs fail on rules that are not ours, and print the figure all the same.
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "npx --yes \"$@\" || true", "npx"]);
        command.args(self.command);
        let printed = process::output(settle(&mut command, workspace), interrupt)?;
        let printed: Value = serde_json::from_str(&printed).context(self.name)?;
        let figure = printed.pointer(self.pointer).and_then(Value::as_f64);
        figure.with_context(|| format!("{} is not printed", self.name))
    }
}

fn npx(workspace: &Workspace, command: &[&str]) -> Command {
    let mut npx = Command::new("npx");
    npx.arg("--yes").args(command);
    settle(&mut npx, workspace);
    npx
}

fn settle<'a>(command: &'a mut Command, workspace: &Workspace) -> &'a mut Command {
    command
        .current_dir(&workspace.root)
        .env("REDOCLY_TELEMETRY", "off")
        .env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true")
}
