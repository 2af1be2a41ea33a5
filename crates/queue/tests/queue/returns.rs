//! Pushes to a Redis that was away for a while, or whose connection leads nowhere.

use std::time::{Duration, Instant};

use atlas_queue::{Doorbell, RedisFaultKind, Rung};
use atlas_test_support::{RedisServer, TestRedis, eventually, run_words};
use secrecy::SecretString;

use super::line::Line;
use super::{Ear, a_run, connection, keys, listener_options_at, options, options_at};

#[tokio::test]
async fn the_first_ring_after_redis_came_back_succeeds() {
    let mut redis = RedisServer::start().await;
    let doorbell = Doorbell::new(&options_at(&redis.url())).unwrap();
    for _ in 0..10 {
        assert_eq!(doorbell.ring(a_run(), None).await.unwrap(), Rung::Pushed);
        redis.kill();
        redis.start_empty().await;
    }
}

#[tokio::test]
async fn a_ring_to_a_redis_that_is_away_fails_at_once_and_the_next_one_after_its_return_succeeds() {
    let mut redis = RedisServer::start().await;
    let doorbell = Doorbell::new(&options_at(&redis.url())).unwrap();
    doorbell.ring(a_run(), None).await.unwrap();
    for _ in 0..5 {
        redis.kill();
        for _ in 0..3 {
            let began = Instant::now();
            let fault = doorbell.ring(a_run(), None).await.unwrap_err();
            assert_eq!(fault.kind(), RedisFaultKind::NobodyListens);
            // The limit of these tests is 20 seconds.
            assert!(began.elapsed() < Duration::from_secs(5));
        }
        redis.start_empty().await;
        assert_eq!(doorbell.ring(a_run(), None).await.unwrap(), Rung::Pushed);
    }
}

/// As after a failover behind one address: what was connected gets no answer and no end.
#[tokio::test]
async fn a_ring_over_a_connection_that_leads_nowhere_arrives_once_over_a_new_one() {
    let redis = TestRedis::create();
    let line = Line::to(redis.url()).await;
    let mut options = options(&redis);
    options.redis_url = SecretString::from(line.url(redis.url()));
    options.push_timeout = Duration::from_secs(4);
    let doorbell = Doorbell::new(&options).unwrap();
    doorbell.ring(a_run(), None).await.unwrap();
    line.abandon();
    assert_eq!(doorbell.ring(a_run(), None).await.unwrap(), Rung::Pushed);
    let waiting: u64 = redis::cmd("ZCARD")
        .arg(keys(&redis).scheduled_jobs_set())
        .query_async(&mut connection(&redis).await)
        .await
        .unwrap();
    assert_eq!(waiting, 2);
}

/// A manager of connections that was refused once never asks again.
#[tokio::test]
async fn a_password_that_is_corrected_on_the_server_is_enough_for_both_sides() {
    let redis = RedisServer::start().await;
    let mut admin = redis.connection().await;
    let url = redis.url_as("atlas:right@");
    let doorbell = Doorbell::new(&options_at(&url)).unwrap();
    let mut ear = Ear::with(listener_options_at(&url));
    for _ in 0..2 {
        let fault = doorbell.ring(a_run(), None).await.unwrap_err();
        assert_eq!(fault.kind(), RedisFaultKind::Password);
    }
    let made = [
        "ACL", "SETUSER", "atlas", "on", ">right", "~*", "&*", "+@all",
    ];
    run_words::<()>(&mut admin, &made).await;
    let run = a_run();
    doorbell.ring(run, None).await.unwrap();
    assert_eq!(ear.next().await.run, Some(run));
    ear.close().await;
}

#[tokio::test]
async fn a_rehearsal_leaves_nothing_in_redis_and_nobody_hears_it() {
    let redis = TestRedis::create();
    let doorbell = Doorbell::new(&options(&redis)).unwrap();
    for _ in 0..3 {
        doorbell.rehearse().await.unwrap();
    }
    let left: Vec<String> = redis::cmd("KEYS")
        .arg(format!("{}*", redis.namespace()))
        .query_async(&mut connection(&redis).await)
        .await
        .unwrap();
    assert_eq!(left, Vec::<String>::new());

    let mut ear = Ear::open(&redis);
    eventually("the stream to be open", || async {
        (super::streams(&redis).await.len() == 1).then_some(())
    })
    .await;
    doorbell.rehearse().await.unwrap();
    let run = a_run();
    doorbell.ring(run, None).await.unwrap();
    assert_eq!(ear.next().await.run, Some(run));
    ear.close().await;
}
