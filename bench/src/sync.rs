//! Whole syncs of one tenant against the simulator: how long they take beside the ideal, how many
//! requests they make, and how much memory the worker needs.
//!
//! The ideal time is the least that a client within the limits can take: the longest chain of pages
//! one after the other, or all requests divided by the requests that are allowed at once, or what
//! each service was asked divided by the rate at which the worker may ask it, whichever is longest. That last part counts what objects are asked for one by one, because no list carries it.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use clap::Args;
use serde_json::Value;

use super::http::Connection;
use super::tenants::Tenants;
use atlas_services::http::get_json;
use atlas_services::interrupt::Interrupt;
use atlas_services::process::Service;
use atlas_services::programs::{Api, Programs, START_LIMIT, written_address};
use atlas_services::servers::{Durability, Services};
use atlas_services::workspace::Workspace;

/// Requests that the worker has under way at once: its default.
const CONCURRENCY: f64 = 16.0;
/// How often to look whether a run has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// After this time the measurement fails.
const PATIENCE: Duration = Duration::from_secs(900);
/// The share of the published limits that the worker uses: its default.
const LIMIT_SHARE: f64 = 0.8;
/// The body of a start of everything.
const EVERYTHING: &str = "{}";
/// Only what lists carry.
const LISTS: &str = r#"{"include_dependencies":false}"#;
const SETTINGS_CATALOG: &str =
    r#"{"policy_types":["settingsCatalogPolicy"],"include_foundations":false}"#;

/// The longest window in which a service counts.
const LONGEST_WINDOW: Duration = Duration::from_secs(20);

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

/// An installation with one tenant, one worker and the simulator. They stop with the value.
struct Installation<'a> {
    worker: Service,
    _simulator: Service,
    graph: SocketAddr,
    api: Api,
    tenant: String,
    token: String,
    interrupt: &'a Interrupt,
}

/// A sync that has ended.
struct Synced {
    took: Duration,
    objects: u64,
    /// The requests that were made for it.
    log: Vec<Value>,
    /// What each service was asked.
    services: Vec<Value>,
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
        options.objects,
        options.latency,
        interrupt,
    )?;
    println!(
        "\n{} ms for each request, {CONCURRENCY} at once",
        options.latency
    );
    for (name, body) in [
        ("first, lists", LISTS),
        ("again, lists", LISTS),
        ("everything", EVERYTHING),
        ("settings catalog", SETTINGS_CATALOG),
    ] {
        if body == SETTINGS_CATALOG {
            installation.add_settings_catalog_policies(options.objects)?;
        }
        // What was measured before uses up nothing of this one's limits.
        interrupt.pause(LONGEST_WINDOW)?;
        let synced = installation.sync(body)?;
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
    let mut installation = Installation::open(&programs, &services, options.objects, 0, interrupt)?;
    let before = peak_memory("atlas-worker")?;
    println!("\nmemory of the worker at its peak; idle {before:.0} MiB");
    for name in ["first", "again"] {
        let synced = installation.sync(EVERYTHING)?;
        let peak = peak_memory("atlas-worker")?;
        println!(
            "{name:<6} {:>7} objects in {:>6.1} s   {peak:>6.1} MiB   {:>5.2} of {MEBIBYTES} MiB",
            synced.objects,
            synced.took.as_secs_f64(),
            peak / MEBIBYTES
        );
    }
    Ok(())
}

impl<'a> Installation<'a> {
    fn open(
        programs: &Programs,
        services: &Services,
        objects: u32,
        latency: u32,
        interrupt: &'a Interrupt,
    ) -> anyhow::Result<Self> {
        let directory = services.directory();
        let database = services.database_url();
        let Tenants {
            operator,
            ids,
            token,
        } = Tenants::add(1, programs, services, interrupt)?;

        let address_file = directory.path().join("graph-sim.address");
        let mut command = programs.command("atlas-graph-sim");
        command
            .env("ATLAS_SIM_LISTEN", "127.0.0.1:0")
            .env("ATLAS_SIM_LATENCY", format!("{latency}ms"))
            .arg("--address-file")
            .arg(&address_file)
            .args(["--size", &objects.to_string()]);
        let mut simulator = Service::start("graph-sim", &mut command, None, directory)?;
        let graph =
            simulator.wait_until(START_LIMIT, interrupt, || written_address(&address_file))?;
        let api = Api::start("api", super::api(programs, services), directory, interrupt)?;
        let graph_url = format!("http://{graph}");
        let mut command = programs.command("atlas-worker");
        command
            .arg("run")
            .env("DATABASE_URL", database)
            .env("REDIS_URL", services.redis_url())
            .env("ATLAS_SECRET_KEYS_FILE", operator.keys_file())
            .env("ATLAS_GRAPH_URL", &graph_url)
            .env("ATLAS_LOGIN_URL", &graph_url)
            .env("ATLAS_HEALTH_FILE", directory.path().join("worker.health"))
            .env("ATLAS_LOG", "warn");
        let worker = Service::start("worker", &mut command, None, directory)?;
        Ok(Self {
            worker,
            _simulator: simulator,
            graph,
            api,
            tenant: ids[0].clone(),
            token,
            interrupt,
        })
    }

