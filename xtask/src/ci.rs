//! `cargo xtask ci`: what a change must pass. The same stages run on every machine, in two sizes.

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use atlas_services::interrupt::Interrupt;
use atlas_services::process;
use atlas_services::workspace::{FOR_TESTS, Workspace};

/// The exit status of a command of ours for which this machine lacks something.
pub(crate) const SKIPPED: u8 = 77;

/// What README.md promises to be the command that runs every test: its second code block.
const TEST_COMMAND: &str = "cargo xtask test";

struct Stage {
    name: &'static str,
    command: Command,
}

/// How a stage ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    Skipped,
}

struct Result {
    name: &'static str,
    outcome: Outcome,
    took: Duration,
}

/// Runs every stage, also after one has failed, and prints a table of them. With `all`, also the stages
/// that take long.
pub(crate) fn run(
    workspace: &Workspace,
    all: bool,
    interrupt: &Interrupt,
) -> anyhow::Result<ExitCode> {
    let mut stages = stages(workspace, all)?;
    if all {
        stages.extend(long_stages(workspace));
    }
    let mut results = Vec::new();
    for Stage { name, mut command } in stages {
        eprintln!("\n── {name}");
        let started = Instant::now();
        let outcome = Outcome::of(process::run(&mut command, interrupt)?.code());
        let took = started.elapsed();
        eprintln!(
            "── {name}: {} after {:.1} s",
            outcome.as_str(),
            took.as_secs_f64()
        );
        results.push(Result {
            name,
            outcome,
            took,
        });
    }
    eprintln!();
    for Result {
        name,
        outcome,
        took,
    } in &results
    {
        eprintln!(
            "{name:<14} {:<7} {:>8.1} s",
            outcome.as_str(),
            took.as_secs_f64()
        );
    }
    eprintln!("{}", summary(&results));
    let failed = results.iter().any(|one| one.outcome == Outcome::Failed);
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn stages(workspace: &Workspace, all: bool) -> anyhow::Result<Vec<Stage>> {
    let readme = std::fs::read_to_string(workspace.root.join("README.md")).context("README.md")?;
    let command = test_command(&readme)?;
    let documentation = [&["doc", "--workspace", "--no-deps"][..], &FOR_TESTS].concat();
    let mut documentation = workspace.cargo(&documentation);
    documentation.env("RUSTDOCFLAGS", "-D warnings");
    let mut tests = Command::new("/bin/sh");
    tests.args(["-c", command]).current_dir(&workspace.root);
    let lints = [
        &["clippy", "--workspace", "--all-targets"][..],
        &FOR_TESTS,
        &["--", "-D", "warnings"],
    ]
    .concat();
    let mut dependencies = workspace.cargo(&["xtask", "deny"]);
    let mut browser = workspace.cargo(&["xtask", "browser"]);
    if all {
        dependencies.arg("--build");
    } else {
        browser.arg("--short");
    }
    Ok(vec![
        Stage {
            name: "format",
            command: workspace.cargo(&["fmt", "--all", "--", "--check"]),
        },
        Stage {
            name: "lints",
            command: workspace.cargo(&lints),
        },
        Stage {
            name: "documentation",
            command: documentation,
        },
        Stage {
            name: "openapi",
            command: workspace.cargo(&["xtask", "openapi", "--check"]),
        },
        Stage {
            name: "console",
            command: workspace.cargo(&["xtask", "console", "--check"]),
        },
        Stage {
            name: "dependencies",
            command: dependencies,
        },
        Stage {
            name: "advisories",
            command: workspace.cargo(&["xtask", "deny", "--advisories"]),
        },
        // One seed, so that a change is judged by the faults that the one before it met. Whoever
        // looks for more leaves the seed out.
        Stage {
            name: "soak",
            command: workspace.cargo(&["xtask", "soak", "--minutes", "1", "--seed", "1"]),
        },
        Stage {
            name: "tests",
            command: tests,
        },
        Stage {
            name: "browser",
            command: browser,
        },
    ])
}

/// What takes long, or downloads much that few machines have.
fn long_stages(workspace: &Workspace) -> Vec<Stage> {
    let stages: [(&str, &[&str]); 6] = [
        ("scale", &["xtask", "scale"]),
        ("conformance", &["xtask", "conformance"]),
        ("sbom", &["xtask", "sbom"]),
        ("run page", &["xtask", "test", "--browser"]),
        ("long soak", &["xtask", "soak", "--minutes", "10"]),
        ("followers", &["xtask", "soak", "--events", "10000"]),
    ];
    stages
        .map(|(name, arguments)| Stage {
            name,
            command: workspace.cargo(arguments),
        })
        .into()
}

impl Outcome {
    /// By the exit status of a command; none is one that a signal ended.
    fn of(status: Option<i32>) -> Self {
        match status {
            Some(0) => Self::Passed,
            Some(status) if status == i32::from(SKIPPED) => Self::Skipped,
            _ => Self::Failed,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "FAILED",
            Self::Skipped => "skipped",
        }
    }
}

/// The last line: how many ended how, and how long all took.
fn summary(results: &[Result]) -> String {
    let count = |outcome| results.iter().filter(|one| one.outcome == outcome).count();
    let took: Duration = results.iter().map(|one| one.took).sum();
    format!(
        "{} passed, {} failed, {} skipped in {:.0} min",
        count(Outcome::Passed),
        count(Outcome::Failed),
        count(Outcome::Skipped),
        took.as_secs_f64() / 60.0
    )
}

/// Takes the command from the page that promises it, so that the promise is what is checked.
fn test_command(readme: &str) -> anyhow::Result<&str> {
    let blocks = code_blocks(readme);
    let command = blocks
        .get(1)
        .context("README.md has no second code block")?
        .trim();
    if command != TEST_COMMAND {
        bail!("the second code block of README.md is {command:?} and not {TEST_COMMAND:?}");
    }
    Ok(command)
}

fn code_blocks(page: &str) -> Vec<&str> {
    // Outside and inside of a fence take turns, so every second part is inside.
    let inside = page.split("\n```").skip(1).step_by(2);
    inside
        .filter_map(|block| block.split_once('\n').map(|(_, code)| code))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
    use super::*;

    #[test]
    fn the_second_block_is_the_test_command() {
        let page = "# T\n\n```sh\ncargo xtask demo\n```\n\ntext\n\n```sh\ncargo xtask test\n```\n\n```\nx\n```\n";
        assert_eq!(test_command(page).unwrap(), "cargo xtask test");
        assert_eq!(
            code_blocks(page),
            ["cargo xtask demo", "cargo xtask test", "x"]
        );
    }

    #[test]
    fn another_command_is_refused() {
        let page = "\n```sh\ncargo xtask test\n```\n\n```sh\nmake test\n```\n";
        assert!(
            test_command(page)
                .unwrap_err()
                .to_string()
                .contains("make test")
        );
        assert!(test_command("# T\n").is_err());
    }

    #[test]
    fn a_stage_that_cannot_run_is_counted_as_skipped_and_never_as_passed() {
        let ended = [Some(0), Some(0), Some(77), Some(1), None];
        let results = ended.map(|status| Result {
            name: "stage",
            outcome: Outcome::of(status),
            took: Duration::from_secs(60),
        });
        assert_eq!(summary(&results), "2 passed, 2 failed, 1 skipped in 5 min");
    }
}
