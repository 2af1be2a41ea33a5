//! One installation of its own per test.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use atlas_domain::access::Role;
use atlas_test_support::{KEYS, Member, Scenario, TestDatabase, TestRedis, TestTenant, eventually};
use reqwest::{Client, Response};
use serde_json::Value;

use crate::program::{Program, address, binary, launch};

/// Database, Redis namespace, simulator and API.
pub(crate) struct Installation {
    pub(crate) database: TestDatabase,
    pub(crate) redis: TestRedis,
    pub(crate) scenario: Scenario,
    pub(crate) http: Client,
    pub(crate) api: String,
    pub(crate) graph: String,
    directory: tempfile::TempDir,
    _simulator: Program,
    pub(crate) api_program: Program,
}

impl Installation {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With further variables for the API.
    pub(crate) async fn start_with(extra: &[(&str, &str)]) -> Self {
        let database = TestDatabase::create().await;
        let redis = TestRedis::create();
        let directory = tempfile::tempdir().unwrap();
        let simulator_address = directory.path().join("simulator");
        let simulator = launch(
            "atlas-graph-sim",
            directory.path(),
            &[
                "--listen=127.0.0.1:0",
                &format!("--address-file={}", simulator_address.display()),
                "--size=150",
            ],
            &[],
        );
        let api_address = directory.path().join("api");
        let (database_url, address_file) = (database.url(), api_address.display().to_string());
        let mut variables = vec![
            ("DATABASE_URL", database_url.as_str()),
            ("REDIS_URL", redis.url()),
            ("ATLAS_QUEUE_NAMESPACE", redis.namespace()),
            ("ATLAS_LISTEN", "127.0.0.1:0"),
            ("ATLAS_ADDRESS_FILE", &address_file),
            ("ATLAS_RATE_LIMIT", "100000"),
            ("ATLAS_PUSH_TIMEOUT", "20s"),
        ];
        variables.extend(extra);
        let graph = address(&simulator_address).await;
        variables.push(("ATLAS_GRAPH_URL", &graph));
        let api_program = launch("atlas-api", directory.path(), &[], &variables);
        let api = address(&api_address).await;
        Self {
            scenario: Scenario::new(&database.store()),
            database,
            redis,
            http: Client::builder().no_proxy().build().unwrap(),
            api,
            graph,
            directory,
            _simulator: simulator,
            api_program,
        }
    }

    pub(crate) fn worker(&self, name: &str) -> Program {
        self.worker_with(name, &[])
    }

    pub(crate) fn worker_with(&self, name: &str, extra: &[(&str, &str)]) -> Program {
        let health = self.health_file(name).display().to_string();
        let mut variables = vec![
            ("ATLAS_HEALTH_FILE", health.as_str()),
            ("ATLAS_SECRET_KEYS", KEYS),
            ("ATLAS_QUEUE_NAMESPACE", self.redis.namespace()),
            ("REDIS_URL", self.redis.url()),
            ("ATLAS_GRAPH_URL", &self.graph),
            ("ATLAS_LOGIN_URL", &self.graph),
            ("ATLAS_LEASE", "3s"),
            ("ATLAS_HEARTBEAT", "300ms"),
            ("ATLAS_SWEEP_INTERVAL", "200ms"),
            ("ATLAS_POLL_INTERVAL", "50ms"),
            ("ATLAS_GRAPH_CONDITIONAL_ACCESS_INTERVAL", "1ms"),
        ];
        let database = self.database.url();
        variables.push(("DATABASE_URL", &database));
        variables.extend(extra);
        launch("atlas-worker", self.directory.path(), &["run"], &variables)
    }