    fn sync(&mut self, body: &str) -> anyhow::Result<Synced> {
        for path in ["/_sim/log", "/_sim/traffic"] {
            Connection::open(self.graph)?.send("DELETE", path, None, "")?;
        }
        let mut connection = Connection::open(self.api.address())?;
        let began = Instant::now();
        let path = format!("/tenants/{}/inventory-sync", self.tenant);
        let started = connection.send("POST", &path, Some(&self.token), body)?;
        ensure!(
            started.status == 202,
            "a start is answered {}",
            started.status
        );
        let id: Value = serde_json::from_slice(&started.body)?;
        let id = id["run"]["id"].as_str().context("a start without a run")?;
        let path = format!("/operation-runs/{id}");
        let run = loop {
            self.worker.check()?;
            let run = connection
                .send("GET", &path, Some(&self.token), "")?
                .json()?;
            if run["status"] == "completed" {
                break run;
            }
            ensure!(began.elapsed() < PATIENCE, "the run does not end");
            self.interrupt.pause(LOOK_AGAIN)?;
        };
        let took = began.elapsed();
        ensure!(
            run["outcome"] == "succeeded",
            "the sync did not succeed: {run}"
        );
        let log = self.log()?;
        let directory = directory_of(&log)?;
        let traffic = get_json(self.graph, &format!("/_sim/traffic/{directory}"), "")?;
        let services = traffic["services"]
            .as_object()
            .context("traffic without services")?;
        Ok(Synced {
            took,
            objects: run["counts"]["items_seen"]
                .as_u64()
                .context("a run without counts")?,
            services: services.values().cloned().collect(),
            log,
        })
    }

    /// The requests that the simulator has answered.
    fn log(&self) -> anyhow::Result<Vec<Value>> {
        let log = get_json(self.graph, "/_sim/log", "")?;
        let entries = log["entries"].as_array().context("a log without entries")?;
        Ok(entries.clone())
    }

    /// Adds so many settings catalog policies to the simulated tenant.
    fn add_settings_catalog_policies(&self, count: u32) -> anyhow::Result<()> {
        let log = self.log()?;
        let directory = directory_of(&log)?;
        let path = format!("/_sim/mutate/{directory}");
        let script = format!(r#"{{"add":{count},"keys":["settingsCatalogPolicy"]}}"#);
        let answer = Connection::open(self.graph)?.send("POST", &path, None, &script)?;
        ensure!(
            answer.status == 200,
            "the simulator answers {}",
            answer.status
        );
        Ok(())
    }
}

/// The id of the directory that was read.
fn directory_of(log: &[Value]) -> anyhow::Result<&str> {
    let directory = log.iter().find_map(|entry| entry["tenant"].as_str());
    directory.context("no request names its tenant")
}

impl Synced {
    /// Requests by path, each batch as one.
    fn paths(&self) -> BTreeMap<&str, usize> {
        let mut paths = BTreeMap::new();
        for entry in self.log.iter().filter(|entry| entry["batch"].is_null()) {
            *paths
                .entry(entry["path"].as_str().unwrap_or_default())
                .or_default() += 1;
        }
        paths
    }

    fn requests(&self) -> usize {
        self.paths().values().sum()
    }

    /// Requests above the published limits, and those made while their service had asked to wait.
    fn misconduct(&self) -> (u64, u64) {
        let sum = |what: &str| {
            let counts = self.services.iter().filter_map(|one| one[what].as_u64());
            counts.sum::<u64>()
        };
        (
            sum("over_limit"),
            sum("early_retries") + sum("early_others"),
        )
    }

    /// Seconds that the rates which the worker keeps to take at least: a window's allowance at once,
    /// the next one when the window has passed.
    fn paced(&self) -> f64 {
        let least = |service: &Value| {
            let number = |name: &str| service[name].as_f64().unwrap_or_default();
            let allowance = (number("allowance") * LIMIT_SHARE).floor().max(1.0);
            let asked = number("requests").max(number("units"));
            ((asked - 1.0) / allowance).floor() * number("window_seconds")
        };
        self.services.iter().map(least).fold(0.0, f64::max)
    }

    /// Seconds.
    fn ideal(&self, latency: u32) -> f64 {
        let paths = self.paths();
        let count = |wanted: &dyn Fn(&str) -> bool| -> f64 {
            let such = paths.iter().filter(|(path, _)| wanted(path));
            such.map(|(_, count)| u32::try_from(*count).map_or(f64::MAX, f64::from))
                .sum()
        };
        let latency = f64::from(latency) / 1_000.0;
        let longest = paths
            .keys()
            .filter(|path| !path.ends_with("/$batch"))
            .map(|path| count(&|other| other == *path))
            .fold(0.0, f64::max);
        // Nothing goes before the token.
        let chain = (1.0 + longest) * latency;
        let all = count(&|_| true) * latency / CONCURRENCY;
        chain.max(all).max(self.paced() + 2.0 * latency)
    }
}

/// The most memory that a child of this process with this name ever had, in MiB.
fn peak_memory(name: &str) -> anyhow::Result<f64> {
    let parent = std::process::id().to_string();
    for entry in fs::read_dir("/proc")? {
        let Ok(status) = fs::read_to_string(entry?.path().join("status")) else {
            continue;
        };
        let of = |word: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(word));
            line.map(|rest| rest.trim_start_matches(':').trim())
        };
        if of("Name") == Some(name) && of("PPid") == Some(parent.as_str()) {
            let peak = of("VmHWM").and_then(|text| text.strip_suffix(" kB"));
            let kibibytes: f64 = peak.context("no peak of memory")?.parse()?;
            return Ok(kibibytes / 1_024.0);
        }
    }
    anyhow::bail!("no {name} runs")
}
