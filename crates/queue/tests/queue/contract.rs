//! Behaviour of apalis-redis 1.0.0 that this crate is built around. When an upgrade changes one of
//! these, the comment at the place that leans on it has to be read again.

use std::time::Duration;

use apalis::prelude::{
    BackendExt, BoxDynError, TaskBuilder, TaskId, TaskSink, WorkerBuilder, WorkerBuilderExt,
    WorkerContext,
};
use apalis_redis::{Config, RedisStorage};
use atlas_test_support::{PATIENCE, TestRedis};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use super::{connection, keys, manager};

/// A queue of numbers, with heartbeats of a second.
fn numbers(redis: &TestRedis) -> Config {
    keys(redis)
        .heartbeat_interval(Duration::from_secs(1))
        .lock_tasks(false)
        .emit_events(false)
}

async fn storage(redis: &TestRedis, config: &Config) -> RedisStorage<u32> {
    RedisStorage::new(manager(redis).await).with_config(config.clone())
}

#[tokio::test]
async fn a_second_push_with_the_same_id_is_swallowed() {
    let redis = TestRedis::create();
    let config = numbers(&redis);
    let mut storage = storage(&redis, &config).await;
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

/// Why every opened stream has a name of its own.
#[tokio::test]
async fn a_name_is_refused_when_it_was_used_shortly_before_even_after_a_clean_end() {
    async fn last(_: u32, worker: WorkerContext) -> Result<(), BoxDynError> {
        worker.stop()?;
        Ok(())
    }
    let redis = TestRedis::create();
    let config = numbers(&redis).missed_heartbeats(60);
    let mut storage = storage(&redis, &config).await;
    storage.push(1).await.unwrap();
    let worker = |name: &str| {
        WorkerBuilder::new(name)
            .backend(storage.clone())
            .build(last)
    };
    worker("one").run().await.unwrap();

    let refusal = worker("one").run().await.unwrap_err();
    assert!(
        format!("{refusal:?}").contains("still active within threshold"),
        "{refusal:?}"
    );
    storage.clone().push(2).await.unwrap();
    worker("another").run().await.unwrap();
}

/// Why handlers never fail: the limit on attempts is not kept.
#[tokio::test]
async fn a_task_that_may_be_tried_once_is_tried_again_when_it_fails() {
    let redis = TestRedis::create();
    let mut storage = storage(&redis, &numbers(&redis)).await;
    let task = TaskBuilder::new(1).max_attempts(1).build();
    storage.push_task(task).await.unwrap();
    let (tried, mut tries) = mpsc::unbounded_channel();
    let worker = WorkerBuilder::new("one")
        .backend(storage.poll_with_interval(Duration::from_millis(50)))
        .build(move |_: u32| {
            let tried = tried.clone();
            async move {
                let _ = tried.send(());
                Err::<(), BoxDynError>("on purpose".into())
            }
        });
    let working = tokio::spawn(worker.run());
    for _ in 0..2 {
        timeout(PATIENCE, tries.recv()).await.unwrap().unwrap();
    }
    working.abort();
}

/// Why one message is fetched at a time: a worker that has fetched more than it may start is
/// silent, and what it works on goes to another one.
#[tokio::test]
async fn a_live_worker_that_fetched_more_than_it_may_start_loses_its_tasks_to_another() {
    let redis = TestRedis::create();
    let config = numbers(&redis).batch_size(10).missed_heartbeats(2);
    let mut storage = storage(&redis, &config).await;
    for task in 0..5 {
        storage.push(task).await.unwrap();
    }
    let (_end, may_end) = watch::channel(false);
    let (begun, mut begins) = mpsc::unbounded_channel();
    let work = |name: &'static str| {
        let (begun, may_end) = (begun.clone(), may_end.clone());
        let polled = storage
            .clone()
            .poll_with_interval(Duration::from_millis(50));
        let worker = WorkerBuilder::new(name)
            .backend(polled)
            .concurrency(2)
            .build(move |task: u32| {
                let (begun, mut may_end) = (begun.clone(), may_end.clone());
                async move {
                    let _ = begun.send((task, name));
                    let _ = may_end.wait_for(|end| *end).await;
                    Ok::<(), BoxDynError>(())
                }
            });
        tokio::spawn(worker.run())
    };
    let mut begun_by = async || timeout(PATIENCE, begins.recv()).await.unwrap().unwrap().1;
    let first = work("first");
    assert_eq!((begun_by().await, begun_by().await), ("first", "first"));
    let second = work("second");
    assert_eq!((begun_by().await, begun_by().await), ("second", "second"));
    first.abort();
    second.abort();
}
