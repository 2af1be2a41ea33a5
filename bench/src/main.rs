//! `cargo xtask bench`: measurements of the programs, beside a peer or a limit that is measured in the
//! same run on the same machine. Only the ratios can be compared between machines.
//!
//! Callers are threads with one connection each.

mod cpu;
mod database;
mod groups;
mod http;
mod idle;
mod load;
mod memory;
mod migrate;
mod peers;
mod pgbench;
mod reads;
mod runs;
mod start;
mod streams;
mod sync;
mod tenants;
mod times;
mod values;

use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::Context as _;
use atlas_services::http::get_json;
use atlas_services::interrupt::{Interrupt, Interrupted};
use atlas_services::programs::{Api, Programs};
use atlas_services::servers::Services;
use atlas_services::workspace::Workspace;
use clap::Parser;
use tokio::runtime::{Builder, Runtime};

/// Requests per minute and caller that the API allows: more than any measurement sends.
const RATE_LIMIT: &str = "100000000";

/// Measure the programs of this repository beside a peer.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
enum Bench {
    /// Starts of syncs, created and joined, over HTTP; beside what pgbench reaches with the same
    /// statement on the same database.
    Start(start::Options),
    /// A thousand open streams in one API process: their memory, and starts beside them.
    Streams(streams::Options),
    /// Empty runs per second for one and two workers, and the time from a start until a worker
    /// begins.
    Runs(runs::Options),
    /// What idle workers cost PostgreSQL and Redis: statements, commands and connections.
    Idle(idle::Options),
    /// Searches of stored groups over HTTP, among a million of them.
    Groups(groups::Options),
    /// Every list, filter, detail and count over HTTP, among a million runs and a million items.
    Reads(reads::Options),
    /// Migrating an installation of the version before, of a million runs and a million items, while
    /// others write.
    Migrate(migrate::Options),
    /// Starts and empty runs beside small services with BullMQ and graphile-worker, and beside pgbench.
    Peers(peers::Options),
    /// Syncs of a tenant whose Graph takes its time: time beside the ideal, and requests.
    Sync(sync::Options),
    /// The memory of a worker that syncs a large tenant.
    Memory(sync::MemoryOptions),
    /// Syncs of policies with values: which values are read, time beside the ideal, requests, memory.
    Values(values::Options),
}

fn main() -> ExitCode {
    match measure(&Bench::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<Interrupted>() => {
            eprintln!("interrupted");
            // What a shell reports for a program that SIGINT ended.
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(bench: &Bench) -> anyhow::Result<()> {
    let interrupt = Interrupt::listen()?;
    let workspace = Workspace::find()?;
    match bench {
        Bench::Start(options) => start::run(&workspace, options, &interrupt),
        Bench::Streams(options) => streams::run(&workspace, options, &interrupt),
        Bench::Idle(options) => idle::run(&workspace, options, &interrupt),
        Bench::Groups(options) => groups::run(&workspace, options, &interrupt),
        Bench::Reads(options) => reads::run(&workspace, options, &interrupt),
        Bench::Migrate(options) => migrate::run(&workspace, options, &interrupt),
        Bench::Peers(options) => peers::run(&workspace, options, &interrupt),
        Bench::Runs(options) => runs::run(&workspace, options, &interrupt),
        Bench::Sync(options) => sync::run(&workspace, options, &interrupt),
        Bench::Memory(options) => sync::memory(&workspace, options, &interrupt),
        Bench::Values(options) => values::run(&workspace, options, &interrupt),
    }
}

/// A runtime for one thread that drives one connection.
fn runtime() -> anyhow::Result<Runtime> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.context("a runtime")
}

/// The API's command, without a limit on callers.
fn api(programs: &Programs, services: &Services) -> Command {
    let mut command = programs.command("atlas-api");
    command
        .env("DATABASE_URL", services.database_url())
        .env("REDIS_URL", services.redis_url())
        .env("ATLAS_RATE_LIMIT", RATE_LIMIT)
        .env("ATLAS_LOG", "warn");
    command
}

/// Keys of the policy types that a start may select, without foundations.
fn policy_types(api: &Api, token: &str) -> anyhow::Result<Vec<String>> {
    let answer = get_json(api.address(), "/policy-types", token)?;
    let items = answer["items"]
        .as_array()
        .context("policy types without items")?;
    let policies = items.iter().filter(|item| item["foundation"] != true);
    Ok(policies
        .filter_map(|item| item["key"].as_str())
        .map(str::to_owned)
        .collect())
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.1}ms", duration.as_secs_f64() * 1000.0)
}
