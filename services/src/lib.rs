//! What runs beside and below this repository's programs: PostgreSQL, Redis, a browser, and the
//! programs themselves, built and started as an operator starts them.
//!
//! `xtask` and `bench` use it. It knows the programs by their names and variables only and depends
//! on none of the crates that they are made of, so that it is compiled in seconds.

pub mod directory;
pub mod http;
pub mod interrupt;
pub mod process;
pub mod programs;
pub mod random;
mod room;
pub mod servers;
pub mod workspace;
