//! `cargo xtask soak`: the fault tests' faults in a random mix, for as long as one likes, and half a
//! minute of odd answers of Graph at the end. Or as many events as one likes, with followers of all kinds,
//! while workers and the API are killed.

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use clap::Args;

use crate::test;
use atlas_services::interrupt::Interrupt;
use atlas_services::process;
use atlas_services::programs::Programs;
use atlas_services::servers::{Durability, Services};
use atlas_services::workspace::{FOR_TESTS, Workspace};

/// The test that does it, in the binary of the fault tests.
const SOAK: &str = "soak::a_random_mix_of_faults_loses_and_doubles_nothing";
/// Likewise, of followers of events.
const EVENTS: &str =
    "followers::pages_streams_and_webhooks_miss_nothing_while_workers_and_the_api_are_killed";

/// How long, and which faults.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How long faults are injected. Each minute is a round that is checked by itself.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    minutes: u64,
    /// Decides which faults come, in which order, when, and whom they strike. Without it the clock
    /// decides; it is printed.
    #[arg(long)]
    seed: Option<u64>,
    /// Instead, so many events at least flow to pages, streams and webhooks at once, while workers and the
    /// API are killed again and again.
    #[arg(long, conflicts_with_all = ["minutes", "seed"], value_parser = clap::value_parser!(u64).range(100..=1_000_000))]
    events: Option<u64>,
}

/// Builds the programs, finds the servers' programs, and soaks. Cargo's own runner is used: it ends
/// no test for taking long, and shows what the test prints while it goes.
pub(crate) fn run(
    workspace: &Workspace,
    options: &Options,
    interrupt: &Interrupt,
) -> anyhow::Result<ExitCode> {
    let seed = match options.seed {
        Some(seed) => seed,
        None => SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .context("the clock")?
            .as_secs(),
    };
    let minutes = options.minutes;
    let test = match options.events {
        None => SOAK,
        Some(_) => EVENTS,
    };
    match options.events {
        None => println!("cargo xtask soak --minutes {minutes} --seed {seed}"),
        Some(events) => println!("cargo xtask soak --events {events}"),
    }
    let programs = Programs::build_for_tests(workspace, interrupt)?;
    // The test breaks servers of its own, and needs these for their programs.
    let services = Services::start(workspace, Durability::Disposable, interrupt)?;
    let servers = services.programs(workspace, interrupt);
    let build = [
        &["test", "--quiet", "--workspace", "--test", "faults"][..],
        &FOR_TESTS,
        &["--", "--ignored", "--exact", test, "--nocapture"],
    ]
    .concat();
    let mut command = workspace.cargo(&build);
    test::with_services(&mut command, &services, &programs)
        .envs(servers)
        .env("ATLAS_SOAK_MINUTES", minutes.to_string())
        .env("ATLAS_SOAK_SEED", seed.to_string())
        .envs(
            options
                .events
                .map(|events| ("ATLAS_TEST_EVENTS", events.to_string())),
        );
    let status = process::run(&mut command, interrupt)?;
    Ok(test::exit_code(status))
}
