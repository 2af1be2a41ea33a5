//! What can go wrong, and what ends what lasts.

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    ApiKilled,
    WorkerKilled,
    WorkerStopped,
    WorkerRolled,
    RedisFlushed,
    RedisPaused,
    RedisKilled,
    RedisCut,
    RedisBlackHole,
    PostgresRestarted,
    PostgresCertificateReplaced,
    PostgresReadOnly,
    PostgresBackendsTerminated,
    PostgresCut,
    PostgresBlackHole,
    GarbageMessages,
    DuplicateMessages,
    GraphThrottled,
    GraphServerError,
    GraphReset,
    GraphTruncated,
}

/// Each with its name in the count.
pub(super) const FAULTS: [(Fault, &str); 21] = [
    (Fault::ApiKilled, "API killed (SIGKILL), back at its port"),
    (Fault::WorkerKilled, "worker killed (SIGKILL)"),
    (Fault::WorkerStopped, "worker stopped and continued"),
    (Fault::WorkerRolled, "worker replaced (SIGTERM)"),
    (Fault::RedisFlushed, "Redis emptied (FLUSHALL)"),
    (Fault::RedisPaused, "Redis hung (CLIENT PAUSE)"),
    (Fault::RedisKilled, "Redis killed, back empty"),
    (Fault::RedisCut, "Redis connections cut"),
    (Fault::RedisBlackHole, "Redis in a black hole"),
    (Fault::PostgresRestarted, "PostgreSQL restarted at once"),
    (
        Fault::PostgresCertificateReplaced,
        "PostgreSQL restarted with another certificate",
    ),
    (Fault::PostgresReadOnly, "PostgreSQL took no writes"),
    (
        Fault::PostgresBackendsTerminated,
        "PostgreSQL threw all out",
    ),
    (Fault::PostgresCut, "PostgreSQL connections cut"),
    (Fault::PostgresBlackHole, "PostgreSQL in a black hole"),
    (Fault::GarbageMessages, "garbage messages"),
    (Fault::DuplicateMessages, "duplicate messages"),
    (Fault::GraphThrottled, "Graph throttled (429)"),
    (Fault::GraphServerError, "Graph failed (5xx)"),
    (Fault::GraphReset, "Graph reset the connection"),
    (Fault::GraphTruncated, "Graph truncated an answer"),
];

/// What ends a fault that lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    ApiStarts,
    Continue(usize),
    PostgresPasses,
    PostgresTakesWrites,
    RedisPasses,
    RedisStarts,
}
