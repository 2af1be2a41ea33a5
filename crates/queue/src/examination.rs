//! Whether a Redis is one that the queue can work with: tried out, on keys of its own.

use redis::aio::ConnectionManager;
use tokio::time::timeout;

use crate::config::{QueueOptions, QueueSetupError};

/// Calls each command that pushing, listening and cleaning up need, here and within scripts of
/// apalis-redis, and returns those that were refused, each as `COMMAND: answer`.
const SCRIPT: &str = "
local refused = {}
local function try(...)
    local answer = redis.pcall(...)
    if type(answer) == 'table' and answer.err then
        table.insert(refused, string.upper((...)) .. ': ' .. answer.err)
    end
end
local set, list, hash, sorted, text = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
try('sadd', set, 'a')
try('sismember', set, 'a')
try('smembers', set)
try('scard', set)
try('srem', set, 'a')
try('rpush', list, 'a', 'b')
try('lpush', list, 'c')
try('llen', list)
try('lrange', list, 0, -1)
try('lrem', list, 0, 'a')
try('ltrim', list, 1, 0)
try('hset', hash, 'a', '1')
try('hsetnx', hash, 'a', '1')
try('hmset', hash, 'b', '2')
try('hget', hash, 'a')
try('hmget', hash, 'a', 'b')
try('hgetall', hash)
try('hkeys', hash)
try('hdel', hash, 'a')
try('zadd', sorted, 1, 'a')
try('zscore', sorted, 'a')
try('zcard', sorted)
try('zcount', sorted, '-inf', '+inf')
try('zrange', sorted, 0, -1)
try('zrangebyscore', sorted, '-inf', '+inf')
try('zrevrange', sorted, 0, -1)
try('zrem', sorted, 'a')
try('setnx', text, '1')
try('expire', text, 60)
try('time')
try('publish', ARGV[1], '0')
try('del', set, list, hash, sorted, text)
return refused
";

/// A list of apalis-redis that stands outside of every namespace.
const QUEUES: &str = "core:apalis:queues:list";

/// What keeps the queue from working with a Redis.
#[derive(Debug, thiserror::Error)]
pub enum RedisFault {
    /// The settings.
    #[error(transparent)]
    Setup(#[from] QueueSetupError),
    /// There is no connection, or it was refused.
    #[error("Redis is not reached: {0}")]
    Unreachable(#[source] redis::RedisError),
    /// No answer in time.
    #[error("Redis does not answer in time")]
    TimedOut,
    /// A node of a cluster takes no scripts over several keys.
    #[error("it is a node of Redis Cluster")]
    Cluster,
    /// Writes go to another server.
    #[error("it is a replica that takes no writes")]
    Replica,
    /// Its memory is used up.
    #[error("its memory is full, and it takes no writes")]
    Full,
    /// The user may not do what the queue needs. Each as the command, or what was tried, and the
    /// answer.
    #[error("commands that the queue needs are refused: {}", .0.join("; "))]
    Refused(Vec<String>),
}

impl RedisFault {
    /// What to do, and where.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Setup(_) => "Write REDIS_URL as redis://user:password@host:port or rediss://…",
            Self::Unreachable(_) => {
                "Check host, port, user and password of REDIS_URL, and rediss:// where the server \
                 takes TLS only."
            }
            Self::TimedOut => "Check that the server runs and that nothing drops its packets.",
            Self::Cluster => {
                "Use a Redis or Valkey that is not a cluster (cluster-enabled no): one server holds \
                 the hints of any installation."
            }
            Self::Replica => "Let REDIS_URL name the primary.",
            Self::Full => {
                "Raise maxmemory, or set maxmemory-policy to allkeys-lru: what the queue keeps may \
                 be lost."
            }
            Self::Refused(_) => {
                "Give the user of REDIS_URL these commands, the keys and channels of \
                 ATLAS_QUEUE_NAMESPACE, and the keys core:apalis:*."
            }
        }
    }
}

/// Tries out everything that the queue needs of Redis, on keys that exist for that moment only.
///
/// # Errors
/// [`RedisFault`], the first that is found.
pub async fn examine(options: &QueueOptions) -> Result<(), RedisFault> {
    let client = options.client()?;
    let connecting = ConnectionManager::new_with_config(client, options.connection());
    let mut connection = timeout(options.push_timeout * 2, connecting)
        .await
        .map_err(|_| RedisFault::TimedOut)?
        .map_err(RedisFault::Unreachable)?;
    timeout(options.push_timeout * 2, try_out(options, &mut connection))
        .await
        .map_err(|_| RedisFault::TimedOut)?
}

async fn try_out(
    options: &QueueOptions,
    connection: &mut ConnectionManager,
) -> Result<(), RedisFault> {
    let ping = redis::cmd("PING").query_async::<()>(connection).await;
    ping.map_err(|error| fault("PING", error))?;
    let keys = ["set", "list", "hash", "sorted", "text"];
    let prefix = format!("{}:runs:doctor", options.namespace);
    let mut script = redis::cmd("EVAL");
    script.arg(SCRIPT).arg(keys.len());
    for key in keys {
        script.arg(format!("{prefix}:{key}"));
    }
    script.arg(options.wake_channel());
    let refused: Vec<String> = script
        .query_async(connection)
        .await
        .map_err(|error| fault("EVAL", error))?;
    if let Some(fault) = refused.iter().find_map(|answer| known(answer)) {
        return Err(fault);
    }
    if !refused.is_empty() {
        return Err(RedisFault::Refused(refused));
    }
    let listed = redis::cmd("ZRANGE")
        .arg(QUEUES)
        .arg(0)
        .arg(0)
        .query_async::<Vec<String>>(connection)
        .await;
    listed.map_err(|error| fault("ZRANGE core:apalis:queues:list", error))?;
    Ok(())
}

fn fault(tried: &str, error: redis::RedisError) -> RedisFault {
    let text = error.to_string();
    if let Some(fault) = known(&text) {
        return fault;
    }
    match error.kind() {
        redis::ErrorKind::Server(_) => RedisFault::Refused(vec![format!("{tried}: {text}")]),
        _ => RedisFault::Unreachable(error),
    }
}

/// Redis answers with these words whatever its language.
fn known(answer: &str) -> Option<RedisFault> {
    let has = |words: &[&str]| words.iter().any(|word| answer.contains(word));
    if has(&[
        "CROSSSLOT",
        "CrossSlot",
        "CLUSTERDOWN",
        "ClusterDown",
        "MOVED",
    ]) {
        Some(RedisFault::Cluster)
    } else if has(&["READONLY", "ReadOnly"]) {
        Some(RedisFault::Replica)
    } else if has(&["OOM "]) {
        Some(RedisFault::Full)
    } else {
        None
    }
}
