//! What HTTP asks for.

use std::time::Duration;

use atlas_domain::access::api_token::ApiToken;
use atlas_domain::clock::SystemEntropy;
use reqwest::{Method, StatusCode};

use crate::harness::Stage;

#[tokio::test]
async fn a_caller_without_a_valid_token_is_refused_with_the_reason() {
    let stage = Stage::set().await;
    let send = |header: Option<String>| {
        let request = stage.api.request(Method::GET, "/me");
        stage.api.send(match header {
            Some(value) => request.header("authorization", value),
            None => request,
        })
    };
    let unknown = ApiToken::mint(&SystemEntropy).reveal().to_owned();
    for header in [
        None,
        Some("Basic abc".to_owned()),
        Some("Bearer".to_owned()),
        Some("Bearer tap_short".to_owned()),
        Some(format!("Bearer {unknown}")),
    ] {
        let reply = send(header.clone()).await;
        reply.is_problem(401, "unauthenticated");
        assert!(
            reply.header("www-authenticate").starts_with("Bearer"),
            "{header:?}"
        );
        assert!(!reply.text.contains(&unknown));
    }
    assert_eq!(
        send(Some(format!("bearer {}", stage.operator.token)))
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_revoked_or_expired_token_and_one_of_a_disabled_user_are_distinguished() {
    let stage = Stage::set_with(|options| options.token_cache = Duration::ZERO).await;
    let connection = stage.database.connection().await;
    let after = async |sql: &str| {
        connection.batch_execute(sql).await.unwrap();
        stage.get("/me").await
    };
    let reply = after("UPDATE api_tokens SET expires_at = now() - interval '1 second'").await;
    reply.is_problem(401, "token_expired");
    assert!(reply.header("www-authenticate").contains("invalid_token"));
    let reply = after("UPDATE api_tokens SET expires_at = NULL, revoked_at = now()").await;
    reply.is_problem(401, "token_revoked");
    let reply =
        after("UPDATE api_tokens SET revoked_at = NULL; UPDATE users SET disabled_at = now()")
            .await;
    reply.is_problem(401, "token_revoked");
    let reply = after("UPDATE users SET disabled_at = NULL").await;
    assert_eq!(reply.status, StatusCode::OK);
}

#[tokio::test]
async fn a_token_that_was_looked_up_a_moment_ago_is_not_looked_up_again() {
    let stage = Stage::set_with(|options| options.token_cache = Duration::from_secs(600)).await;
    assert_eq!(stage.get("/policy-types").await.status, StatusCode::OK);
    let connection = stage.database.connection().await;
    let revoke = "UPDATE api_tokens SET revoked_at = now()";
    connection.batch_execute(revoke).await.unwrap();
    assert_eq!(stage.get("/policy-types").await.status, StatusCode::OK);
}

#[tokio::test]
async fn wrong_methods_are_answered_with_the_right_ones_and_unknown_addresses_with_404() {
    let stage = Stage::set().await;
    let send = |method: Method, path: String| stage.api.send(stage.api.request(method, &path));
    for (method, path, allow) in [
        (Method::GET, stage.path("inventory-sync"), "POST"),
        (Method::HEAD, stage.path("inventory-sync"), "POST"),
        (Method::POST, "/operation-runs".to_owned(), "GET, HEAD"),
        (
            Method::DELETE,
            "/operation-runs/active".to_owned(),
            "GET, HEAD",
        ),
        (
            Method::PUT,
            format!("/operation-runs/{}", stage.tenant.id),
            "GET, HEAD",
        ),
        (Method::PATCH, "/problems/not-found".to_owned(), "GET, HEAD"),
        (Method::POST, "/docs/".to_owned(), "GET, HEAD"),
        (Method::OPTIONS, "/me".to_owned(), "GET, HEAD"),
    ] {
        let reply = send(method.clone(), path.clone()).await;
        assert_eq!(
            reply.status,
            StatusCode::METHOD_NOT_ALLOWED,
            "{method} {path}"
        );
        assert_eq!(reply.header("allow"), allow, "{method} {path}");
    }
    for path in [
        "/",
        "/nothing",
        "/tenants/",
        "/operation-runs/a/b/c",
        "/problems/nonsense",
    ] {
        let reply = send(Method::GET, path.to_owned()).await;
        reply.is_problem(404, "not_found");
    }
    let reply = stage.get("/operation-runs/not-a-uuid").await;
    reply.is_problem(404, "not_found");
    let reply = stage.get("/tenants/not-a-uuid/inventory-items").await;
    reply.is_problem(404, "not_found");
}

#[tokio::test]
async fn head_answers_like_get_without_a_body() {
    let stage = Stage::set().await;
    let get = stage.get("/tenants").await;
    let request = stage.api.request(Method::HEAD, "/tenants");
    let head = stage
        .api
        .send(request.bearer_auth(&stage.operator.token))
        .await;
    assert_eq!(head.status, StatusCode::OK);
    assert_eq!(head.text, "");
    for name in ["etag", "content-type", "content-length"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
    let refused = stage
        .api
        .send(stage.api.request(Method::HEAD, "/tenants"))
        .await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_acceptable_request_id_is_kept_and_another_is_replaced() {
    let stage = Stage::set().await;
    let send = |id: &'static str| {
        let request = stage.api.request(Method::GET, "/nothing");
        stage.api.send(request.header("x-request-id", id))
    };
    let kept = send("build-42.step_7").await;
    assert_eq!(kept.header("x-request-id"), "build-42.step_7");
    assert_eq!(kept.body["request_id"], "build-42.step_7");
    for bad in ["short", "with spaces in it", "semi;colon;semi;colon"] {
        let reply = send(bad).await;
        assert_ne!(reply.header("x-request-id"), bad);
        assert_eq!(reply.header("x-request-id").len(), 36);
    }
}

#[tokio::test]
async fn a_caller_who_asks_too_often_learns_when_to_come_back_and_others_are_not_affected() {
    let stage =
        Stage::set_with(|options| options.requests_per_minute = 3.try_into().unwrap()).await;
    let policy = r#""default";q=3;w=60"#;
    for left in [2, 1, 0] {
        let reply = stage.get("/policy-types").await;
        assert_eq!(reply.status, StatusCode::OK);
        assert_eq!(reply.header("ratelimit-policy"), policy);
        assert_eq!(
            reply.header("ratelimit"),
            format!(r#""default";r={left};t=20"#)
        );
    }
    let reply = stage.get("/policy-types").await;
    reply.is_problem(429, "quota_exceeded");
    let wait: u64 = reply.header("retry-after").parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    assert_eq!(
        reply.header("ratelimit"),
        format!(r#""default";r=0;t={wait}"#)
    );
    let other = stage.scenario.stranger().await;
    let reply = stage.api.get("/policy-types", &other.token).await;
    assert_eq!(reply.status, StatusCode::OK);
    // Guessing tokens is counted too, by address.
    for _ in 0..3 {
        let reply = stage.api.get("/me", "tap_guess").await;
        reply.is_problem(401, "unauthenticated");
    }
    let reply = stage.api.get("/me", "tap_guess").await;
    reply.is_problem(429, "quota_exceeded");
    assert_eq!(stage.get("/healthz").await.status, StatusCode::OK);
}

#[tokio::test]
async fn pages_of_configured_origins_may_call_and_read_the_headers_they_need() {
    let origin = "https://ui.example";
    let stage = Stage::set_with(|options| options.cors_origins = vec![origin.to_owned()]).await;
    let request = stage
        .api
        .request(Method::GET, "/me")
        .bearer_auth(&stage.operator.token);
    let reply = stage.api.send(request.header("origin", origin)).await;
    assert_eq!(reply.header("access-control-allow-origin"), origin);
    let exposed = reply
        .header("access-control-expose-headers")
        .to_ascii_lowercase();
    for name in [
        "location",
        "etag",
        "link",
        "retry-after",
        "ratelimit",
        "x-request-id",
    ] {
        assert!(exposed.contains(name), "{name}: {exposed}");
    }
    // A problem can be read as well.
    let request = stage
        .api
        .request(Method::GET, "/me")
        .header("origin", origin);
    let refused = stage.api.send(request).await;
    refused.is_problem(401, "unauthenticated");
    assert_eq!(refused.header("access-control-allow-origin"), origin);
    let preflight = |from: &'static str| {
        let request = stage
            .api
            .request(Method::OPTIONS, &stage.path("inventory-sync"));
        stage.api.send(
            request
                .header("origin", from)
                .header("access-control-request-method", "POST")
                .header(
                    "access-control-request-headers",
                    "authorization,content-type",
                ),
        )
    };
    let allowed = preflight("https://ui.example").await;
    assert_eq!(allowed.status, StatusCode::OK);
    assert_eq!(allowed.header("access-control-allow-origin"), origin);
    let refused = preflight("https://evil.example").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(refused.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up() {
    let stage = Stage::set_with(|options| options.request_timeout = Duration::ZERO).await;
    let reply = stage.get("/me").await;
    reply.is_problem(503, "timed_out");
    assert_eq!(reply.header("retry-after"), "2");
}

#[tokio::test]
async fn a_defect_is_a_500_that_says_nothing_of_the_inside() {
    let stage = Stage::set().await;
    let connection = stage.database.connection().await;
    let break_it = "DROP TABLE notifications";
    connection.batch_execute(break_it).await.unwrap();
    let reply = stage.get("/me/notifications").await;
    reply.is_problem(500, "internal_error");
    assert!(!reply.text.contains("notifications"), "{reply:?}");
}
