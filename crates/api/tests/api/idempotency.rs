//! Starts with a key.

use atlas_domain::access::Role;
use reqwest::Method;
use serde_json::json;

use crate::harness::{ONE_TYPE, Reply, Stage};

async fn start_by(stage: &Stage, token: &str, key: &str, body: &str) -> Reply {
    let request = stage
        .api
        .request(Method::POST, &stage.path("inventory-sync"))
        .bearer_auth(token)
        .header("idempotency-key", key)
        .header("content-type", "application/json")
        .body(body.to_owned());
    stage.api.send(request).await
}

async fn start(stage: &Stage, key: &str, body: &str) -> Reply {
    start_by(stage, &stage.operator.token, key, body).await
}

#[tokio::test]
async fn a_repeated_start_returns_its_run_as_it_is_now_and_starts_nothing() {
    let stage = Stage::set().await;
    let first = start(&stage, "one", ONE_TYPE).await;
    assert_eq!(first.body["disposition"], "created");
    assert_eq!(first.header("idempotent-replayed"), "");
    let id = first.body["run"]["id"].as_str().unwrap();
    stage.ask(id, "cancel", "").await;
    // Without the key this would start another run: the first one has ended.
    let again = start(&stage, "one", ONE_TYPE).await;
    assert_eq!(again.status.as_u16(), 202);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.body["disposition"], "created");
    assert_eq!(again.body["run"]["id"], id);
    assert_eq!(again.body["run"]["outcome"], "cancelled");
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(stage.get("/operation-runs").await.items().len(), 1);
    let other = start(&stage, "two", ONE_TYPE).await;
    assert_eq!(other.body["disposition"], "created");
    assert_ne!(other.body["run"]["id"], id);
    let audit = stage
        .get(&stage.path("audit-events?action=operation_run.started"))
        .await;
    assert_eq!(audit.items().len(), 2);
}

#[tokio::test]
async fn a_key_belongs_to_one_start_of_one_caller() {
    let stage = Stage::set().await;
    let first = start(&stage, "one", ONE_TYPE).await;
    let reused = start(&stage, "one", "{}").await;
    reused.is_problem(422, "idempotency_key_reused");
    assert!(reused.body["first_seen_at"].is_string());
    // Another spelling of the same start is the same start.
    let spelled = r#"{"include_foundations":false,"policy_types":["mobileApp","mobileApp"]}"#;
    let again = start(&stage, "\"one\"", spelled).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    let other = stage.scenario.member(stage.tenant.id, Role::Owner).await;
    let theirs = start_by(&stage, &other.token, "one", "{}").await;
    assert_eq!(theirs.body["disposition"], "created");
    let joined = start_by(&stage, &other.token, "two", ONE_TYPE).await;
    assert_eq!(joined.body["disposition"], "joined");
    let replayed = start_by(&stage, &other.token, "two", ONE_TYPE).await;
    assert_eq!(replayed.header("idempotent-replayed"), "true");
    assert_eq!(replayed.body["disposition"], "joined");
    assert_eq!(replayed.body["run"]["id"], first.body["run"]["id"]);
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_after_the_caller_is_known() {
    let stage = Stage::set().await;
    let long = "k".repeat(256);
    for bad in ["", &long] {
        start(&stage, bad, "")
            .await
            .is_problem(400, "idempotency_key_invalid");
        start_by(&stage, "tap_nobody", bad, "")
            .await
            .is_problem(401, "unauthenticated");
    }
    assert!(stage.get("/operation-runs").await.items().is_empty());
}

#[tokio::test]
async fn of_many_starts_with_one_key_at_once_one_starts_and_the_others_repeat_it() {
    let stage = Stage::set().await;
    let replies = futures::future::join_all((0..30).map(|_| start(&stage, "one", ONE_TYPE))).await;
    let replayed = |reply: &&Reply| reply.header("idempotent-replayed") == "true";
    assert_eq!(replies.iter().filter(replayed).count(), 29);
    let id = &replies[0].body["run"]["id"];
    assert!(replies.iter().all(|reply| reply.body["run"]["id"] == *id));
    assert_eq!(stage.get("/operation-runs").await.items().len(), 1);
    let connection = stage.database.connection().await;
    let entries = "SELECT count(*) FROM audit_events WHERE action LIKE 'operation_run.%'";
    let entries: i64 = connection.query_one(entries, &[]).await.unwrap().get(0);
    assert_eq!(entries, 1, "a repetition is no start");
}

#[tokio::test]
async fn of_two_different_starts_with_one_key_at_once_one_is_refused_and_starts_nothing() {
    let stage = Stage::set().await;
    for round in 0..10 {
        let key = format!("key-{round}");
        let (one, other) = tokio::join!(start(&stage, &key, ONE_TYPE), start(&stage, &key, "{}"));
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [202, 422]);
        let started = if one.status == 202 { &one } else { &other };
        let id = started.body["run"]["id"].as_str().unwrap();
        let runs = stage.get("/operation-runs?status=queued").await;
        assert_eq!(runs.items().len(), 1);
        stage.ask(id, "cancel", "").await;
    }
}

