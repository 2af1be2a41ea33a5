//! The program itself: its commands, and how it stops.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use atlas_test_support::{RedisServer, TestDatabase, TestRedis, eventually};
use tokio::process::Command as AsyncCommand;

const PROGRAM: &str = env!("CARGO_BIN_EXE_atlas-api");

#[test]
fn the_document_is_printed_without_any_service() {
    let printed = Command::new(PROGRAM)
        .arg("openapi")
        .env_clear()
        .output()
        .unwrap();
    assert!(printed.status.success());
    assert_eq!(
        String::from_utf8(printed.stdout).unwrap(),
        atlas_api::document()
    );
}

#[test]
fn the_version_is_printed_without_any_service() {
    let printed = Command::new(PROGRAM)
        .arg("--version")
        .env_clear()
        .output()
        .unwrap();
    assert!(printed.status.success());
    let expected = format!("atlas-api {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), expected);
}

#[test]
fn help_names_the_variables_and_hides_what_is_in_them() {
    let help = Command::new(PROGRAM)
        .arg("--help")
        .env("DATABASE_URL", "postgres://user:hidden@host/db")
        .env("REDIS_URL", "redis://:hidden@host/")
        .output()
        .unwrap();
    let text = String::from_utf8(help.stdout).unwrap();
    for name in [
        "DATABASE_URL",
        "REDIS_URL",
        "ATLAS_LISTEN",
        "ATLAS_PUBLIC_URL",
        "ATLAS_LOG",
    ] {
        assert!(text.contains(name), "{name}");
    }
    assert!(!text.contains("hidden"));
}

#[tokio::test]
async fn it_serves_is_found_healthy_and_on_a_signal_leaves_the_load_balancer_before_it_ends() {
    let (database, redis) = (TestDatabase::create().await, TestRedis::create());
    let address_file = std::env::temp_dir().join(format!("{}.address", redis.namespace()));
    let mut served = AsyncCommand::new(PROGRAM)
        .env_clear()
        .env("DATABASE_URL", database.url())
        .env("REDIS_URL", redis.url())
        .env("ATLAS_QUEUE_NAMESPACE", redis.namespace())
        .env("ATLAS_LISTEN", "127.0.0.1:0")
        .env("ATLAS_ADDRESS_FILE", &address_file)
        .env("ATLAS_SHUTDOWN_DELAY", "3s")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let address = eventually("the address file", async || {
        std::fs::read_to_string(&address_file).ok()
    })
    .await;
    std::fs::remove_file(&address_file).unwrap();
    let health = async || {
        let asked = AsyncCommand::new(PROGRAM)
            .args(["health", "--listen", &address])
            .stderr(Stdio::null())
            .status();
        asked.await.unwrap().code()
    };
    eventually("health", async || (health().await == Some(0)).then_some(())).await;

    let pid = served.id().unwrap().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    let get = async |path: &str| {
        reqwest::get(format!("http://{address}{path}"))
            .await
            .unwrap()
    };
    let refused = eventually("the refusal", async || {
        let answer = get("/readyz").await;
        (answer.status() == 503).then_some(answer)
    })
    .await;
    let problem = refused.text().await.unwrap();
    assert!(problem.contains(r#""code":"stopping""#), "{problem}");
    assert_eq!(get("/version").await.status(), 200, "it still serves");
    let ended = tokio::time::timeout(Duration::from_secs(30), served.wait()).await;
    assert!(ended.unwrap().unwrap().success());
    assert_eq!(health().await, Some(1));
}

#[tokio::test]
async fn it_listens_soon_when_the_database_accepts_connections_and_never_answers() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let database = format!("postgres://atlas@{}/atlas", silent.local_addr().unwrap());
    let redis = TestRedis::create();
    let address_file = std::env::temp_dir().join(format!("{}.address", redis.namespace()));
    let started = Instant::now();
    let _served = AsyncCommand::new(PROGRAM)
        .env_clear()
        .env("DATABASE_URL", database)
        .env("REDIS_URL", redis.url())
        .env("ATLAS_QUEUE_NAMESPACE", redis.namespace())
        .env("ATLAS_LISTEN", "127.0.0.1:0")
        .env("ATLAS_ADDRESS_FILE", &address_file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    eventually("the address file", async || {
        std::fs::read_to_string(&address_file).ok()
    })
    .await;
    // Without the limit it would listen when getting a connection has failed, after five seconds.
    assert!(started.elapsed() < Duration::from_secs(4));
    std::fs::remove_file(&address_file).unwrap();
}

#[test]
fn it_does_not_start_without_knowing_its_services() {
    let refused = Command::new(PROGRAM).env_clear().output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(text.contains("DATABASE_URL is not set"), "{text}");
}

#[test]
fn an_origin_that_would_never_match_is_refused_at_the_start_with_what_to_write() {
    let refused = Command::new(PROGRAM)
        .env_clear()
        .env("ATLAS_CORS_ORIGINS", "https://a.example,https://b.example/")
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(text.contains("ATLAS_CORS_ORIGINS"), "{text}");
    assert!(text.contains("write https://b.example\n"), "{text}");
}

#[test]
fn an_address_comes_from_its_variable_or_from_a_file_and_not_from_both() {
    let refused = Command::new(PROGRAM)
        .env_clear()
        .env("DATABASE_URL", "postgres://user:hidden@host/db")
        .env("DATABASE_URL_FILE", "/nowhere")
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(text.contains("DATABASE_URL_FILE are both set"), "{text}");
    let refused = Command::new(PROGRAM)
        .env_clear()
        .env("DATABASE_URL_FILE", "/nowhere")
        .output()
        .unwrap();
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(text.contains("/nowhere, which cannot be read"), "{text}");
    assert!(!text.contains("hidden"), "{text}");
}

#[tokio::test]
async fn it_does_not_start_over_a_cluster_or_a_read_only_replica() {
    let cluster = RedisServer::start_with(&["--cluster-enabled", "yes"]).await;
    let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", "1"]).await;
    for (redis, reason) in [
        (&cluster, "Redis is a Cluster"),
        (&replica, "Redis is a read-only replica"),
    ] {
        let started = AsyncCommand::new(PROGRAM)
            .env_clear()
            .env("DATABASE_URL", "postgres://atlas@127.0.0.1:1/atlas")
            .env("REDIS_URL", redis.url())
            .env("ATLAS_LISTEN", "127.0.0.1:0")
            .kill_on_drop(true)
            .output();
        let refused = tokio::time::timeout(Duration::from_secs(30), started).await;
        let refused = refused.unwrap().unwrap();
        assert_eq!(refused.status.code(), Some(1));
        let text = String::from_utf8(refused.stderr).unwrap();
        assert!(text.contains(reason), "{text}");
    }
}
