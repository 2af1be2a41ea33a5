//! The simulator over HTTP, read by a small client that was written from the documentation.

#![allow(clippy::unwrap_used, reason = "test code ends at the first surprise")]

mod audit;
mod bad_answers;
mod bad_rows;
mod batch;
mod client;
mod content;
mod control;
mod credentials;
mod directory;
mod faults;
mod gates;
mod limits;
mod links;
mod modes;
mod mutation;
mod odd_ids;
mod paging;
mod program;
mod sign_in;
mod throttle;
mod value_edits;
mod values;
mod versions;
