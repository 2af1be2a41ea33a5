//! Pressing sync.

use atlas_domain::access::Role;
use atlas_domain::policy_types::registry;
use atlas_test_support::{RedisServer, Scenario};
use reqwest::{Method, StatusCode};
use serde_json::json;
use uuid::Uuid;

use crate::harness::{ONE_TYPE, Stage};

#[tokio::test]
async fn a_start_answers_at_once_with_the_run_and_the_way_to_follow_it() {
    let stage = Stage::set().await;
    let reply = stage.start("").await;
    assert_eq!(reply.status, StatusCode::ACCEPTED, "{reply:?}");
    let run = &reply.body["run"];
    let id = run["id"].as_str().unwrap();
    assert_eq!(reply.body["disposition"], "created");
    assert_eq!(run["status"], "queued");
    assert_eq!(run["kind"], "inventory_sync");
    assert_eq!(run["tenant"]["name"], "Contoso");
    assert_eq!(run["initiator"]["id"], stage.operator.id.to_string());
    let count = registry().policies().count();
    assert_eq!(run["selection"], json!({"policy_type_count": count}));
    assert!(run.get("outcome").is_none() && run.get("retry_of").is_none());
    let self_ = format!("{}/operation-runs/{id}", stage.api.base);
    assert_eq!(run["links"]["self"], self_);
    assert_eq!(run["links"]["results"], format!("{self_}/results"));
    assert_eq!(
        run["links"]["view"],
        format!("{}/view/operation-runs/{id}", stage.api.base)
    );
    assert_eq!(reply.header("location"), self_);
    assert_eq!(reply.header("retry-after"), "1");
    let read = stage.get(&format!("/operation-runs/{id}")).await;
    assert_eq!(read.body["id"], id);
}

#[tokio::test]
async fn every_spelling_of_the_default_joins_the_run_that_is_active() {
    let stage = Stage::set().await;
    let first = stage.start("").await;
    for body in [
        "{}",
        r#"{"categories":[]}"#,
        r#"{"include_foundations":true,"include_dependencies":true}"#,
    ] {
        let reply = stage.start(body).await;
        assert_eq!(reply.status, StatusCode::ACCEPTED);
        assert_eq!(reply.body["disposition"], "joined", "{body}");
        assert_eq!(reply.body["run"]["id"], first.body["run"]["id"]);
        assert_eq!(reply.header("location"), first.header("location"));
    }
    let other = stage.start(ONE_TYPE).await;
    assert_eq!(other.body["disposition"], "created");
}

#[tokio::test]
async fn a_start_that_verifies_all_is_another_run_than_one_that_does_not() {
    const ALL: &str =
        r#"{"policy_types":["mobileApp"],"include_foundations":false,"verify":"all"}"#;
    let stage = Stage::set().await;
    let usual = stage.start(ONE_TYPE).await;
    assert!(usual.body["run"]["selection"].get("verify").is_none());
    let all = stage.start(ALL).await;
    assert_eq!(all.body["disposition"], "created");
    assert_eq!(all.body["run"]["selection"]["verify"], "all");
    let again = stage.start(ALL).await;
    assert_eq!(again.body["disposition"], "joined");
    assert_eq!(again.body["run"]["id"], all.body["run"]["id"]);
    let id = all.body["run"]["id"].as_str().unwrap();
    let read = stage.get(&format!("/operation-runs/{id}")).await;
    assert_eq!(read.body["selection"]["verify"], "all");

    // What programs of the version before read of the run is a selection that they know.
    let connection = stage.database.connection().await;
    let same =
        "SELECT count(DISTINCT inputs) = 1 AND count(DISTINCT identity) = 2 FROM operation_runs";
    let row = connection.query_one(same, &[]).await.unwrap();
    assert!(row.get::<_, bool>(0));

    stage.ask(id, "cancel", "").await;
    let retried = stage.ask(id, "retry", "").await;
    assert_eq!(retried.body["run"]["selection"]["verify"], "all");
}

#[tokio::test]
async fn of_a_hundred_starts_at_once_one_creates_the_run_and_all_others_join_it() {
    let stage = Stage::set().await;
    let starts = (0..100).map(|_| stage.start(ONE_TYPE));
    let replies = futures::future::join_all(starts).await;
    let with = |disposition: &str| {
        let fits = |reply: &&crate::harness::Reply| reply.body["disposition"] == disposition;
        replies.iter().filter(fits).count()
    };
    assert_eq!((with("created"), with("joined")), (1, 99));
    assert!(
        replies
            .iter()
            .all(|reply| reply.body["run"]["id"] == replies[0].body["run"]["id"])
    );
    let runs = stage.get("/operation-runs").await;
    assert_eq!(runs.items().len(), 1);
    let audit = stage.get(&stage.path("audit-events?limit=200")).await;
    let joined = |event: &&serde_json::Value| event["action"] == "operation_run.joined";
    assert_eq!(audit.items().iter().filter(joined).count(), 99);
}

