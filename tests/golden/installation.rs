//! What scenarios stand on: a database, a simulated Microsoft, people with fixed names, workers in
//! this process.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use atlas_domain::access::Role;
use atlas_domain::access::api_token::ApiToken;
use atlas_domain::clock::{Clock, SystemClock, SystemEntropy};
use atlas_domain::ids::{DirectoryId, RunId, TenantId, UserId};
use atlas_domain::run::{RunInputs, RunState};
use atlas_domain::vault::Keyring;
use atlas_graph_sim::{Simulator, SimulatorOptions};
use atlas_queue::{Doorbell, QueueOptions};
use atlas_store::{Pooling, Store, StoreOptions};
use atlas_test_support::{
    KEYS, Member, Scenario, TestDatabase, TestRedis, TestTenant, dead_redis_url, eventually,
};
use atlas_worker::options::{Arguments, Command, RunOptions};
use atlas_worker::process::{self, ProcessError};
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::dump::dump;
use crate::masks::Masks;

/// Objects of a simulated tenant: one of each policy type, as for every number that is too small.
const SIZE: usize = 1;
/// The version of workers that are reported and do not run.
pub(crate) const REPORTED_VERSION: &str = "1.2.3";

/// One installation with one simulated Microsoft.
pub(crate) struct Installation {
    pub(crate) database: TestDatabase,
    pub(crate) simulator: Simulator,
    pub(crate) store: Store,
    pub(crate) scenario: Scenario,
    health: tempfile::TempDir,
}

/// A worker in this process.
pub(crate) struct Worker {
    shutdown: CancellationToken,
    running: JoinHandle<Result<(), ProcessError>>,
}

impl Installation {
    pub(crate) async fn set_up() -> Self {
        Self::with(SimulatorOptions::default()).await
    }

    /// Whose simulator is like this, apart from its size.
    pub(crate) async fn with(options: SimulatorOptions) -> Self {
        let database = TestDatabase::create().await;
        let options = SimulatorOptions {
            size: SIZE,
            ..options
        };
        let store = store(&database);
        Self {
            simulator: Simulator::start(options).await,
            scenario: Scenario::new(&store),
            store,
            database,
            health: tempfile::tempdir().unwrap(),
        }
    }

    /// A tenant whose directory always holds the same, by its number, and its operator.
    pub(crate) async fn tenant(&self, number: u128, name: &str) -> (TestTenant, Member) {
        let directory = DirectoryId::from_uuid(Uuid::from_u128(number));
        let tenant = self.scenario.tenant_of(directory, name).await;
        let person = format!("operator-{number}");
        let member = self.member(tenant.id, &person, Role::Operator).await;
        (tenant, member)
    }

    /// A user with a token and a role in the tenant.
    pub(crate) async fn member(&self, tenant: TenantId, name: &str, role: Role) -> Member {
        let member = user(&self.store, name).await;
        self.store
            .set_member(tenant, member.id, role)
            .await
            .unwrap();
        member
    }

    /// A worker that works on one run at a time, and does not use Redis: what it is given to do it
    /// finds by sweeping.
    pub(crate) fn worker(&self) -> Worker {
        self.worker_with(&[])
    }

    /// With other flags.
    pub(crate) fn worker_with(&self, flags: &[&str]) -> Worker {
        let options = self.options(flags);
        let shutdown = CancellationToken::new();
        let asked = shutdown.clone();
        let keys = Keyring::parse(KEYS).unwrap();
        let running = tokio::spawn(async move { process::run(&options, keys, asked).await });
        Worker { shutdown, running }
    }

    fn options(&self, flags: &[&str]) -> RunOptions {
        let base = self.simulator.base_url();
        let arguments = [
            "atlas-worker".to_owned(),
            "run".to_owned(),
            format!("--database-url={}", self.database.url()),
            format!("--redis-url={}", dead_redis_url()),
            format!("--graph-url={base}"),
            format!("--login-url={base}"),
            format!(
                "--health-file={}",
                self.health.path().join("health").display()
            ),
            "--slots=1".to_owned(),
            "--sweep-interval=20ms".to_owned(),
            "--graph-conditional-access-interval=1ms".to_owned(),
            "--graph-first-backoff=1ms".to_owned(),
        ];
        let flags = flags.iter().map(|flag| (*flag).to_owned());
        let arguments = arguments.into_iter().chain(flags);
        let arguments = <Arguments as clap::Parser>::parse_from(arguments);
        match arguments.command {
            Command::Run(options) => *options,
            Command::Health(_) => unreachable!("run was asked for"),
        }
    }

