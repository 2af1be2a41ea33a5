//! `atlas doctor`: what it finds, and what it advises.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::process::{Command, Stdio};

use atlas_graph_sim::{Simulator, SimulatorOptions, TenantMode};
use atlas_test_support::{KEYS, Scenario, TestDatabase, TestRedis, TestTenant, dead_redis_url};
use serde_json::Value;

/// Other keys than those of the tests' tenants.
const OTHER_KEYS: &str = "other:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

struct Stage {
    database: TestDatabase,
    redis: TestRedis,
    simulator: Simulator,
    /// Variables that replace those of a healthy installation.
    set: Vec<(&'static str, String)>,
}

/// What the command reported.
struct Reported {
    well: bool,
    checks: Vec<Value>,
}

impl Stage {
    async fn over(database: TestDatabase) -> Self {
        Self {
            database,
            redis: TestRedis::create(),
            simulator: Simulator::start(SimulatorOptions::default()).await,
            set: Vec::new(),
        }
    }

    async fn build() -> Self {
        Self::over(TestDatabase::create().await).await
    }

    async fn tenant(&self, name: &str) -> TestTenant {
        Scenario::new(&self.database.store()).tenant(name).await
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_atlas"));
        command
            .arg("doctor")
            .args(arguments)
            .env_clear()
            .env("DATABASE_URL", self.database.url())
            .env("REDIS_URL", self.redis.url())
            .env("ATLAS_QUEUE_NAMESPACE", self.redis.namespace())
            .env("ATLAS_SECRET_KEYS", KEYS)
            .env("ATLAS_GRAPH_URL", self.simulator.base_url())
            .env("ATLAS_LOGIN_URL", self.simulator.base_url())
            .stdin(Stdio::null());
        for (name, value) in &self.set {
            command.env(name, value);
        }
        command
    }

    /// Runs on another thread: the simulator needs this one.
    async fn doctor(&self, arguments: &[&str]) -> Reported {
        let mut command = self.command(&[arguments, &["--json"]].concat());
        let output = tokio::task::spawn_blocking(move || command.output()).await;
        let output = output.unwrap().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        let text = String::from_utf8(output.stdout).unwrap();
        let report: Value = serde_json::from_str(&text)
            .unwrap_or_else(|_| panic!("no report, but {text:?} and {error:?}"));
        let well = report["well"].as_bool().unwrap();
        assert_eq!(output.status.code(), Some(i32::from(!well)), "{text}");
        Reported {
            well,
            checks: report["checks"].as_array().unwrap().clone(),
        }
    }
}

impl Reported {
    fn status(&self, check: &str) -> &str {
        self.of(check)["status"].as_str().unwrap()
    }

    fn of(&self, check: &str) -> &Value {
        let found = self.checks.iter().find(|found| found["check"] == check);
        found.unwrap_or_else(|| panic!("no {check} in {:?}", self.checks))
    }

