//! Whether the API says that it is of use.

use std::time::Duration;

use atlas_test_support::{
    RedisServer, TestDatabase, TestRedis, dead_redis_url, eventually, run_words,
};
use reqwest::StatusCode;
use secrecy::SecretString;

use crate::harness::{Api, ONE_TYPE, Stage, queue};

#[tokio::test]
async fn the_api_is_ready_when_database_and_queue_answer() {
    let stage = Stage::set().await;
    let reply = stage.get("/readyz").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.body["status"], "ready");
    assert_eq!(stage.get("/healthz").await.body["status"], "ok");
}

#[tokio::test]
async fn the_version_is_served_to_everybody_with_the_schema_that_it_is_made_for() {
    let stage = Stage::set().await;
    let reply = stage.api.get("/version", "").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.body["program"], "atlas-api");
    assert_eq!(reply.body["version"], env!("CARGO_PKG_VERSION"));
    let migrations = std::fs::read_dir("../../migrations").unwrap();
    let newest = migrations
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .max();
    // As in 2026-11-29-000025_drop_inventory_items_name.
    let newest = newest.unwrap();
    let (version, _) = newest.split_once('_').unwrap();
    assert_eq!(reply.body["schema_version"], version.replace('-', ""));
}

#[tokio::test]
async fn an_api_over_another_schema_is_alive_and_not_ready_until_it_is_migrated() {
    let database = TestDatabase::create().await;
    let url = SecretString::from(database.url());
    atlas_store::revert_all(&url).await.unwrap();
    let redis = TestRedis::create();
    let api = Api::start(&database, &queue(redis.url(), &redis), |_| {});
    let reply = api.get("/readyz", "").await;
    reply.is_problem(503, "dependency_unavailable");
    assert!(
        reply.body["detail"]
            .as_str()
            .unwrap()
            .contains("atlas migrate"),
        "{reply:?}"
    );
    assert_eq!(reply.body["components"][0]["up"], false);
    assert_eq!(api.get("/healthz", "").await.status, StatusCode::OK);

    atlas_store::migrate(&url).await.unwrap();
    eventually("readiness after the migration", async || {
        let reply = api.get("/readyz", "").await;
        (reply.status == StatusCode::OK).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_api_works_with_a_newer_schema_until_that_needs_a_newer_program() {
    let stage = Stage::set().await;
    stage.database.expand_schema().await;
    assert_eq!(stage.get("/readyz").await.status, StatusCode::OK);
    assert_eq!(stage.start(ONE_TYPE).await.status, StatusCode::ACCEPTED);
    let listed = stage.get("/operation-runs").await;
    assert_eq!(listed.body["items"].as_array().unwrap().len(), 1);

    stage.database.contract_schema().await;
    let refused = eventually("the API to see what the schema needs", async || {
        let reply = stage.get("/readyz").await;
        (reply.status != StatusCode::OK).then_some(reply)
    })
    .await;
    refused.is_problem(503, "dependency_unavailable");
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains("run a newer version"), "{detail}");
}

#[tokio::test]
async fn an_api_starts_without_a_database_and_says_that_it_is_not_there() {
    let database = TestDatabase::create().await;
    let redis = TestRedis::create();
    let api = Api::start(&database, &queue(redis.url(), &redis), |options| {
        options.request_timeout = Duration::from_secs(60);
    });
    drop(database);
    let reply = api.get("/readyz", "").await;
    reply.is_problem(503, "dependency_unavailable");
    let token =
        atlas_domain::access::api_token::ApiToken::mint(&atlas_domain::clock::SystemEntropy);
    let reply = api.get("/me", token.reveal()).await;
    reply.is_problem(503, "dependency_unavailable");
    assert!(!reply.header("retry-after").is_empty());
}

#[tokio::test]
async fn an_api_over_a_database_that_takes_no_writes_is_not_ready() {
    let database = TestDatabase::create().await;
    let redis = TestRedis::create();
    let admin = database.connection().await;
    let name: String = admin
        .query_one("SELECT current_database()::text", &[])
        .await
        .unwrap()
        .get(0);
    let read_only = format!("ALTER DATABASE {name} SET default_transaction_read_only = on");
    admin.batch_execute(&read_only).await.unwrap();
    let api = Api::start(&database, &queue(redis.url(), &redis), |_| {});
    let reply = api.get("/readyz", "").await;
    reply.is_problem(503, "dependency_unavailable");
    let detail = reply.body["detail"].as_str().unwrap();
    assert!(detail.contains("database takes no writes"), "{detail}");
}

#[tokio::test]
async fn the_api_is_degraded_with_the_reason_whenever_a_start_would_be_refused_by_redis() {
    let full = RedisServer::start_with(&["--maxmemory", "1", "--maxmemory-policy", "noeviction"]);
    let full = full.await;
    let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", "1"]).await;
    let secured = RedisServer::start_with(&["--requirepass", "right"]).await;
    for (url, reason) in [
        (full.url(), "Redis is full"),
        (replica.url(), "Redis is a read-only replica"),
        (
            secured.url_as(":hidden@"),
            "Redis refuses the user or the password",
        ),
        (
            dead_redis_url(),
            "Nothing listens at the host and port in REDIS_URL",
        ),
    ] {
        let stage = Stage::set_at(&url).await;
        let ready = stage.get("/readyz").await;
        assert_eq!(ready.status, StatusCode::OK);
        assert_eq!(ready.body["status"], "degraded", "{reason}");
        let queue = &ready.body["components"][1];
        assert_eq!(
            (&queue["name"], &queue["up"]),
            (&"queue".into(), &false.into())
        );
        let detail = queue["detail"].as_str().unwrap();
        assert!(detail.starts_with(reason), "{detail}");
        let refused = stage.start("{}").await;
        refused.is_problem(503, "queue_unavailable");
        let run = refused.body["run_id"].as_str().unwrap();
        let run = stage.get(&format!("/operation-runs/{run}")).await;
        assert_eq!(run.body["error"]["code"], "dispatch_failed", "{run:?}");
        // Whoever follows it finds the reason, whichever it is.
        let hint = run.body["error"]["hint"].as_str().unwrap();
        assert!(
            hint.contains("takes no messages") && hint.contains("/readyz"),
            "{hint}"
        );
    }

    let stage = Stage::set_at(&full.url()).await;
    let room = ["CONFIG", "SET", "maxmemory", "0"];
    run_words::<()>(&mut full.connection().await, &room).await;
    assert_eq!(stage.get("/readyz").await.body["status"], "ready");
    assert_eq!(stage.start("{}").await.status, StatusCode::ACCEPTED);
}
