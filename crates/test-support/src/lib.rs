//! What tests stand on: a database and a Redis namespace per test, tenants and users in it, and
//! waiting without sleeping for a fixed time.
//!
//! `DATABASE_URL` and `REDIS_URL` say where PostgreSQL and Redis are, and `ATLAS_REDIS_SERVER` names a
//! program for tests that need a Redis of their own; `cargo xtask test` sets them.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "test code ends at the first surprise, and takes its services from the environment"
)]

pub mod authority;
mod database;
mod http_answer;
mod identity;
mod later_schema;
mod namespace;
mod redis_rights;
mod redis_server;
mod scenario;
mod waiting;
mod webhook_receiver;

pub use database::TestDatabase;
pub use http_answer::always_answering;
pub use identity::Identity;
pub use namespace::{TestRedis, dead_redis_url};
pub use redis_rights::{DOCUMENTED_PASSWORD, documented_rights, refused_by_rights, run_words};
pub use redis_server::{RedisServer, free_port};
pub use scenario::{KEYS, Member, SIMULATOR_CLIENT_ID, SIMULATOR_SECRET, Scenario, TestTenant};
pub use waiting::{PATIENCE, eventually};
pub use webhook_receiver::{ReceivedDelivery, WebhookReceiver};

/// The value of a variable that names a service.
pub(crate) fn service(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set; run the tests with: cargo xtask test"))
}
