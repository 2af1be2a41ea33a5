//! Our programs beside what a team might write in their place: services with BullMQ and with
//! graphile-worker (`bench/peers`), and beside pgbench, which is what the database does by itself. All
//! share the machine, PostgreSQL and Redis, and are measured in turn.

mod jobs;
mod node;
mod starts;
mod wrk;

use std::fmt;

use anyhow::ensure;
use atlas_services::interrupt::{Interrupt, Interrupted};
use atlas_services::programs::Programs;
use atlas_services::workspace::Workspace;
use clap::{Args, ValueEnum};

use self::node::Node;

/// How to measure peers.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// What to measure; both when it is left out.
    #[arg(long, value_enum)]
    only: Option<Part>,
    /// How often all are measured in turn.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// How long a sample of starts takes, in seconds.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=60))]
    seconds: u32,
    /// Connections of the callers, one number after the other.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64", value_parser = clap::value_parser!(u32).range(1..=256))]
    connections: Vec<u32>,
    /// Processes of a peer's service.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    processes: u32,
    /// Empty jobs and runs that wait when a worker starts.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    jobs: u32,
    /// Fail when a figure misses its target.
    #[arg(long)]
    check: bool,
}

/// The figures so far that miss their targets.
#[derive(Default)]
struct Missed(Vec<String>);

impl Missed {
    /// Prints a ratio, ours to a peer's, beside the least that is expected.
    fn at_least(&mut self, name: &str, ratio: f64, target: f64) {
        println!("{name:<52} {ratio:>6.2} of at least {target:.2}");
        self.note(name, ratio >= target);
    }

    /// Prints a time of ours beside the longest that is expected.
    fn at_most(&mut self, name: &str, milliseconds: f64, target: f64) {
        println!("{name:<52} {milliseconds:>6.2} of at most {target:.2} ms");
        self.note(name, milliseconds <= target);
    }

    fn note(&mut self, name: &str, reached: bool) {
        if !reached {
            self.0.push(name.to_owned());
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Starts over HTTP, created and joined.
    Starts,
    /// Empty jobs: in a second, and the time from adding one until it begins.
    Jobs,
}

/// What a service keeps its jobs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bullmq,
    Graphile,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Bullmq, Self::Graphile];

    /// Its name for the programs in `bench/peers`.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Bullmq => "bullmq",
            Self::Graphile => "graphile",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Measures and prints. What this machine has no programs for is named and left out.
pub(crate) fn run(
    workspace: &Workspace,
    options: &Options,
    interrupt: &Interrupt,
) -> anyhow::Result<()> {
    let node = match Node::prepare(workspace, interrupt) {
        Ok(node) => Some(node),
        Err(error) if error.is::<Interrupted>() => return Err(error),
        Err(error) => {
            println!("skipped: services with BullMQ and graphile-worker: {error:#}");
            None
        }
    };
    let selects = |part| options.only.is_none_or(|only| only == part);
    let programs = Programs::build(workspace, true, interrupt)?;
    let mut missed = Missed::default();
    if selects(Part::Starts) {
        let node = node.as_ref();
        starts::measure(workspace, &programs, node, options, &mut missed, interrupt)?;
    }
    if selects(Part::Jobs) {
        let node = node.as_ref();
        jobs::measure(workspace, &programs, node, options, &mut missed, interrupt)?;
    }
    let missed = missed.0;
    ensure!(
        !options.check || missed.is_empty(),
        "below the targets: {}",
        missed.join("; ")
    );
    Ok(())
}

/// The JSON behind the word RESULT, which is on a line of its own.
fn result<T>(
    printed: &str,
    read: impl FnOnce(&serde_json::Value) -> Option<T>,
) -> anyhow::Result<T> {
    let line = printed
        .lines()
        .find_map(|line| line.strip_prefix("RESULT "));
    let value = line.and_then(|json| serde_json::from_str(json).ok());
    value
        .and_then(|value| read(&value))
        .ok_or_else(|| anyhow::anyhow!("there is no result in: {printed}"))
}

/// The median of the rounds.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]
    use super::*;

    #[test]
    fn a_figure_that_misses_its_target_is_named() {
        let mut missed = Missed::default();
        missed.at_least("enough", 1.2, 1.2);
        missed.at_least("too little", 1.19, 1.2);
        missed.at_least("not measured", f64::NAN, 1.2);
        missed.at_most("soon", 2.0, 2.0);
        missed.at_most("late", 2.01, 2.0);
        assert_eq!(missed.0, ["too little", "not measured", "late"]);
    }

    #[test]
    fn the_median_is_the_round_in_the_middle() {
        assert!((median([3.0, 1.0, 2.0].into_iter()) - 2.0).abs() < 1e-9);
        assert!(median(std::iter::empty()).is_nan());
    }

    #[test]
    fn a_result_is_found_among_other_lines() {
        let rate = |value: &serde_json::Value| value["per_second"].as_f64();
        let printed = "Running 6s test\n\nRESULT {\"per_second\":12.5}\n";
        assert!((result(printed, rate).unwrap() - 12.5).abs() < 1e-9);
        for other in ["Running\n", "RESULT {}\n", "RESULT {\"per\n"] {
            let error = result(other, rate).unwrap_err().to_string();
            assert!(error.contains(other), "{error}");
        }
    }
}
