//! What the binaries count, for Prometheus, on an address of its own that is meant for nobody else.
//!
//! Each number has one definition, in `catalog`; whoever counts names it. Label values come from
//! closed sets or from route templates, never from a request, a tenant or a run. Without a listener
//! counting costs one atomic read.

mod catalog;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use metrics::{Label, Unit};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder};

pub use catalog::*;

/// Bounds of the durations' buckets, in seconds: from an answer out of memory to a request that is
/// about to be given up.
const BUCKETS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// Whether anybody can read what is counted.
static COUNTING: AtomicBool = AtomicBool::new(false);

/// Where numbers can be read. Flattened into each binary's command line.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct MetricsOptions {
    /// Where Prometheus reads numbers, as in 127.0.0.1:9464; off when left out. Whoever reaches the
    /// address may read them: keep it inside
    #[arg(
        long,
        env = "ATLAS_METRICS_LISTEN",
        value_name = "ADDRESS",
        global = true
    )]
    pub metrics_listen: Option<SocketAddr>,
}

/// Numbers cannot be served.
#[derive(Debug, thiserror::Error)]
#[error("numbers cannot be served on {address}")]
pub struct ServeError {
    address: SocketAddr,
    #[source]
    source: BuildError,
}

/// Which binary counts something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    Api,
    Worker,
}

/// A label: its name and every value that it can have. No values: an open set, such as routes.
pub type LabelSet = (&'static str, &'static [&'static str]);

/// The definition of a number.
#[derive(Debug)]
pub struct Definition {
    pub name: &'static str,
    pub help: &'static str,
    /// Every series of it has one value of each.
    pub labels: &'static [LabelSet],
    /// Which programs export it.
    pub programs: &'static [Program],
}

/// Something that is counted.
#[derive(Debug)]
pub struct Counter(Definition);

/// Something that is as it is now.
#[derive(Debug)]
pub struct Gauge(Definition);

/// How long something takes.
#[derive(Debug)]
pub struct Timing(Definition);

impl Counter {
    /// Counts `n` more, for these values of the labels.
    pub fn add(&self, values: &[&str], n: u64) {
        if COUNTING.load(Ordering::Relaxed) {
            metrics::counter!(self.0.name, labels(&self.0, values)).increment(n);
        }
    }
}

impl Gauge {
    /// Says how it is now, for these values of the labels. The greatest numbers lose their last
    /// digits: Prometheus keeps floating-point numbers.
    #[allow(
        clippy::cast_precision_loss,
        reason = "Prometheus has no other numbers"
    )]
    pub fn set(&self, values: &[&str], now: i64) {
        if COUNTING.load(Ordering::Relaxed) {
            metrics::gauge!(self.0.name, labels(&self.0, values)).set(now as f64);
        }
    }
}

impl Timing {
    /// Says how long it took, for these values of the labels.
    pub fn record(&self, values: &[&str], took: Duration) {
        if COUNTING.load(Ordering::Relaxed) {
            metrics::histogram!(self.0.name, labels(&self.0, values)).record(took);
        }
    }
}

fn labels(definition: &Definition, values: &[&str]) -> Vec<Label> {
    debug_assert_eq!(definition.labels.len(), values.len(), "{}", definition.name);
    definition
        .labels
        .iter()
        .zip(values)
        .map(|((name, _), value)| Label::new(*name, (*value).to_owned()))
        .collect()
}

/// Serves the numbers of this program from now on, when an address is given. Counters whose labels
/// have closed sets of values begin at zero, so that the first event is seen as a rise. Must be
/// called within a Tokio runtime, which then serves.
///
/// # Errors
/// [`ServeError`] when the address cannot be listened on.
pub fn serve(program: Program, options: MetricsOptions) -> Result<(), ServeError> {
    let Some(address) = options.metrics_listen else {
        return Ok(());
    };
    PrometheusBuilder::new()
        .with_http_listener(address)
        .set_buckets(&BUCKETS)
        .and_then(PrometheusBuilder::install)
        .map_err(|source| ServeError { address, source })?;
    COUNTING.store(true, Ordering::Relaxed);
    for counter in COUNTERS.iter().filter(|counter| is_of(&counter.0, program)) {
        metrics::describe_counter!(counter.0.name, counter.0.help);
        for values in combinations(counter.0.labels) {
            counter.add(&values, 0);
        }
    }
    for gauge in GAUGES.iter().filter(|gauge| is_of(&gauge.0, program)) {
        metrics::describe_gauge!(gauge.0.name, gauge.0.help);
    }
    BUILD_INFO.set(&[env!("CARGO_PKG_VERSION"), commit()], 1);
    for timing in TIMINGS.iter().filter(|timing| is_of(&timing.0, program)) {
        metrics::describe_histogram!(timing.0.name, Unit::Seconds, timing.0.help);
    }
    Ok(())
}

/// The commit that the program was built from, where the build named it.
const fn commit() -> &'static str {
    match option_env!("ATLAS_COMMIT") {
        Some(commit) => commit,
        None => "unknown",
    }
}

/// Whether what is counted can be read, so that reading it from elsewhere is worth the while.
#[must_use]
pub fn is_serving() -> bool {
    COUNTING.load(Ordering::Relaxed)
}

/// Every definition.
pub fn definitions() -> impl Iterator<Item = &'static Definition> {
    let counters = COUNTERS.iter().map(|counter| &counter.0);
    let gauges = GAUGES.iter().map(|gauge| &gauge.0);
    let timings = TIMINGS.iter().map(|timing| &timing.0);
    counters.chain(gauges).chain(timings)
}

fn is_of(definition: &Definition, program: Program) -> bool {
    definition.programs.contains(&program)
}

/// Every combination of the labels' values; none when one of them is an open set.
fn combinations(labels: &[LabelSet]) -> Vec<Vec<&'static str>> {
    labels.iter().fold(vec![Vec::new()], |begun, (_, values)| {
        begun
            .iter()
            .flat_map(|begun| {
                values.iter().map(|value| {
                    let mut longer = begun.clone();
                    longer.push(*value);
                    longer
                })
            })
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_follow_the_habits_of_prometheus() {
        let mut seen = BTreeSet::new();
        for definition in definitions() {
            let name = definition.name;
            assert!(seen.insert(name), "{name} is defined twice");
            assert!(name.starts_with("atlas_"), "{name}");
            assert!(
                definition.help.ends_with('.') && !definition.programs.is_empty(),
                "{name}"
            );
        }
        assert!(COUNTERS.iter().all(|one| one.0.name.ends_with("_total")));
        assert!(TIMINGS.iter().all(|one| one.0.name.ends_with("_seconds")));
        assert!(GAUGES.iter().all(|one| !one.0.name.ends_with("_total")));
    }

    #[test]
    fn closed_sets_are_combined_and_an_open_one_has_no_beginning() {
        const AB: LabelSet = ("x", &["a", "b"]);
        const CD: LabelSet = ("y", &["c", "d"]);
        let all = [["a", "c"], ["a", "d"], ["b", "c"], ["b", "d"]];
        assert_eq!(combinations(&[AB, CD]), all);
        assert_eq!(combinations(&[]), [[""; 0]]);
        assert!(combinations(&[AB, ("route", &[])]).is_empty());
    }
}
