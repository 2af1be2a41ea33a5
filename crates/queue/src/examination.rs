//! Whether a Redis is one that the queue can work with: tried out, on keys of its own.

use atlas_domain::causes::Causes;
use redis::aio::ConnectionManager;
use tokio::time::timeout;

use crate::config::{QueueOptions, QueueSetupError};
use crate::fault::{RedisFault, RedisFaultKind, kind_of, kind_of_code};
use crate::listener::subscribed;

/// Calls each command that pushing, listening and cleaning up need, here and within those scripts of
/// apalis-redis that are used, and returns the refused ones, each as `COMMAND: answer`. Exactly the
/// documented rights: whoever has them passes, and whoever lacks one of them does not.
const SCRIPT: &str = "
local refused = {}
local function try(...)
    local answer = redis.pcall(...)
    if type(answer) == 'table' and answer.err then
        table.insert(refused, string.upper((...)) .. ': ' .. answer.err)
    end
end
local set, list, hash, sorted = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
try('sadd', set, 'a')
try('smembers', set)
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
try('hexists', hash, 'a')
try('hdel', hash, 'a')
try('zadd', sorted, 1, 'a')
try('zscore', sorted, 'a')
try('zcard', sorted)
try('zrange', sorted, 0, -1)
try('zrangebyscore', sorted, '-inf', '+inf')
try('zrem', sorted, 'a')
try('time')
try('publish', ARGV[1], '0')
try('del', set, list, hash, sorted)
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
    let keys = ["set", "list", "hash", "sorted"];
    let prefix = format!("{}:runs:doctor", options.namespace);
    // Scripts are run by their hash, and loaded when the server does not know it.
    let script = redis::Script::new(SCRIPT);
    let loaded = script.load_async(connection).await;
    loaded.map_err(|error| refused("SCRIPT LOAD", error))?;
    let mut invocation = script.prepare_invoke();
    for key in keys {
        invocation.key(format!("{prefix}:{key}"));
    }
    invocation.arg(options.wake_channel());
    let answers: Vec<String> = invocation
        .invoke_async(connection)
        .await
        .map_err(|error| refused("EVALSHA", error))?;
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
    let subscribed = subscribed(&options.client()?, &options.wake_channel()).await;
    subscribed.map(drop).map_err(|fault| match fault.kind() {
        RedisFaultKind::NotPermitted => {
            ExaminationError::Refused(vec![format!("SUBSCRIBE: {}", Causes(&fault))])
        }
        _ => fault.into(),
    })
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