    /// Only this check failed. Returns what was found, and what is advised.
    fn only_failure(&self, check: &str) -> (&str, &str) {
        let failed = |found: &&Value| found["status"] == "failed";
        let failed: Vec<_> = self.checks.iter().filter(failed).collect();
        let names: Vec<_> = failed.iter().map(|found| &found["check"]).collect();
        assert_eq!(names, [check], "{failed:?}");
        assert!(!self.well);
        let text = |name: &str| failed[0][name].as_str().unwrap();
        (text("detail"), text("advice"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_is_well_in_a_healthy_installation_and_nothing_is_left_behind() {
    let stage = Stage::build().await;
    stage.tenant("Contoso").await;
    stage.tenant("Fabrikam").await;
    let report = stage.doctor(&[]).await;
    assert!(report.well, "{:?}", report.checks);
    for check in [
        "database",
        "database TLS",
        "clock",
        "encoding and writes",
        "schema",
        "rights",
        "Redis",
        "keys",
        "ends of client secrets",
        "sign-in",
        "permissions",
    ] {
        assert_eq!(report.status(check), "ok", "{check}");
    }
    let subjects: Vec<_> = report
        .checks
        .iter()
        .filter(|found| found["check"] == "permissions")
        .map(|found| found["subject"].as_str().unwrap())
        .collect();
    assert_eq!(subjects, ["Contoso", "Fabrikam"]);
    let detail = report.of("keys")["detail"].as_str().unwrap();
    assert_eq!(detail, "open all 2 stored secrets");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_for_people_names_what_to_do_below_it() {
    let mut stage = Stage::build().await;
    stage.set.push(("REDIS_URL", dead_redis_url()));
    let mut command = stage.command(&["--offline"]);
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("CHECK "), "{text}");
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("Redis: start Redis"), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_reached_is_the_first_thing_to_mend() {
    let mut stage = Stage::build().await;
    let nowhere = "postgres://atlas:secret-word@127.0.0.1:9/atlas".to_owned();
    stage.set.push(("DATABASE_URL", nowhere));
    let report = stage.doctor(&[]).await;
    let (detail, advice) = report.only_failure("database");
    assert!(detail.contains("refused"), "{detail}");
    assert!(advice.contains("DATABASE_URL"), "{advice}");
    assert_eq!(report.status("keys"), "skipped");
    assert_eq!(report.status("tenants"), "skipped");
    assert_eq!(report.status("Redis"), "ok");
    assert!(!format!("{:?}", report.checks).contains("secret-word"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_the_schema_needs_a_migration() {
    let stage = Stage::over(TestDatabase::empty().await).await;
    let report = stage.doctor(&[]).await;
    let (detail, advice) = report.only_failure("schema");
    assert!(detail.contains("behind"), "{detail}");
    assert_eq!(advice, "run atlas migrate");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_takes_no_writes_is_named_with_what_to_do() {
    let mut stage = Stage::build().await;
    let url = stage.database.url();
    let sign = if url.contains('?') { '&' } else { '?' };
    let read_only = format!("{url}{sign}options=-c%20default_transaction_read_only%3Don");
    stage.set.push(("DATABASE_URL", read_only));
    let report = stage.doctor(&[]).await;
    let (detail, advice) = report.only_failure("encoding and writes");
    assert!(detail.contains("takes no writes"), "{detail}");
    assert!(advice.contains("target_session_attrs"), "{advice}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_encoding_is_named_with_what_to_do() {
    let mut stage = Stage::build().await;
    let admin = stage.database.connection().await;
    let row = admin
        .query_one("SELECT current_database()::text", &[])
        .await;
    let name: String = row.unwrap().get(0);
    let latin = format!("{name}_latin");
    let create = format!("CREATE DATABASE {latin} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    admin.batch_execute(&create).await.unwrap();
    let url = stage.database.url().replace(&name, &latin);
    stage.set.push(("DATABASE_URL", url));
    let report = stage.doctor(&[]).await;
    let drop = format!("DROP DATABASE {latin} WITH (FORCE)");
    admin.batch_execute(&drop).await.unwrap();
    let (detail, advice) = report.only_failure("encoding and writes");
    assert!(detail.contains("LATIN1"), "{detail}");
    assert!(advice.contains("ENCODING 'UTF8'"), "{advice}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_that_are_missing_are_named_by_table() {
    let mut stage = Stage::build().await;
    stage.tenant("Contoso").await;
    let admin = stage.database.connection().await;
    let row = admin
        .query_one("SELECT current_database()::text", &[])
        .await;
    let name: String = row.unwrap().get(0);
    let role = format!("{name}_reader");
    let grant = format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'reads';
         GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role};
         GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
         REVOKE INSERT, DELETE ON workers FROM {role}"
    );
    admin.batch_execute(&grant).await.unwrap();
    let url = stage.database.url();
    let (_, host) = url.split_once('@').unwrap();
    let url = format!("postgres://{role}:reads@{host}");
    stage.set.push(("DATABASE_URL", url));
    let report = stage.doctor(&[]).await;
    let revoke = format!("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}");
    admin.batch_execute(&revoke).await.unwrap();
    let without = stage.doctor(&[]).await;
    let drop = format!("DROP OWNED BY {role}; DROP ROLE {role}");
    admin.batch_execute(&drop).await.unwrap();
    let (all, advice) = without.only_failure("rights");
    assert!(
        all.contains("tenants (DELETE, INSERT, SELECT, UPDATE)"),
        "{all}"
    );
    assert!(advice.contains("GRANT SELECT, INSERT, UPDATE, DELETE"));
    let (detail, advice) = report.only_failure("rights");
    assert_eq!(detail, "missing on workers (DELETE, INSERT)");
    assert!(advice.contains("GRANT SELECT, INSERT, UPDATE, DELETE"));
    assert_eq!(
        report.status("sign-in"),
        "ok",
        "what can be read is examined"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_asked_for_by_its_setting_and_named_when_it_is_away() {
    let mut stage = Stage::build().await;
    stage.set.push(("REDIS_URL", dead_redis_url()));
    let report = stage.doctor(&["--offline"]).await;
    let (detail, advice) = report.only_failure("Redis");
    assert!(detail.starts_with("nothing listens"), "{detail}");
    assert!(advice.contains("start Redis"), "{advice}");
    stage.set = vec![("REDIS_URL", "ftp://redis".to_owned())];
    let report = stage.doctor(&["--offline"]).await;
    let (detail, _) = report.only_failure("Redis");
    assert!(detail.contains("not a valid redis://"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_do_not_open_a_secret_and_keys_that_are_missing_are_failures() {
    let mut stage = Stage::build().await;
    let tenant = stage.tenant("Contoso").await;
    stage.set.push(("ATLAS_SECRET_KEYS", OTHER_KEYS.to_owned()));
    let report = stage.doctor(&["--offline"]).await;
    let (detail, advice) = report.only_failure("keys");
    assert!(detail.starts_with("1 of 1 secrets do not open"), "{detail}");
    assert!(detail.contains(&tenant.id.to_string()), "{detail}");
    assert!(detail.contains("\"test\""), "the key is named: {detail}");
    assert!(advice.contains("ATLAS_SECRET_KEYS"), "{advice}");
    assert_eq!(report.status("tenants"), "skipped");

    for (keys, said) in [("", "no keys"), ("nonsense", "ID:KEY")] {
        stage.set = vec![("ATLAS_SECRET_KEYS", keys.to_owned())];
        let report = stage.doctor(&["--offline"]).await;
        let (detail, _) = report.only_failure("keys");
        assert!(detail.contains(said), "{detail}");
    }
    // The same without a secret is no failure.
    let stage = Stage {
        set: stage.set,
        ..Stage::build().await
    };
    assert_eq!(stage.doctor(&["--offline"]).await.status("keys"), "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_ends_within_thirty_days_is_named_with_what_to_do() {
    let stage = Stage::build().await;
    for name in ["Contoso", "Fabrikam", "Northwind"] {
        stage.tenant(name).await;
    }
    let admin = stage.database.connection().await;
    let ends = "UPDATE tenant_credentials c SET expires_on = current_date
        + CASE t.name WHEN 'Contoso' THEN 20 WHEN 'Fabrikam' THEN 40 END
        FROM tenants t WHERE t.id = c.tenant_id";
    admin.batch_execute(ends).await.unwrap();
    let report = stage.doctor(&["--offline"]).await;
    let (detail, advice) = report.only_failure("ends of client secrets");
    assert!(detail.starts_with("ends on 20"), "{detail}");
    assert!(advice.contains("--expires"), "{advice}");
    let subjects = |status: &str| -> Vec<&Value> {
        let checks = report.checks.iter();
        let of = checks.filter(|found| found["check"] == "ends of client secrets");
        of.filter(|found| found["status"] == status).collect()
    };
    assert_eq!(subjects("failed")[0]["subject"], "Contoso");
    let counted = "1 good for more than 30 days, 1 without a stored end";
    assert_eq!(subjects("ok")[0]["detail"], counted);
    let over = "UPDATE tenant_credentials SET expires_on = current_date - 2 WHERE expires_on < current_date + 30";
    admin.batch_execute(over).await.unwrap();
    let report = stage.doctor(&["--offline"]).await;
    let (detail, _) = report.only_failure("ends of client secrets");
    assert!(detail.starts_with("ended on 20"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_whose_sign_in_fails_is_named_and_others_are_examined() {
    let stage = Stage::build().await;
    stage.tenant("Contoso").await;
    let scenario = Scenario::new(&stage.database.store());
    scenario.tenant_with("Fabrikam", Some("wrong")).await;
    scenario.tenant_with("Northwind", None).await;
    let report = stage.doctor(&["--at-once=1"]).await;
    assert!(!report.well);
    let status: Vec<_> = report
        .checks
        .iter()
        .filter(|found| found["check"] == "sign-in")
        .map(|found| (found["subject"].as_str().unwrap(), &found["status"]))
        .collect();
    assert_eq!(
        status
            .iter()
            .map(|(name, status)| (*name, status.as_str().unwrap()))
            .collect::<Vec<_>>(),
        [
            ("Contoso", "ok"),
            ("Fabrikam", "failed"),
            ("Northwind", "failed")
        ]
    );
    for found in report
        .checks
        .iter()
        .filter(|found| found["status"] == "failed")
    {
        assert!(!found["advice"].as_str().unwrap().is_empty(), "{found}");
    }
    // Only one is asked for.
    let report = stage.doctor(&["--tenant=Contoso"]).await;
    assert!(report.well, "{:?}", report.checks);
}

#[tokio::test(flavor = "multi_thread")]
async fn permissions_that_are_missing_are_named() {
    let stage = Stage::build().await;
    let tenant = stage.tenant("Contoso").await;
    let missing = ["DeviceManagementApps.Read.All", "Policy.Read.All"];
    let modes = missing.map(|permission| TenantMode::Without(permission.to_owned()));
    stage
        .simulator
        .set_modes(&tenant.directory_id.to_string(), modes);
    let report = stage.doctor(&[]).await;
    let (detail, advice) = report.only_failure("permissions");
    assert_eq!(detail, format!("missing: {}", missing.join(", ")));
    assert!(advice.contains("admin consent"), "{advice}");
    // A tenant without Intune lacks no permission.
    let directory = tenant.directory_id.to_string();
    stage
        .simulator
        .set_modes(&directory, [TenantMode::NoIntune]);
    assert!(stage.doctor(&[]).await.well);
}
