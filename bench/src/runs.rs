//! The machinery of runs: how many end in a second when there is nothing to do in them, and how
//! soon a worker begins after a start.

mod installation;

use std::collections::BTreeMap;

use atlas_services::interrupt::Interrupt;
use atlas_services::programs::Programs;
use atlas_services::servers::{Durability, Services};
use atlas_services::workspace::Workspace;
use clap::Args;

pub(crate) use self::installation::{Installation, Throughput};

/// How many worker processes at once.
const WORKERS: [u16; 2] = [1, 2];
/// Runs that end before those that count: one of so many.
const ENDED_BEFORE: u32 = 5;

/// What is expected of two cores.
const RUNS_PER_SECOND: f64 = 3_000.0;
const MEDIAN_MILLISECONDS: f64 = 3.0;
const P99_MILLISECONDS: f64 = 10.0;

/// How to measure runs.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Runs that wait when the workers start
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    runs: u32,
    /// Tenants that the runs are spread over; it is rare that several runs of one wait
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    tenants: u32,
    /// Slots of each worker
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=256))]
    slots: u16,
    /// Starts, one at a time, of which the time until the worker begins is taken
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(100..=100_000))]
    starts: u32,
}

/// Measures and prints.
pub(crate) fn run(
    workspace: &Workspace,
    options: &Options,
    interrupt: &Interrupt,
) -> anyhow::Result<()> {
    let programs = Programs::build(workspace, true, interrupt)?;
    let services = Services::start(workspace, Durability::Durable, interrupt)?;
    let mut installation = Installation::prepare(&programs, &services, options.tenants, interrupt)?;

    installation.rate(1, "before", options.runs / ENDED_BEFORE, options.slots)?;
    let mut rates = BTreeMap::new();
    for workers in WORKERS {
        let batch = format!("measured-{workers}");
        rates.insert(
            workers,
            installation.rate(workers, &batch, options.runs, options.slots)?,
        );
    }
    let (median, p99) = installation.beginnings(options.slots, options.starts)?;
    print(options, &rates, median, p99);
    Ok(())
}

fn print(options: &Options, rates: &BTreeMap<u16, Throughput>, median: f64, p99: f64) {
    println!(
        "\n{} empty runs of {} tenants, {} slots for each worker",
        options.runs, options.tenants, options.slots
    );
    for (workers, rate) in rates {
        let cpu: Vec<_> = rate
            .cpu
            .iter()
            .map(|(program, milliseconds)| format!("{program} {milliseconds:.2}"))
            .collect();
        println!(
            "{workers:>3} worker{}  {:>7.0} runs/s   {:>5.2} of {RUNS_PER_SECOND:.0}   \
             processor time for each run, in ms: {}",
            if *workers == 1 { " " } else { "s" },
            rate.runs_per_second,
            rate.runs_per_second / RUNS_PER_SECOND,
            cpu.join(", ")
        );
    }
    println!(
        "\nPOST → the worker has the run, {} starts one at a time on an idle system\n    p50 \
         {median:>9.1} ms   {:>5.2} of {MEDIAN_MILLISECONDS:.0} ms\n    p99 {p99:>9.1} ms   \
         {:>5.2} of {P99_MILLISECONDS:.0} ms",
        options.starts,
        median / MEDIAN_MILLISECONDS,
        p99 / P99_MILLISECONDS
    );
}