#[tokio::test]
async fn a_start_that_loses_the_race_for_the_run_keeps_the_one_that_it_joined() {
    let stage = Stage::set().await;
    for round in 0..10 {
        let (key, other_key) = (format!("a-{round}"), format!("b-{round}"));
        let (one, other) = tokio::join!(
            start(&stage, &key, ONE_TYPE),
            start(&stage, &other_key, ONE_TYPE)
        );
        assert_eq!(one.body["run"]["id"], other.body["run"]["id"]);
        for (key, reply) in [(&key, &one), (&other_key, &other)] {
            let again = start(&stage, key, ONE_TYPE).await;
            assert_eq!(again.header("idempotent-replayed"), "true");
            assert_eq!(again.body["run"]["id"], reply.body["run"]["id"]);
            assert_eq!(again.body["disposition"], reply.body["disposition"]);
        }
        stage
            .ask(one.body["run"]["id"].as_str().unwrap(), "cancel", "")
            .await;
    }
}

#[tokio::test]
async fn a_key_is_free_after_a_day_and_when_its_run_is_gone() {
    let stage = Stage::set().await;
    let connection = stage.database.connection().await;
    let first = start(&stage, "one", ONE_TYPE).await;
    stage
        .ask(first.body["run"]["id"].as_str().unwrap(), "cancel", "")
        .await;
    let age = "UPDATE start_keys SET created_at = now() - interval '25 hours'";
    connection.batch_execute(age).await.unwrap();
    let second = start(&stage, "one", "{}").await;
    assert_eq!(second.body["disposition"], "created");
    assert_eq!(
        start(&stage, "one", "{}")
            .await
            .header("idempotent-replayed"),
        "true"
    );
    let gone = "DELETE FROM operation_runs;
        UPDATE start_keys SET created_at = now() - interval '2 minutes'";
    connection.batch_execute(gone).await.unwrap();
    let third = start(&stage, "one", "{}").await;
    assert_eq!(third.body["disposition"], "created");
    assert_eq!(third.header("idempotent-replayed"), "");
}

#[tokio::test]
async fn a_start_that_redis_did_not_take_keeps_no_key() {
    let stage = Stage::set_without_redis().await;
    let failed = start(&stage, "one", ONE_TYPE).await;
    failed.is_problem(503, "queue_unavailable");
    let again = start(&stage, "one", ONE_TYPE).await;
    again.is_problem(503, "queue_unavailable");
    assert_ne!(again.body["run_id"], failed.body["run_id"]);
    let connection = stage.database.connection().await;
    let kept = connection
        .query_one("SELECT count(*) FROM start_keys", &[])
        .await;
    assert_eq!(kept.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test]
async fn a_retry_and_a_sync_of_groups_have_keys_too() {
    let stage = Stage::set().await;
    let run = stage.synced(1).await;
    for path in [
        format!("/operation-runs/{run}/retry"),
        stage.path("directory-groups-sync"),
    ] {
        let ask = async || {
            let request = stage.api.request(Method::POST, &path);
            let request = request.bearer_auth(&stage.operator.token);
            stage
                .api
                .send(request.header("idempotency-key", &path))
                .await
        };
        let first = ask().await;
        let again = ask().await;
        assert_eq!(again.header("idempotent-replayed"), "true", "{path}");
        assert_eq!(again.body["run"]["id"], first.body["run"]["id"]);
    }
}

#[tokio::test]
async fn owners_and_managers_start_before_others() {
    let stage = Stage::set().await;
    let high = r#"{"policy_types":["mobileApp"],"priority":"high"}"#;
    let refused = stage.start(high).await;
    refused.is_problem(403, "forbidden");
    assert_eq!(refused.body["required_permission"], "can_set_priority");
    let denied = stage
        .get(&stage.path("audit-events?action=operation_run.start_denied"))
        .await;
    assert_eq!(denied.items().len(), 1);
    let usual = stage.start(r#"{"priority":"normal"}"#).await;
    assert_eq!(usual.status.as_u16(), 202);
    let manager = stage.scenario.member(stage.tenant.id, Role::Manager).await;
    let path = stage.path("inventory-sync");
    let first = stage.api.post(&path, &manager.token, high).await;
    assert_eq!(first.body["disposition"], "created");
    let priorities = async || {
        let connection = stage.database.connection().await;
        let all = "SELECT priority FROM operation_runs ORDER BY created_at";
        let rows = connection.query(all, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect::<Vec<i16>>()
    };
    assert_eq!(priorities().await, [0, 10]);
    let claim = stage.claimed().await;
    assert_eq!(
        json!(claim.lease.run_id.to_string()),
        first.body["run"]["id"]
    );
    // Who joins a run that waits takes it along.
    let joined = stage
        .api
        .post(&path, &manager.token, r#"{"priority":"high"}"#)
        .await;
    assert_eq!(joined.body["disposition"], "joined");
    assert_eq!(priorities().await, [10, 10]);
}
