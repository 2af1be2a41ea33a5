//! Redis as people have it: TLS with an authority of their own, a user with few rights, a wrong
//! password, servers over which nothing can work.

use std::path::Path;

use atlas_test_support::authority::Authority;
use atlas_test_support::{
    DOCUMENTED_PASSWORD, RedisServer, documented_rights, eventually, refused_by_rights, run_words,
};
use serde_json::Value;

use crate::installation::Installation;

const NAMESPACE: &str = "ours";
/// A fault begins for a program that pushes, and for a worker's stream.
const TAKES_NONE: &str = "atlas_queue::doorbell: Redis takes no messages";
const BROKE: &str = "the queue's stream broke; reopening";
/// The stream goes on breaking.
const AGAIN: &str = "the queue's stream broke again";
const PASSWORD: &str = "Redis refuses the user or the password";

fn log(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_programs_work_over_tls_as_a_user_with_the_documented_rights() {
    let authority = Authority::new("ours");
    let redis = RedisServer::start_tls(&authority.server("localhost")).await;
    let roots = redis.file("roots.pem", &authority.certificate());
    let roots = roots.display().to_string();
    let mut admin = redis.connection().await;
    run_words::<()>(&mut admin, &documented_rights(NAMESPACE)).await;
    let url = redis.tls_url(&format!("atlas:{DOCUMENTED_PASSWORD}@localhost"));
    let variables = [
        ("REDIS_URL", url.as_str()),
        ("REDIS_CA_FILE", &roots),
        ("ATLAS_QUEUE_NAMESPACE", NAMESPACE),
    ];
    let installation = Installation::start_with(&variables).await;
    // Only what is rung for is found.
    let mut variables = variables.to_vec();
    variables.push(("ATLAS_SWEEP_INTERVAL", "1h"));
    let mut worker = installation.worker_with("one", &variables);
    let (_, member) = installation.tenant("Contoso").await;
    for _ in 0..2 {
        let arguments = ["sync", "Contoso", "--follow"];
        let synced = installation.atlas(&arguments, &member.token);
        assert!(synced.status.success(), "{synced:?}");
    }
    let ready = installation.get(&member, "/readyz").await;
    assert_eq!(ready["status"], "ready");
    worker.signal("TERM");
    assert!(worker.ended().await);
    let arguments = ["doctor", "--offline", "--json"];
    let examined = installation.atlas_with(&arguments, &member.token, &variables);
    let report: Value = serde_json::from_slice(&examined.stdout).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let of_redis = checks.iter().find(|found| found["check"] == "Redis");
    assert_eq!(of_redis.unwrap()["status"], "ok", "{report}");
    assert_eq!(refused_by_rights(&mut admin).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_logged_once_with_its_cause_and_so_is_its_end() {
    let redis = RedisServer::start().await;
    let url = redis.url_as("atlas:hidden@");
    let variables = [("REDIS_URL", url.as_str()), ("ATLAS_LOG", "debug")];
    let installation = Installation::start_with(&variables).await;
    let (tenant, member) = installation.tenant("Contoso").await;
    for _ in 0..3 {
        let refused = installation.press(tenant, &member, "{}").await;
        assert_eq!(refused.status(), 503);
    }
    let ready = installation.get(&member, "/readyz").await;
    assert_eq!(ready["status"], "degraded");
    let detail = ready["components"][1]["detail"].as_str().unwrap();
    assert!(detail.starts_with(PASSWORD), "{detail}");
    // Not before: a sweep may claim a run before its start is refused, which is then accepted.
    let worker = installation.worker_with("one", &variables);
    eventually("the stream to break again and again", || async {
        (log(&worker.log).matches(AGAIN).count() >= 3).then_some(())
    })
    .await;
    let made = [
        "ACL", "SETUSER", "atlas", "on", ">hidden", "~*", "&*", "+@all",
    ];
    run_words::<()>(&mut redis.connection().await, &made).await;
    let accepted = installation.press(tenant, &member, "{}").await;
    assert_eq!(accepted.status(), 202);
    let accepted: Value = accepted.json().await.unwrap();
    let run = accepted["run"]["id"].as_str().unwrap();
    let ended = installation.ended(&member, run).await;
    assert_eq!(ended["outcome"], "succeeded");
    eventually("both to say that it is over", || async {
        let (api, worker) = (log(&installation.api_program.log), log(&worker.log));
        let over = api.contains("Redis takes messages again")
            && worker.contains("connected to Redis again");
        over.then_some(())
    })
    .await;
    for (text, begins) in [
        (log(&installation.api_program.log), TAKES_NONE),
        (log(&worker.log), BROKE),
    ] {
        let lines: Vec<&str> = text.lines().filter(|line| line.contains(begins)).collect();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("authentication failed"), "{lines:?}");
        assert!(!text.contains("hidden"), "the password is in the log");
    }
    // Each refused start says why, too.
    let api = log(&installation.api_program.log);
    let starts = api.lines().filter(|line| line.contains("status=503"));
    assert_eq!(starts.filter(|line| line.contains(PASSWORD)).count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_does_not_start_over_a_cluster_or_a_read_only_replica() {
    let cluster = RedisServer::start_with(&["--cluster-enabled", "yes"]).await;
    let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", "1"]).await;
    let installation = Installation::start().await;
    for (redis, reason) in [
        (&cluster, "Redis is a Cluster"),
        (&replica, "Redis is a read-only replica"),
    ] {
        let mut worker = installation.worker_with("one", &[("REDIS_URL", &redis.url())]);
        assert!(!worker.ended().await);
        let text = log(&worker.log);
        assert!(text.contains(reason), "{text}");
    }
}

/// What was found at the start may change: a demoted primary is reported, and workers go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_becomes_a_replica_makes_api_and_workers_degraded_and_costs_no_run() {
    let redis = RedisServer::start().await;
    let url = redis.url();
    let variables = [("REDIS_URL", url.as_str())];
    let installation = Installation::start_with(&variables).await;
    let _worker = installation.worker_with("one", &variables);
    installation.health("one", "ready: ").await;
    let (tenant, member) = installation.tenant("Contoso").await;
    let accepted = installation.press(tenant, &member, "{}").await;
    let accepted: Value = accepted.json().await.unwrap();
    let demoted = ["REPLICAOF", "127.0.0.1", "1"];
    run_words::<()>(&mut redis.connection().await, &demoted).await;
    let degraded = async || {
        let ready = installation.get(&member, "/readyz").await;
        (ready["status"] == "degraded").then_some(ready)
    };
    let ready = eventually("the API to be degraded", degraded).await;
    let detail = ready["components"][1]["detail"].as_str().unwrap();
    assert!(detail.contains("read-only replica"), "{detail}");
    let reported = installation.health("one", "degraded: ").await;
    assert!(reported.contains("read-only replica"), "{reported}");
    let run = accepted["run"]["id"].as_str().unwrap();
    let ended = installation.ended(&member, run).await;
    assert_eq!(ended["outcome"], "succeeded");
    let promoted = ["REPLICAOF", "NO", "ONE"];
    run_words::<()>(&mut redis.connection().await, &promoted).await;
    installation.health("one", "ready: ").await;
}

/// A push would succeed: the API is ready, and whoever is to hear it is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_may_push_and_not_listen_is_degraded_and_says_why() {
    let redis = RedisServer::start().await;
    let mut admin = redis.connection().await;
    let made = [
        "ACL",
        "SETUSER",
        "atlas",
        "on",
        ">hidden",
        "~*",
        "&*",
        "+@all",
        "-subscribe",
    ];
    run_words::<()>(&mut admin, &made).await;
    let url = redis.url_as("atlas:hidden@");
    let variables = [("REDIS_URL", url.as_str())];
    let installation = Installation::start_with(&variables).await;
    let (_, member) = installation.tenant("Contoso").await;
    let _worker = installation.worker_with("one", &variables);
    let reported = installation.health("one", "degraded: ").await;
    assert!(reported.contains("give it the rights"), "{reported}");
    let ready = installation.get(&member, "/readyz").await;
    assert_eq!(ready["status"], "ready");
    run_words::<()>(&mut admin, &["ACL", "SETUSER", "atlas", "+subscribe"]).await;
    installation.health("one", "ready: ").await;
}

/// A worker that never met its Redis works by its sweeps.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_without_redis_is_degraded_and_not_unready() {
    let installation = Installation::start().await;
    let nowhere = [("REDIS_URL", "redis://127.0.0.1:9")];
    let _worker = installation.worker_with("one", &nowhere);
    let reported = installation.health("one", "degraded: ").await;
    assert!(reported.contains("nothing listens"), "{reported}");
}
