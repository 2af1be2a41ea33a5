//! What requests to Graph meet, for whoever counts it.

use std::time::Duration;

/// Counts requests by the service that they are to: a word from a closed set, as Graph's limits are
/// published for each.
pub trait Traffic: Send + Sync {
    /// A request is sent. Each part of a batch is one.
    fn sent(&self, service: &'static str);
    /// The service asked to slow down.
    fn throttled(&self, service: &'static str);
    /// For so long a request waited before it was sent, to stay within the service's limit or because
    /// the service asked for it. Reported for each request, a batch once for each of its services.
    fn waited(&self, service: &'static str, time: Duration);
}

/// Where nobody counts.
#[derive(Debug)]
pub(crate) struct Uncounted;

impl Traffic for Uncounted {
    fn sent(&self, _: &'static str) {}
    fn throttled(&self, _: &'static str) {}
    fn waited(&self, _: &'static str, _: Duration) {}
}
