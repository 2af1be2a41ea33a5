//! Whole syncs of one tenant against the simulator: how long they take beside the ideal, how many
//! requests they make, and how much memory the worker needs.
//!
//! The ideal time is the least that a client within the limits can take: the longest chain of pages
//! one after the other, or all requests divided by the requests that are allowed at once, or what
//! each service was asked divided by the rate at which the worker may ask it, whichever is longest. That last part counts what objects are asked for one by one, because no list carries it.

pub(crate) mod installation;

use atlas_services::interrupt::Interrupt;
use atlas_services::programs::Programs;
use atlas_services::servers::{Durability, Services};
use atlas_services::workspace::Workspace;
use clap::Args;

use installation::{CONCURRENCY, Furnishing, Installation, LONGEST_WINDOW, directory_of};

/// The body of a start of everything.
const EVERYTHING: &str = "{}";
/// Only what lists carry.
const LISTS: &str = r#"{"include_dependencies":false}"#;
pub(crate) const SETTINGS_CATALOG: &str =
    r#"{"policy_types":["settingsCatalogPolicy"],"include_foundations":false}"#;

/// What is expected.
const RATIO: f64 = 1.25;
const MEBIBYTES: f64 = 100.0;
/// Requests for every 10,000 settings catalog policies.
const REQUESTS: f64 = 20.0;

/// How to measure syncs.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Objects of the tenant; at least one of each policy type
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    objects: u32,
    /// How long each answer of Microsoft Graph takes, in milliseconds
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    latency: u32,
}

/// How to measure memory.
#[derive(Debug, Args)]
pub(crate) struct MemoryOptions {
    /// Objects of the tenant; at least one of each policy type
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    objects: u32,
}

/// Measures the time and the requests of syncs, and prints them.
pub(crate) fn run(
    workspace: &Workspace,
    options: &Options,
    interrupt: &Interrupt,
) -> anyhow::Result<()> {
    let programs = Programs::build(workspace, true, interrupt)?;
    let services = Services::start(workspace, Durability::Durable, interrupt)?;
    let mut installation = Installation::open(
        &programs,
        &services,
        Furnishing {
            tenants: 1,
            objects: options.objects,
            settings: None,
            latency: options.latency,
        },
        interrupt,
    )?;
    println!(
        "\n{} ms for each request, {CONCURRENCY} at once",
        options.latency
    );
    let mut directory = String::new();
    for (name, body) in [
        ("first, lists", LISTS),
        ("again, lists", LISTS),
        ("everything", EVERYTHING),
        ("settings catalog", SETTINGS_CATALOG),
    ] {
        if body == SETTINGS_CATALOG {
            installation.add_policies(&directory, options.objects)?;
        }
        // What was measured before uses up nothing of this one's limits.
        interrupt.pause(LONGEST_WINDOW)?;
        let synced = installation.sync(body)?;
        directory_of(&synced.log)?.clone_into(&mut directory);
        let (requests, ideal) = (synced.requests(), synced.ideal(options.latency));
        let seconds = synced.took.as_secs_f64();
        println!(
            "{name:<18} {:>7} objects {requests:>6} requests {seconds:>7.2} s   ideal {ideal:>6.2} s   \
             ratio {:>5.2} of {RATIO}",
            synced.objects,
            seconds / ideal
        );
        let (over, early) = synced.misconduct();
        println!(
            "{:18} {over:>7} above the published limits, {early} too early",
            ""
        );
        if body == SETTINGS_CATALOG {
            #[allow(clippy::cast_precision_loss, reason = "there are fewer than 2^52")]
            let share = requests as f64 * 10_000.0 / synced.objects.max(1) as f64;
            println!(
                "{:18} {share:>7.1} requests for 10,000 policies, of {REQUESTS}",
                ""
            );
        }
    }
    Ok(())
}

/// Measures the memory of a worker that syncs a large tenant, and prints it.
pub(crate) fn memory(
    workspace: &Workspace,
    options: &MemoryOptions,
    interrupt: &Interrupt,
) -> anyhow::Result<()> {
    let programs = Programs::build(workspace, true, interrupt)?;
    let services = Services::start(workspace, Durability::Durable, interrupt)?;
    let mut installation = Installation::open(
        &programs,
        &services,
        Furnishing {
            tenants: 1,
            objects: options.objects,
            settings: None,
            latency: 0,
        },
        interrupt,
    )?;
    let before = super::memory::peak("atlas-worker")?;
    println!("\nmemory of the worker at its peak; idle {before:.0} MiB");
    for name in ["first", "again"] {
        let synced = installation.sync(EVERYTHING)?;
        let peak = super::memory::peak("atlas-worker")?;
        println!(
            "{name:<6} {:>7} objects in {:>6.1} s   {peak:>6.1} MiB   {:>5.2} of {MEBIBYTES} MiB",
            synced.objects,
            synced.took.as_secs_f64(),
            peak / MEBIBYTES
        );
    }
    Ok(())
}
