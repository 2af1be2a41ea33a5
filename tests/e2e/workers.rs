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
async fn sigterm_gives_the_run_back_and_ends_well_and_health_tells() {
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
