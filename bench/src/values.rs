//! Syncs of policies with values: how many values they read, how long they take beside the ideal, and
//! how much memory the worker needs.
//!
//! The ideal of a first sync is the time in which its list is read by pages of [`ROWS_OF_A_PAGE`]
//! policies, one after the other, or the time in which PostgreSQL copies the rows that the sync stored
//! into tables of the same form, whichever is longer: pages are stored while the next ones are read. The
//! simulator, which shares the machine, takes time besides to make the pages.
//! Fewer pages, which hold more, make the sync shorter and not its ideal. Where nothing is stored, the
//! ideal is that of [`sync`](super::sync). Where settings are read policy by policy, it is what the
//! published quota allows: as many requests of its service as were made, at its rate.

use std::collections::BTreeSet;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use atlas_services::interrupt::Interrupt;
use atlas_services::programs::Programs;
use atlas_services::servers::{Durability, Services};
use atlas_services::workspace::Workspace;
use clap::Args;
use serde_json::Value;

use super::database::Database;
use super::sync::SETTINGS_CATALOG;
use super::sync::installation::{Furnishing, Installation, LONGEST_WINDOW, Synced};

/// As [`SETTINGS_CATALOG`], with every value read again.
const ALL: &str =
    r#"{"policy_types":["settingsCatalogPolicy"],"include_foundations":false,"verify":"all"}"#;
/// Below this address definitions of settings are read.
const DEFINITIONS: &str = "/configurationSettings/";
/// Policies with their settings that a page holds in the ideal of a first sync.
const ROWS_OF_A_PAGE: u32 = 100;
/// Nights within which each value is verified.
const NIGHTS: u32 = 7;

/// What is expected.
const FIRST: f64 = 1.5;
const AGAIN: f64 = 1.25;
const OF_THE_QUOTA: f64 = 1.25;
const REQUESTS: f64 = 45.0;
const MEBIBYTES: f64 = 100.0;

/// What a first sync stores for each object.
const STORED: [&str; 5] = [
    "inventory_items",
    "inventory_contents",
    "inventory_settings",
    "inventory_links",
    "inventory_changes",
];

/// How to measure.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Policies of the settings catalog
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(10..=100_000))]
    policies: u32,
    /// Settings of each policy
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    settings: u32,
    /// How long each answer of Microsoft Graph takes, in milliseconds
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    latency: u32,
    /// Policies of the tenant whose syncs show the worker's memory; 0 leaves that out
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    memory_policies: u32,
    /// Fail when a figure is above its limit
    #[arg(long)]
    check: bool,
}

/// The figures so far that are above their limits.
#[derive(Default)]
struct Exceeding(Vec<String>);

impl Exceeding {
    /// Prints a figure beside its limit.
    fn figure(&mut self, name: &str, value: f64, limit: f64) {
        let ratio = if limit > 0.0 { value / limit } else { value };
        println!("{name:<44} {value:>9.2} of {limit:>8.2}   ratio {ratio:>5.2}");
        if value > limit {
            self.0.push(name.to_owned());
        }
    }

    /// Prints a number that is expected to be another.
    fn exactly(&mut self, name: &str, value: u64, expected: u64) {
        println!("{name:<44} {value:>9} is {expected:>8}");
        if value != expected {
            self.0.push(name.to_owned());
        }
    }

    /// Prints what a sync did that no client may.
    fn misconduct(&mut self, name: &str, synced: &Synced) {
        let (over, early) = synced.misconduct();
        self.exactly(&format!("{name}: above the published limits"), over, 0);
        self.exactly(&format!("{name}: too early"), early, 0);
    }
}

/// Measures, and prints each figure with its limit.
pub(crate) fn run(
    workspace: &Workspace,
    options: &Options,
    interrupt: &Interrupt,
) -> anyhow::Result<()> {
    let programs = Programs::build(workspace, true, interrupt)?;
    let mut exceeding = Exceeding::default();
    {
        let services = Services::start(workspace, Durability::Durable, interrupt)?;
        let furnishing = Furnishing {
            tenants: 2,
            objects: 1,
            settings: Some(options.settings),
            latency: options.latency,
        };
        let installation = Installation::open(&programs, &services, furnishing, interrupt)?;
        let mut measured = Measured {
            installation,
            database: Database::connect(&services, interrupt)?,
            latency: options.latency,
            interrupt,
        };
        println!(
            "\n{} policies of {} settings, {} ms for each request",
            options.policies, options.settings, options.latency
        );
        measured.full_pages(options.policies, &mut exceeding)?;
        measured.nights(&mut exceeding)?;
        measured.short_pages(options.policies, &mut exceeding)?;
    }
    if options.memory_policies > 0 {
        let services = Services::start(workspace, Durability::Durable, interrupt)?;
        memory(&programs, &services, options, &mut exceeding, interrupt)?;
    }
    let above = exceeding.0;
    ensure!(
        !options.check || above.is_empty(),
        "above the limits: {}",
        above.join("; ")
    );
    Ok(())
}

