//! Everything that a worker needs, and questions about what it did.

use std::collections::BTreeMap;

use atlas_domain::access::Role;
use atlas_domain::ids::RunId;
use atlas_domain::inventory::TypeResult;
use atlas_domain::run::{InventoryCounts, OperationRun, Outcome, RunInputs, RunState, Status};
use atlas_domain::vault::Keyring;
use atlas_graph_sim::{Simulator, SimulatorOptions};
use atlas_queue::{Doorbell, QueueOptions};
use atlas_store::{RunView, Store};
use atlas_test_support::{KEYS, Member, Scenario, TestDatabase, TestRedis, TestTenant, eventually};
use atlas_worker::options::{Arguments, Command, RunOptions};
use atlas_worker::process::{self, ProcessError};
use secrecy::SecretString;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// One installation with one simulated Microsoft.
pub(crate) struct Installation {
    pub(crate) database: TestDatabase,
    pub(crate) redis: TestRedis,
    pub(crate) simulator: Simulator,
    pub(crate) store: Store,
    pub(crate) scenario: Scenario,
    directory: tempfile::TempDir,
}

impl Installation {
    pub(crate) async fn build() -> Self {
        Self::over(TestDatabase::create().await).await
    }

    /// Whose simulated directories have this many groups.
    pub(crate) async fn with_groups(groups: usize) -> Self {
        let options = SimulatorOptions { groups, ..small() };
        Self::furnished(TestDatabase::create().await, options).await
    }

    /// With tenants of so many objects.
    pub(crate) async fn of_size(size: usize) -> Self {
        let options = SimulatorOptions { size, ..small() };
        Self::furnished(TestDatabase::create().await, options).await
    }

    /// With tenants of so many objects, on pages of at most so many.
    pub(crate) async fn paged(size: usize, page: usize) -> Self {
        let options = SimulatorOptions {
            size,
            max_page_size: Some(page),
            ..small()
        };
        Self::furnished(TestDatabase::create().await, options).await
    }

    pub(crate) async fn over(database: TestDatabase) -> Self {
        Self::furnished(database, small()).await
    }

    async fn furnished(database: TestDatabase, simulator: SimulatorOptions) -> Self {
        let store = database.store();
        Self {
            redis: TestRedis::create(),
            simulator: Simulator::start(simulator).await,
            scenario: Scenario::new(&store),
            store,
            database,
            directory: tempfile::tempdir().unwrap(),
        }
    }

    /// A tenant and a user who may sync it.
    pub(crate) async fn tenant(&self) -> (TestTenant, Member) {
        let tenant = self.scenario.tenant("Contoso").await;
        let member = self.scenario.member(tenant.id, Role::Operator).await;
        (tenant, member)
    }

    pub(crate) fn health_file(&self) -> std::path::PathBuf {
        self.directory.path().join("health")
    }

    pub(crate) fn options(&self, extra: &[&str]) -> RunOptions {
        let base = self.simulator.base_url();
        let always = [
            "atlas-worker".to_owned(),
            "run".to_owned(),
            format!("--database-url={}", self.database.url()),
            format!("--redis-url={}", self.redis.url()),
            format!("--queue-namespace={}", self.redis.namespace()),
            format!("--graph-url={base}"),
            format!("--login-url={base}"),
            format!("--health-file={}", self.health_file().display()),
            "--lease=3s".to_owned(),
            "--heartbeat=300ms".to_owned(),
            "--sweep-interval=200ms".to_owned(),
            "--poll-interval=50ms".to_owned(),
            "--shutdown-grace=20s".to_owned(),
            "--graph-conditional-access-interval=1ms".to_owned(),
            "--graph-first-backoff=5ms".to_owned(),
        ];
        let extra = extra.iter().map(|text| (*text).to_owned());
        // A repeated flag overrides the one before it.
        let arguments = <Arguments as clap::CommandFactory>::command().args_override_self(true);
        let matches = arguments.get_matches_from(always.into_iter().chain(extra));
        let arguments = <Arguments as clap::FromArgMatches>::from_arg_matches(&matches).unwrap();
        match arguments.command {
            Command::Run(options) => *options,
            Command::Health(_) => unreachable!("run was asked for"),
        }
    }

    pub(crate) fn worker(&self) -> Worker {
        self.worker_with(&[])
    }

    pub(crate) fn worker_with(&self, extra: &[&str]) -> Worker {
        self.worker_of(self.options(extra), KEYS)
    }

