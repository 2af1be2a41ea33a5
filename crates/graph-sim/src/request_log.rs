//! What was asked, by whom and with which answer.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde::{Deserialize, Serialize};

/// So many entries are kept; older ones go first.
const CAPACITY: usize = 200_000;

/// One request to Graph or to a token endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogEntry {
    /// The method, in capitals.
    pub method: String,
    /// The path, with the version, as it was sent.
    pub path: String,
    /// The query as it was sent, without the question mark; may be empty.
    pub query: String,
    /// The tenant, in lower case: of the path at a token endpoint, of the token otherwise. Absent
    /// when the token was not known.
    pub tenant: Option<String>,
    /// For a request of a batch: the `request-id` of the batch's answer. The batch has an entry of
    /// its own.
    #[serde(default)]
    pub batch: Option<String>,
    /// The status of the answer; absent when the caller went away before there was one.
    pub status: Option<u16>,
    /// The wait that the answer asked for, as its `Retry-After` said it.
    pub retry_after: Option<String>,
    /// The caller's `client-request-id`.
    pub client_request_id: Option<String>,
    /// The caller's `User-Agent`.
    pub user_agent: Option<String>,
    /// Arrival, in microseconds since the simulator started.
    pub started_us: u64,
    /// End, in the same clock.
    pub ended_us: u64,
}

#[derive(Debug, Default)]
struct Inner {
    entries: VecDeque<LogEntry>,
    /// Per tenant: requests being answered now, and the most there ever were.
    in_flight: HashMap<String, (usize, usize)>,
}

/// The log, and the count of requests that are being answered.
#[derive(Debug, Clone)]
pub(crate) struct RequestLog {
    epoch: Instant,
    inner: Arc<Mutex<Inner>>,
}

impl RequestLog {
    pub(crate) fn new() -> Self {
        Self {
            epoch: Instant::now(),
            inner: Arc::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Notes that a request came in. It ends when what comes back is dropped.
    pub(crate) fn begin(&self, mut entry: LogEntry) -> Underway {
        entry.started_us = self.now();
        if let (Some(tenant), None) = (&entry.tenant, &entry.batch) {
            let mut inner = self.lock();
            let (now, most) = inner.in_flight.entry(tenant.clone()).or_default();
            *now += 1;
            *most = (*most).max(*now);
        }
        Underway {
            log: self.clone(),
            entry: Some(entry),
        }
    }

    pub(crate) fn entries(&self) -> Vec<LogEntry> {
        self.lock().entries.iter().cloned().collect()
    }

    /// Forgets the entries and the maxima; requests underway stay counted.
    pub(crate) fn clear(&self) {
        let mut inner = self.lock();
        inner.entries.clear();
        for (now, most) in inner.in_flight.values_mut() {
            *most = *now;
        }
    }

    pub(crate) fn max_concurrent(&self, tenant: &str) -> usize {
        self.lock()
            .in_flight
            .get(tenant)
            .map_or(0, |(_, most)| *most)
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(crate) struct Underway {
    log: RequestLog,
    entry: Option<LogEntry>,
}

impl Underway {
    pub(crate) fn answered(&mut self, status: u16, retry_after: Option<&str>) {
        if let Some(entry) = &mut self.entry {
            entry.status = Some(status);
            entry.retry_after = retry_after.map(str::to_owned);
        }
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        let Some(mut entry) = self.entry.take() else {
            return;
        };
        entry.ended_us = self.log.now();
        let mut inner = self.log.lock();
        if entry.batch.is_none()
            && let Some((now, _)) = entry
                .tenant
                .as_ref()
                .and_then(|tenant| inner.in_flight.get_mut(tenant))
        {
            *now = now.saturating_sub(1);
        }
        if inner.entries.len() == CAPACITY {
            inner.entries.pop_front();
        }
        inner.entries.push_back(entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: usize) -> LogEntry {
        LogEntry {
            method: "GET".to_owned(),
            path: format!("/{number}"),
            query: String::new(),
            tenant: Some("t".to_owned()),
            batch: None,
            status: None,
            retry_after: None,
            client_request_id: None,
            user_agent: None,
            started_us: 0,
            ended_us: 0,
        }
    }

    #[test]
    fn old_entries_make_room() {
        let log = RequestLog::new();
        for number in 0..=CAPACITY {
            drop(log.begin(entry(number)));
        }
        let entries = log.entries();
        assert_eq!(entries.len(), CAPACITY);
        assert_eq!(entries[0].path, "/1");
    }

    #[test]
    fn the_most_requests_at_one_time_are_remembered_until_the_log_is_cleared() {
        let log = RequestLog::new();
        let first = log.begin(entry(1));
        let second = log.begin(entry(2));
        drop(first);
        drop(log.begin(entry(3)));
        assert_eq!(log.max_concurrent("t"), 2);
        log.clear();
        assert_eq!(log.max_concurrent("t"), 1, "one is still underway");
        drop(second);
        assert_eq!(log.entries().len(), 1);
    }
}