struct Measured<'a> {
    installation: Installation<'a>,
    database: Database<'a>,
    /// Milliseconds.
    latency: u32,
    interrupt: &'a Interrupt,
}

impl Measured<'_> {
    /// The directory of the tenant with this number.
    fn directory(&self, tenant: usize) -> anyhow::Result<String> {
        let id = &self.installation.tenants[tenant];
        let of = format!("SELECT directory_id::text FROM tenants WHERE id = '{id}'");
        Ok(self.database.row(&of)?.try_get(0)?)
    }

    /// Syncs of a tenant whose lists carry settings: the first one, one again, and one after an edit.
    fn full_pages(&mut self, policies: u32, exceeding: &mut Exceeding) -> anyhow::Result<()> {
        let directory = self.directory(0)?;
        self.installation.add_policies(&directory, policies - 1)?;
        let first = self.installation.sync(SETTINGS_CATALOG)?;
        let definitions = definition_requests(&first);
        let stored = self.copying()?;
        println!(
            "{:<44} {stored:>9.2} s",
            "  PostgreSQL copies what was stored"
        );
        // Nothing goes before the token.
        let pages = 1 + policies.div_ceil(ROWS_OF_A_PAGE);
        let reading = f64::from(pages) * f64::from(self.latency) / 1_000.0;
        let ideal = reading.max(stored);
        times("first sync", &first, ideal, FIRST, exceeding);
        exceeding.exactly("first sync: policies", first.objects, policies.into());
        exceeding.exactly("first sync: values read", read(&first), first.objects);
        let requests = first.requests() - definitions;
        exceeding.figure("first sync: requests", number(requests), REQUESTS);
        println!(
            "{:<44} {definitions:>9}",
            "  requests for definitions besides"
        );
        exceeding.misconduct("first sync", &first);
        self.definitions_known()?;

        self.interrupt.pause(LONGEST_WINDOW)?;
        let again = self.installation.sync(SETTINGS_CATALOG)?;
        times(
            "sync again",
            &again,
            again.ideal(self.latency),
            AGAIN,
            exceeding,
        );
        let values = read(&again) + verified(&again);
        exceeding.exactly("sync again: values read or verified", values, 0);
        exceeding.misconduct("sync again", &again);

        let script = r#"{"edit_value":1,"keys":["settingsCatalogPolicy"]}"#;
        let path = format!("/_sim/mutate/{directory}");
        let changes = self.installation.control("POST", &path, script)?;
        let edited = changes.pointer("/settingsCatalogPolicy/edited_value/0");
        let edited = edited
            .and_then(Value::as_str)
            .context("nothing was edited")?;
        let synced = self.installation.sync(SETTINGS_CATALOG)?;
        let policies = policies_read(&synced);
        let exact = policies == BTreeSet::from([edited.to_owned()]);
        exceeding.exactly("one edit: exactly its policy is read", exact.into(), 1);
        let changed = count(&synced, "items_changed");
        exceeding.exactly("one edit: items changed", changed, 1);

        let all = self.installation.sync(ALL)?;
        exceeding.exactly("verify all: values verified", verified(&all), all.objects);
        exceeding.misconduct("verify all", &all);
        Ok(())
    }

    /// Syncs until the definitions of all settings are known, so that they are not part of what is
    /// measured next.
    fn definitions_known(&mut self) -> anyhow::Result<()> {
        while definition_requests(&self.installation.sync(SETTINGS_CATALOG)?) > 0 {}
        Ok(())
    }

    /// Nightly syncs of the same tenant, in which nothing changes.
    fn nights(&mut self, exceeding: &mut Exceeding) -> anyhow::Result<()> {
        let mut each = Vec::new();
        for night in 1..=NIGHTS {
            self.database.execute(
                "UPDATE inventory_items SET values_verified_at = values_verified_at - interval '1 day'",
            )?;
            let synced = self.installation.sync(SETTINGS_CATALOG)?;
            exceeding.misconduct(&format!("night {night}"), &synced);
            each.push(verified(&synced));
        }
        println!("  values verified in each night: {each:?}");
        // What was not read since the first of these nights is as old as they are.
        let unverified = format!(
            "SELECT count(*) FROM inventory_items \
             WHERE values_verified_at <= statement_timestamp() - interval '{NIGHTS} days'"
        );
        let unverified: i64 = self.database.row(&unverified)?.try_get(0)?;
        let name = "seven nights: values that were not verified";
        exceeding.exactly(name, unverified.unsigned_abs(), 0);
        Ok(())
    }

    /// The first sync of a tenant whose pages are short where they carry settings.
    fn short_pages(&mut self, policies: u32, exceeding: &mut Exceeding) -> anyhow::Result<()> {
        let directory = self.directory(1)?;
        let path = format!("/_sim/modes/{directory}");
        self.installation
            .control("PUT", &path, r#"["settings_shrink_pages"]"#)?;
        self.installation.add_policies(&directory, policies - 1)?;
        let synced = self.installation.sync_of(1, SETTINGS_CATALOG)?;
        let (seconds, quota) = (synced.took.as_secs_f64(), synced.at_the_published_rate());
        println!(
            "{:<44} {seconds:>9.2} s, the quota allows {quota:.2} s",
            "short pages"
        );
        exceeding.figure("short pages: of the quota", seconds / quota, OF_THE_QUOTA);
        exceeding.exactly("short pages: values read", read(&synced), policies.into());
        exceeding.misconduct("short pages", &synced);
        Ok(())
    }

    /// Seconds in which PostgreSQL stores once more what is stored, with its indexes.
    fn copying(&self) -> anyhow::Result<f64> {
        for table in STORED {
            self.database.execute(&format!(
                "CREATE TABLE copy_of_{table} (LIKE {table} INCLUDING ALL)"
            ))?;
        }
        let copies =
            STORED.map(|table| format!("INSERT INTO copy_of_{table} SELECT * FROM {table};"));
        let began = Instant::now();
        self.database.execute(&copies.concat())?;
        let took = began.elapsed();
        for table in STORED {
            self.database
                .execute(&format!("DROP TABLE copy_of_{table}"))?;
        }
        Ok(took.as_secs_f64())
    }
}

