//! Every number, defined once. `docs/OPERATIONS.md` says what to do about each.

use atlas_domain::run::{OperationKind, Outcome};

use super::{Counter, Definition, Gauge, LabelSet, Program, Timing};

const API: &[Program] = &[Program::Api];
const WORKER: &[Program] = &[Program::Worker];
const BOTH: &[Program] = &[Program::Api, Program::Worker];

/// The kinds' words, from the domain's list.
const KIND: LabelSet = ("kind", &OperationKind::WORDS);

/// The outcomes' words, from the domain's list.
const OUTCOME: LabelSet = ("outcome", &Outcome::WORDS);

macro_rules! define {
    ($all:ident: $sort:ident { $($item:ident = $name:literal, $programs:ident, [$($label:expr),*], $help:literal;)+ }) => {
        $(
            #[doc = $help]
            pub static $item: $sort = $sort(Definition {
                name: $name,
                help: $help,
                labels: &[$($label),*],
                programs: $programs,
            });
        )+
        pub(super) static $all: &[&$sort] = &[$(&$item),+];
    };
}

define! { COUNTERS: Counter {
    CLAIMS = "atlas_claims_total", WORKER, [KIND],
        "Runs that this worker has claimed.";
    RUNS_ENDED = "atlas_runs_ended_total", WORKER, [KIND, OUTCOME],
        "Runs that this worker has ended, by outcome.";
    RUN_RETRIES = "atlas_run_retries_total", WORKER, [KIND],
        "Runs that failed here and were queued to be tried again.";
    RUN_HAND_BACKS = "atlas_run_hand_backs_total", WORKER, [KIND],
        "Runs that this worker gave back because it was stopped.";
    LEASES_LOST = "atlas_leases_lost_total", WORKER, [],
        "Runs that this worker had to stop working on because their lease was no longer its own.";
    WRITES_REFUSED = "atlas_writes_refused_total", WORKER, [],
        "Writes of this worker that the database refused because the run had another owner or had ended.";
    SWEEPS = "atlas_sweeps_total", WORKER, [("result", &["done", "failed"])],
        "Sweeps, by whether the database answered.";
    RUNS_SWEPT = "atlas_runs_swept_total", WORKER,
        [("sweep", &["take_back", "cancel_overdue", "queue_timeout"]), ("result", &["queued", "completed"])],
        "Runs that a sweep reclaimed or ended.";
    ROWS_PRUNED = "atlas_rows_pruned_total", WORKER,
        [("table", &["operation_runs", "notifications", "audit_events", "inventory_changes", "workers"])],
        "Rows that retention has deleted.";
    STREAM_RESTARTS = "atlas_queue_stream_restarts_total", WORKER, [],
        "Times that the stream of messages from Redis broke and was opened again.";
    PUSHES = "atlas_pushes_total", BOTH, [("result", &["pushed", "crowded", "failed"])],
        "Messages to Redis, by whether it took them.";
    STARTS = "atlas_starts_total", API, [KIND, ("disposition", &["created", "joined"])],
        "Runs that were asked for, by whether one was recorded or an active one joined.";
    HTTP_REQUESTS = "atlas_http_requests_total", API, [("route", &[]), ("method", &[]), ("status", &[])],
        "Requests that were answered, by route template, method and status.";
} }

define! { GAUGES: Gauge {
    RUNS = "atlas_runs", WORKER, [KIND, ("status", &["queued", "running"])],
        "Active runs in the database, by status.";
    RUNS_DUE = "atlas_runs_due", WORKER, [KIND],
        "Queued runs that wait for nothing but a free slot.";
    OLDEST_DUE = "atlas_runs_oldest_due_seconds", WORKER, [KIND],
        "For how long the longest waiting due run has been due.";
    RUNS_OVERDUE = "atlas_runs_overdue", WORKER, [KIND],
        "Due runs that have been due for more than two minutes. More than none is a fault.";
    LEASES_EXPIRED = "atlas_leases_expired", WORKER, [KIND],
        "Running runs whose lease ran out more than thirty seconds ago. More than none is a fault.";
    ENDED_LAST_HOUR = "atlas_runs_ended_last_hour", WORKER, [KIND, OUTCOME],
        "Runs in the database that ended within the last hour, by outcome.";
    QUEUE_PAUSED = "atlas_queue_paused", WORKER, [KIND],
        "1 while claims of the kind are paused, else 0.";
    OBSERVED_AT = "atlas_queue_observed_timestamp_seconds", WORKER, [],
        "When the numbers from the database were read last, in seconds since 1970.";
} }

define! { TIMINGS: Timing {
    HEARTBEAT = "atlas_heartbeat_seconds", WORKER, [],
        "How long the database took to renew a lease.";
    HTTP_REQUEST = "atlas_http_request_seconds", API, [("route", &[]), ("method", &[])],
        "How long requests took, by route template and method.";
} }
