//! One house per test: a database with a journal, a simulator, the API and any number of workers,
//! with leases so short that a lost worker is missed within seconds.

use std::collections::BTreeMap;
use std::fs::DirEntry;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use atlas_domain::access::Role;
use atlas_domain::ids::RunId;
use atlas_test_support::{KEYS, Member, Scenario, TestDatabase, TestRedis, TestTenant, eventually};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::api::{Api, CRASH_POINTS, can_go_wrong};
use crate::invariants;
use crate::program::{Program, address, launch};

/// The list that most tests read: with pages of five it has several.
pub(crate) const APPS: &str = "/beta/deviceAppManagement/mobileApps";
const ONE_TYPE: &str = r#"{"policy_types": ["mobileApp"], "include_foundations": false}"#;
/// A worker that has one run at a time.
pub(crate) const ONE_SLOT: (&str, &str) = ("ATLAS_WORKER_SLOTS", "1");
/// A worker that finds nothing by itself after its start, so that only a message can tell it.
pub(crate) const NO_SWEEPS: (&str, &str) = ("ATLAS_SWEEP_INTERVAL", "1h");

/// How long a run may be nobody's after the worst fault: a lease of two seconds, a sweep, and the
/// 15 seconds after which PostgreSQL ends a transaction that a stopped process holds open.
const BOUND: Duration = Duration::from_secs(18);

/// What the house is built on when it is not the tests' own services.
#[derive(Debug, Default)]
pub(crate) struct Foundations {
    /// PostgreSQL, with a user who may create databases.
    pub(crate) database_url: Option<String>,
    pub(crate) redis_url: Option<String>,
    /// For the first start of the API alone.
    pub(crate) api: Vec<(&'static str, String)>,
    /// How long each answer of Graph takes.
    pub(crate) latency: Option<&'static str>,
}

pub(crate) struct House {
    pub(crate) database: TestDatabase,
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
    _redis: TestRedis,
    _simulator: Program,
}

/// What a start was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pressed {
    /// 202.
    Accepted(Uuid),
    /// 503 with a run that has failed.
    Refused(Uuid),
    /// Nothing, or that the database is away: the caller does not know.
    Unknown,
}

impl House {
    pub(crate) async fn start() -> Self {
        Self::upon(Foundations::default()).await
    }