#[tokio::test]
async fn a_start_rings_for_the_workers_with_the_callers_trace() {
    let stage = Stage::set().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = stage
        .api
        .request(Method::POST, &stage.path("inventory-sync"))
        .bearer_auth(&stage.operator.token)
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"));
    let reply = stage.api.send(request).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED);
    let run = reply.body["run"]["id"].as_str().unwrap();
    let messages = stage.messages();
    let carries = |message: &String| message.contains(trace) && message.contains(run);
    assert!(messages.iter().any(carries), "{messages:?}");
}

#[tokio::test]
async fn a_selection_that_cannot_be_read_is_refused_with_the_place_of_each_fault() {
    let stage = Stage::set().await;
    for (body, place, code) in [
        (r#"{"policy_type":[]}"#, "/policy_type", "unknown_member"),
        (
            r#"{"policy_types":["nonsense"]}"#,
            "/policy_types/0",
            "unknown_policy_type",
        ),
        (
            r#"{"policy_types":["assignmentFilter"]}"#,
            "/policy_types/0",
            "foundation",
        ),
        (
            r#"{"policy_types":[1]}"#,
            "/policy_types/0",
            "invalid_value",
        ),
        (r#"{"policy_types":null}"#, "/policy_types", "null"),
        (
            r#"{"categories":["Nope"]}"#,
            "/categories/0",
            "unknown_category",
        ),
        (
            r#"{"policy_types":[],"include_foundations":false}"#,
            "/policy_types",
            "selects_nothing",
        ),
        (
            r#"{"include_foundations":"yes"}"#,
            "/include_foundations",
            "invalid_value",
        ),
        (r#"{"verify":"most"}"#, "/verify", "invalid_value"),
        ("[]", "", "not_an_object"),
    ] {
        let reply = stage.start(body).await;
        reply.is_problem(400, "validation_failed");
        assert_eq!(reply.bad_place(), place, "{body}");
        assert_eq!(reply.body["errors"][0]["code"], code, "{body}");
    }
    stage.start("{").await.is_problem(400, "malformed_request");
    let reply = stage
        .api
        .post(
            &stage.path("inventory-sync?dry=1"),
            &stage.operator.token,
            "",
        )
        .await;
    reply.is_problem(400, "validation_failed");
    assert_eq!(reply.bad_place(), "dry");
    assert!(stage.get("/operation-runs").await.items().is_empty());
}

#[tokio::test]
async fn a_body_must_be_plain_json_of_at_most_64_kib() {
    let stage = Stage::set().await;
    let path = stage.path("inventory-sync");
    let post = |name: &'static str, value: &'static str, body: Vec<u8>| {
        let request = stage.api.request(Method::POST, &path);
        let request = request
            .bearer_auth(&stage.operator.token)
            .header(name, value);
        stage.api.send(request.body(body))
    };
    let refused = post("content-type", "text/plain", b"{}".to_vec()).await;
    refused.is_problem(415, "unsupported_media_type");
    let refused = post("accept", "*/*", b"{}".to_vec()).await;
    refused.is_problem(415, "unsupported_media_type");
    let large = vec![b' '; 64 * 1024 + 1];
    let refused = post("content-type", "application/json", large).await;
    refused.is_problem(413, "payload_too_large");
    let accepted = post(
        "content-type",
        "application/json; charset=utf-8",
        b"{}".to_vec(),
    )
    .await;
    assert_eq!(accepted.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_body_whose_length_is_not_announced_is_limited_too() {
    let stage = Stage::set().await;
    let chunks = futures::stream::iter((0..65).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1024])));
    let request = stage
        .api
        .request(Method::POST, &stage.path("inventory-sync"))
        .bearer_auth(&stage.operator.token)
        .header("content-type", "application/json")
        .body(reqwest::Body::wrap_stream(chunks));
    let reply = stage.api.send(request).await;
    reply.is_problem(413, "payload_too_large");
}

#[tokio::test]
async fn a_member_who_may_only_look_is_refused_and_the_refusal_is_recorded() {
    let stage = Stage::set().await;
    let reader = stage.scenario.member(stage.tenant.id, Role::Readonly).await;
    let path = stage.path("inventory-sync");
    // What the body holds makes no difference to who may not start.
    for body in ["", r#"{"nonsense":1}"#] {
        let reply = stage.api.post(&path, &reader.token, body).await;
        reply.is_problem(403, "forbidden");
        assert_eq!(reply.body["required_permission"], "can_sync_tenant");
    }
    let audit = stage.get(&stage.path("audit-events?outcome=denied")).await;
    assert_eq!(audit.items().len(), 2);
    let event = &audit.items()[0];
    assert_eq!(event["action"], "operation_run.start_denied");
    assert_eq!(event["actor"]["id"], reader.id.to_string());
    assert!(stage.get("/operation-runs").await.items().is_empty());
}

#[tokio::test]
async fn a_tenant_that_is_disabled_or_without_credentials_is_not_synced() {
    let stage = Stage::set().await;
    let bare = stage.scenario.tenant_with("Bare", None).await;
    stage
        .store
        .set_member(bare.id, stage.operator.id, Role::Owner)
        .await
        .unwrap();
    let path = format!("/tenants/{}/inventory-sync", bare.id);
    let reply = stage.api.post(&path, &stage.operator.token, "").await;
    reply.is_problem(409, "tenant_not_connected");
    assert_eq!(reply.body["tenant_id"], bare.id.to_string());
    assert!(
        reply.body["hint"]
            .as_str()
            .unwrap()
            .contains("atlas tenant credentials set")
    );

    let connection = stage.database.connection().await;
    let disable = "UPDATE tenants SET enabled = false";
    connection.batch_execute(disable).await.unwrap();
    stage.start("").await.is_problem(409, "tenant_disabled");
}

#[tokio::test]
async fn without_redis_the_run_ends_as_failed_and_its_initiator_is_notified() {
    let stage = Stage::set_without_redis().await;
    let reply = stage.start("").await;
    reply.is_problem(503, "queue_unavailable");
    assert_eq!(reply.header("retry-after"), "5");
    let id = reply.body["run_id"].as_str().unwrap();
    let link = reply.body["links"]["self"].as_str().unwrap();
    assert_eq!(link, format!("{}/operation-runs/{id}", stage.api.base));
    let run = stage.get(&format!("/operation-runs/{id}")).await;
    assert_eq!(run.body["status"], "completed");
    assert_eq!(run.body["outcome"], "failed");
    assert_eq!(run.body["error"]["code"], "dispatch_failed");
    assert_eq!(run.body["error"]["retryable"], true);
    assert_eq!(run.header("retry-after"), "");
    let notifications = stage.get("/me/notifications").await;
    let phases: Vec<_> = notifications
        .items()
        .iter()
        .map(|one| &one["phase"])
        .collect();
    assert_eq!(phases, [&json!("terminal"), &json!("queued")]);
    // Nothing stays behind that a second start would join.
    let again = stage.start("").await;
    assert_ne!(again.body["run_id"], id);
}

#[tokio::test]
async fn when_very_many_messages_are_outstanding_the_run_waits_for_workers_to_find_it() {
    let stage = Stage::set_crowded().await;
    let reply = stage.start("").await;
    assert_eq!(reply.status, StatusCode::ACCEPTED);
    let link = reply.body["run"]["links"]["self"].as_str().unwrap();
    let run = stage.get(link.strip_prefix(&stage.api.base).unwrap()).await;
    assert_eq!(run.body["status"], "queued");
    let id = run.body["id"].as_str().unwrap();
    assert!(!stage.messages().iter().any(|message| message.contains(id)));
}

#[tokio::test]
async fn everything_but_a_start_works_without_redis() {
    let stage = Stage::set_without_redis().await;
    let run = Scenario::new(&stage.store)
        .queued_run(stage.tenant.id, stage.operator.id, "{}")
        .await;
    for path in [
        "/operation-runs".to_owned(),
        "/operation-runs/active".to_owned(),
        format!("/operation-runs/{run}"),
        format!("/operation-runs/{run}/results"),
        "/tenants".to_owned(),
        format!("/tenants/{}", stage.tenant.id),
        stage.path("inventory-items"),
        stage.path("inventory-summary"),
        stage.path("inventory-sync-runs"),
        stage.path("audit-events"),
        "/policy-types".to_owned(),
        "/me".to_owned(),
        "/me/notifications".to_owned(),
        "/me/notifications/unread-count".to_owned(),
    ] {
        assert_eq!(stage.get(&path).await.status, StatusCode::OK, "{path}");
    }
    let ready = stage.get("/readyz").await;
    assert_eq!(ready.status, StatusCode::OK);
    assert_eq!(ready.body["status"], "degraded");
}

#[tokio::test]
async fn a_request_id_that_is_a_uuid_is_found_in_the_audit_log() {
    let stage = Stage::set().await;
    let id = Uuid::from_u128(0x0191_2345_6789_7abc_8def_0123_4567_89ab);
    let request = stage
        .api
        .request(Method::POST, &stage.path("inventory-sync"))
        .bearer_auth(&stage.operator.token)
        .header("x-request-id", id.to_string());
    let reply = stage.api.send(request).await;
    assert_eq!(reply.header("x-request-id"), id.to_string());
    let audit = stage
        .get(&stage.path("audit-events?action=operation_run.started"))
        .await;
    assert_eq!(audit.items()[0]["request_id"], id.to_string());
}

#[tokio::test]
async fn the_first_start_after_redis_came_back_is_accepted() {
    let mut redis = RedisServer::start().await;
    let stage = Stage::set_at(&redis.url()).await;
    let (tenants, mut started) = (3, Vec::new());
    for _ in 0..tenants {
        let tenant = stage.scenario.tenant("Fabrikam").await;
        let member = stage.scenario.member(tenant.id, Role::Operator).await;
        let path = format!("/tenants/{}/inventory-sync", tenant.id);
        let reply = stage.api.post(&path, &member.token, "{}").await;
        assert_eq!(reply.status, StatusCode::ACCEPTED, "{reply:?}");
        started.push(reply.body["disposition"].clone());
        redis.kill();
        redis.start_empty().await;
    }
    assert_eq!(started, vec!["created"; tenants]);
}
