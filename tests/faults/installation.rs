//! One installation per test: a database with a journal, a simulator, the API and any number of
//! workers, with leases so short that a lost worker is missed within seconds.
//!
//! | module | subject |
//! | --- | --- |
//! | `starts` | what callers ask of the API, and what it answered them |
//! | `simulator` | controls of the simulator |
//! | `runs` | what the database holds of runs, and waiting for their end |

mod runs;
mod simulator;
mod starts;

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

use atlas_domain::access::Role;
use atlas_test_support::{KEYS, Member, Scenario, TestDatabase, TestRedis, TestTenant};
use reqwest::Client;
use tempfile::TempDir;
use uuid::Uuid;

use crate::api::{Api, CRASH_POINTS, can_go_wrong};
use crate::invariants;
use crate::program::{Program, address, binary, launch, launch_file};

pub(crate) use simulator::APPS;
pub(crate) use starts::Pressed;

/// A worker that has one run at a time.
pub(crate) const ONE_SLOT: (&str, &str) = ("ATLAS_WORKER_SLOTS", "1");
/// A worker that finds nothing by itself after its start, so that only a message makes it look.
pub(crate) const NO_SWEEPS: (&str, &str) = ("ATLAS_SWEEP_INTERVAL", "1h");

/// What differs from the usual installation.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// PostgreSQL, with a user who may create databases.
    pub(crate) database_url: Option<String>,
    /// Parameters of the URL by which programs reach the database; what the test does itself goes
    /// without them.
    pub(crate) database_parameters: Option<String>,
    pub(crate) redis_url: Option<String>,
    /// For the first start of the API alone.
    pub(crate) api: Vec<(&'static str, String)>,
    /// How long each answer of Graph takes.
    pub(crate) latency: Option<&'static str>,
}

pub(crate) struct Installation {
    pub(crate) database: TestDatabase,
    database_parameters: Option<String>,
    pub(crate) namespace: String,
    pub(crate) redis_url: String,
    pub(crate) api: Api,
    graph: String,
    http: Client,
    scenario: Scenario,
    accepted: Mutex<Vec<Uuid>>,
    refused: Mutex<Vec<Uuid>>,
    unanswered: AtomicU64,
    directory: TempDir,
    redis: TestRedis,
    _simulator: Program,
}

impl Installation {
    pub(crate) async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    pub(crate) async fn start_with(options: Options) -> Self {
        let database = match options.database_url {
            None => TestDatabase::create().await,
            Some(url) => TestDatabase::create_at(url).await,
        };
        let connection = database.connection().await;
        connection.batch_execute(invariants::JOURNAL).await.unwrap();
        let redis = TestRedis::create();
        let redis_url = options.redis_url.unwrap_or_else(|| redis.url().to_owned());
        let directory = tempfile::tempdir().unwrap();
        let listening = directory.path().join("simulator");
        let simulator = launch(
            "atlas-graph-sim",
            directory.path(),
            &[
                "--listen=127.0.0.1:0",
                &format!("--address-file={}", listening.display()),
                "--size=150",
                "--max-page-size=5",
                &format!("--latency={}", options.latency.unwrap_or("0s")),
            ],
            &[],
        );
        let parameters = options.database_parameters;
        let url = programs_url(&database, parameters.as_deref());
        let api = api_variables(url, &redis_url, &redis);
        let api = Api::start(directory.path(), api, &options.api).await;
        Self {
            scenario: Scenario::new(&database.store()),
            database,
            database_parameters: parameters,
            namespace: redis.namespace().to_owned(),
            redis_url,
            api,
            graph: address(&listening).await,
            http: Client::builder().no_proxy().build().unwrap(),
            accepted: Mutex::default(),
            refused: Mutex::default(),
            unanswered: AtomicU64::new(0),
            directory,
            redis,
            _simulator: simulator,
        }
    }

    /// Goes on over another database and another Redis, with an API at another address. The programs
    /// of before have ended; of the runs that callers know, `accepted` are in that database.
    pub(crate) async fn move_to(
        &mut self,
        database: TestDatabase,
        redis_url: String,
        accepted: Vec<Uuid>,
    ) {
        let url = programs_url(&database, self.database_parameters.as_deref());
        let variables = api_variables(url, &redis_url, &self.redis);
        self.api = Api::start(self.directory.path(), variables, &[]).await;
        self.scenario = Scenario::new(&database.store());
        self.database = database;
        self.redis_url = redis_url;
        self.accepted = Mutex::new(accepted);
        self.refused = Mutex::default();
    }

    /// By which programs reach the database.
    pub(crate) fn database_url(&self) -> String {
        programs_url(&self.database, self.database_parameters.as_deref())
    }

    /// Starts a worker; what `extra` says wins.
    pub(crate) fn worker(&self, extra: &[(&str, &str)]) -> Program {
        self.worker_of(&binary("atlas-worker"), extra)
    }

    /// Starts a worker of a file, which may be another version's.
    pub(crate) fn worker_of(&self, file: &Path, extra: &[(&str, &str)]) -> Program {
        let health = self.directory.path().join("health").display().to_string();
        let database = self.database_url();
        let mut variables = vec![
            ("DATABASE_URL", database.as_str()),
            ("REDIS_URL", &self.redis_url),
            ("ATLAS_QUEUE_NAMESPACE", &self.namespace),
            ("ATLAS_HEALTH_FILE", &health),
            ("ATLAS_SECRET_KEYS", KEYS),
            ("ATLAS_GRAPH_URL", &self.graph),
            ("ATLAS_LOGIN_URL", &self.graph),
            ("ATLAS_LEASE", "2s"),
            ("ATLAS_HEARTBEAT", "300ms"),
            ("ATLAS_SWEEP_INTERVAL", "200ms"),
            ("ATLAS_POLL_INTERVAL", "50ms"),
        ];
        variables.extend(extra);
        can_go_wrong("atlas-worker", &variables);
        let directory = self.directory.path();
        launch_file(file, "atlas-worker", directory, &["run"], &variables)
    }

    /// A worker that goes wrong at a point, as atlas-telemetry's `crash_points` reads it.
    pub(crate) fn worker_with_fault(&self, fault: &str, extra: &[(&str, &str)]) -> Program {
        let mut variables = vec![(CRASH_POINTS, fault)];
        variables.extend(extra);
        self.worker(&variables)
    }

    /// A tenant and somebody who may sync it.
    pub(crate) async fn tenant(&self) -> (TestTenant, Member) {
        let tenant = self.scenario.tenant("Contoso").await;
        let member = self.scenario.member(tenant.id, Role::Operator).await;
        (tenant, member)
    }

    pub(crate) async fn tenants(&self, count: usize) -> Vec<(TestTenant, Member)> {
        let mut tenants = Vec::with_capacity(count);
        for _ in 0..count {
            tenants.push(self.tenant().await);
        }
        tenants
    }
}

fn programs_url(database: &TestDatabase, parameters: Option<&str>) -> String {
    let url = database.url();
    match parameters {
        None => url,
        Some(parameters) => {
            let sign = if url.contains('?') { '&' } else { '?' };
            format!("{url}{sign}{parameters}")
        }
    }
}

fn api_variables(
    database_url: String,
    redis_url: &str,
    redis: &TestRedis,
) -> Vec<(&'static str, String)> {
    vec![
        ("DATABASE_URL", database_url),
        ("REDIS_URL", redis_url.to_owned()),
        ("ATLAS_QUEUE_NAMESPACE", redis.namespace().to_owned()),
    ]
}