    /// Where the programs' logs are.
    pub(crate) fn folder(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn health_file(&self, name: &str) -> PathBuf {
        self.directory.path().join(format!("{name}.health"))
    }

    /// Waits until `atlas-worker health` succeeds with a line that begins like this, and gives the line.
    pub(crate) async fn health(&self, name: &str, beginning: &str) -> String {
        eventually(beginning, || async {
            let asked = Command::new(binary("atlas-worker"))
                .args(["health", "--health-file"])
                .arg(self.health_file(name))
                .output()
                .unwrap();
            let line = String::from_utf8(asked.stdout).unwrap();
            (asked.status.success() && line.starts_with(beginning)).then_some(line)
        })
        .await
    }

    /// The command line as an operator and user of this installation.
    pub(crate) fn atlas(&self, arguments: &[&str], token: &str) -> Output {
        self.atlas_with(arguments, token, &[])
    }

    /// The same with further variables.
    pub(crate) fn atlas_with(
        &self,
        arguments: &[&str],
        token: &str,
        extra: &[(&str, &str)],
    ) -> Output {
        Command::new(binary("atlas"))
            .args(arguments)
            .env_clear()
            .env("DATABASE_URL", self.database.url())
            .env("ATLAS_SECRET_KEYS", KEYS)
            .env("ATLAS_URL", &self.api)
            .env("ATLAS_TOKEN", token)
            .envs(extra.iter().copied())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// A tenant and an operator of it.
    pub(crate) async fn tenant(&self, name: &str) -> (TestTenant, Member) {
        let tenant = self.scenario.tenant(name).await;
        let member = self.scenario.member(tenant.id, Role::Operator).await;
        (tenant, member)
    }

    pub(crate) async fn press(&self, tenant: TestTenant, member: &Member, body: &str) -> Response {
        self.http
            .post(format!("{}/tenants/{}/inventory-sync", self.api, tenant.id))
            .bearer_auth(&member.token)
            .header("content-type", "application/json")
            .body(body.to_owned())
            .send()
            .await
            .unwrap()
    }

    pub(crate) async fn get(&self, member: &Member, path: &str) -> Value {
        let answer = self
            .http
            .get(format!("{}{path}", self.api))
            .bearer_auth(&member.token)
            .send()
            .await
            .unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Waits until the run has ended and gives it.
    pub(crate) async fn ended(&self, member: &Member, run: &str) -> Value {
        eventually("the run to end", || async {
            let run = self.get(member, &format!("/operation-runs/{run}")).await;
            (run["status"] == "completed").then_some(run)
        })
        .await
    }

    /// Asks the simulator to hold requests to this path.
    pub(crate) async fn hold(&self, path: &str) {
        let rule = serde_json::json!({ "path": { "exact": path } });
        self.simulate("gates", rule.to_string()).await;
    }

    /// Posts to one of the simulator's control endpoints.
    pub(crate) async fn simulate(&self, what: &str, body: String) {
        let answer = self
            .http
            .post(format!("{}/_sim/{what}", self.graph))
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    pub(crate) async fn release(&self) {
        self.forget("gates").await;
    }

    /// Deletes what was posted to one of the simulator's control endpoints.
    pub(crate) async fn forget(&self, what: &str) {
        let answer = self
            .http
            .delete(format!("{}/_sim/{what}", self.graph))
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    /// What the simulator was asked.
    pub(crate) async fn asked(&self) -> Vec<Value> {
        let log: Value = self
            .http
            .get(format!("{}/_sim/log", self.graph))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        match log {
            Value::Array(entries) => entries,
            Value::Object(mut members) => match members.remove("entries") {
                Some(Value::Array(entries)) => entries,
                _ => panic!("no entries in the log"),
            },
            _ => panic!("no log"),
        }
    }

    /// Whether a request to this path waits at a gate.
    pub(crate) async fn asked_and_held(&self, path: &str) -> bool {
        let gates: Value = self
            .http
            .get(format!("{}/_sim/gates", self.graph))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let gates = gates["gates"].as_array().cloned().unwrap_or_default();
        gates.iter().any(|gate| {
            gate["path"]["exact"] == path && gate["waiting"].as_u64().is_some_and(|n| n > 0)
        })
    }

    /// One number from the database.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let connection = self.database.connection().await;
        connection.query_one(sql, &[]).await.unwrap().get(0)
    }
}
