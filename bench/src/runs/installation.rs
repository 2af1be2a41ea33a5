//! An installation whose runs are empty.
//!
//! An empty run is one of a tenant without credentials. It is claimed, its sync is recorded, the
//! credentials are looked for, and it ends as `credentials_missing` with its notification, audit
//! entry and events: everything but Microsoft Graph and inventory. All times are PostgreSQL's.
//!
//! An installation in use is measured: some runs have ended before those that count, and the
//! database's statistics know of them. In empty tables PostgreSQL plans statements and checks of
//! references as for tables that stay empty, until its next look at them.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use atlas_services::interrupt::Interrupt;
use atlas_services::process::{self, Service};
use atlas_services::programs::{Administration, Api, Programs, START_LIMIT};
use atlas_services::servers::Services;

use crate::cpu;
use crate::database::Database;
use crate::http::Connection;
use crate::tenants::Tenants;

/// Starts before the ones that count, so that connections and statements are ready.
const WARM_UP: u32 = 20;
/// How often to look whether the runs have ended.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How often to look whether a single run has ended.
const LOOK_SOON: Duration = Duration::from_millis(5);
/// After this time the measurement fails.
const PATIENCE: Duration = Duration::from_secs(600);
/// One policy type, so that as little as possible is recorded of a run.
const ONE_TYPE: &str = r#"{"policy_types":["securityDefaults"],"include_foundations":false}"#;

/// How many runs ended, and what that took.
pub(crate) struct Throughput {
    pub(crate) runs_per_second: f64,
    /// Milliseconds of a processor for each run, by program.
    pub(crate) cpu: BTreeMap<String, f64>,
}

/// An installation without Graph.
pub(crate) struct Installation<'a> {
    programs: &'a Programs,
    services: &'a Services,
    operator: Administration<'a>,
    interrupt: &'a Interrupt,
    api: Api,
    tenant: String,
    token: String,
    database: Database<'a>,
    started: u32,
}

impl<'a> Installation<'a> {
    /// Adds `tenants` tenants without credentials and without runs, beside the one whose starts are measured.
    pub(crate) fn prepare(
        programs: &'a Programs,
        services: &'a Services,
        tenants: u32,
        interrupt: &'a Interrupt,
    ) -> anyhow::Result<Self> {
        let measured = Tenants::add(1, programs, services, interrupt)?;
        let directory = services.directory();
        let command = crate::api(programs, services);
        let installation = Self {
            programs,
            services,
            operator: measured.operator,
            interrupt,
            api: Api::start("api", command, directory, interrupt)?,
            tenant: measured.ids[0].clone(),
            token: measured.token,
            database: Database::connect(services, interrupt)?,
            started: 0,
        };
        installation.press(&mut Connection::open(installation.api.address())?)?;
        let database = &installation.database;
        // The API wants credentials to be there; that nobody can read them ends the run as soon.
        database.execute("UPDATE tenant_credentials SET key_id = 'unknown'")?;
        database.execute(&bulk_tenants(tenants))?;
        Ok(installation)
    }

    /// Starts a sync and returns the run's path.
    fn press(&self, connection: &mut Connection) -> anyhow::Result<String> {
        let path = format!("/tenants/{}/inventory-sync", self.tenant);
        let answer = connection.send("POST", &path, Some(&self.token), ONE_TYPE)?;
        let body = String::from_utf8_lossy(&answer.body);
        ensure!(
            answer.status == 202 && body.contains("\"disposition\":\"created\""),
            "a start is answered {}: {body}",
            answer.status
        );
        let body: serde_json::Value = serde_json::from_str(&body)?;
        let id = body["run"]["id"]
            .as_str()
            .context("a start without a run")?;
        Ok(format!("/operation-runs/{id}"))
    }

    fn worker(&mut self, slots: u16) -> anyhow::Result<Service> {
        self.started += 1;
        let name = format!("worker-{}", self.started);
        let health_file = self
            .services
            .directory()
            .path()
            .join(format!("{name}.health"));
        let mut command = self.programs.command("atlas-worker");
        command
            .arg("run")
            .env("DATABASE_URL", self.services.database_url())
            .env("REDIS_URL", self.services.redis_url())
            .env("ATLAS_SECRET_KEYS_FILE", self.operator.keys_file())
            .env("ATLAS_WORKER_SLOTS", slots.to_string())
            .env("ATLAS_HEALTH_FILE", &health_file)
            .env("ATLAS_LOG", "warn");
        Service::start(&name, &mut command, None, self.services.directory())
    }

