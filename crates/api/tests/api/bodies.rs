//! What is wrong with a body or a query, in sentences for who wrote it.

use reqwest::Method;

use crate::harness::Stage;

#[tokio::test]
async fn a_member_that_is_given_twice_is_refused() {
    let stage = Stage::set().await;
    let reply = stage
        .start(r#"{"policy_types":["mobileApp"],"policy_types":["policySet"]}"#)
        .await;
    reply.is_problem(400, "validation_failed");
    assert_eq!(reply.bad_place(), "/policy_types");
    assert_eq!(reply.body["errors"][0]["code"], "duplicate_member");
}

#[tokio::test]
async fn a_missing_member_is_named_alike_with_and_without_a_body() {
    let stage = Stage::set().await;
    for (path, member) in [
        ("/me/notifications/mark-read".to_owned(), "/up_to"),
        (stage.path("directory-groups/resolve"), "/ids"),
    ] {
        for body in ["", "{}"] {
            let reply = stage.api.post(&path, &stage.operator.token, body).await;
            reply.is_problem(400, "validation_failed");
            assert_eq!(reply.bad_place(), member, "{body}");
            assert_eq!(reply.body["errors"][0]["code"], "missing", "{body}");
        }
    }
}

#[tokio::test]
async fn values_of_the_wrong_type_are_refused_without_words_of_the_programming_language() {
    let stage = Stage::set().await;
    for (body, sentence) in [
        (r#"{"policy_types":7}"#, "Must be a list."),
        (r#"{"include_foundations":"yes"}"#, "Must be a boolean."),
        (r#"{"verify":"most"}"#, "Must be all."),
        (r#"{"priority":"urgent"}"#, "Must be normal or high."),
    ] {
        let reply = stage.start(body).await;
        reply.is_problem(400, "validation_failed");
        assert_eq!(reply.body["errors"][0]["detail"], sentence, "{body}");
    }
    let path = "/me/notifications/mark-read";
    let reply = stage
        .api
        .post(path, &stage.operator.token, r#"{"up_to":"x"}"#)
        .await;
    assert_eq!(reply.body["errors"][0]["detail"], "Must be a UUID.");
}

#[tokio::test]
async fn the_character_nul_is_in_no_answer() {
    let stage = Stage::set().await;
    let replies = [
        stage.get("/operation-runs?st%00atus=x").await,
        stage.start("{\"a\\u0000b\":1}").await,
        stage.start(r#"{"policy_types":["a\u0000"]}"#).await,
        stage.start("{\"categories\":{\"x\\u0000\":1}}").await,
    ];
    for reply in replies {
        reply.is_problem(400, "validation_failed");
        assert!(
            !reply.text.contains("\\u0000") && !reply.text.contains('\0'),
            "{reply:?}"
        );
    }
}

#[tokio::test]
async fn words_that_filters_do_not_know_are_refused_as_in_bodies() {
    let stage = Stage::set().await;
    for (path, parameter) in [
        ("inventory-items?policy_type=nope", "policy_type"),
        ("inventory-items?category=identity", "category"),
        ("inventory-changes?policy_type=nope", "policy_type"),
        ("inventory-settings?q=pass&policy_type=nope", "policy_type"),
        ("inventory-export?policy_type=nope", "policy_type"),
        ("audit-events?action=nope", "action"),
    ] {
        let reply = stage.get(&stage.path(path)).await;
        reply.is_problem(400, "validation_failed");
        assert_eq!(reply.bad_place(), parameter, "{path}");
    }
    let path = stage.path("inventory-items?policy_type=mobileApp&category=Apps");
    assert!(stage.get(&path).await.items().is_empty());
}

#[tokio::test]
async fn a_start_of_a_groups_sync_reads_its_body() {
    let stage = Stage::set().await;
    let path = stage.path("directory-groups-sync");
    let reply = stage
        .api
        .post(&path, &stage.operator.token, r#"{"q":1}"#)
        .await;
    reply.is_problem(400, "validation_failed");
    assert_eq!(reply.bad_place(), "/q");
    let reply = stage.api.post(&path, &stage.operator.token, "{}").await;
    assert_eq!(reply.status.as_u16(), 202);
}

#[tokio::test]
async fn the_audit_log_has_the_request_id_that_the_caller_saw() {
    let stage = Stage::set().await;
    let start = |id: &'static str| {
        let request = stage
            .api
            .request(Method::POST, &stage.path("inventory-sync"));
        let request = request.bearer_auth(&stage.operator.token);
        stage.api.send(request.header("x-request-id", id))
    };
    let named = start("my-button-1234").await;
    assert_eq!(named.header("x-request-id"), "my-button-1234");
    let replaced = start("short").await;
    let audit = stage
        .get(&stage.path("audit-events?action=operation_run.started&action=operation_run.joined"))
        .await;
    let ids: Vec<_> = audit
        .items()
        .iter()
        .map(|event| &event["request_id"])
        .collect();
    assert_eq!(ids, [replaced.header("x-request-id"), "my-button-1234"]);
}
