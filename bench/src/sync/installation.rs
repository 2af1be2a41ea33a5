//! An installation with tenants, one worker and the simulator, and what their syncs cost.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use atlas_services::http::get_json;
use atlas_services::interrupt::Interrupt;
use atlas_services::process::Service;
use atlas_services::programs::{Api, Programs, START_LIMIT, written_address};
use atlas_services::servers::Services;
use serde_json::Value;

use crate::http::Connection;
use crate::tenants::Tenants;

/// Requests that the worker has under way at once: its default.
pub(crate) const CONCURRENCY: f64 = 16.0;
/// How often to look whether a run has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// After this time the measurement fails.
const PATIENCE: Duration = Duration::from_secs(900);
/// The share of the published limits that the worker uses: its default.
const LIMIT_SHARE: f64 = 0.8;

/// The longest window in which a service counts.
pub(crate) const LONGEST_WINDOW: Duration = Duration::from_secs(20);

/// What an installation is furnished with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Furnishing {
    pub(crate) tenants: usize,
    /// Objects of each tenant; at least one of each policy type.
    pub(crate) objects: u32,
    /// Settings of each policy; without it 1 to 60.
    pub(crate) settings: Option<u32>,
    /// Of each answer of Microsoft Graph, in milliseconds.
    pub(crate) latency: u32,
}

/// An installation with one worker and the simulator. They stop with the value.
pub(crate) struct Installation<'a> {
    worker: Service,
    _simulator: Service,
    graph: SocketAddr,
    api: Api,
    pub(crate) tenants: Vec<String>,
    token: String,
    interrupt: &'a Interrupt,
}

/// A sync that has ended.
pub(crate) struct Synced {
    pub(crate) took: Duration,
    pub(crate) objects: u64,
    /// What the run counted.
    pub(crate) counts: Value,
    /// The requests that were made for it.
    pub(crate) log: Vec<Value>,
    /// What each service was asked.
    services: Vec<Value>,
}

impl<'a> Installation<'a> {
    pub(crate) fn open(
        programs: &Programs,
        services: &Services,
        furnishing: Furnishing,
        interrupt: &'a Interrupt,
    ) -> anyhow::Result<Self> {
        let Furnishing {
            tenants,
            objects,
            settings,
            latency,
        } = furnishing;
        let directory = services.directory();
        let database = services.database_url();
        let Tenants {
            operator,
            ids,
            token,
        } = Tenants::add(tenants, programs, services, interrupt)?;

        let address_file = directory.path().join("graph-sim.address");
        let mut command = programs.command("atlas-graph-sim");
        command
            .env("ATLAS_SIM_LISTEN", "127.0.0.1:0")
            .env("ATLAS_SIM_LATENCY", format!("{latency}ms"))
            .arg("--address-file")
            .arg(&address_file)
            .args(["--size", &objects.to_string()]);
        if let Some(settings) = settings {
            command.args(["--settings-per-policy", &settings.to_string()]);
        }
        let mut simulator = Service::start("graph-sim", &mut command, None, directory)?;
        let graph =
            simulator.wait_until(START_LIMIT, interrupt, || written_address(&address_file))?;
        let api = Api::start("api", crate::api(programs, services), directory, interrupt)?;
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
            tenants: ids,
            token,
            interrupt,
        })
    }

    /// Syncs the first tenant.
    pub(crate) fn sync(&mut self, body: &str) -> anyhow::Result<Synced> {
        self.sync_of(0, body)
    }

    /// Syncs the tenant with this number.
    pub(crate) fn sync_of(&mut self, tenant: usize, body: &str) -> anyhow::Result<Synced> {
        for path in ["/_sim/log", "/_sim/traffic"] {
            Connection::open(self.graph)?.send("DELETE", path, None, "")?;
        }
        let mut connection = Connection::open(self.api.address())?;
        let began = Instant::now();
        let path = format!("/tenants/{}/inventory-sync", self.tenants[tenant]);
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
            counts: run["counts"].clone(),
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

    /// Sends a command to the simulator, and returns what it answers.
    pub(crate) fn control(&self, method: &str, path: &str, body: &str) -> anyhow::Result<Value> {
        let answer = Connection::open(self.graph)?.send(method, path, None, body)?;
        ensure!(
            answer.status < 300,
            "the simulator answers {}",
            answer.status
        );
        Ok(serde_json::from_slice(&answer.body).unwrap_or_default())
    }

    /// Adds so many settings catalog policies to a directory.
    pub(crate) fn add_policies(&self, directory: &str, count: u32) -> anyhow::Result<()> {
        let script = format!(r#"{{"add":{count},"keys":["settingsCatalogPolicy"]}}"#);
        self.control("POST", &format!("/_sim/mutate/{directory}"), &script)?;
        Ok(())
    }
}

/// The id of the directory that was read.
pub(crate) fn directory_of(log: &[Value]) -> anyhow::Result<&str> {
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

    pub(crate) fn requests(&self) -> usize {
        self.paths().values().sum()
    }

    /// Requests above the published limits, and those made while their service had asked to wait.
    pub(crate) fn misconduct(&self) -> (u64, u64) {
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

    /// Seconds that as many requests take at the published rate of their service.
    pub(crate) fn at_the_published_rate(&self) -> f64 {
        let least = |service: &Value| {
            let number = |name: &str| service[name].as_f64().unwrap_or_default();
            let asked = number("requests").max(number("units"));
            asked / number("allowance").max(1.0) * number("window_seconds")
        };
        self.services.iter().map(least).fold(0.0, f64::max)
    }

    /// Seconds.
    pub(crate) fn ideal(&self, latency: u32) -> f64 {
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
