//! Several worker processes, and their deaths.

use std::process::Command;

use atlas_test_support::eventually;
use serde_json::Value;

use crate::installation::Installation;
use crate::program::binary;

const APPS: &str = "/beta/deviceAppManagement/mobileApps";
const ONE_TYPE: &str = r#"{"policy_types": ["mobileApp"], "include_foundations": false}"#;

async fn start(
    installation: &Installation,
    tenant: atlas_test_support::TestTenant,
    member: &atlas_test_support::Member,
) -> String {
    let answer: Value = installation
        .press(tenant, member, ONE_TYPE)
        .await
        .json()
        .await
        .unwrap();
    answer["run"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_share_ten_tenants_and_all_runs_succeed() {
    let installation = Installation::start().await;
    installation.hold(APPS).await;
    let slots = [("ATLAS_WORKER_SLOTS", "3")];
    let _one = installation.worker_with("one", &slots);
    let _two = installation.worker_with("two", &slots);
    let mut started = Vec::new();
    for n in 0..10 {
        let (tenant, member) = installation.tenant(&format!("Tenant {n}")).await;
        let run = start(&installation, tenant, &member).await;
        started.push((member, run));
    }
    // Six slots take six runs, on two workers; the others wait.
    eventually("every slot to be busy", || async {
        let running = "SELECT count(*) FROM operation_runs WHERE status = 'running'";
        (installation.number(running).await == 6).then_some(())
    })
    .await;
    let workers = "SELECT count(DISTINCT worker_id) FROM operation_runs WHERE status = 'running'";
    assert_eq!(installation.number(workers).await, 2);
    installation.release().await;
    for (member, run) in &started {
        let run = installation.ended(member, run).await;
        assert_eq!(run["outcome"], "succeeded");
        assert_eq!(run["attempt"], 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_workers_run_is_ended_by_another() {
    let installation = Installation::start().await;
    let (tenant, member) = installation.tenant("Contoso").await;
    installation.hold(APPS).await;
    let mut victim = installation.worker("victim");
    let run = start(&installation, tenant, &member).await;
    eventually("the run to be under way", || async {
        let asked = installation.asked_and_held(APPS).await;
        asked.then_some(())
    })
    .await;
    victim.kill();
    installation.release().await;
    let _other = installation.worker("other");
    let run = installation.ended(&member, &run).await;
    assert_eq!(run["outcome"], "succeeded");
    assert_eq!(run["attempt"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_gives_the_run_back_and_ends_well_and_health_shows_it() {
    let installation = Installation::start().await;
    let (tenant, member) = installation.tenant("Contoso").await;
    installation.hold(APPS).await;
    let mut first = installation.worker_with("first", &[("ATLAS_SHUTDOWN_GRACE", "10ms")]);
    let healthy = |name: &str| {
        Command::new(binary("atlas-worker"))
            .arg("health")
            .arg("--health-file")
            .arg(installation.health_file(name))
            .output()
            .unwrap()
            .status
            .success()
    };
    let run = start(&installation, tenant, &member).await;
    eventually("the run to be under way", || async {
        installation.asked_and_held(APPS).await.then_some(())
    })
    .await;
    eventually("the worker to be healthy", || async {
        healthy("first").then_some(())
    })
    .await;
    first.signal("TERM");
    assert!(first.ended().await, "SIGTERM is no failure");
    assert!(!healthy("first"));
    let waiting = installation
        .get(&member, &format!("/operation-runs/{run}"))
        .await;
    assert_eq!(waiting["status"], "queued");
    assert_eq!(waiting["wait"]["reason"], "handed_back");

    installation.release().await;
    let _second = installation.worker("second");
    assert_eq!(
        installation.ended(&member, &run).await["outcome"],
        "succeeded"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_ends_well_on_sigterm() {
    let mut installation = Installation::start().await;
    let (_, member) = installation.tenant("Contoso").await;
    installation.get(&member, "/me").await;
    installation.api_program.signal("TERM");
    assert!(installation.api_program.ended().await);
}

async fn cancel(
    installation: &Installation,
    member: &atlas_test_support::Member,
    run: &str,
) -> reqwest::StatusCode {
    installation
        .http
        .post(format!("{}/operation-runs/{run}/cancel", installation.api))
        .bearer_auth(&member.token)
        .send()
        .await
        .unwrap()
        .status()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_stops_within_seconds_and_the_tenants_next_run_starts() {
    let installation = Installation::start().await;
    let (tenant, member) = installation.tenant("Contoso").await;
    installation.hold(APPS).await;
    let _worker = installation.worker("one");
    let held = start(&installation, tenant, &member).await;
    eventually("the run to be under way", || async {
        installation.asked_and_held(APPS).await.then_some(())
    })
    .await;
    let other = r#"{"policy_types": ["policySet"], "include_foundations": false}"#;
    let waiting: Value = installation
        .press(tenant, &member, other)
        .await
        .json()
        .await
        .unwrap();
    let waiting = waiting["run"]["id"].as_str().unwrap();

    assert_eq!(cancel(&installation, &member, &held).await, 202);
    let run = installation.ended(&member, &held).await;
    assert_eq!(run["outcome"], "cancelled");
    assert_eq!(run["cancel"]["completed_at"], run["completed_at"]);
    // By its heartbeat, and not by the sweep after the deadline.
    let at = |pointer: &str| {
        let text = run.pointer(pointer).and_then(Value::as_str).unwrap();
        text.to_owned()
    };
    assert!(at("/completed_at") < at("/cancel/deadline_at"), "{run}");
    // The list that it waited for was not read to its end, and nothing claims that it was.
    let path = format!("/operation-runs/{held}/results");
    let results = installation.get(&member, &path).await;
    assert_eq!(results["items"][0]["status"], "pending");
    assert_eq!(run["counts"]["types_succeeded"], 0);

    // The gate is still closed: the lock of the tenant is free because the run ended.
    let next = installation.ended(&member, waiting).await;
    assert_eq!(next["outcome"], "succeeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_whose_worker_is_dead_is_ended_by_anothers_sweep() {
    let installation = Installation::start().await;
    let (tenant, member) = installation.tenant("Contoso").await;
    installation.hold(APPS).await;
    let mut victim = installation.worker("victim");
    let run = start(&installation, tenant, &member).await;
    eventually("the run to be under way", || async {
        installation.asked_and_held(APPS).await.then_some(())
    })
    .await;
    victim.kill();
    assert_eq!(cancel(&installation, &member, &run).await, 202);
    installation.release().await;
    let _other = installation.worker("other");
    let run = installation.ended(&member, &run).await;
    assert_eq!(run["outcome"], "cancelled");
    assert_eq!(run["attempt"], 1, "nobody takes it again");
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_cancelled_and_retried_from_the_command_line() {
    let installation = Installation::start().await;
    let (tenant, member) = installation.tenant("Contoso").await;
    let run = start(&installation, tenant, &member).await;
    let atlas = |arguments: &[&str]| {
        let output = installation.atlas(arguments, &member.token);
        let text = String::from_utf8(output.stdout).unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), text, said)
    };
    let early = atlas(&["runs", "retry", &run]);
    assert_eq!(early.0, Some(1));
    assert!(early.2.contains("has not ended"), "{}", early.2);
    let cancelled = atlas(&["runs", "cancel", &run, "--reason=not today"]);
    assert_eq!(cancelled.0, Some(0), "{}", cancelled.2);
    assert!(
        cancelled.1.contains("completed cancelled"),
        "{}",
        cancelled.1
    );
    let seen = installation
        .get(&member, &format!("/operation-runs/{run}"))
        .await;
    assert_eq!(seen["cancel"]["reason"], "not today");

    let _worker = installation.worker("one");
    let retried = atlas(&["runs", "retry", &run, "--failed-only", "--follow"]);
    assert_eq!(retried.0, Some(0), "{}", retried.2);
    assert!(retried.1.contains("succeeded"), "{}", retried.1);
    let runs = installation.get(&member, "/operation-runs").await;
    assert_eq!(runs["items"][0]["retry_of"], run);
    let ended = atlas(&["runs", "cancel", runs["items"][0]["id"].as_str().unwrap()]);
    assert_eq!(ended.0, Some(1));
    assert!(ended.2.contains("nothing to cancel"), "{}", ended.2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_without_a_database_lives_and_is_not_ready_and_one_that_hangs_does_not_live() {
    let installation = Installation::start().await;
    let nowhere = [("DATABASE_URL", "postgres://atlas@127.0.0.1:9/atlas")];
    let worker = installation.worker_with("lonely", &nowhere);
    let asked = |arguments: &[&str]| {
        Command::new(binary("atlas-worker"))
            .arg("health")
            .args(arguments)
            .arg("--health-file")
            .arg(installation.health_file("lonely"))
            .output()
            .unwrap()
            .status
            .success()
    };
    eventually("the worker to live", || async {
        asked(&["--live"]).then_some(())
    })
    .await;
    assert!(!asked(&[]));

    worker.signal("STOP");
    let mut alive = installation.health_file("lonely").into_os_string();
    alive.push(".alive");
    let file = std::fs::File::options().append(true).open(alive).unwrap();
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
    file.set_modified(long_ago).unwrap();
    assert!(!asked(&["--live"]));
    worker.signal("CONT");
    eventually("the worker to live again", || async {
        asked(&["--live"]).then_some(())
    })
    .await;
}
