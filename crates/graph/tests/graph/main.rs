//! The client against a simulated Microsoft Graph, over HTTP.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod attempts;
mod batches;
mod challenges;
mod failing;
mod hostile;
mod links;
mod lists;
mod paging;
mod refusals;
mod rows;
mod setting_definitions;
mod setup;
mod smaller_pages;
mod throttling;
mod tokens;
mod values;
