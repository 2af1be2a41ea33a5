//! Whether a Redis is one that the queue can work with: tried out, on keys of its own.

use redis::aio::ConnectionManager;
use tokio::time::timeout;

use crate::config::{QueueOptions, QueueSetupError};
use crate::fault::{RedisFault, RedisFaultKind, kind_of, kind_of_code};

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
pub enum ExaminationError {
    /// The settings.
    #[error(transparent)]
    Setup(#[from] QueueSetupError),
    /// It is not reached, or cannot be used.
    #[error(transparent)]
    Fault(#[from] RedisFault),
    /// It refuses what the queue needs. Each as the command, or what was tried, and the answer.
    #[error("commands that the queue needs are refused: {}", .0.join("; "))]
    Refused(Vec<String>),
}

/// Tries out everything that the queue needs of Redis, on keys that exist for that moment only.
///
/// # Errors
/// [`ExaminationError`], the first that is found.
pub async fn examine(options: &QueueOptions) -> Result<(), ExaminationError> {
    let client = options.client()?;
    let connecting = ConnectionManager::new_with_config(client, options.connection());
    let mut connection = in_time(options, connecting)
        .await?
        .map_err(RedisFault::from)?;
    in_time(options, try_out(options, &mut connection)).await?
}

async fn in_time<T>(
    options: &QueueOptions,
    done: impl Future<Output = T>,
) -> Result<T, RedisFault> {
    timeout(options.push_timeout * 2, done)
        .await
        .map_err(|_| RedisFault::of_kind(RedisFaultKind::TimedOut))
}

async fn try_out(
    options: &QueueOptions,
    connection: &mut ConnectionManager,
) -> Result<(), ExaminationError> {
    let ping = redis::cmd("PING").query_async::<()>(connection).await;
    ping.map_err(|error| refused("PING", error))?;
    let keys = ["set", "list", "hash", "sorted", "text"];
    let prefix = format!("{}:runs:doctor", options.namespace);
    let mut script = redis::cmd("EVAL");
    script.arg(SCRIPT).arg(keys.len());
    for key in keys {
        script.arg(format!("{prefix}:{key}"));
    }
    script.arg(options.wake_channel());
    let answers: Vec<String> = script
        .query_async(connection)
        .await
        .map_err(|error| refused("EVAL", error))?;
    for answer in &answers {
        let code = answer.split_once(": ").map_or("", |(_, text)| text);
        let kind = kind_of_code(code.split(' ').next().unwrap_or_default());
        if !is_about_rights(kind) {
            return Err(RedisFault::of_kind(kind).into());
        }
    }
    if !answers.is_empty() {
        return Err(ExaminationError::Refused(answers));
    }
    let listed = redis::cmd("ZRANGE")
        .arg(QUEUES)
        .arg(0)
        .arg(0)
        .query_async::<Vec<String>>(connection)
        .await;
    listed.map_err(|error| refused("ZRANGE core:apalis:queues:list", error))?;
    Ok(())
}

/// What the server refuses is named with its answer; anything else is a fault.
fn refused(tried: &str, error: redis::RedisError) -> ExaminationError {
    let is_of_server = matches!(error.kind(), redis::ErrorKind::Server(_));
    if is_of_server && is_about_rights(kind_of(&error)) {
        ExaminationError::Refused(vec![format!("{tried}: {error}")])
    } else {
        RedisFault::from(error).into()
    }
}

const fn is_about_rights(kind: RedisFaultKind) -> bool {
    matches!(kind, RedisFaultKind::NotPermitted | RedisFaultKind::Other)
}
