//! The worker over a real PostgreSQL, a real Redis and a simulated Microsoft Graph.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "test code ends at the first surprise"
)]

mod actors;
mod answers;
mod as_of;
mod credentials;
mod differential;
mod directory_groups;
mod failing;
mod in_doubt;
mod installation;
mod mutations;
mod operations;
mod ownership;
mod refusals;
mod refused_rows;
mod schedules;
mod schemas;
mod setting_names;
mod syncing;
mod unreadable_rows;
mod upgrade;
mod values;
mod webhooks;
