//! Which worker processes there are, as they report themselves.

use atlas_domain::access::operator::OperatorPermit;
use atlas_domain::ids::WorkerId;
use atlas_domain::run::Status;
use chrono::{DateTime, Utc};
use diesel::dsl::{IntervalDsl, count_star};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::error::StoreError;
use crate::functions::statement_timestamp;
use crate::pool::Store;
use crate::schema::{operation_runs, workers};
use crate::statement::statement;

/// What a worker reports of itself, several times a minute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerReport {
    /// The process. A name is never used twice.
    pub id: WorkerId,
    /// The program's version.
    pub version: String,
    /// The machine or container, for people who look for it.
    pub host: String,
    /// How many runs it works on at once.
    pub slots: u16,
    /// Whether it claims nothing more, because it is about to stop.
    pub draining: bool,
}

/// How a worker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkerState {
    /// It reports, and claims runs.
    Working,
    /// It reports, and claims nothing more.
    Draining,
    /// It has not reported for a minute: it was killed, hangs, or cannot reach the database.
    Silent,
}

/// A worker as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerView {
    /// The process.
    pub id: WorkerId,
    /// The program's version.
    pub version: String,
    /// The machine or container.
    pub host: String,
    /// How many runs it works on at once.
    pub slots: i32,
    /// How many runs carry its name now.
    pub running: i64,
    /// How it stands.
    pub state: WorkerState,
    /// When it reported first.
    pub started_at: DateTime<Utc>,
    /// When it reported last.
    pub heartbeat_at: DateTime<Utc>,
}

#[derive(Queryable)]
struct Row {
    id: String,
    version: String,
    host: String,
    slots: i32,
    draining: bool,
    started_at: DateTime<Utc>,
    heartbeat_at: DateTime<Utc>,
    silent: bool,
    running: Option<i64>,
}

/// That of the list in the API.
const LIST_LIMIT: i64 = 1000;

const SILENT_AFTER_SECONDS: i64 = 60;

statement! {
    struct ReportWorker<'a> {
        id: &'a str,
        version: &'a str,
        host: &'a str,
        slots: i32,
        draining: bool,
    }
    file: "system/report_worker",
    row: (),
}

statement! {
    struct ForgetWorker<'a> {
        id: &'a str,
    }
    file: "system/forget_worker",
    row: (),
}

impl Store {
    /// Records that the worker is there, and how it stands.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn report_worker(&self, report: &WorkerReport) -> Result<(), StoreError> {
        self.execute(&ReportWorker {
            id: report.id.as_str(),
            version: &report.version,
            host: &report.host,
            slots: i32::from(report.slots),
            draining: report.draining,
        })
        .await?;
        Ok(())
    }

    /// Removes a worker that has stopped cleanly.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_worker(&self, worker: &WorkerId) -> Result<(), StoreError> {
        let id = worker.as_str();
        self.execute(&ForgetWorker { id }).await?;
        Ok(())
    }

    /// Every worker that has not stopped cleanly, the newest first; at most 1000. One that was
    /// killed stays, as [`WorkerState::Silent`], for a day.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn workers(&self, _permit: &OperatorPermit) -> Result<Vec<WorkerView>, StoreError> {
        let running = operation_runs::table
            .filter(operation_runs::status.eq(Status::Running.as_str()))
            .filter(operation_runs::worker_id.eq(workers::id.nullable()))
            .select(count_star())
            .single_value();
        let list = workers::table
            .select((
                workers::id,
                workers::version,
                workers::host,
                workers::slots,
                workers::draining,
                workers::started_at,
                workers::heartbeat_at,
                (workers::heartbeat_at + SILENT_AFTER_SECONDS.seconds()).lt(statement_timestamp()),
                running,
            ))
            .order((workers::started_at.desc(), workers::id))
            .limit(LIST_LIMIT);
        let rows: Vec<Row> = self
            .read(async |connection| list.load(connection).await)
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| WorkerView {
                id: WorkerId::from_name(row.id),
                version: row.version,
                host: row.host,
                slots: row.slots,
                running: row.running.unwrap_or_default(),
                state: match (row.silent, row.draining) {
                    (true, _) => WorkerState::Silent,
                    (false, true) => WorkerState::Draining,
                    (false, false) => WorkerState::Working,
                },
                started_at: row.started_at,
                heartbeat_at: row.heartbeat_at,
            })
            .collect())
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[crate::statement::Info] = &[
    <ReportWorker<'_> as crate::statement::Statement>::INFO,
    <ForgetWorker<'_> as crate::statement::Statement>::INFO,
];