    pub(crate) async fn upon(foundations: Foundations) -> Self {
        let database = match foundations.database_url {
            None => TestDatabase::create().await,
            Some(url) => TestDatabase::create_at(url).await,
        };
        let connection = database.connection().await;
        connection.batch_execute(invariants::JOURNAL).await.unwrap();
        let redis = TestRedis::create();
        let redis_url = foundations
            .redis_url
            .unwrap_or_else(|| redis.url().to_owned());
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
                &format!("--latency={}", foundations.latency.unwrap_or("0s")),
            ],
            &[],
        );
        let api = vec![
            ("DATABASE_URL", database.url()),
            ("REDIS_URL", redis_url.clone()),
            ("ATLAS_QUEUE_NAMESPACE", redis.namespace().to_owned()),
        ];
        let api = Api::start(directory.path(), api, &foundations.api).await;
        Self {
            scenario: Scenario::new(&database.store()),
            database,
            namespace: redis.namespace().to_owned(),
            redis_url,
            api,
            graph: address(&listening).await,
            http: Client::builder().no_proxy().build().unwrap(),
            accepted: Mutex::default(),
            refused: Mutex::default(),
            unanswered: AtomicU64::new(0),
            directory,
            _redis: redis,
            _simulator: simulator,
        }
    }

    /// Starts a worker; what `extra` says wins.
    pub(crate) fn worker(&self, extra: &[(&str, &str)]) -> Program {
        let health = self.directory.path().join("health").display().to_string();
        let database = self.database.url();
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
        launch("atlas-worker", self.directory.path(), &["run"], &variables)
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

    /// Records a run of which Redis is told nothing.
    pub(crate) async fn queue_silently(&self, tenant: TestTenant, member: &Member) -> RunId {
        self.scenario
            .queued_run(tenant.id, member.id, ONE_TYPE)
            .await
    }

    /// Presses sync.
    pub(crate) async fn start_sync(
        &self,
        tenant: TestTenant,
        member: &Member,
    ) -> reqwest::Result<Response> {
        self.press_with(tenant, member, ONE_TYPE).await
    }

    /// Presses sync for all policy types; the API must accept it.
    pub(crate) async fn start_full_sync(&self, tenant: TestTenant, member: &Member) {
        let answer = self.press_with(tenant, member, "{}").await.unwrap();
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
    }

    async fn press_with(
        &self,
        tenant: TestTenant,
        member: &Member,
        selection: &'static str,
    ) -> reqwest::Result<Response> {
        self.http
            .post(format!(
                "{}/tenants/{}/inventory-sync",
                self.api.url(),
                tenant.id
            ))
            .bearer_auth(&member.token)
            .header("content-type", "application/json")
            .body(selection)
            .send()
            .await
    }

    /// Presses sync and remembers the answer.
    pub(crate) async fn press(&self, tenant: TestTenant, member: &Member) -> Pressed {
        let Ok(answer) = self.start_sync(tenant, member).await else {
            self.unanswered.fetch_add(1, Ordering::Relaxed);
            return Pressed::Unknown;
        };
        let status = answer.status();
        let Ok(body) = answer.json::<Value>().await else {
            self.unanswered.fetch_add(1, Ordering::Relaxed);
            return Pressed::Unknown;
        };
        let id = |value: &Value| value.as_str().map(|id| id.parse::<Uuid>().unwrap());
        match (status, id(&body["run"]["id"]), id(&body["run_id"])) {
            (StatusCode::ACCEPTED, Some(run), _) => {
                self.accepted.lock().unwrap().push(run);
                Pressed::Accepted(run)
            }
            (StatusCode::SERVICE_UNAVAILABLE, _, Some(run)) => {
                self.refuse(run);
                Pressed::Refused(run)
            }
            (StatusCode::SERVICE_UNAVAILABLE, _, None) => Pressed::Unknown,
            _ => panic!("{status} {body}"),
        }
    }

    pub(crate) async fn press_accepted(&self, tenant: TestTenant, member: &Member) -> Uuid {
        match self.press(tenant, member).await {
            Pressed::Accepted(run) => run,
            other => panic!("{other:?}"),
        }
    }

    /// Runs that callers were told to be on their way.
    pub(crate) fn accepted(&self) -> Vec<Uuid> {
        self.accepted.lock().unwrap().clone()
    }

    /// Runs that callers were told to have failed.
    pub(crate) fn refused(&self) -> Vec<Uuid> {
        self.refused.lock().unwrap().clone()
    }

    /// Starts whose answers were lost: nobody knows whether there is a run.
    pub(crate) fn unanswered(&self) -> u64 {
        self.unanswered.load(Ordering::Relaxed)
    }

    pub(crate) fn refuse(&self, run: Uuid) {
        self.refused.lock().unwrap().push(run);
    }

    /// Asks a control endpoint of the simulator.
    pub(crate) async fn simulator(&self, path: &str) -> Value {
        let url = format!("{}/_sim/{path}", self.graph);
        self.http
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    /// Adds a rule of what goes wrong at the simulator.
    pub(crate) async fn simulate_fault(&self, rule: &Value) {
        self.post("faults", rule).await;
    }

    /// Posts to a control endpoint of the simulator.
    pub(crate) async fn post(&self, path: &str, body: &Value) {
        self.control(Method::POST, path, Some(body)).await;
    }

    /// Puts to a control endpoint of the simulator.
    pub(crate) async fn set(&self, path: &str, body: &Value) {
        self.control(Method::PUT, path, Some(body)).await;
    }

    /// Clears what a control endpoint of the simulator holds.
    pub(crate) async fn clear(&self, path: &str) {
        self.control(Method::DELETE, path, None).await;
    }

    async fn control(&self, method: Method, path: &str, body: Option<&Value>) {
        let url = format!("{}/_sim/{path}", self.graph);
        let request = self.http.request(method, url);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let status = request.send().await.unwrap().status();
        assert!(status.is_success(), "{path}: {status}");
    }

    /// Lets requests for the list wait at the simulator.
    pub(crate) async fn hold(&self) {
        let rule = json!({ "path": { "exact": APPS } });
        self.post("gates", &rule).await;
    }

    /// Waits until so many requests wait there.
    pub(crate) async fn held(&self, count: u64) {
        eventually("requests to wait at the gate", || async {
            let gates = self.simulator("gates").await;
            let waiting = gates["gates"].as_array().unwrap().iter();
            let waiting: u64 = waiting.filter_map(|gate| gate["waiting"].as_u64()).sum();
            (waiting == count).then_some(())
        })
        .await;
    }

    pub(crate) async fn release(&self) {
        self.clear("gates").await;
    }

    /// One number from the database.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let connection = self.database.connection().await;
        connection.query_one(sql, &[]).await.unwrap().get(0)
    }

    /// Waits until a number from the database is `wanted`.
    pub(crate) async fn number_becomes(&self, sql: &str, wanted: i64) {
        let connection = self.database.connection().await;
        let connection = &connection;
        eventually(sql, || async {
            let number: i64 = connection.query_one(sql, &[]).await.unwrap().get(0);
            (number == wanted).then_some(())
        })
        .await;
    }

    /// Waits until every run has ended.
    pub(crate) async fn quiesce(&self) {
        self.quiesce_within(BOUND * 3).await;
    }

    pub(crate) async fn quiesce_within(&self, patience: Duration) {
        assert!(self.ends_within(patience).await, "not every run has ended");
    }

    /// Whether every run ends in this time. What is left otherwise is said.
    pub(crate) async fn ends_within(&self, patience: Duration) -> bool {
        let connection = self.database.connection().await;
        let deadline = Instant::now() + patience;
        let left = "SELECT coalesce(string_agg(status || ' ' || attempt, ', '), '')
            FROM (SELECT status, attempt FROM operation_runs WHERE status <> 'completed' LIMIT 5) r";
        loop {
            let left: String = connection.query_one(left, &[]).await.unwrap().get(0);
            if left.is_empty() {
                return true;
            }
            if Instant::now() >= deadline {
                eprintln!("still there: {left}");
                return false;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until every run of the tenant has ended.
    pub(crate) async fn tenant_ends_within(&self, tenant: TestTenant, patience: Duration) {
        let connection = self.database.connection().await;
        let deadline = Instant::now() + patience;
        let left = "SELECT count(*) FROM operation_runs
            WHERE tenant_id = $1::text::uuid AND status <> 'completed'";
        let tenant = tenant.id.to_string();
        loop {
            let left: i64 = connection.query_one(left, &[&tenant]).await.unwrap().get(0);
            if left == 0 {
                return;
            }
            assert!(Instant::now() < deadline, "{left} runs have not ended");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// How the tenant's last run ended.
    pub(crate) async fn last_outcome(&self, tenant: TestTenant) -> String {
        let connection = self.database.connection().await;
        let sql = "SELECT outcome FROM operation_runs
            WHERE tenant_id = $1::text::uuid AND status = 'completed' ORDER BY id DESC LIMIT 1";
        let row = connection.query_one(sql, &[&tenant.id.to_string()]).await;
        row.unwrap().get(0)
    }

    /// Waits until every run has ended, and checks what must hold then.
    pub(crate) async fn check(&self) {
        self.quiesce().await;
        self.assert_invariants().await;
    }

    pub(crate) async fn assert_invariants(&self) {
        let connection = self.database.connection().await;
        let breaches = invariants::breaches(self, &connection).await;
        assert!(breaches.is_empty(), "{breaches:#?}");
    }

    /// How many runs ended how.
    pub(crate) async fn outcomes(&self) -> BTreeMap<String, i64> {
        let connection = self.database.connection().await;
        let sql =
            "SELECT outcome, count(*) FROM operation_runs WHERE outcome IS NOT NULL GROUP BY 1";
        let rows = connection.query(sql, &[]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }
}

/// Waits until the program's log has this text.
pub(crate) async fn says(program: &Program, text: &str) {
    eventually(text, || async {
        let log = std::fs::read_to_string(&program.log).unwrap();
        log.contains(text).then_some(())
    })
    .await;
}

/// Waits until a signal has stopped every thread of the process. `/proc` has the state of each by
/// the letter after its name; the first thread's alone would say too early that the others stand.
pub(crate) async fn stopped(process: u32) {
    let threads = format!("/proc/{process}/task");
    eventually("the process to be stopped", || async {
        let stands = |thread: std::io::Result<DirEntry>| {
            // A thread that ended meanwhile is looked for again.
            std::fs::read_to_string(thread.unwrap().path().join("stat"))
                .is_ok_and(|stat| stat.rsplit_once(") ").unwrap().1.starts_with('T'))
        };
        let mut threads = std::fs::read_dir(&threads).unwrap();
        threads.all(stands).then_some(())
    })
    .await;
}
