//! `cargo xtask ci`: what a change must pass. The same stages run on every machine.

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use atlas_services::interrupt::Interrupt;
use atlas_services::process;
use atlas_services::workspace::{FOR_TESTS, Workspace};

/// What README.md promises to be the command that runs every test: its second code block.
const TEST_COMMAND: &str = "cargo xtask test";

struct Stage {
    name: &'static str,
    command: Command,
}

struct Result {
    name: &'static str,
    passed: bool,
    took: Duration,
}

/// Runs every stage, also after one has failed, and prints a table of them. The long CI has one more.
pub(crate) fn run(
    workspace: &Workspace,
    long: bool,
    interrupt: &Interrupt,
) -> anyhow::Result<ExitCode> {
    let mut results = Vec::new();
    for Stage { name, mut command } in stages(workspace, long)? {
        eprintln!("\n── {name}");
        let started = Instant::now();
        let passed = process::run(&mut command, interrupt)?.success();
        let took = started.elapsed();
        eprintln!(
            "── {name}: {} after {:.1} s",
            verdict(passed),
            took.as_secs_f64()
        );
        results.push(Result { name, passed, took });
    }
    eprintln!();
    for Result { name, passed, took } in &results {
        eprintln!(
            "{name:<14} {:<6} {:>8.1} s",
            verdict(*passed),
            took.as_secs_f64()
        );
    }
    let all_passed = results.iter().all(|result| result.passed);
    Ok(if all_passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn stages(workspace: &Workspace, long: bool) -> anyhow::Result<Vec<Stage>> {
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
    let mut stages = vec![
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
    ];
    if long {
        stages.push(Stage {
            name: "scale",
            command: workspace.cargo(&["xtask", "scale"]),
        });
    }
    Ok(stages)
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

fn verdict(passed: bool) -> &'static str {
    if passed { "passed" } else { "FAILED" }
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
}
