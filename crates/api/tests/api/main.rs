//! The API in-process over a real PostgreSQL and Redis: each test has a database, a namespace and a
//! server of its own. Every answer is held against what every answer must have (`harness`).

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod actors;
mod as_of;
mod bodies;
mod cancel;
mod console;
mod description;
mod directory_groups;
mod events;
mod exports;
mod harness;
mod idempotency;
mod inventory;
mod names;
mod notifications;
mod parameters;
mod previous_pages;
mod program;
mod protocol;
mod readiness;
mod refusals;
mod relations;
mod released;
mod remembered;
mod retry;
mod revocation;
mod run_counts;
mod runs;
mod schedule;
mod schema;
mod screens;
mod settings;
mod sign_ins;
mod start;
mod streams;
mod system;
mod transport;
mod versions;
mod waiting_lists;
mod webhooks;
