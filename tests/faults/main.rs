//! Whatever goes wrong, every accepted run ends, once, and nobody else's writes get in: the real
//! binaries while they are killed, stopped and cut off from PostgreSQL and Redis.
//!
//! Needs programs with crash points and, for the tests that break a service, programs to start one
//! with; `cargo xtask test` has both. After each fault [`quiesce`](installation::Installation::quiesce)
//! waits until nothing is left to do, and [`invariants`] are checked.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "test code ends at the first surprise"
)]

mod api;
mod backlog;
mod backup;
mod balancer;
mod clocks;
mod crash_points;
mod deliveries;
mod doctor;
mod followers;
mod german;
mod installation;
mod invariants;
mod load;
mod messages;
mod network;
mod postgres;
mod processes;
#[path = "../e2e/program.rs"]
mod program;
mod proxy;
mod read_only;
mod redis_loss;
mod restarts;
mod rows;
mod servers;
mod slot;
mod soak;
mod strangers;
mod upgrade;
mod webhooks;
mod zombies;
