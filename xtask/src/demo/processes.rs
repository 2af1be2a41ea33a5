//! The programs of the demonstration: simulator, API, workers.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, ensure};

use super::installation::{Installation, address_in};
use crate::http::Connection;
use crate::interrupt::Interrupt;
use crate::process::{self, Service};
use crate::services::Services;
use crate::workspace::{Workspace, without_settings};

const START_LIMIT: Duration = Duration::from_secs(60);
const WORKERS: usize = 2;
/// The same content each time.
const SEED: &str = "1";

/// All of them. They stop with the value, the workers first.
#[derive(Debug)]
pub(super) struct Processes {
    workers: Vec<Service>,
    api: Service,
    simulator: Service,
    api_address: SocketAddr,
    api_url: String,
}

impl Processes {
    /// Starts them and waits until each is ready.
    pub(super) fn start(
        workspace: &Workspace,
        services: &Services,
        installation: &Installation,
        size: u32,
        interrupt: &Interrupt,
    ) -> anyhow::Result<Self> {
        let directory = services.directory();
        let program = |name: &str| {
            let mut command = Command::new(workspace.programs(false).join(name));
            without_settings(&mut command);
            command
        };
        let connected = |command: &mut Command| {
            command
                .env("DATABASE_URL", services.database_url())
                .env("REDIS_URL", services.redis_url())
                .env("ATLAS_QUEUE_NAMESPACE", &installation.queue_namespace);
        };

        let mut command = program("atlas-graph-sim");
        let simulator_address = directory.path().join("graph-sim.address");
        command.env("ATLAS_SIM_LISTEN", "127.0.0.1:0");
        command.arg("--address-file").arg(&simulator_address);
        command.args(["--seed", SEED, "--size", &size.to_string()]);
        let mut simulator = Service::start("graph-sim", &mut command, None, directory)?;

        let mut command = program("atlas-api");
        let api_address = directory.path().join("api.address");
        command
            .env("ATLAS_LISTEN", "127.0.0.1:0")
            .env("ATLAS_ADDRESS_FILE", &api_address);
        connected(&mut command);
        let mut api = Service::start("api", &mut command, None, directory)?;

        let simulator_address = simulator.wait_until(START_LIMIT, interrupt, || {
            written_address(&simulator_address)
        })?;
        let graph_url = format!("http://{simulator_address}");
        let mut workers = Vec::new();
        for number in 1..=WORKERS {
            let mut command = program("atlas-worker");
            let name = format!("worker-{number}");
            command
                .arg("run")
                .env("ATLAS_SECRET_KEYS_FILE", &installation.keys_file)
                .env("ATLAS_GRAPH_URL", &graph_url)
                .env("ATLAS_LOGIN_URL", &graph_url)
                .env(
                    "ATLAS_HEALTH_FILE",
                    directory.path().join(format!("{name}.health")),
                );
            connected(&mut command);
            workers.push(Service::start(&name, &mut command, None, directory)?);
        }
        for (worker, number) in workers.iter_mut().zip(1..) {
            let mut health = program("atlas-worker");
            health.arg("health");
            health.env(
                "ATLAS_HEALTH_FILE",
                directory.path().join(format!("worker-{number}.health")),
            );
            worker.wait_until(START_LIMIT, interrupt, || {
                process::output(&mut health, interrupt)
            })?;
        }

        let api_address =
            api.wait_until(START_LIMIT, interrupt, || written_address(&api_address))?;
        api.wait_until(START_LIMIT, interrupt, || {
            let status = Connection::open(api_address)?
                .send("GET", "/readyz", None)?
                .status;
            ensure!(status == 200, "/readyz answers {status}");
            Ok(())
        })?;
        let api_url = format!("http://{api_address}");
        Ok(Self {
            workers,
            api,
            simulator,
            api_address,
            api_url,
        })
    }

    /// Where the API listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.api_address
    }

    /// The same as a base URL.
    pub(super) fn url(&self) -> &str {
        &self.api_url
    }

    /// Fails when one of them has ended, with the end of its log.
    pub(super) fn check(&mut self) -> anyhow::Result<()> {
        self.simulator.check()?;
        self.api.check()?;
        self.workers.iter_mut().try_for_each(Service::check)
    }
}

fn written_address(path: &Path) -> anyhow::Result<SocketAddr> {
    let text = fs::read_to_string(path).context("the address is not written yet")?;
    address_in(&text)
}
