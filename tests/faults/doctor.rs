//! What `atlas doctor` finds of a Redis that does not suit.

use std::process::Command;

use atlas_test_support::TestDatabase;
use serde_json::Value;

use crate::program::binary;
use crate::servers::RedisServer;

/// What is found of the Redis at this address, and what is advised.
async fn found(url: &str) -> (String, String) {
    let database = TestDatabase::create().await;
    let output = Command::new(binary("atlas"))
        .args(["doctor", "--offline", "--json"])
        .env_clear()
        .env("DATABASE_URL", database.url())
        .env("REDIS_URL", url)
        .env("ATLAS_QUEUE_NAMESPACE", "ours")
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let redis = checks
        .iter()
        .find(|found| found["check"] == "Redis")
        .unwrap();
    let failed = redis["status"] == "failed";
    assert_eq!(output.status.code(), Some(i32::from(failed)), "{report}");
    let text = |name: &str| redis[name].as_str().unwrap_or_default().to_owned();
    (text("detail"), text("advice"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_redis_from_carrying_hints_is_named_with_what_to_do() {
    let redis = RedisServer::start().await;
    let mut connection = redis.connection().await;
    let host = redis.url().replace("redis://", "").replace('/', "");
    let (detail, advice) = found(&redis.url()).await;
    assert!(detail.contains("takes every command"), "{detail}");
    assert_eq!(advice, "");
    let left: Vec<String> = redis::cmd("KEYS")
        .arg("*")
        .query_async(&mut connection)
        .await
        .unwrap();
    assert_eq!(left, [""; 0], "nothing is left behind");

    let mut set = async |command: &[&str]| {
        let mut command_of = redis::cmd(command[0]);
        command_of.arg(&command[1..]);
        let done: String = command_of.query_async(&mut connection).await.unwrap();
        assert_eq!(done, "OK");
    };
    // A user with all but a few commands, and with keys that are not all.
    let rights = ["on", ">word", "~ours:*", "&ours:*", "+@all"];
    let few = ["-zadd", "-publish"];
    set(&[&["ACL", "SETUSER", "few"][..], &rights, &few].concat()).await;
    let (detail, advice) = found(&format!("redis://few:word@{host}/")).await;
    assert!(
        detail.contains("ZADD: ") && detail.contains("PUBLISH: "),
        "{detail}"
    );
    assert!(!detail.contains("HSET: "), "{detail}");
    assert!(advice.contains("these commands"), "{advice}");
    set(&[&["ACL", "SETUSER", "own"][..], &rights].concat()).await;
    let (detail, advice) = found(&format!("redis://own:word@{host}/")).await;
    assert!(detail.contains("core:apalis:queues:list"), "{detail}");
    assert!(advice.contains("core:apalis:queues:list"), "{advice}");

    let (detail, advice) = found(&format!("redis://few:wrong@{host}/")).await;
    assert!(
        detail.contains("refuses the user or the password") && !detail.contains("wrong@"),
        "{detail}"
    );
    assert!(advice.contains("REDIS_URL"), "{advice}");

    set(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let (detail, advice) = found(&redis.url()).await;
    assert!(detail.contains("Redis is full"), "{detail}");
    assert!(advice.contains("maxmemory"), "{advice}");
    set(&["CONFIG", "SET", "maxmemory", "0"]).await;

    set(&["REPLICAOF", "127.0.0.1", "9"]).await;
    let (detail, advice) = found(&redis.url()).await;
    assert!(detail.contains("replica"), "{detail}");
    assert!(advice.contains("primary"), "{advice}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_a_cluster_is_named() {
    let redis = RedisServer::start_with(&["--cluster-enabled", "yes"]).await;
    let (detail, advice) = found(&redis.url()).await;
    assert!(detail.contains("Cluster"), "{detail}");
    assert!(advice.contains("without cluster mode"), "{advice}");
}
