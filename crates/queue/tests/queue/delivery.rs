//! Ringing and hearing.

use std::time::{Duration, Instant};

use apalis::prelude::{TaskBuilder, TaskSink};
use apalis_redis::RedisStorage;
use atlas_domain::clock::SystemEntropy;
use atlas_queue::{Doorbell, Message, QueueOptions, Rung};
use atlas_telemetry::TraceContext;
use atlas_test_support::{TestRedis, dead_redis_url};
use secrecy::SecretString;

use super::{Ear, a_run, connection, keys, manager, options, streams};

#[tokio::test]
async fn a_ring_is_heard_with_its_run_and_trace() {
    let redis = TestRedis::create();
    let mut ear = Ear::open(&redis);
    let doorbell = Doorbell::new(&options(&redis)).unwrap();
    let message = Message {
        run: Some(a_run()),
        trace: Some(TraceContext::mint(&SystemEntropy)),
    };
    let rung = doorbell
        .ring(message.run.unwrap(), message.trace.as_ref())
        .await
        .unwrap();
    assert_eq!(rung, Rung::Pushed);
    assert_eq!(ear.next().await, message);
    ear.close().await;

    // What is not acknowledged would be given to others.
    let config = keys(&redis);
    let (waiting, done): (u64, u64) = redis::pipe()
        .zcard(config.scheduled_jobs_set())
        .scard(config.done_jobs_set())
        .query_async(&mut connection(&redis).await)
        .await
        .unwrap();
    assert_eq!((waiting, done), (0, 1));
}

#[tokio::test]
async fn ringing_twice_for_one_run_is_heard_twice() {
    let redis = TestRedis::create();
    let doorbell = Doorbell::new(&options(&redis)).unwrap();
    let run = a_run();
    doorbell.ring(run, None).await.unwrap();
    doorbell.ring(run, None).await.unwrap();
    let mut ear = Ear::open(&redis);
    assert_eq!(ear.next().await.run, Some(run));
    assert_eq!(ear.next().await.run, Some(run));
    ear.close().await;
}

#[tokio::test]
async fn a_payload_that_is_no_message_says_look_and_ends_nothing() {
    let redis = TestRedis::create();
    let mut ear = Ear::open(&redis);
    let mut foreign =
        RedisStorage::<Vec<f64>>::new(manager(&redis).await).with_config(keys(&redis));
    let task = TaskBuilder::new(vec![0.5]).build();
    foreign.push_task(task).await.unwrap();
    assert_eq!(ear.next().await, Message::default());

    let doorbell = Doorbell::new(&options(&redis)).unwrap();
    let run = a_run();
    doorbell.ring(run, None).await.unwrap();
    assert_eq!(ear.next().await.run, Some(run));
    ear.close().await;
}

#[tokio::test]
async fn a_dead_redis_refuses_a_ring_within_the_time_limit() {
    let mut options = QueueOptions::new(SecretString::from(dead_redis_url()), "test");
    options.push_timeout = Duration::from_secs(2);
    let doorbell = Doorbell::new(&options).unwrap();
    let began = Instant::now();
    doorbell.ring(a_run(), None).await.unwrap_err();
    doorbell.rehearse().await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn nothing_is_pushed_while_very_many_messages_wait() {
    let redis = TestRedis::create();
    let mut options = options(&redis);
    options.max_outstanding = 2;
    let doorbell = Doorbell::new(&options).unwrap();
    assert_eq!(doorbell.ring(a_run(), None).await.unwrap(), Rung::Pushed);
    assert_eq!(doorbell.ring(a_run(), None).await.unwrap(), Rung::Pushed);
    assert_eq!(doorbell.ring(a_run(), None).await.unwrap(), Rung::Crowded);
    // Another process counts what is there, too.
    let other = Doorbell::new(&options).unwrap();
    assert_eq!(other.ring(a_run(), None).await.unwrap(), Rung::Crowded);
}

#[tokio::test]
async fn closing_waits_for_the_message_that_is_being_handled() {
    let redis = TestRedis::create();
    let (begun, mut has_begun) = tokio::sync::mpsc::unbounded_channel();
    let (end, may_end) = tokio::sync::watch::channel(false);
    let shutdown = tokio_util::sync::CancellationToken::new();
    let listener = atlas_queue::Listener::new(super::listener_options(&redis, 1)).unwrap();
    let mut running = tokio::spawn(listener.run(
        move |_| {
            let (begun, mut may_end) = (begun.clone(), may_end.clone());
            async move {
                let _ = begun.send(());
                let _ = may_end.wait_for(|end| *end).await;
            }
        },
        shutdown.clone(),
    ));
    let doorbell = Doorbell::new(&options(&redis)).unwrap();
    doorbell.ring(a_run(), None).await.unwrap();
    has_begun.recv().await.unwrap();
    shutdown.cancel();
    let early = tokio::time::timeout(Duration::from_millis(300), &mut running).await;
    assert!(early.is_err(), "it ended under a message");
    end.send(true).unwrap();
    running.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_handler_that_panics_ends_no_stream_and_its_message_is_not_repeated() {
    let redis = TestRedis::create();
    let (hear, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let shutdown = tokio_util::sync::CancellationToken::new();
    let listener = atlas_queue::Listener::new(super::listener_options(&redis, 1)).unwrap();
    let running = tokio::spawn(listener.run(
        move |message| {
            let hear = hear.clone();
            async move {
                hear.send(message).unwrap();
                panic!("on purpose");
            }
        },
        shutdown.clone(),
    ));
    let doorbell = Doorbell::new(&options(&redis)).unwrap();
    for run in [a_run(), a_run()] {
        doorbell.ring(run, None).await.unwrap();
        assert_eq!(hears.recv().await.unwrap().run, Some(run));
    }
    let opened: Vec<String> = streams(&redis).await.into_keys().collect();
    assert!(
        matches!(&opened[..], [only] if only.ends_with("-0")),
        "{opened:?}"
    );
    shutdown.cancel();
    running.await.unwrap().unwrap();

    let config = keys(&redis);
    let (to_repeat, given_up): (u64, u64) = redis::pipe()
        .zcard(config.scheduled_jobs_set())
        .scard(config.dead_jobs_set())
        .query_async(&mut connection(&redis).await)
        .await
        .unwrap();
    assert_eq!((to_repeat, given_up), (0, 2));
}

#[tokio::test]
async fn announcements_of_events_and_of_runs_are_heard() {
    let redis = TestRedis::create();
    let doorbell = Doorbell::new(&options(&redis)).unwrap();
    let (sender, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let hearing = doorbell.clone();
    let hearing = tokio::spawn(async move {
        let heard = || {
            let _ = sender.send(());
        };
        hearing.hear(heard).await
    });
    // It takes a moment until it hears.
    while heard.is_empty() {
        doorbell.announce_events().await;
        tokio::task::yield_now().await;
    }
    while heard.try_recv().is_ok() {}
    doorbell.ring(a_run(), None).await.unwrap();
    heard.recv().await.unwrap();
    hearing.abort();
}
