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

/// The pools of a process: for starts, workers and permission checks, and for what screens read.
const POOL: LabelSet = ("pool", &["main", "reads"]);

/// How long ago something was: up to an hour, and so on. `longer` is more than 30 days.
pub const SYNC_AGES: [&str; 8] = ["1h", "6h", "1d", "3d", "7d", "30d", "longer", "never"];

/// What is known of the certificate of a tenant: good for longer than 30 days, ending within them,
/// ended, or not readable by this worker.
pub const CERTIFICATE_STATES: [&str; 4] = ["good", "ending", "ended", "unreadable"];

/// What is known of the client secret of a tenant: good for longer than 30 days, ending within them,
/// ended, or stored without its end.
pub const SECRET_STATES: [&str; 4] = ["good", "ending", "ended", "unknown"];

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
    SCHEDULES_DUE = "atlas_schedules_due_total", WORKER,
        [("result", &["created", "joined", "skipped", "stopped"])],
        "Due times of schedules that this worker saw to, by what became of them.";
    WEBHOOK_DELIVERIES = "atlas_webhook_deliveries_total", WORKER,
        [("outcome", &["delivered", "gone", "rate_limited", "refused", "no_answer"])],
        "Attempts of deliveries to webhooks, by what became of them.";
    ROWS_PRUNED = "atlas_rows_pruned_total", WORKER,
        [("table", &["operation_runs", "notifications", "audit_events", "inventory_changes",
            "inventory_versions", "activity_events", "events", "webhook_deliveries",
            "workers"])],
        "Rows that retention has deleted.";
    STREAM_RESTARTS = "atlas_queue_stream_restarts_total", WORKER, [],
        "Times that the stream of messages from Redis broke and was opened again.";
    PUSHES = "atlas_pushes_total", BOTH, [("result", &["pushed", "crowded", "failed"])],
        "Messages to Redis, by whether it took them.";
    GRAPH_REQUESTS = "atlas_graph_requests_total", WORKER, [("service", &[])],
        "Requests to Microsoft Graph, by the service that Graph limits; each part of a batch is one.";
    GRAPH_THROTTLED = "atlas_graph_throttled_total", WORKER, [("service", &[])],
        "Requests that Microsoft Graph refused with 429, by service.";
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
    TENANTS_BY_SYNC_AGE = "atlas_tenants_by_sync_age", WORKER, [KIND, ("age", &SYNC_AGES)],
        "Enabled tenants in the database, by how long ago their last run of the kind ended well.";
    TENANT_CERTIFICATES = "atlas_tenant_certificates", WORKER, [("state", &CERTIFICATE_STATES)],
        "Enabled tenants that sign in with a certificate, by whether it is good for 30 more days.";
    TENANT_SECRETS = "atlas_tenant_client_secrets", WORKER, [("state", &SECRET_STATES)],
        "Enabled tenants that sign in with a client secret, by whether it is good for 30 more days.";
    DATABASE_CONNECTIONS = "atlas_database_connections", BOTH, [POOL, ("state", &["used", "idle"])],
        "Open connections to PostgreSQL, by pool and by whether they are in use.";
    DATABASE_CONNECTIONS_MAX = "atlas_database_connections_max", BOTH, [POOL],
        "Connections that a pool may open.";
    DATABASE_WAITING = "atlas_database_waiting", BOTH, [POOL],
        "Callers that wait for a connection of a pool.";
    BUILD_INFO = "atlas_build_info", BOTH, [("version", &[]), ("commit", &[])],
        "Always 1, with the version of the program and the commit that it was built from.";
    OBSERVED_AT = "atlas_queue_observed_timestamp_seconds", WORKER, [],
        "When the numbers from the database were read last, in seconds since 1970.";
} }

define! { TIMINGS: Timing {
    HEARTBEAT = "atlas_heartbeat_seconds", WORKER, [],
        "How long the database took to renew a lease.";
    GRAPH_WAIT = "atlas_graph_wait_seconds", WORKER, [("service", &[])],
        "How long requests to Microsoft Graph waited for its limits before they were sent, by service.";
    HTTP_REQUEST = "atlas_http_request_seconds", API, [("route", &[]), ("method", &[])],
        "How long requests took, by route template and method.";
} }