fn times(name: &str, synced: &Synced, ideal: f64, limit: f64, exceeding: &mut Exceeding) {
    let seconds = synced.took.as_secs_f64();
    println!("{name:<44} {seconds:>9.2} s, ideal {ideal:.2} s");
    exceeding.figure(&format!("{name}: of the ideal"), seconds / ideal, limit);
}

/// The memory of a worker that syncs many policies with their values, twice.
fn memory(
    programs: &Programs,
    services: &Services,
    options: &Options,
    exceeding: &mut Exceeding,
    interrupt: &Interrupt,
) -> anyhow::Result<()> {
    let furnishing = Furnishing {
        tenants: 1,
        objects: 1,
        settings: Some(options.settings),
        latency: 0,
    };
    let installation = Installation::open(programs, services, furnishing, interrupt)?;
    let mut measured = Measured {
        installation,
        database: Database::connect(services, interrupt)?,
        latency: 0,
        interrupt,
    };
    let directory = measured.directory(0)?;
    let policies = options.memory_policies;
    measured
        .installation
        .add_policies(&directory, policies - 1)?;
    println!("\n{policies} policies");
    for (name, body) in [
        ("first", SETTINGS_CATALOG),
        ("again", SETTINGS_CATALOG),
        ("verify all", ALL),
    ] {
        let synced = measured.installation.sync(body)?;
        println!(
            "{name:<44} {:>9.2} s, {} policies, {} values read",
            synced.took.as_secs_f64(),
            synced.objects,
            read(&synced) + verified(&synced)
        );
        let peak = super::memory::peak("atlas-worker")?;
        exceeding.figure(
            &format!("{name}: MiB of the worker at its peak"),
            peak,
            MEBIBYTES,
        );
    }
    Ok(())
}

fn count(synced: &Synced, name: &str) -> u64 {
    synced.counts[name].as_u64().unwrap_or_default()
}

/// Policies whose values were read because they are new or moved.
fn read(synced: &Synced) -> u64 {
    count(synced, "values_read")
}

fn verified(synced: &Synced) -> u64 {
    count(synced, "values_verified")
}

fn path(entry: &Value) -> &str {
    entry["path"].as_str().unwrap_or_default()
}

/// Requests for definitions of settings, each batch as one.
fn definition_requests(synced: &Synced) -> usize {
    let of_definitions = synced
        .log
        .iter()
        .filter(|one| path(one).contains(DEFINITIONS));
    let batches: BTreeSet<&str> = of_definitions
        .filter_map(|one| one["batch"].as_str())
        .collect();
    batches.len()
}

/// Ids of the policies whose settings were read one by one.
fn policies_read(synced: &Synced) -> BTreeSet<String> {
    let id = |entry: &Value| {
        let (_, rest) = path(entry).split_once("/configurationPolicies/")?;
        Some(rest.strip_suffix("/settings")?.to_owned())
    };
    synced.log.iter().filter_map(id).collect()
}

fn number(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}
