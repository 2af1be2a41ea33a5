//! The programs of an installation on this machine: simulator, API, workers.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use atlas_services::interrupt::Interrupt;
use atlas_services::process::{self, Service};
use atlas_services::programs::{Api, Programs, START_LIMIT, written_address};
use atlas_services::servers::Services;

/// The same content each time.
const SEED: &str = "1";

/// What they are started with.
#[derive(Debug)]
pub(crate) struct Setup<'a> {
    /// The file with the key of the tenants' secrets.
    pub(crate) keys_file: &'a Path,
    /// The prefix of all keys in Redis.
    pub(crate) queue_namespace: &'a str,
    /// How many workers.
    pub(crate) workers: usize,
    /// Arguments of the simulator.
    pub(crate) simulator: &'a [&'a str],
    /// Further settings of the API.
    pub(crate) api: &'a [(&'a str, &'a str)],
}

/// All of them. They stop with the value, the workers first.
#[derive(Debug)]
pub(crate) struct Processes {
    workers: Vec<Service>,
    api: Api,
    simulator: Service,
    simulator_address: SocketAddr,
    api_url: String,
}

impl Processes {
    /// Starts them and waits until each is ready.
    pub(crate) fn start(
        programs: &Programs,
        services: &Services,
        setup: &Setup<'_>,
        interrupt: &Interrupt,
    ) -> anyhow::Result<Self> {
        let directory = services.directory();
        let connected = |name: &str| {
            let mut command = programs.command(name);
            command
                .env("DATABASE_URL", services.database_url())
                .env("REDIS_URL", services.redis_url())
                .env("ATLAS_QUEUE_NAMESPACE", setup.queue_namespace);
            command
        };

        let mut command = programs.command("atlas-graph-sim");
        let address_file = directory.path().join("graph-sim.address");
        command.env("ATLAS_SIM_LISTEN", "127.0.0.1:0");
        command.arg("--address-file").arg(&address_file);
        command.args(["--seed", SEED]).args(setup.simulator);
        let mut simulator = Service::start("graph-sim", &mut command, None, directory)?;

        let mut command = connected("atlas-api");
        command.envs(setup.api.iter().copied());
        let api = Api::start("api", command, directory, interrupt)?;

        let address =
            simulator.wait_until(START_LIMIT, interrupt, || written_address(&address_file))?;
        let graph_url = format!("http://{address}");
        let mut workers = Vec::new();
        for number in 1..=setup.workers {
            let name = format!("worker-{number}");
            let health_file = directory.path().join(format!("{name}.health"));
            let mut command = connected("atlas-worker");
            command
                .arg("run")
                .env("ATLAS_SECRET_KEYS_FILE", setup.keys_file)
                .env("ATLAS_GRAPH_URL", &graph_url)
                .env("ATLAS_LOGIN_URL", &graph_url)
                .env("ATLAS_HEALTH_FILE", &health_file);
            let mut worker = Service::start(&name, &mut command, None, directory)?;
            let mut health: Command = programs.command("atlas-worker");
            health.arg("health").env("ATLAS_HEALTH_FILE", &health_file);
            worker.wait_until(START_LIMIT, interrupt, || {
                process::output(&mut health, interrupt)
            })?;
            workers.push(worker);
        }
        let api_url = format!("http://{}", api.address());
        Ok(Self {
            workers,
            api,
            simulator,
            simulator_address: address,
            api_url,
        })
    }

    /// Where the API listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.api.address()
    }

    /// Where the simulator listens.
    pub(crate) fn simulator(&self) -> SocketAddr {
        self.simulator_address
    }

    /// The same as a base URL.
    pub(crate) fn url(&self) -> &str {
        &self.api_url
    }

    /// Fails when one of them has ended, with the end of its log.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        self.simulator.check()?;
        self.api.check()?;
        self.workers.iter_mut().try_for_each(Service::check)
    }
}
