//! Messages that a test puts into Redis itself.

use apalis::prelude::{TaskBuilder, TaskSink};
use apalis_redis::RedisStorage;
use atlas_domain::ids::RunId;
use atlas_queue::{Doorbell, QueueOptions};
use redis::aio::{ConnectionManager, MultiplexedConnection};
use secrecy::SecretString;

use crate::installation::Installation;

/// So many due messages break a queue.
pub(crate) const POISON: u64 = 8_000;

/// The queue of an installation.
pub(crate) struct Messages {
    doorbell: Doorbell,
    connection: ConnectionManager,
    queue: apalis_redis::Config,
}

impl Messages {
    pub(crate) async fn of(installation: &Installation) -> Self {
        let url = SecretString::from(installation.redis_url.as_str());
        let client = redis::Client::open(installation.redis_url.as_str()).unwrap();
        Self {
            doorbell: Doorbell::new(&QueueOptions::new(url, installation.namespace.as_str()))
                .unwrap(),
            connection: client.get_connection_manager().await.unwrap(),
            queue: apalis_redis::Config::default()
                .queue(format!("{}:runs", installation.namespace)),
        }
    }

    /// Says that a run waits.
    pub(crate) async fn ring(&self, run: RunId) {
        self.doorbell.ring(run, None).await.unwrap();
    }

    /// Pushes what nobody can read, and rings for nobody.
    pub(crate) async fn push_unannounced(&self) {
        let mut storage =
            RedisStorage::<Vec<f64>>::new(self.connection.clone()).with_config(self.queue.clone());
        let garbage = TaskBuilder::new(vec![0.5]).build();
        storage.push_task(garbage).await.unwrap();
    }

    /// Puts more messages there than apalis can fetch from.
    pub(crate) async fn poison(&self, connection: &mut MultiplexedConnection) {
        let mut poison = redis::pipe();
        for n in 0..POISON {
            poison
                .zadd(self.waiting(), format!("stale.{n}"), 1)
                .ignore();
        }
        let _: () = poison.query_async(connection).await.unwrap();
    }

    /// The key of the messages that wait.
    pub(crate) fn waiting(&self) -> String {
        self.queue.scheduled_jobs_set()
    }
}
