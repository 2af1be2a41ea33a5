//! How the binaries log, and how one request's trace follows its job from the API to a worker.

mod log;
mod trace;

pub use log::{InitError, LogFormat, LogOptions, init};
pub use trace::TraceContext;
