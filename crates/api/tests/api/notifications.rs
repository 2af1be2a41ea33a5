//! The caller's notifications.

use reqwest::StatusCode;
use serde_json::json;

use crate::harness::Stage;

#[tokio::test]
async fn unread_notifications_are_counted_read_one_by_one_and_up_to_one() {
    let stage = Stage::set().await;
    stage.synced(1).await;
    let count = async || stage.get("/me/notifications/unread-count").await.body;
    assert_eq!(count().await, json!({"count": 2, "capped": false}));
    let listed = stage.get("/me/notifications").await;
    let (newest, oldest) = (&listed.items()[0], &listed.items()[1]);
    assert_eq!(
        (&newest["phase"], &oldest["phase"]),
        (&json!("terminal"), &json!("queued"))
    );
    assert!(newest["title"].as_str().unwrap().contains("Contoso"));
    assert!(newest["links"]["view"].is_string() && newest.get("read_at").is_none());

    let read = format!("/me/notifications/{}/read", oldest["id"].as_str().unwrap());
    for _ in 0..2 {
        let reply = stage.api.post(&read, &stage.operator.token, "").await;
        assert_eq!(reply.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(count().await["count"], 1);
    let unread = stage.get("/me/notifications?unread=true").await;
    assert_eq!(unread.items().len(), 1);

    stage.start("").await;
    let body = json!({"up_to": newest["id"]}).to_string();
    let path = "/me/notifications/mark-read";
    let marked = stage.api.post(path, &stage.operator.token, &body).await;
    assert_eq!(marked.body, json!({"marked": 1}));
    // What was written after the one that was named stays unread.
    assert_eq!(count().await["count"], 1);
}

#[tokio::test]
async fn the_count_stops_at_a_hundred() {
    let stage = Stage::set().await;
    stage.synced(1).await;
    let connection = stage.database.connection().await;
    let many = "INSERT INTO operation_runs (id, tenant_id, kind, identity, lock_scope, inputs, \
            initiator_id, status, outcome, completed_at) \
        SELECT gen_random_uuid(), tenant_id, kind, identity, lock_scope, inputs, initiator_id, \
            'completed', 'succeeded', now() FROM operation_runs, generate_series(1, 120); \
        INSERT INTO notifications (id, user_id, tenant_id, run_id, phase, title, body) \
        SELECT gen_random_uuid(), initiator_id, tenant_id, id, 'queued', 't', 'b' \
        FROM operation_runs ON CONFLICT DO NOTHING";
    connection.batch_execute(many).await.unwrap();
    let count = stage.get("/me/notifications/unread-count").await;
    assert_eq!(count.body, json!({"count": 100, "capped": true}));
    assert_eq!(count.header("retry-after"), "15");
}

#[tokio::test]
async fn notifications_of_others_cannot_be_marked() {
    let stage = Stage::set().await;
    stage.synced(1).await;
    let stranger = stage.scenario.stranger().await;
    let id = stage.get("/me/notifications").await.items()[0]["id"].clone();
    let id = id.as_str().unwrap();
    let read = format!("/me/notifications/{id}/read");
    let refused = stage.api.post(&read, &stranger.token, "").await;
    refused.is_problem(404, "not_found");
    let path = "/me/notifications/mark-read";
    let body = json!({"up_to": id}).to_string();
    let refused = stage.api.post(path, &stranger.token, &body).await;
    refused.is_problem(400, "validation_failed");
    assert_eq!(refused.bad_place(), "/up_to");
    for body in ["", "{}", r#"{"up_to":"x"}"#] {
        let refused = stage.api.post(path, &stage.operator.token, body).await;
        refused.is_problem(400, "validation_failed");
    }
}
