//! Removing from Redis the messages that would break every stream that is opened.

use atlas_domain::causes::Causes;
use redis::aio::ConnectionManager;

/// A fetch of apalis-redis 1.0.0 fails for good when more messages than this are due.
const MOST_DUE: u64 = 7_999;

/// Two things end the stream of whoever fetches next, and of everybody after that: so many due
/// messages that their promotion overflows Lua's stack, and an id whose payload is gone.
/// All of it at once, so that no message that is pushed meanwhile is hit.
const SCRIPT: &str = r"
local scheduled, active, payloads, in_flight = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local crowded = redis.call('ZCARD', scheduled) >= tonumber(ARGV[1])
local dropped = 0
local function drop(id)
    redis.call('HDEL', payloads, id)
    redis.call('DEL', ARGV[2] .. ':' .. id)
    dropped = dropped + 1
end
local function is_empty(id)
    return redis.call('HEXISTS', payloads, id) == 0
end
for _, id in ipairs(redis.call('ZRANGE', scheduled, 0, -1)) do
    if crowded or is_empty(id) then
        redis.call('ZREM', scheduled, id)
        drop(id)
    end
end
for _, id in ipairs(redis.call('LRANGE', active, 0, -1)) do
    if is_empty(id) then
        redis.call('LREM', active, 0, id)
        drop(id)
    end
end
for _, id in ipairs(redis.call('SMEMBERS', in_flight)) do
    if is_empty(id) then
        redis.call('SREM', in_flight, id)
        drop(id)
    end
end
return dropped
";

/// Drops the messages that no stream survives. No run is lost: the workers' sweeps find every run
/// that waits. `broken` is the stream that ended before this one is opened; what it had fetched
/// last may be what broke it, and would be given to others once that stream counts as dead.
pub(crate) async fn mend(
    connection: &mut ConnectionManager,
    config: &apalis_redis::Config,
    broken: Option<&str>,
) {
    let in_flight = format!("{}:{}", config.inflight_jobs_set(), broken.unwrap_or(""));
    let dropped: Result<u64, _> = redis::Script::new(SCRIPT)
        .key(config.scheduled_jobs_set())
        .key(config.active_jobs_list())
        .key(config.job_data_hash())
        .key(in_flight)
        .arg(MOST_DUE)
        .arg(config.job_meta_hash())
        .invoke_async(connection)
        .await;
    match dropped {
        Ok(0) => {}
        Ok(dropped) => tracing::warn!(dropped, "dropped messages that nobody could have fetched"),
        // The stream that is opened next meets the same Redis and says what is wrong with it.
        Err(error) => {
            tracing::debug!(error = %Causes(&error), "the queue could not be looked through");
        }
    }
}
