//! Stopping runs.

use atlas_domain::access::Role;
use atlas_domain::run::Completion;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::{ONE_TYPE, Reply, Stage};

impl Stage {
    /// The operator asks for something to be done with a run.
    pub(crate) async fn ask(&self, run: impl std::fmt::Display, what: &str, body: &str) -> Reply {
        let path = format!("/operation-runs/{run}/{what}");
        self.api.post(&path, &self.operator.token, body).await
    }

    /// The audit entries with this action.
    pub(crate) async fn audited(&self, action: &str) -> Vec<Value> {
        let path = self.path(&format!("audit-events?action={action}"));
        self.get(&path).await.items().to_vec()
    }

    /// Somebody who may only look, and is refused; the refusal is recorded.
    pub(crate) async fn refused_to_readers(&self, run: &str, what: &str, permission: &str) {
        let reader = self.scenario.member(self.tenant.id, Role::Readonly).await;
        let path = format!("/operation-runs/{run}/{what}");
        // What the body holds makes no difference to who may not.
        for body in ["", r#"{"nonsense":1}"#] {
            let reply = self.api.post(&path, &reader.token, body).await;
            reply.is_problem(403, "forbidden");
            assert_eq!(reply.body["required_permission"], permission);
        }
        let denied = self.audited(&format!("operation_run.{what}_denied")).await;
        assert_eq!(denied.len(), 2);
        assert_eq!(denied[0]["outcome"], "denied");
        assert_eq!(denied[0]["actor"]["id"], reader.id.to_string());
        assert_eq!(denied[0]["target"]["id"], run);
        let path = format!("/operation-runs/{run}");
        let seen = self.api.get(&path, &reader.token).await;
        assert_eq!(seen.body["actions"], json!([]));
        let listed = self.api.get("/operation-runs", &reader.token).await;
        assert_eq!(listed.items()[0]["actions"], json!([]));
    }

    /// Somebody of another tenant learns nothing.
    pub(crate) async fn hidden_from_strangers(&self, run: &str, what: &str) {
        let other = self.scenario.tenant("Fabrikam").await;
        let stranger = self.scenario.member(other.id, Role::Owner).await;
        let path = format!("/operation-runs/{run}/{what}");
        let reply = self.api.post(&path, &stranger.token, "").await;
        reply.is_problem(404, "not_found");
    }
}

