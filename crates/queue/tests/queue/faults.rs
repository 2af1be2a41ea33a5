//! Listening while Redis stalls, forgets, or holds what nobody can fetch.

use std::collections::BTreeSet;
use std::time::Duration;

use apalis::prelude::TaskSink;
use apalis_redis::RedisStorage;
use atlas_queue::{Doorbell, Listener, Message};
use atlas_test_support::{PATIENCE, TestRedis, eventually};
use secrecy::SecretString;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::line::Line;
use super::{Ear, a_run, connection, keys, listener_options, manager, options, streams};

/// Redis loses everything that this queue has in it.
async fn forget(redis: &TestRedis) {
    let mut connection = connection(redis).await;
    let keys: Vec<String> = redis::cmd("KEYS")
        .arg(format!("*{}*", redis.namespace()))
        .query_async(&mut connection)
        .await
        .unwrap();
    assert!(!keys.is_empty());
    let _: () = redis::cmd("DEL")
        .arg(keys)
        .query_async(&mut connection)
        .await
        .unwrap();
}

/// What the streams have fetched and not acknowledged.
async fn in_flight(redis: &TestRedis) -> BTreeSet<String> {
    let mut connection = connection(redis).await;
    let sets: Vec<String> = redis::cmd("KEYS")
        .arg(format!("{}:*", keys(redis).inflight_jobs_set()))
        .query_async(&mut connection)
        .await
        .unwrap();
    let mut all = BTreeSet::new();
    for set in sets {
        let ids: Vec<String> = redis::cmd("SMEMBERS")
            .arg(set)
            .query_async(&mut connection)
            .await
            .unwrap();
        all.extend(ids);
    }
    all
}

#[tokio::test]
async fn a_stream_that_broke_is_opened_again_under_another_name() {
    let redis = TestRedis::create();
    let mut ear = Ear::open(&redis);
    let doorbell = Doorbell::new(&options(&redis)).unwrap();
    doorbell.ring(a_run(), None).await.unwrap();
    ear.next().await;
    let before = streams(&redis).await;

    forget(&redis).await;
    let run = a_run();
    doorbell.ring(run, None).await.unwrap();
    assert_eq!(ear.next().await.run, Some(run));
    let after = streams(&redis).await;
    assert_eq!((before.len(), after.len()), (1, 1));
    assert_ne!(before.keys().next(), after.keys().next());
    ear.close().await;
}

#[tokio::test]
async fn an_announced_ring_is_fetched_without_a_poll_also_by_a_reopened_stream() {
    let redis = TestRedis::create();
    let mut listening = listener_options(&redis, 1);
    let never = Duration::from_secs(3_600);
    (listening.poll_interval, listening.queue.heartbeat) = (never, never);
    let mut ear = Ear::with(listening);
    let doorbell = Doorbell::new(&options(&redis)).unwrap();
    // The first ring may be found by the fetch with which a stream begins.
    for _ in 0..3 {
        let run = a_run();
        doorbell.ring(run, None).await.unwrap();
        assert_eq!(ear.next().await.run, Some(run));
    }
    forget(&redis).await;
    for _ in 0..3 {
        let run = a_run();
        doorbell.ring(run, None).await.unwrap();
        assert_eq!(ear.next().await.run, Some(run));
    }
    ear.close().await;
}

/// With the interval strategy of apalis a worker may sleep for ever after this.
#[tokio::test]
async fn every_message_after_a_stall_longer_than_the_heartbeat_is_heard() {
    let redis = TestRedis::create();
    let line = Line::to(redis.url()).await;
    let mut listening = listener_options(&redis, 1);
    listening.queue.redis_url = SecretString::from(line.url(redis.url()));
    let stall = listening.queue.heartbeat * 5 / 2;
    let mut ear = Ear::with(listening);
    let doorbell = Doorbell::new(&options(&redis)).unwrap();
    doorbell.ring(a_run(), None).await.unwrap();
    ear.next().await;
    // From here on there is nothing but fetches that find nothing, and heartbeats.
    eventually("the acknowledgement", || async {
        let done: u64 = redis::cmd("SCARD")
            .arg(keys(&redis).done_jobs_set())
            .query_async(&mut connection(&redis).await)
            .await
            .unwrap();
        (done == 1).then_some(())
    })
    .await;
    tokio::time::sleep(stall / 10).await;

    line.hold();
    tokio::time::sleep(stall).await;
    line.release();
    // Pushed without an announcement, which would wake the stream.
    let mut silent = RedisStorage::<u32>::new(manager(&redis).await).with_config(keys(&redis));
    for number in 0..20 {
        silent.push(number).await.unwrap();
        assert_eq!(ear.next().await, Message::default());
    }
    let names: Vec<String> = streams(&redis).await.into_keys().collect();
    assert!(names.iter().all(|name| name.ends_with("-0")), "{names:?}");
    ear.close().await;
}

