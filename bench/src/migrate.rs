//! Migrating a large installation of the version before: how long each migration takes, and how long
//! it keeps small writes waiting.

mod writers;

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use atlas_services::interrupt::Interrupt;
use atlas_services::servers::{Durability, Services};
use atlas_services::workspace::Workspace;
use clap::Args;

use self::writers::Writers;
use super::database::Database;
use super::milliseconds;
use super::reads::seed;

/// For how long writers are measured before the first migration.
const BASELINE: Duration = Duration::from_secs(3);

/// How to measure migrations.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many runs, over 200 tenants.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(10_000..=10_000_000))]
    runs: u64,
    /// How many inventory items, over 200 tenants.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(10_000..=10_000_000))]
    items: u64,
    /// The last migration of the version before, by the digits of its name: 20261129000030 or a later
    /// one, whose schema the seed fits.
    #[arg(long, value_name = "VERSION", default_value = "20261129000030")]
    from: String,
}

/// Seeds an installation of that version and migrates it.
pub(crate) fn run(
    workspace: &Workspace,
    options: &Options,
    interrupt: &Interrupt,
) -> anyhow::Result<()> {
    let versions = versions(workspace)?;
    ensure!(
        versions.iter().any(|(version, _)| *version == options.from),
        "there is no migration {}",
        options.from
    );
    let services = Services::start(workspace, Durability::Durable, interrupt)?;
    let url = services.database_url();
    migrate_to(url, &options.from)?;
    let database = Database::connect(&services, interrupt)?;
    seed::plant_earlier(workspace, &database, options.runs, options.items)?;

    let writers = Writers::start(url)?;
    let measured = measure(&writers, url, versions, options, interrupt);
    // Why a write failed says more than that one did.
    writers.stop()?;
    measured
}

/// Applies one migration after the other, and prints a line for each.
fn measure(
    writers: &Writers,
    url: &str,
    versions: Vec<(String, String)>,
    options: &Options,
    interrupt: &Interrupt,
) -> anyhow::Result<()> {
    print_line("migration", "time", "longest wait", "of a write to");
    let began = Instant::now();
    interrupt.pause(BASELINE)?;
    print(writers, "(none)", began.elapsed(), interrupt)?;
    let began = Instant::now();
    for (version, name) in versions {
        if version <= options.from {
            continue;
        }
        interrupt.check()?;
        let one = Instant::now();
        let applied = migrate_to(url, &version).context(name.clone())?;
        let took = one.elapsed();
        ensure!(applied == [version], "{name} was not applied alone");
        print(writers, &name, took, interrupt)?;
    }
    println!("\nAll of them took {:.1} s.", began.elapsed().as_secs_f64());
    Ok(())
}

fn print(
    writers: &Writers,
    name: &str,
    took: Duration,
    interrupt: &Interrupt,
) -> anyhow::Result<()> {
    let (waited, table) = writers.longest(interrupt)?;
    print_line(name, &milliseconds(took), &milliseconds(waited), table);
    Ok(())
}

fn print_line(name: &str, took: &str, waited: &str, table: &str) {
    println!("{name:<58} {took:>11} {waited:>13}  {table}");
}

/// The migrations of this version in their order: the version as the database has it, and the name.
fn versions(workspace: &Workspace) -> anyhow::Result<Vec<(String, String)>> {
    let root = workspace.root.join("migrations");
    let mut found = Vec::new();
    for entry in fs::read_dir(&root).with_context(|| root.display().to_string())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let (version, _) = name.split_once('_').context("a migration without a name")?;
        found.push((version.replace('-', ""), name));
    }
    found.sort_unstable();
    Ok(found)
}

/// Applies migrations as `atlas migrate` does, up to this one.
fn migrate_to(url: &str, version: &str) -> anyhow::Result<Vec<String>> {
    let url = url.into();
    let migrating = atlas_store::migrate_to(&url, version);
    Ok(super::runtime()?.block_on(migrating)?)
}
