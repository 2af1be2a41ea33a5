//! The connection of pushes, replaced when it fails.

use std::sync::{Arc, Mutex, PoisonError};

use apalis_core::backend::ext::BackendExt as _;
use apalis_core::backend::ext::with_codec::WithCodec;
use apalis_redis::RedisStorage;
use redis::RedisError;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};

use crate::config::{QueueOptions, QueueSetupError};
use crate::message::{Message, MessageCodec};

/// apalis-redis over one connection.
pub(crate) type Storage = WithCodec<RedisStorage<Message>, MessageCodec>;

/// A connection, and what pushes over it. Connects when it is first used.
pub(crate) struct Link {
    pub(crate) connection: ConnectionManager,
    /// The queue of the workers.
    pub(crate) runs: Storage,
    /// A queue in which nobody looks for messages.
    pub(crate) rehearsal: Storage,
}

/// The connection that pushes use at present. A manager of connections would make new ones by itself,
/// but not after every fault, and not before somebody has met it: a push that fails is to know that
/// its second attempt has a new one.
pub(crate) struct Links {
    client: redis::Client,
    manager: ConnectionManagerConfig,
    runs: apalis_redis::Config,
    rehearsal: apalis_redis::Config,
    current: Mutex<Arc<Link>>,
}

impl Links {
    pub(crate) fn new(options: &QueueOptions) -> Result<Self, QueueSetupError> {
        let client = options.client()?;
        let manager = options.pushing();
        let (runs, rehearsal) = (options.apalis(), options.rehearsal());
        let first = link(&client, &manager, &runs, &rehearsal);
        Ok(Self {
            current: Mutex::new(Arc::new(first.map_err(QueueSetupError::Connection)?)),
            client,
            manager,
            runs,
            rehearsal,
        })
    }

    pub(crate) fn current(&self) -> Arc<Link> {
        self.current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// One that is newer than `failed`: others may have met the same fault.
    pub(crate) fn newer_than(&self, failed: &Arc<Link>) -> Result<Arc<Link>, RedisError> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&current, failed) {
            let new = link(&self.client, &self.manager, &self.runs, &self.rehearsal)?;
            *current = Arc::new(new);
        }
        Ok(current.clone())
    }
}

fn link(
    client: &redis::Client,
    manager: &ConnectionManagerConfig,
    runs: &apalis_redis::Config,
    rehearsal: &apalis_redis::Config,
) -> Result<Link, RedisError> {
    let connection = client.get_connection_manager_lazy(manager.clone())?;
    let storage = |config: &apalis_redis::Config| {
        RedisStorage::new(connection.clone())
            .with_config(config.clone())
            .with_codec(MessageCodec)
    };
    Ok(Link {
        runs: storage(runs),
        rehearsal: storage(rehearsal),
        connection,
    })
}
