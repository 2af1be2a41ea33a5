//! Asking for the work of a run again.

use atlas_domain::failure::{Failure, FailureCode};
use atlas_domain::ids::RunId;
use atlas_domain::inventory::{TypeResult, TypeStatus};
use atlas_domain::policy_types::registry;
use atlas_domain::run::Completion;
use reqwest::StatusCode;
use serde_json::json;

use crate::harness::{ONE_TYPE, Stage};

const TWO_TYPES: &str = r#"{"policy_types":["mobileApp","policySet"],"include_foundations":false}"#;

impl Stage {
    /// A run that read policy sets and failed to read mobile apps.
    async fn half_failed(&self) -> RunId {
        let claim = self.begun(TWO_TYPES).await;
        let run = claim.lease.run_id;
        let mut results = Vec::new();
        for (key, status) in [
            ("mobileApp", TypeStatus::Failed),
            ("policySet", TypeStatus::Succeeded),
        ] {
            let mut result = TypeResult::pending(registry().find(key).unwrap());
            result.status = status;
            if status == TypeStatus::Failed {
                let code = FailureCode::PERMISSION_MISSING;
                result.error = Some(Failure::permanent(code, "The permission is missing."));
            }
            let recorded = self.store.record_result(&claim.lease, &result).await;
            recorded.unwrap();
            results.push(result);
        }
        let completion = Completion::of_results(&results);
        self.store.finish(claim, &completion, None).await.unwrap();
        run
    }
}

#[tokio::test]
async fn a_retry_is_a_new_run_that_names_the_old_one_which_stays_as_it_is() {
    let stage = Stage::set().await;
    let old = stage.synced(1).await;
    let before = stage.get(&format!("/operation-runs/{old}")).await.body;
    let link = before["links"]["retry"].as_str().unwrap();
    let path = link.strip_prefix(&stage.api.base).unwrap();
    let reply = stage.api.post(path, &stage.operator.token, "").await;
    assert_eq!(reply.status, StatusCode::ACCEPTED, "{reply:?}");
    assert_eq!(reply.body["disposition"], "created");
    let run = &reply.body["run"];
    assert_eq!(run["retry_of"], old.to_string());
    assert_eq!(run["selection"], before["selection"]);
    assert_eq!(run["status"], "queued");
    let id = run["id"].as_str().unwrap();
    assert_eq!(
        reply.header("location"),
        format!("{}/operation-runs/{id}", stage.api.base)
    );
    assert!(stage.messages().iter().any(|message| message.contains(id)));
    let started = stage.audited("operation_run.started").await;
    assert_eq!(started[0]["target"]["id"], id);

    let again = stage.ask(old, "retry", r#"{"scope":"all"}"#).await;
    assert_eq!(again.body["disposition"], "joined");
    assert_eq!(again.body["run"]["id"], id);
    let after = stage.get(&format!("/operation-runs/{old}")).await.body;
    assert_eq!(after, before);
}

#[tokio::test]
async fn a_retry_of_what_failed_reads_only_that() {
    let stage = Stage::set().await;
    let run = stage.half_failed().await;
    let reply = stage.ask(run, "retry", r#"{"scope":"failed_only"}"#).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED, "{reply:?}");
    let selection = &reply.body["run"]["selection"];
    assert_eq!(selection["policy_types"], json!(["mobileApp"]));
    assert_eq!(selection["include_foundations"], false);
    assert_eq!(reply.body["run"]["retry_of"], run.to_string());
    let all = stage.ask(run, "retry", "{}").await;
    let selection = &all.body["run"]["selection"];
    assert_eq!(selection["policy_types"], json!(["mobileApp", "policySet"]));
}

#[tokio::test]
async fn a_run_of_which_nothing_failed_has_nothing_to_retry_but_all() {
    let stage = Stage::set().await;
    let run = stage.synced(1).await;
    let reply = stage.ask(run, "retry", r#"{"scope":"failed_only"}"#).await;
    reply.is_problem(409, "run_not_retryable");
    assert_eq!(reply.body["run"]["id"], run.to_string());
    assert_eq!(stage.get("/operation-runs").await.items().len(), 1);
}

#[tokio::test]
async fn a_run_that_was_cancelled_before_a_worker_had_it_is_retried_as_a_whole() {
    let stage = Stage::set().await;
    let run = stage.start(TWO_TYPES).await.body["run"].clone();
    let id = run["id"].as_str().unwrap();
    assert_eq!(stage.ask(id, "cancel", "").await.status, StatusCode::OK);
    let reply = stage.ask(id, "retry", r#"{"scope":"failed_only"}"#).await;
    assert_eq!(reply.body["disposition"], "created");
    assert_eq!(reply.body["run"]["selection"], run["selection"]);
}

#[tokio::test]
async fn a_run_that_has_not_ended_is_not_retried() {
    let stage = Stage::set().await;
    let claim = stage.begun(ONE_TYPE).await;
    let queued = stage.start("").await.body["run"]["id"].clone();
    for run in [
        claim.lease.run_id.to_string(),
        queued.as_str().unwrap().to_owned(),
    ] {
        let reply = stage.ask(&run, "retry", "").await;
        reply.is_problem(409, "run_not_terminal");
        assert_eq!(reply.body["run"]["id"], run);
    }
    assert_eq!(stage.get("/operation-runs").await.items().len(), 2);
}

#[tokio::test]
async fn who_may_only_look_may_not_retry_and_who_may_not_look_finds_nothing() {
    let stage = Stage::set().await;
    let run = stage.synced(1).await.to_string();
    stage
        .refused_to_readers(&run, "retry", "can_sync_tenant")
        .await;
    stage.hidden_from_strangers(&run, "retry").await;
    assert_eq!(stage.get("/operation-runs").await.items().len(), 1);
}

#[tokio::test]
async fn a_scope_that_is_not_known_is_refused() {
    let stage = Stage::set().await;
    let run = stage.synced(1).await;
    for (body, place) in [
        (r#"{"scope":"some"}"#, "/scope"),
        (r#"{"reason":"x"}"#, "/reason"),
    ] {
        let reply = stage.ask(run, "retry", body).await;
        reply.is_problem(400, "validation_failed");
        assert_eq!(reply.bad_place(), place);
    }
}

#[tokio::test]
async fn a_retry_is_refused_for_the_same_reasons_as_a_start() {
    let stage = Stage::set_without_redis().await;
    let run = stage.synced(1).await;
    let reply = stage.ask(run, "retry", "").await;
    reply.is_problem(503, "queue_unavailable");
    let failed = reply.body["run_id"].as_str().unwrap();
    let failed = stage.get(&format!("/operation-runs/{failed}")).await.body;
    assert_eq!(failed["error"]["code"], "dispatch_failed");
    assert_eq!(failed["retry_of"], run.to_string());

    let connection = stage.database.connection().await;
    let disable = "UPDATE tenants SET enabled = false";
    connection.batch_execute(disable).await.unwrap();
    let reply = stage.ask(run, "retry", "").await;
    reply.is_problem(409, "tenant_disabled");
}
