//! Small writes to large tables, one after the other, each table by a connection of its own.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use atlas_services::interrupt::Interrupt;
use tokio_postgres::NoTls;

/// Between two writes of one connection.
const PAUSE: Duration = Duration::from_millis(1);
/// No write may take longer.
const PATIENCE: Duration = Duration::from_secs(600);

/// What is written, by table: as programs of the version before write it.
const WRITES: [(&str, &str); 4] = [
    (
        "operation_runs",
        "UPDATE operation_runs SET updated_at = clock_timestamp()
         WHERE id = (SELECT id FROM operation_runs WHERE status = 'queued' LIMIT 1)",
    ),
    (
        "inventory_items",
        "UPDATE inventory_items SET last_seen_at = clock_timestamp()
         WHERE id = (SELECT id FROM inventory_items LIMIT 1)",
    ),
    (
        "notifications",
        "UPDATE notifications SET read_at = clock_timestamp()
         WHERE id = (SELECT id FROM notifications LIMIT 1)",
    ),
    (
        "audit_events",
        "INSERT INTO audit_events (id, actor_kind, action, target_kind, target_id, outcome)
         VALUES (gen_random_uuid(), 'installation', 'bench.migrate', 'bench', 'migrate', 'allowed')",
    ),
];

/// What one connection reports.
#[derive(Default)]
struct Report {
    written: AtomicU64,
    longest: Mutex<Duration>,
}

/// Threads that write until they are stopped.
pub(super) struct Writers {
    stopped: Arc<AtomicBool>,
    reports: Vec<(&'static str, Arc<Report>)>,
    threads: Vec<JoinHandle<anyhow::Result<()>>>,
}

impl Writers {
    pub(super) fn start(url: &str) -> anyhow::Result<Self> {
        let stopped = Arc::new(AtomicBool::new(false));
        let mut writers = Self {
            stopped: stopped.clone(),
            reports: Vec::new(),
            threads: Vec::new(),
        };
        for (table, write) in WRITES {
            let report = Arc::<Report>::default();
            writers.reports.push((table, report.clone()));
            let (url, stopped) = (url.to_owned(), stopped.clone());
            let thread = thread::Builder::new()
                .name(table.to_owned())
                .spawn(move || {
                    let written = write_until(&url, write, &stopped, &report);
                    written.with_context(|| format!("writing to {table}"))
                });
            writers.threads.push(thread.context("a thread")?);
        }
        Ok(writers)
    }

    /// The longest time that a write has taken since this was asked last, and of which table it was.
    /// Writes that are under way are waited for.
    pub(super) fn longest(
        &self,
        interrupt: &Interrupt,
    ) -> anyhow::Result<(Duration, &'static str)> {
        let mut longest = (Duration::ZERO, "");
        for (table, report) in &self.reports {
            // The one that is under way now, and one more.
            let enough = report.written.load(Ordering::Acquire) + 2;
            let deadline = Instant::now() + PATIENCE;
            while report.written.load(Ordering::Acquire) < enough {
                if self.threads.iter().any(JoinHandle::is_finished) {
                    bail!("writes to a table have failed");
                }
                if Instant::now() > deadline {
                    bail!("a write to {table} takes longer than {PATIENCE:?}");
                }
                interrupt.pause(PAUSE)?;
            }
            let mut kept = report
                .longest
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            longest = longest.max((std::mem::take(&mut *kept), *table));
        }
        Ok(longest)
    }

    /// Ends the threads.
    pub(super) fn stop(self) -> anyhow::Result<()> {
        self.stopped.store(true, Ordering::Release);
        for thread in self.threads {
            thread.join().map_err(|_| anyhow!("a writer panicked"))??;
        }
        Ok(())
    }
}

fn write_until(
    url: &str,
    write: &str,
    stopped: &AtomicBool,
    report: &Report,
) -> anyhow::Result<()> {
    super::super::runtime()?.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        while !stopped.load(Ordering::Acquire) {
            let began = Instant::now();
            client.batch_execute(write).await?;
            let took = began.elapsed();
            {
                let mut longest = report
                    .longest
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                *longest = took.max(*longest);
            }
            report.written.fetch_add(1, Ordering::Release);
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    })
}