#[tokio::test]
async fn listeners_whose_slots_are_all_busy_lose_no_message_to_each_other() {
    let redis = TestRedis::create();
    let (hear, mut hears) = mpsc::unbounded_channel();
    let (end, may_end) = watch::channel(false);
    let shutdown = CancellationToken::new();
    let listen = || {
        let (hear, may_end) = (hear.clone(), may_end.clone());
        let listener = Listener::new(listener_options(&redis, 2)).unwrap();
        tokio::spawn(listener.run(
            move |message| {
                let (hear, mut may_end) = (hear.clone(), may_end.clone());
                async move {
                    let _ = hear.send(message.run);
                    let _ = may_end.wait_for(|end| *end).await;
                }
            },
            shutdown.clone(),
        ))
    };
    let listening = [listen(), listen()];
    let doorbell = Doorbell::new(&options(&redis)).unwrap();
    let mut rung = BTreeSet::new();
    for _ in 0..6 {
        let run = a_run();
        rung.insert(Some(run));
        doorbell.ring(run, None).await.unwrap();
    }
    let mut heard = Vec::new();
    while heard.len() < 4 {
        heard.push(timeout(PATIENCE, hears.recv()).await.unwrap().unwrap());
    }
    // Six silent heartbeats are a death; both go on for longer than that.
    let began = streams(&redis).await;
    assert_eq!(began.len(), 2);
    eventually("both to go on for longer than a silence may be", || async {
        let now = streams(&redis).await;
        let lives = |(name, at): (&String, &f64)| now.get(name).is_some_and(|now| *now > at + 8.0);
        began.iter().all(lives).then_some(())
    })
    .await;
    assert!(hears.try_recv().is_err(), "a message went to the other");

    end.send(true).unwrap();
    while heard.len() < 6 {
        heard.push(timeout(PATIENCE, hears.recv()).await.unwrap().unwrap());
    }
    shutdown.cancel();
    for listener in listening {
        listener.await.unwrap().unwrap();
    }
    assert!(hears.try_recv().is_err(), "a message was heard twice");
    assert_eq!(heard.into_iter().collect::<BTreeSet<_>>(), rung);
    assert_eq!(in_flight(&redis).await, BTreeSet::new());
}

#[tokio::test]
async fn a_break_drops_the_handler_and_not_the_task_that_it_spawned() {
    let redis = TestRedis::create();
    let (begun, mut begins) = mpsc::unbounded_channel();
    let (end, may_end) = watch::channel(false);
    let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
    let dropped = CancellationToken::new();
    let listener = Listener::new(listener_options(&redis, 2)).unwrap();
    let running = tokio::spawn(listener.run(
        {
            let (tasks, dropped) = (tasks.clone(), dropped.clone());
            move |_| {
                let (begun, mut may_end) = (begun.clone(), may_end.clone());
                let task = tasks.spawn(async move {
                    let _ = begun.send(());
                    let _ = may_end.wait_for(|end| *end).await;
                });
                let guard = dropped.clone().drop_guard();
                async move {
                    let _guard = guard;
                    let _ = task.await;
                }
            }
        },
        shutdown.clone(),
    ));
    let doorbell = Doorbell::new(&options(&redis)).unwrap();
    doorbell.ring(a_run(), None).await.unwrap();
    timeout(PATIENCE, begins.recv()).await.unwrap().unwrap();

    forget(&redis).await;
    timeout(PATIENCE, dropped.cancelled()).await.unwrap();
    assert_eq!(tasks.len(), 1);
    end.send(true).unwrap();
    tasks.close();
    tasks.wait().await;
    shutdown.cancel();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn more_messages_than_can_be_fetched_are_dropped_and_later_ones_are_heard() {
    async fn crowd(redis: &TestRedis) {
        let config = keys(redis);
        let mut pipe = redis::pipe();
        pipe.atomic();
        for n in 0..8_000 {
            let id = format!("stale.{n}");
            pipe.hset(config.job_data_hash(), &id, "null").ignore();
            pipe.zadd(config.scheduled_jobs_set(), &id, 1).ignore();
        }
        let _: () = pipe
            .query_async(&mut connection(redis).await)
            .await
            .unwrap();
    }
    async fn dropped(redis: &TestRedis) {
        eventually("the crowd to be dropped", || async {
            let payloads: u64 = redis::cmd("HLEN")
                .arg(keys(redis).job_data_hash())
                .query_async(&mut connection(redis).await)
                .await
                .unwrap();
            (payloads < 8_000).then_some(())
        })
        .await;
    }
    async fn hears(redis: &TestRedis, ear: &mut Ear) {
        let run = a_run();
        let doorbell = Doorbell::new(&options(redis)).unwrap();
        doorbell.ring(run, None).await.unwrap();
        assert_eq!(ear.next().await.run, Some(run));
    }
    let redis = TestRedis::create();
    crowd(&redis).await;
    let mut ear = Ear::open(&redis);
    dropped(&redis).await;
    hears(&redis, &mut ear).await;

    // While it listens, too.
    crowd(&redis).await;
    dropped(&redis).await;
    hears(&redis, &mut ear).await;
    ear.close().await;
}

#[tokio::test]
async fn messages_whose_payload_is_gone_are_dropped_and_later_ones_are_heard() {
    let redis = TestRedis::create();
    let mut ear = Ear::open(&redis);
    let doorbell = Doorbell::new(&options(&redis)).unwrap();
    doorbell.ring(a_run(), None).await.unwrap();
    ear.next().await;
    let config = keys(&redis);
    let _: () = redis::pipe()
        .atomic()
        .rpush(config.active_jobs_list(), &["empty.1", "empty.2"])
        .zadd(config.scheduled_jobs_set(), "empty.3", 1)
        .ignore()
        .query_async(&mut connection(&redis).await)
        .await
        .unwrap();
    let run = a_run();
    doorbell.ring(run, None).await.unwrap();
    assert_eq!(ear.next().await.run, Some(run));
    ear.close().await;
    // Nor are they kept for whoever takes over from the stream that broke.
    assert_eq!(in_flight(&redis).await, BTreeSet::new());
}
