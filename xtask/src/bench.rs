//! `cargo xtask bench`: how fast, held against a peer in the same run on the same machine. Only
//! the ratios mean something elsewhere.

mod cpu;
mod groups;
mod load;
mod peer;
mod reads;
mod runs;
mod sync;

use std::fs;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};

use self::load::{Load, Rate};
use self::peer::{Peer, Statement};
use crate::http::{self, Connection};
use crate::interrupt::Interrupt;
use crate::programs::{Administration, Api, Programs};
use crate::services::{Durability, Services};
use crate::workspace::Workspace;

/// Runs are of different tenants, so that starts do not wait for each other more than they must.
const TENANTS: usize = 16;
/// Tenants that have groups.
const TENANTS_OF_GROUPS: usize = 20;
/// How many callers at once.
const CONNECTIONS: [usize; 3] = [1, 16, 64];
/// Far beyond what is measured.
const RATE_LIMIT: &str = "100000000";

/// What to measure.
#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Starts of syncs, created and joined, over HTTP; beside what pgbench reaches with the same
    /// statement on the same database.
    Start(StartOptions),
    /// Empty runs per second for one and two workers, and the time from a start until a worker
    /// begins.
    Runs(runs::Options),
    /// Searches of stored groups over HTTP, among a million of them.
    Groups(groups::Options),
    /// Every list, filter, detail and count over HTTP, among a million runs and a million items.
    Reads(reads::Options),
    /// Syncs of a tenant whose Graph takes its time: time beside the ideal, and requests.
    Sync(sync::Options),
    /// The memory of a worker that syncs a large tenant.
    Memory(sync::MemoryOptions),
}

/// How to measure starts.
#[derive(Debug, Args)]
pub(crate) struct StartOptions {
    /// How long each measurement takes, in seconds.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Fail when created starts at 16 connections reach less than half of pgbench, or joined
    /// starts less than twice the created ones.
    #[arg(long)]
    check: bool,
}

/// One line of the table.
struct Line {
    connections: usize,
    created: Rate,
    pgbench: f64,
    joined: Rate,
}

impl Line {
    /// Created starts against what the database could do.
    fn of_the_peer(&self) -> f64 {
        self.created.per_second / self.pgbench
    }

    /// Joined starts against created ones.
    fn of_created(&self) -> f64 {
        self.joined.per_second / self.created.per_second
    }
}

/// Runs one measurement.
pub(crate) fn run(
    workspace: &Workspace,
    bench: &Bench,
    interrupt: &Interrupt,
) -> anyhow::Result<ExitCode> {
    match bench {
        Bench::Start(options) => starts(workspace, options, interrupt),
        Bench::Groups(options) => groups::run(workspace, options, interrupt),
        Bench::Reads(options) => reads::run(workspace, options, interrupt),
        Bench::Runs(options) => runs::run(workspace, options, interrupt),
        Bench::Sync(options) => sync::run(workspace, options, interrupt),
        Bench::Memory(options) => sync::memory(workspace, options, interrupt),
    }
}

