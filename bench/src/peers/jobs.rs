//! Empty jobs: ours are runs that end because their tenant has no credentials, with everything that is
//! recorded of a run; the peers' are functions that return.

use std::fmt;

use atlas_services::interrupt::Interrupt;
use atlas_services::process;
use atlas_services::programs::Programs;
use atlas_services::servers::{Durability, Services};
use atlas_services::workspace::Workspace;

use super::node::Node;
use super::{Kind, Missed, Options, median, result};
use crate::database::Database;
use crate::runs::Installation;

/// Jobs at once in one worker process, and slots of ours.
const CONCURRENCY: u16 = 32;
/// Starts, one at a time, of which the time until the worker begins is taken.
const STARTS: u32 = 300;
/// What is expected: empty jobs beside graphile-worker's, and the milliseconds until a worker begins.
const OF_GRAPHILE: f64 = 1.1;
const BEGIN_P50: f64 = 2.0;
const BEGIN_P99: f64 = 5.0;
const DATABASE: &str = "bench_peers";

/// Jobs per second, and milliseconds from adding one until it begins.
#[derive(Debug, Clone, Copy)]
struct Sample {
    per_second: f64,
    p50: f64,
    p99: f64,
}

/// Measures all in turn, and prints.
pub(super) fn measure(
    workspace: &Workspace,
    programs: &Programs,
    node: Option<&Node>,
    options: &Options,
    missed: &mut Missed,
    interrupt: &Interrupt,
) -> anyhow::Result<()> {
    let services = Services::start(workspace, Durability::Durable, interrupt)?;
    let mut ours = Installation::prepare(programs, &services, options.jobs, interrupt)?;
    let database = Database::connect(&services, interrupt)?;
    database.execute(&format!("CREATE DATABASE {DATABASE}"))?;
    ours.rate(1, "before", options.jobs / 5, CONCURRENCY)?;
    let (mut our_samples, mut their_samples) = (Vec::new(), [Vec::new(), Vec::new()]);
    for round in 0..options.rounds {
        let rate = ours.rate(1, &format!("round-{round}"), options.jobs, CONCURRENCY)?;
        let (p50, p99) = ours.beginnings(CONCURRENCY, STARTS)?;
        our_samples.push(Sample {
            per_second: rate.runs_per_second,
            p50,
            p99,
        });
        for (kind, samples) in Kind::ALL.into_iter().zip(&mut their_samples) {
            let Some(node) = node else { continue };
            samples.push(theirs(node, kind, &services, options, interrupt)?);
        }
    }
    println!(
        "\nEmpty jobs, one worker process, {CONCURRENCY} at once, medians of {} rounds of {}; the ratio \
         is ours to theirs",
        options.rounds, options.jobs
    );
    println!(
        "{:<13} {:>8} {:>6}  {:>13} {:>8}",
        "", "jobs/s", "ratio", "begin p50 ms", "p99 ms"
    );
    print("atlas-worker", &our_samples, &our_samples);
    for (kind, samples) in Kind::ALL.into_iter().zip(&their_samples) {
        if !samples.is_empty() {
            print(kind, samples, &our_samples);
        }
        if kind == Kind::Graphile && !samples.is_empty() {
            let ratio = rate(&our_samples) / rate(samples);
            missed.at_least("empty jobs beside graphile-worker's", ratio, OF_GRAPHILE);
        }
    }
    let (p50, p99) = beginnings(&our_samples);
    missed.at_most("from a start until a worker begins, p50", p50, BEGIN_P50);
    missed.at_most("from a start until a worker begins, p99", p99, BEGIN_P99);
    Ok(())
}

fn theirs(
    node: &Node,
    kind: Kind,
    services: &Services,
    options: &Options,
    interrupt: &Interrupt,
) -> anyhow::Result<Sample> {
    services.empty_redis()?;
    let url = services.database_url();
    let server = url.rsplit_once('/').map_or(url, |(server, _)| server);
    let mut command = node.command("jobs.js");
    command
        .arg(kind.as_str())
        .args([options.jobs.to_string(), CONCURRENCY.to_string()])
        .env("DATABASE_URL", format!("{server}/{DATABASE}"))
        .env("REDIS_URL", services.redis_url());
    let printed = process::output(&mut command, interrupt)?;
    result(&printed, |value| {
        Some(Sample {
            per_second: value["per_second"].as_f64()?,
            p50: value["p50_ms"].as_f64()?,
            p99: value["p99_ms"].as_f64()?,
        })
    })
}

fn print(name: impl fmt::Display, samples: &[Sample], ours: &[Sample]) {
    let (p50, p99) = beginnings(samples);
    println!(
        "{name:<13} {:>8.0} {:>6.2}  {p50:>13.2} {p99:>8.2}",
        rate(samples),
        rate(ours) / rate(samples)
    );
}

fn rate(samples: &[Sample]) -> f64 {
    median(samples.iter().map(|sample| sample.per_second))
}

/// Milliseconds, p50 and p99.
fn beginnings(samples: &[Sample]) -> (f64, f64) {
    let of = |time: fn(&Sample) -> f64| median(samples.iter().map(time));
    (of(|sample| sample.p50), of(|sample| sample.p99))
}