#[tokio::test]
async fn a_queued_run_is_cancelled_at_once_and_says_who_asked_and_why() {
    let stage = Stage::set().await;
    let started = stage.start("").await;
    assert_eq!(started.body["run"]["actions"], json!(["cancel"]));
    let id = started.body["run"]["id"].as_str().unwrap();
    let link = started.body["run"]["links"]["cancel"].as_str().unwrap();
    let path = link.strip_prefix(&stage.api.base).unwrap();
    let body = r#"{"reason":"Wrong tenant."}"#;
    let reply = stage.api.post(path, &stage.operator.token, body).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    assert_eq!(reply.body["status"], "completed");
    assert_eq!(reply.body["outcome"], "cancelled");
    let cancel = &reply.body["cancel"];
    assert_eq!(
        cancel["requested_by"],
        json!({"id": stage.operator.id.to_string(), "display": "Test User"})
    );
    assert_eq!(cancel["reason"], "Wrong tenant.");
    assert_eq!(cancel["completed_at"], reply.body["completed_at"]);
    assert_eq!(reply.body["actions"], json!(["retry"]));

    let again = stage.ask(id, "cancel", r#"{"reason":"Once more."}"#).await;
    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(again.body["cancel"], *cancel, "the first request stands");
    let audited = stage.audited("operation_run.cancelled").await;
    assert_eq!(audited.len(), 1);
    assert_eq!(audited[0]["detail"]["reason"], "Wrong tenant.");
    assert_eq!(audited[0]["target"]["id"], id);
    let notifications = stage.get("/me/notifications").await;
    let title = "Inventory sync of Contoso was cancelled";
    assert_eq!(notifications.items()[0]["title"], title);
}

#[tokio::test]
async fn the_worker_of_a_running_run_is_asked_and_the_run_shows_it_until_it_ends() {
    let stage = Stage::set().await;
    let claim = stage.begun(ONE_TYPE).await;
    let id = claim.lease.run_id.to_string();
    let reply = stage.ask(&id, "cancel", "").await;
    assert_eq!(reply.status, StatusCode::ACCEPTED, "{reply:?}");
    let self_ = format!("{}/operation-runs/{id}", stage.api.base);
    assert_eq!(reply.header("location"), self_);
    assert_eq!(reply.header("retry-after"), "1");
    assert_eq!(reply.body["status"], "running");
    assert_eq!(reply.body["actions"], json!([]));
    let cancel = reply.body["cancel"].clone();
    assert!(cancel["deadline_at"].is_string());
    assert!(cancel.get("completed_at").is_none() && cancel.get("reason").is_none());
    let again = stage.ask(&id, "cancel", "{}").await;
    assert_eq!(again.status, StatusCode::ACCEPTED);
    assert_eq!(again.body["cancel"], cancel);
    assert_eq!(
        stage.audited("operation_run.cancel_requested").await.len(),
        1
    );
    for list in ["/operation-runs", "/operation-runs/active"] {
        let listed = stage.get(list).await;
        assert_eq!(listed.items()[0]["cancel"], cancel, "{list}");
    }

    // It was quicker than the request; still it does not end as something else.
    let quick = Completion::of_results(&[]);
    stage.store.finish(claim, &quick, None).await.unwrap();
    let ended = stage.get(&format!("/operation-runs/{id}")).await;
    assert_eq!(ended.body["outcome"], "cancelled");
    assert_eq!(
        ended.body["cancel"]["completed_at"],
        ended.body["completed_at"]
    );
    let after = stage.ask(&id, "cancel", "").await;
    assert_eq!(after.status, StatusCode::OK);
}

#[tokio::test]
async fn a_run_that_has_ended_otherwise_is_refused_and_shown() {
    let stage = Stage::set().await;
    let run = stage.synced(1).await;
    let reply = stage.ask(run, "cancel", "").await;
    reply.is_problem(409, "run_already_terminal");
    let seen = stage.get(&format!("/operation-runs/{run}")).await;
    assert_eq!(reply.body["run"], seen.body);
    assert_eq!(seen.body["actions"], json!(["retry"]));
    assert!(seen.body.get("cancel").is_none());
}

#[tokio::test]
async fn who_may_only_look_may_not_cancel_and_who_may_not_look_finds_nothing() {
    let stage = Stage::set().await;
    let run = stage.start("").await.body["run"]["id"].clone();
    let run = run.as_str().unwrap();
    stage
        .refused_to_readers(run, "cancel", "can_cancel_run")
        .await;
    stage.hidden_from_strangers(run, "cancel").await;
    let seen = stage.get(&format!("/operation-runs/{run}")).await;
    assert_eq!(seen.body["status"], "queued");
}

#[tokio::test]
async fn a_reason_that_cannot_be_read_is_refused_and_nothing_is_cancelled() {
    let stage = Stage::set().await;
    let run = stage.start("").await.body["run"]["id"].clone();
    let run = run.as_str().unwrap();
    let long = json!({"reason": "a".repeat(501)}).to_string();
    for (body, place, code) in [
        (long.as_str(), "/reason", "too_long"),
        (r#"{"reason":"a\u0000b"}"#, "/reason", "invalid_value"),
        (r#"{"reason":7}"#, "/reason", "invalid_value"),
        (r#"{"reason":null}"#, "/reason", "null"),
        (r#"{"force":true}"#, "/force", "unknown_member"),
    ] {
        let reply = stage.ask(run, "cancel", body).await;
        reply.is_problem(400, "validation_failed");
        assert_eq!(reply.bad_place(), place, "{body}");
        assert_eq!(reply.body["errors"][0]["code"], code, "{body}");
    }
    let seen = stage.get(&format!("/operation-runs/{run}")).await;
    assert_eq!(seen.body["status"], "queued");
    let longest = json!({"reason": "ü".repeat(500)}).to_string();
    assert_eq!(
        stage.ask(run, "cancel", &longest).await.status,
        StatusCode::OK
    );
}
