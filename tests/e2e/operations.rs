//! Operators look at an installation, hold it, and read its numbers.

use std::collections::BTreeSet;
use std::net::TcpListener;

use atlas_test_support::eventually;
use serde_json::Value;

use crate::installation::Installation;

/// An address at which nothing listens yet.
fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Numbers that `docs/OPERATIONS.md` has for a program: the rows of its table that name it.
fn documented(program: &str) -> BTreeSet<String> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/OPERATIONS.md");
    let page = std::fs::read_to_string(page).unwrap();
    let rows = page.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `atlas_")?.split('|');
        let name = cells.next()?.split('`').next()?;
        let by = cells.nth(1)?;
        by.contains(program).then(|| format!("atlas_{name}"))
    });
    rows.collect()
}

async fn scrape(http: &reqwest::Client, address: &str) -> Option<String> {
    let answer = http.get(format!("http://{address}/metrics")).send().await;
    answer.ok()?.text().await.ok()
}

/// What has a value, and every one of these has its description.
fn reported(text: &str) -> BTreeSet<String> {
    let names: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .map(str::to_owned)
        .collect();
    for name in &names {
        assert!(text.contains(&format!("# HELP {name} ")), "{name}:\n{text}");
    }
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn both_programs_report_the_numbers_of_the_runbook_and_no_others() {
    let (api, worker) = (free_address(), free_address());
    let installation = Installation::start_with(&[("ATLAS_METRICS_LISTEN", &api)]).await;
    let (tenant, member) = installation.tenant("Contoso").await;
    let connection = installation.database.connection().await;
    let soon = "UPDATE tenant_credentials SET expires_on = current_date + 20";
    connection.batch_execute(soon).await.unwrap();
    let _worker = installation.worker_with("one", &[("ATLAS_METRICS_LISTEN", &worker)]);
    let started: Value = installation
        .press(tenant, &member, "{}")
        .await
        .json()
        .await
        .unwrap();
    let run = started["run"]["id"].as_str().unwrap();
    installation.ended(&member, run).await;
    for (program, address) in [("API", &api), ("worker", &worker)] {
        let expected = documented(program);
        assert!(expected.len() > 3, "{expected:?}");
        let text = eventually("all numbers", || async {
            let text = scrape(&installation.http, address).await?;
            expected.is_subset(&reported(&text)).then_some(text)
        })
        .await;
        assert_eq!(reported(&text), expected, "{program}");
        for secret in [run, &tenant.id.to_string(), &member.email] {
            assert!(!text.contains(secret), "{program} shows {secret}");
        }
    }
    let numbers = scrape(&installation.http, &worker).await.unwrap();
    for line in [
        r#"atlas_claims_total{kind="inventory_sync"} 1"#,
        r#"atlas_runs_ended_total{kind="inventory_sync",outcome="succeeded"} 1"#,
        r#"atlas_runs_ended_total{kind="inventory_sync",outcome="failed"} 0"#,
    ] {
        assert!(numbers.contains(line), "{line}:\n{numbers}");
    }
    let version = concat!(
        "atlas_build_info{version=\"",
        env!("CARGO_PKG_VERSION"),
        "\","
    );
    for beginning in [
        version,
        r#"atlas_graph_requests_total{service="deviceconfigv2"} "#,
        r#"atlas_graph_throttled_total{service="deviceconfigv2"} 0"#,
        r#"atlas_graph_wait_seconds_count{service="conditional_access"} "#,
        r#"atlas_tenants_by_sync_age{kind="directory_groups_sync",age="never"} "#,
        r#"atlas_tenant_certificates{state="ending"} 0"#,
        r#"atlas_tenant_client_secrets{state="ending"} 1"#,
        r#"atlas_tenant_client_secrets{state="unknown"} 0"#,
        r#"atlas_database_connections_max{pool="reads"} 2"#,
    ] {
        let found = numbers.lines().any(|line| line.starts_with(beginning));
        assert!(found, "{beginning}:\n{numbers}");
    }
    let numbers = scrape(&installation.http, &api).await.unwrap();
    let route = r#"route="/tenants/{tenant_id}/inventory-sync",method="POST",status="202""#;
    assert!(numbers.contains(route), "{numbers}");
    let created = r#"atlas_starts_total{kind="inventory_sync",disposition="created"} 1"#;
    assert!(numbers.contains(created), "{numbers}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_holds_the_queue_sees_it_held_and_lets_it_go() {
    let installation = Installation::start().await;
    let _worker = installation.worker("one");
    let ok = |output: std::process::Output| {
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{error}");
        String::from_utf8(output.stdout).unwrap()
    };
    let admin = |arguments: &[&str]| ok(installation.atlas(arguments, ""));
    admin(&[
        "user",
        "add",
        "--email=ops@example.test",
        "--name=Ops",
        "--operator",
    ]);
    let made = admin(&[
        "--json",
        "token",
        "create",
        "--user=ops@example.test",
        "--name=t",
    ]);
    let made: Value = serde_json::from_str(&made).unwrap();
    let token = made["token"].as_str().unwrap();
    let status = || -> Value {
        let text = ok(installation.atlas(&["--json", "queue", "status"], token));
        serde_json::from_str(&text).unwrap()
    };

    let paused = admin(&["queue", "pause", "--by=sam", "--reason=upgrade"]);
    assert_eq!(paused.trim(), "inventory_sync is paused");
    let (tenant, member) = installation.tenant("Contoso").await;
    let started: Value = installation
        .press(tenant, &member, "{}")
        .await
        .json()
        .await
        .unwrap();
    let run = started["run"]["id"].as_str().unwrap();
    let reported = "SELECT count(*) FROM workers WHERE heartbeat_at > started_at";
    eventually("a worker that has swept twice", || async {
        (installation.number(reported).await == 1).then_some(())
    })
    .await;
    let held = status();
    let queue = (held["queues"].as_array().unwrap().iter())
        .find(|queue| queue["kind"] == "inventory_sync")
        .unwrap();
    assert_eq!(queue["queued"], 1);
    assert_eq!(queue["pause"]["by"], "sam");
    assert_eq!(queue["pause"]["reason"], "upgrade");
    assert_eq!(held["workers"][0]["state"], "working");
    let claimed = "SELECT count(*) FROM operation_runs WHERE attempt > 0";
    assert_eq!(installation.number(claimed).await, 0);
    let table = ok(installation.atlas(&["queue", "status"], token));
    assert!(
        table.contains("sam") && table.contains("working"),
        "{table}"
    );

    let resumed = admin(&["queue", "resume", "--by=sam"]);
    assert_eq!(resumed.trim(), "inventory_sync is taken up again");
    assert_eq!(
        installation.ended(&member, run).await["outcome"],
        "succeeded"
    );
    let refused = installation.atlas(&["queue", "status"], &member.token);
    assert_eq!(refused.status.code(), Some(1), "no operator");
}