    /// Records an inventory sync and waits until it is not worked on any more.
    pub(crate) async fn sync(&self, tenant: TestTenant, member: &Member, json: &str) -> RunId {
        let run = self.scenario.queued_run(tenant.id, member.id, json).await;
        self.rested(member, run).await
    }

    /// The same for a sync of groups.
    pub(crate) async fn sync_groups(&self, tenant: TestTenant, member: &Member) -> RunId {
        let start = Scenario::start_of(RunInputs::DirectoryGroupsSync);
        let run = self.scenario.queued(tenant.id, member.id, start).await;
        self.rested(member, run).await
    }

    /// Waits until the run has ended, or waits to be tried again.
    pub(crate) async fn rested(&self, member: &Member, run: RunId) -> RunId {
        eventually("the run to end", || async {
            let found = self.store.run(member.id, run).await.unwrap().unwrap();
            match found.state {
                RunState::Completed { .. } => Some(()),
                RunState::Queued { .. } if found.failures > 0 => Some(()),
                RunState::Queued { .. } | RunState::Running { .. } => None,
            }
        })
        .await;
        run
    }

    /// Runs a statement past the store.
    pub(crate) async fn execute(&self, sql: &str) {
        let connection = self.database.connection().await;
        connection.batch_execute(sql).await.unwrap();
    }

    /// All tables, with the simulator's address masked, but for the rows of workers that ran here: a
    /// report that is under way when a worker stops may come after its farewell.
    pub(crate) async fn dump(&self) -> Value {
        let mut masks = Masks::default();
        masks.replace(self.simulator.base_url(), "<graph>");
        let mut tables = dump(&self.database, masks).await;
        let workers = tables["workers"].as_array_mut().unwrap();
        workers.retain(|worker| worker["version"] == REPORTED_VERSION);
        tables
    }
}

impl Worker {
    /// Stops it when it has nothing to do any more.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.running.await.unwrap().unwrap();
    }
}

/// Each reading is a millisecond after the one before, so that identifiers stand in the order in
/// which they were made.
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> DateTime<Utc> {
        let milliseconds = self.0.fetch_add(1, Ordering::Relaxed);
        DateTime::from_timestamp_millis(milliseconds).unwrap()
    }
}

fn store(database: &TestDatabase) -> Store {
    let options = StoreOptions {
        database_url: SecretString::from(database.url()),
        pooling: Pooling::Session,
        pool_size: 8,
        read_pool_size: 4,
        application_name: "golden".to_owned(),
        acquire_timeout: Duration::from_secs(30),
    };
    let clock = Ticking(SystemClock.now().timestamp_millis().into());
    Store::new(&options, Arc::new(clock), Arc::new(SystemEntropy)).unwrap()
}

/// A user with a token who belongs to no tenant.
pub(crate) async fn user(store: &Store, name: &str) -> Member {
    let email = format!("{name}@example.test");
    let id = store.add_user(&email, name).await.unwrap();
    let token = token(store, id, "laptop").await;
    Member { id, token, email }
}

/// A token of a user.
pub(crate) async fn token(store: &Store, user: UserId, name: &str) -> String {
    let token = ApiToken::mint(&SystemEntropy);
    store
        .create_token(user, name, &token.hash(), &token.last_four(), None)
        .await
        .unwrap();
    token.reveal().to_owned()
}

/// The queue of a test in its own part of Redis.
pub(crate) fn queue(redis: &TestRedis) -> QueueOptions {
    QueueOptions::new(SecretString::from(redis.url()), redis.namespace())
}

/// A Redis that is down.
pub(crate) fn dead_doorbell() -> Doorbell {
    let queue = QueueOptions::new(SecretString::from(dead_redis_url()), "dead");
    Doorbell::new(&queue).unwrap()
}
