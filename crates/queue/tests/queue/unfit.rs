//! What is wrong with a Redis, as a push meets it and as it is reported.

use atlas_domain::causes::Causes;
use atlas_queue::RedisFaultKind::{
    Cluster, Full, NameNotFound, NoWrites, NobodyListens, NotPermitted, Password, ReadOnly,
};
use atlas_queue::{Doorbell, RedisFaultKind};
use atlas_test_support::{RedisServer, dead_redis_url, run_words};

use super::{a_run, options_at};

/// A rehearsal and a ring meet the same fault; examining refuses what never can work.
async fn fault_at(url: &str) -> (RedisFaultKind, String) {
    let doorbell = Doorbell::new(&options_at(url)).unwrap();
    let rehearsed = doorbell.rehearse().await.unwrap_err();
    let rung = doorbell.ring(a_run(), None).await.unwrap_err();
    assert_eq!(rung.kind(), rehearsed.kind(), "{}", Causes(&rung));
    let examined = doorbell.examine().await.err().map(|fault| fault.kind());
    let expected = Some(rung.kind()).filter(|kind| kind.is_unsuitable());
    assert_eq!(examined, expected);
    (rung.kind(), Causes(&rung).to_string())
}

#[tokio::test]
async fn passwords_names_addresses_and_rights_are_distinguished() {
    let redis = RedisServer::start_with(&["--requirepass", "right"]).await;
    let url = redis.url_as(":right@");
    let client = redis::Client::open(url.as_str()).unwrap();
    let mut admin = client.get_multiplexed_async_connection().await.unwrap();
    run_words::<()>(&mut admin, &["ACL", "SETUSER", "guest", "on", ">pass"]).await;
    Doorbell::new(&options_at(&url))
        .unwrap()
        .examine()
        .await
        .unwrap();
    for (url, expected) in [
        (redis.url(), Password),
        (redis.url_as(":hidden@"), Password),
        (redis.url_as("guest:hidden@"), Password),
        (redis.url_as("guest:pass@"), NotPermitted),
        (dead_redis_url(), NobodyListens),
        ("redis://no.such.host.invalid/".to_owned(), NameNotFound),
    ] {
        let (kind, text) = fault_at(&url).await;
        assert_eq!(kind, expected, "{text}");
        assert!(text.starts_with(expected.advice()), "{text}");
        assert!(
            !text.contains("hidden") && !text.contains(":pass"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_redis_that_takes_no_writes_is_distinguished_by_its_reason() {
    let full = RedisServer::start_with(&["--maxmemory", "1", "--maxmemory-policy", "noeviction"]);
    let full = full.await;
    let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", "1"]).await;
    let lonely = RedisServer::start_with(&["--min-replicas-to-write", "1"]).await;
    for (server, expected) in [(&full, Full), (&replica, ReadOnly), (&lonely, NoWrites)] {
        let (kind, text) = fault_at(&server.url()).await;
        assert_eq!(kind, expected, "{text}");
    }
    // What is over is over.
    let doorbell = Doorbell::new(&options_at(&full.url())).unwrap();
    doorbell.rehearse().await.unwrap_err();
    run_words::<()>(
        &mut full.connection().await,
        &["CONFIG", "SET", "maxmemory", "0"],
    )
    .await;
    doorbell.rehearse().await.unwrap();
}

#[tokio::test]
async fn a_cluster_is_refused_before_and_after_it_has_slots_and_also_for_keys_of_one_slot() {
    let cluster = RedisServer::start_with(&["--cluster-enabled", "yes"]).await;
    let (kind, text) = fault_at(&cluster.url()).await;
    assert_eq!(kind, Cluster, "{text}");
    let mut admin = cluster.connection().await;
    run_words::<()>(&mut admin, &["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).await;
    atlas_test_support::eventually("the cluster to be up", || async {
        let mut admin = cluster.connection().await;
        let set: Result<(), _> = redis::cmd("SET")
            .arg("a")
            .arg("b")
            .query_async(&mut admin)
            .await;
        set.ok()
    })
    .await;
    let (kind, text) = fault_at(&cluster.url()).await;
    assert_eq!(kind, Cluster, "{text}");

    let mut options = options_at(&cluster.url());
    options.namespace = "{one-slot}".to_owned();
    let fault = Doorbell::new(&options)
        .unwrap()
        .examine()
        .await
        .unwrap_err();
    assert_eq!(fault.kind(), Cluster);
}
