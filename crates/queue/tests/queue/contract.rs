//! Behaviour of apalis-redis 1.0.0 that this crate is built around. When an upgrade changes one of
//! these, the comment at the place that leans on it has to be read again.

use apalis::prelude::{TaskBuilder, TaskId, TaskSink};
use apalis_redis::RedisStorage;
use atlas_queue::{Doorbell, Listener};
use atlas_test_support::{TestRedis, eventually};
use tokio_util::sync::CancellationToken;

use super::{a_run, connection, listener_options, options};

#[tokio::test]
async fn a_second_push_with_the_same_id_is_swallowed() {
    let redis = TestRedis::create();
    let config = apalis_redis::Config::default().queue(format!("{}:same", redis.namespace()));
    let manager = redis::Client::open(redis.url())
        .unwrap()
        .get_connection_manager()
        .await
        .unwrap();
    let mut storage = RedisStorage::<u32>::new(manager).with_config(config.clone());
    for value in [1, 2] {
        let task = TaskBuilder::new(value)
            .task_id(TaskId::from_string("one"))
            .build();
        storage.push_task(task).await.unwrap();
    }
    let stored: Vec<String> = redis::cmd("HVALS")
        .arg(config.job_data_hash())
        .query_async(&mut connection(&redis).await)
        .await
        .unwrap();
    assert_eq!(stored, ["1"]);
}

#[tokio::test]
async fn a_worker_whose_slots_are_all_busy_still_sends_heartbeats() {
    let redis = TestRedis::create();
    let (end, may_end) = tokio::sync::watch::channel(false);
    let shutdown = CancellationToken::new();
    let listener = Listener::new(listener_options(&redis, 1)).unwrap();
    let running = tokio::spawn(listener.run(
        move |_| {
            let mut may_end = may_end.clone();
            async move {
                let _ = may_end.wait_for(|end| *end).await;
            }
        },
        shutdown.clone(),
    ));
    let doorbell = Doorbell::new(&options(&redis)).unwrap();
    for _ in 0..3 {
        doorbell.ring(a_run(), None).await.unwrap();
    }
    let workers = apalis_redis::Config::default()
        .queue(format!("{}:runs", redis.namespace()))
        .workers_set();
    let heartbeat = || async {
        let mut connection = connection(&redis).await;
        let known: Vec<(String, f64)> = redis::cmd("ZRANGE")
            .arg(&workers)
            .arg("0")
            .arg("-1")
            .arg("WITHSCORES")
            .query_async(&mut connection)
            .await
            .unwrap();
        known.into_iter().next().map(|(_, at)| at)
    };
    let first = eventually("the worker to be known", heartbeat).await;
    eventually("a later heartbeat", || async {
        heartbeat().await.filter(|later| *later > first + 4.0)
    })
    .await;
    end.send(true).unwrap();
    shutdown.cancel();
    running.await.unwrap().unwrap();
}