    /// A worker that has these keys.
    pub(crate) fn worker_with_keys(&self, keys: &str) -> Worker {
        self.worker_of(self.options(&[]), keys)
    }

    fn worker_of(&self, options: RunOptions, keys: &str) -> Worker {
        let shutdown = CancellationToken::new();
        let asked = shutdown.clone();
        let keys = Keyring::parse(keys).unwrap();
        let running = tokio::spawn(async move { process::run(&options, keys, asked).await });
        Worker { shutdown, running }
    }

    /// Records a run and rings for it, as the API does.
    pub(crate) async fn press(&self, tenant: TestTenant, member: &Member, json: &str) -> RunId {
        let run = self.scenario.queued_run(tenant.id, member.id, json).await;
        self.ring(run).await;
        run
    }

    /// Likewise, of the kind that reads groups.
    pub(crate) async fn press_groups(&self, tenant: TestTenant, member: &Member) -> RunId {
        let start = Scenario::start_of(RunInputs::DirectoryGroupsSync);
        let run = self.scenario.queued(tenant.id, member.id, start).await;
        self.ring(run).await;
        run
    }

    async fn ring(&self, run: RunId) {
        let queue = QueueOptions::new(SecretString::from(self.redis.url()), self.redis.namespace());
        Doorbell::new(&queue)
            .unwrap()
            .ring(run, None)
            .await
            .unwrap();
    }

    pub(crate) async fn ask_to_cancel(&self, run: RunId) {
        let statement = "UPDATE operation_runs SET cancel_requested_at = clock_timestamp(), \
            cancel_requested_by = initiator_id, \
            cancel_deadline_at = clock_timestamp() + interval '10 minutes' \
            WHERE id = $1::text::uuid";
        let connection = self.database.connection().await;
        let asked = connection.execute(statement, &[&run.to_string()]).await;
        assert_eq!(asked.unwrap(), 1);
    }

    pub(crate) async fn ended(&self, member: &Member, run: RunId) -> (Outcome, InventoryCounts) {
        eventually("the run to end", || async {
            match self.run(member, run).await.state {
                RunState::Completed {
                    outcome, counts, ..
                } => Some((outcome, counts.into())),
                RunState::Queued { .. } | RunState::Running { .. } => None,
            }
        })
        .await
    }

    pub(crate) async fn status(&self, member: &Member, run: RunId) -> Status {
        self.run(member, run).await.state.status()
    }

    /// The run as the member sees it.
    pub(crate) async fn run(&self, member: &Member, run: RunId) -> OperationRun {
        self.view(member, run).await.run
    }

    /// The run's results, by the key of the policy type.
    pub(crate) async fn results(
        &self,
        member: &Member,
        run: RunId,
    ) -> BTreeMap<&'static str, TypeResult> {
        let view = self.view(member, run).await;
        let results = self.store.run_results(&view).await.unwrap().into_iter();
        results
            .map(|result| (result.policy_type.as_str(), result))
            .collect()
    }

    async fn view(&self, member: &Member, run: RunId) -> RunView {
        self.store.run_view(member.id, run).await.unwrap().unwrap()
    }

    /// The present items of a tenant: (policy type, external id, name, assignments).
    pub(crate) async fn items(
        &self,
        tenant: TestTenant,
    ) -> Vec<(String, String, String, Option<i32>)> {
        let rows = self
            .database
            .connection()
            .await
            .query(
                "SELECT policy_type, external_id, name, assignment_count FROM inventory_items \
                 WHERE tenant_id = $1::text::uuid AND missing_since IS NULL ORDER BY 1, 2",
                &[&tenant.id.to_string()],
            )
            .await
            .unwrap();
        rows.iter()
            .map(|row| (row.get(0), row.get(1), row.get(2), row.get(3)))
            .collect()
    }

    pub(crate) async fn count(&self, sql: &str, run: RunId) -> i64 {
        let connection = self.database.connection().await;
        let row = connection.query_one(sql, &[&run.to_string()]).await;
        row.unwrap().get(0)
    }
}

/// A simulator of small tenants.
fn small() -> SimulatorOptions {
    SimulatorOptions {
        size: 150,
        groups: 0,
        ..SimulatorOptions::default()
    }
}

/// A worker in this process.
pub(crate) struct Worker {
    shutdown: CancellationToken,
    running: JoinHandle<Result<(), ProcessError>>,
}

impl Worker {
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.running.await.unwrap().unwrap();
    }
}
