//! Which worker processes there are, as they tell of themselves.

use atlas_domain::access::operator::OperatorPermit;
use atlas_domain::ids::WorkerId;
use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Bool, Integer, Text, Timestamptz};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;

use crate::error::StoreError;
use crate::pool::Store;
use crate::prepared::prepared;

/// What a worker tells of itself at every sweep.
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

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    version: String,
    #[diesel(sql_type = Text)]
    host: String,
    #[diesel(sql_type = Integer)]
    slots: i32,
    #[diesel(sql_type = BigInt)]
    running: i64,
    #[diesel(sql_type = Bool)]
    draining: bool,
    #[diesel(sql_type = Bool)]
    silent: bool,
    #[diesel(sql_type = Timestamptz)]
    started_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    heartbeat_at: DateTime<Utc>,
}

const REPORT: &str = "INSERT INTO workers (id, version, host, slots, draining) \
    VALUES ($1, $2, $3, $4, $5) \
    ON CONFLICT (id) DO UPDATE SET draining = EXCLUDED.draining, heartbeat_at = clock_timestamp()";

const FORGET: &str = "DELETE FROM workers WHERE id = $1";

/// Few rows are running, and few workers exist; the limit is that of the list in the API.
const LIST: &str = "SELECT w.id, w.version, w.host, w.slots, w.draining, w.started_at, \
        w.heartbeat_at, (w.heartbeat_at < clock_timestamp() - interval '60 seconds') AS silent, \
        (SELECT count(*) FROM operation_runs r \
            WHERE r.status = 'running' AND r.worker_id = w.id) AS running \
    FROM workers w ORDER BY w.started_at DESC, w.id LIMIT 1000";

impl Store {
    /// Records that the worker is there, and how it stands.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn report_worker(&self, report: &WorkerReport) -> Result<(), StoreError> {
        prepared(
            sql_query(REPORT)
                .bind::<Text, _>(report.id.as_str())
                .bind::<Text, _>(&report.version)
                .bind::<Text, _>(&report.host)
                .bind::<Integer, _>(i32::from(report.slots))
                .bind::<Bool, _>(report.draining),
        )
        .execute(&mut self.connection().await?)
        .await?;
        Ok(())
    }

    /// Removes a worker that has stopped cleanly.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_worker(&self, worker: &WorkerId) -> Result<(), StoreError> {
        prepared(sql_query(FORGET).bind::<Text, _>(worker.as_str()))
            .execute(&mut self.connection().await?)
            .await?;
        Ok(())
    }

    /// Every worker that has not stopped cleanly, the newest first; at most 1000. One that was
    /// killed stays, as [`WorkerState::Silent`], for a day.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn workers(&self, _permit: &OperatorPermit) -> Result<Vec<WorkerView>, StoreError> {
        let rows: Vec<Row> = prepared(sql_query(LIST))
            .load(&mut self.connection().await?)
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| WorkerView {
                id: WorkerId::from_name(row.id),
                version: row.version,
                host: row.host,
                slots: row.slots,
                running: row.running,
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