fn starts(
    workspace: &Workspace,
    options: &StartOptions,
    interrupt: &Interrupt,
) -> anyhow::Result<ExitCode> {
    let programs = Programs::build(workspace, true, interrupt)?;
    let services = Services::start(workspace, Durability::Durable, interrupt)?;
    let directory = services.directory();
    let operator = Administration::begin(&programs, services.database_url(), directory, interrupt)?;
    let tenants = (0..TENANTS)
        .map(|number| operator.add_tenant(&format!("Tenant {number}")))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let token = operator.add_user("caller@bench.example", "operator", &tenants)?;

    let statement = observe(&programs, &services, &tenants[0], &token, interrupt)?;
    let peer = Peer::prepare(&services, &statement, &tenants)?;

    // No worker runs: what is created stays active and can be joined.
    let api = Api::start("api", api(&programs, &services), directory, interrupt)?;
    let keys = policy_types(&api, &token)?;
    let load = Load::new(api.address(), token, tenants, keys);
    let duration = Duration::from_secs(options.seconds);
    let mut lines = Vec::new();
    for connections in CONNECTIONS {
        // The peer stands between the two, so that a machine that slows down slows all of them.
        let created = load.created(connections, duration, &services, interrupt)?;
        let pgbench = peer.measure(connections, duration, interrupt)?;
        let joined = load.joined(connections, duration, interrupt)?;
        lines.push(Line {
            connections,
            created,
            pgbench,
            joined,
        });
    }
    print(&lines);
    if options.check {
        let at_16 = lines
            .iter()
            .find(|line| line.connections == 16)
            .context("no line for 16")?;
        ensure!(
            at_16.of_the_peer() >= 0.5,
            "created starts reach less than half of pgbench"
        );
        ensure!(
            at_16.of_created() > 2.0,
            "joined starts reach less than twice the created ones"
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn api(programs: &Programs, services: &Services) -> Command {
    let mut command = programs.command("atlas-api");
    command
        .env("DATABASE_URL", services.database_url())
        .env("REDIS_URL", services.redis_url())
        .env("ATLAS_RATE_LIMIT", RATE_LIMIT)
        .env("ATLAS_LOG", "warn");
    command
}

/// The statement that a start runs, as the database saw it: one start is made while
/// the database logs what it executes.
fn observe(
    programs: &Programs,
    services: &Services,
    tenant: &str,
    token: &str,
    interrupt: &Interrupt,
) -> anyhow::Result<Statement> {
    peer::execute(
        services,
        "ALTER DATABASE postgres SET log_statement = 'all'",
        interrupt,
    )?;
    let command = api(programs, services);
    let api = Api::start("api-observed", command, services.directory(), interrupt)?;
    let path = format!("/tenants/{tenant}/inventory-sync");
    let answer = Connection::open(api.address())?.send("POST", &path, Some(token), "{}")?;
    ensure!(
        answer.status == 202,
        "a start is answered {}",
        answer.status
    );
    drop(api);
    peer::execute(
        services,
        "ALTER DATABASE postgres RESET log_statement",
        interrupt,
    )?;
    let log = fs::read_to_string(services.directory().path().join("postgres.log"))?;
    Statement::in_log(&log).context("the database's log does not show the start's statement")
}

fn policy_types(api: &Api, token: &str) -> anyhow::Result<Vec<String>> {
    let answer = http::get_json(api.address(), "/policy-types", token)?;
    let items = answer["items"]
        .as_array()
        .context("policy types without items")?;
    let policies = items.iter().filter(|item| item["foundation"] != true);
    Ok(policies
        .filter_map(|item| item["key"].as_str())
        .map(str::to_owned)
        .collect())
}

fn print(lines: &[Line]) {
    println!(
        "\n{:>11}  {:>9} {:>8} {:>8}  {:>9} {:>7}  {:>9} {:>8} {:>8} {:>7}",
        "connections",
        "created/s",
        "p50",
        "p99",
        "pgbench/s",
        "ratio",
        "joined/s",
        "p50",
        "p99",
        "ratio"
    );
    for line in lines {
        println!(
            "{:>11}  {:>9.0} {:>8} {:>8}  {:>9.0} {:>7.2}  {:>9.0} {:>8} {:>8} {:>7.2}",
            line.connections,
            line.created.per_second,
            milliseconds(line.created.median),
            milliseconds(line.created.p99),
            line.pgbench,
            line.of_the_peer(),
            line.joined.per_second,
            milliseconds(line.joined.median),
            milliseconds(line.joined.p99),
            line.of_created()
        );
    }
    println!(
        "\nThe first ratio is created starts to pgbench with the same statement (at least 0.5 at 16 \
         connections), the second joined to created starts (more than 2)."
    );
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.1}ms", duration.as_secs_f64() * 1000.0)
}
