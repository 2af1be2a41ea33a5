//! How the binaries log, what they count, and how one request's trace follows its job from the API
//! to a worker.
//!
//! With the feature `crash-points`, which only builds for fault tests have, named places in the
//! binaries can be made to go wrong: see [`crash_point!`].

#[cfg(feature = "crash-points")]
pub mod crash_points;
mod log;
pub mod metrics;
mod trace;

pub use log::{InitError, LogFormat, LogOptions, init};
pub use trace::TraceContext;

/// A named place at which a fault test can make the program go wrong. Stands in `async` code. It is
/// nothing at all without the feature `crash-points`.
#[cfg(feature = "crash-points")]
#[macro_export]
macro_rules! crash_point {
    ($name:literal) => {
        $crate::crash_points::reach($name).await
    };
}

/// A named place at which a fault test can make the program go wrong. Stands in `async` code. It is
/// nothing at all without the feature `crash-points`.
#[cfg(not(feature = "crash-points"))]
#[macro_export]
macro_rules! crash_point {
    ($name:literal) => {};
}
