//! Counting requests to Graph for Prometheus.

use std::time::Duration;

use atlas_graph::Traffic;
use atlas_telemetry::metrics::{GRAPH_REQUESTS, GRAPH_THROTTLED, GRAPH_WAIT};

/// Counts into this process's numbers.
#[derive(Debug)]
pub struct CountedTraffic;

impl Traffic for CountedTraffic {
    fn sent(&self, service: &'static str) {
        GRAPH_REQUESTS.add(&[service], 1);
        // So that the first refusal is seen as a rise.
        GRAPH_THROTTLED.add(&[service], 0);
    }

    fn throttled(&self, service: &'static str) {
        GRAPH_THROTTLED.add(&[service], 1);
    }

    fn waited(&self, service: &'static str, time: Duration) {
        GRAPH_WAIT.record(&[service], time);
    }
}
