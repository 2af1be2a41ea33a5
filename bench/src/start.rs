//! Starts of syncs over HTTP, beside pgbench with the statement that a start runs.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use atlas_services::interrupt::Interrupt;
use atlas_services::programs::{Api, Programs};
use atlas_services::servers::{Durability, Services};
use atlas_services::workspace::Workspace;
use clap::Args;

use super::database::Database;
use super::http::Connection;
use super::load::{Load, Rate};
use super::milliseconds;
use super::pgbench::{Limit, Statement};
use super::tenants::Tenants;

/// Runs are spread over several tenants, because starts of one tenant wait for each other.
const TENANTS: usize = 16;
/// How many callers at once.
const CONNECTIONS: [usize; 3] = [1, 16, 64];

/// How to measure starts.
#[derive(Debug, Args)]
pub(crate) struct Options {
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
    /// Created starts to what the database reaches by itself.
    fn to_pgbench(&self) -> f64 {
        self.created.per_second / self.pgbench
    }

    /// Joined starts to created ones.
    fn joined_to_created(&self) -> f64 {
        self.joined.per_second / self.created.per_second
    }
}

/// Measures starts and prints the table.
pub(crate) fn run(
    workspace: &Workspace,
    options: &Options,
    interrupt: &Interrupt,
) -> anyhow::Result<()> {
    let programs = Programs::build(workspace, true, interrupt)?;
    let services = Services::start(workspace, Durability::Durable, interrupt)?;
    let directory = services.directory();
    let Tenants {
        ids: tenants,
        token,
        ..
    } = Tenants::add(TENANTS, &programs, &services, interrupt)?;

    // No worker runs: what is created stays active and can be joined.
    let command = super::api(&programs, &services);
    let api = Api::start("api", command, directory, interrupt)?;
    let path = format!("/tenants/{}/inventory-sync", tenants[0]);
    let answer = Connection::open(api.address())?.send("POST", &path, Some(&token), "{}")?;
    let status = answer.status;
    ensure!(status == 202, "a start is answered {status}");
    let database = Database::connect(&services, interrupt)?;
    let statement = Statement::of_the_only_start(&database)?;
    let limit = Limit::prepare(&services, &statement, &tenants)?;

    let keys = super::policy_types(&api, &token)?;
    let load = Load::new(api.address(), token, tenants, keys);
    let duration = Duration::from_secs(options.seconds);
    let mut lines = Vec::new();
    for connections in CONNECTIONS {
        // pgbench runs between the two, so that a machine that slows down slows all of them.
        let created = load.created(connections, duration, &services, interrupt)?;
        let pgbench = limit.measure(connections, duration, interrupt)?;
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
            at_16.to_pgbench() >= 0.5,
            "created starts reach less than half of pgbench"
        );
        ensure!(
            at_16.joined_to_created() > 2.0,
            "joined starts reach less than twice the created ones"
        );
    }
    Ok(())
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
            milliseconds(line.created.p50),
            milliseconds(line.created.p99),
            line.pgbench,
            line.to_pgbench(),
            line.joined.per_second,
            milliseconds(line.joined.p50),
            milliseconds(line.joined.p99),
            line.joined_to_created()
        );
    }
    println!(
        "\nThe first ratio is created starts to pgbench with the same statement (at least 0.5 at 16 \
         connections), the second joined to created starts (more than 2)."
    );
}
