//! Deliveries over real connections and real TLS.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod addresses;
mod answers;
mod authority;
mod deliveries;
mod failures;
mod names;
mod receiver;
mod setup;
