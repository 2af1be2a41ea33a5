//! The real binaries together: PostgreSQL, Redis, a simulated Microsoft Graph, the API, workers and
//! the command line, each a process of its own.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "test code ends at the first surprise"
)]

mod browser;
mod causes;
mod command_line;
mod directory_groups;
mod hostile;
mod installation;
mod many_callers;
mod operations;
mod program;
mod redis;
mod secrets;
mod streams;
mod workers;