    /// Empty runs per second with so many workers.
    pub(crate) fn rate(
        &mut self,
        workers: u16,
        batch: &str,
        runs: u32,
        slots: u16,
    ) -> anyhow::Result<Throughput> {
        let batch = format!("bench-{batch}-");
        self.database.execute(&bulk_runs(runs, &batch))?;
        self.database.execute("ANALYZE")?;
        let before = cpu::of_descendants();
        let mut running = (0..workers)
            .map(|_| self.worker(slots))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let left = format!(
            "SELECT EXISTS (SELECT FROM operation_runs \
             WHERE identity LIKE '{batch}%' AND status <> 'completed')"
        );
        let until = Instant::now() + PATIENCE;
        while self.database.row(&left)?.try_get(0)? {
            running.iter_mut().try_for_each(Service::check)?;
            ensure!(Instant::now() < until, "the runs do not end");
            self.interrupt.pause(LOOK_AGAIN)?;
        }
        let mut used = cpu::of_descendants();
        for (program, seconds) in &mut used {
            *seconds -= before.get(program).copied().unwrap_or_default();
        }
        let measured = self.database.row(&format!(
            "SELECT (count(*) FILTER (WHERE error->>'code' = 'credentials_missing' \
                AND attempt = 1))::float8, \
             extract(epoch FROM max(completed_at) - min(started_at))::float8 \
             FROM operation_runs WHERE identity LIKE '{batch}%'"
        ))?;
        let (ended, seconds): (f64, f64) = (measured.try_get(0)?, measured.try_get(1)?);
        ensure!(
            ended == f64::from(runs),
            "only {ended} runs were empty and ended at once"
        );
        Ok(Throughput {
            runs_per_second: ended / seconds,
            cpu: used
                .into_iter()
                .map(|(program, seconds)| (program, 1000.0 * seconds / ended))
                .filter(|(_, milliseconds)| *milliseconds >= 0.005)
                .collect(),
        })
    }

    /// Milliseconds from a start until its run begins, with one idle worker: half of them, and 99
    /// of 100, are no longer.
    pub(crate) fn beginnings(&mut self, slots: u16, starts: u32) -> anyhow::Result<(f64, f64)> {
        let mut worker = self.worker(slots)?;
        let name = format!("worker-{}.health", self.started);
        let health_file = self.services.directory().path().join(name);
        let mut health: Command = self.programs.command("atlas-worker");
        health.arg("health").env("ATLAS_HEALTH_FILE", &health_file);
        worker.wait_until(START_LIMIT, self.interrupt, || {
            process::output(&mut health, self.interrupt)
        })?;
        // A connection of before would have been closed while nobody asked.
        let mut connection = Connection::open(self.api.address())?;
        for _ in 0..WARM_UP + starts {
            let run = self.press(&mut connection)?;
            worker.wait_until(START_LIMIT, self.interrupt, || {
                let answer = connection
                    .send("GET", &run, Some(&self.token), "")?
                    .json()?;
                ensure!(answer["status"] == "completed", "the run has not ended");
                Ok(())
            })?;
            self.interrupt.pause(LOOK_SOON)?;
        }
        let measured = self.database.row(&format!(
            "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY took), \
                percentile_disc(0.99) WITHIN GROUP (ORDER BY took) FROM ( \
                SELECT (1000 * extract(epoch FROM started_at - created_at))::float8 AS took \
                FROM operation_runs WHERE tenant_id = '{}' AND identity NOT LIKE 'bench-%' \
                ORDER BY created_at DESC LIMIT {}) t",
            self.tenant, starts
        ))?;
        Ok((measured.try_get(0)?, measured.try_get(1)?))
    }
}

/// Tenants without credentials.
fn bulk_tenants(count: u32) -> String {
    format!(
        "INSERT INTO tenants (id, name, directory_id) \
         SELECT gen_random_uuid(), 'Bulk', gen_random_uuid() FROM generate_series(1, {count})"
    )
}

/// The rows that so many starts would have made, copied from the first run that there was.
fn bulk_runs(count: u32, batch: &str) -> String {
    format!(
        "WITH source AS (SELECT * FROM operation_runs ORDER BY created_at LIMIT 1), \
         wanted AS ( \
            SELECT t.id AS tenant_id, n, gen_random_uuid() AS id \
            FROM (SELECT id, row_number() OVER (ORDER BY id) AS k, count(*) OVER () AS all_of \
                FROM tenants WHERE name = 'Bulk') t \
                JOIN generate_series(1, {count}) n ON n % t.all_of = t.k - 1), \
         runs AS ( \
            INSERT INTO operation_runs (id, tenant_id, kind, identity, lock_scope, inputs, \
                initiator_id, event_seq) \
            SELECT w.id, w.tenant_id, s.kind, '{batch}' || w.n, s.lock_scope, s.inputs, \
                s.initiator_id, 1 \
            FROM wanted w, source s RETURNING id) \
         INSERT INTO operation_run_events (run_id, seq, attempt, event) \
         SELECT id, 1, 0, 'queued' FROM runs"
    )
}
