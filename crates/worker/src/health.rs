//! How a worker reports whether it is ready, and whether it lives. It serves no HTTP: it writes a file
//! for each, and `atlas-worker health` reads it.
//!
//! Ready is a worker whose sweeps succeed. Without Redis it is degraded: its sweeps find what nobody
//! rang for, a few seconds later. A worker that waits for its database is not ready and lives:
//! restarting it would help nobody.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use atlas_domain::causes::Causes;
use atlas_domain::ids::WorkerId;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

/// A report older than this is not believed: the worker hangs or is gone.
const MAX_AGE: Duration = Duration::from_secs(30);

/// How often a worker shows that it lives.
const ALIVE_EVERY: Duration = Duration::from_secs(5);

/// What the health file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Report {
    worker_id: String,
    /// Absent when the worker is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What a ready worker lacks, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    degraded: Option<String>,
}

/// A worker that works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadyWorker {
    /// Its name.
    pub worker_id: String,
    /// What is wrong with Redis, if anything; its runs begin a few seconds later then.
    pub degraded: Option<String>,
}

/// Writes reports.
#[derive(Debug, Clone)]
pub struct HealthReporter {
    path: PathBuf,
    worker_id: WorkerId,
}

impl HealthReporter {
    /// Reports to this file as this worker.
    #[must_use]
    pub const fn new(path: PathBuf, worker_id: WorkerId) -> Self {
        Self { path, worker_id }
    }

    /// Reports that the worker is ready, and what it lacks.
    pub fn ready(&self, degraded: Option<&str>) {
        self.write(&self.path, None, degraded);
    }

    /// Reports why it is not.
    pub fn not_ready(&self, reason: &str) {
        self.write(&self.path, Some(reason), None);
    }

    /// Shows until `gone` that this process runs what it is to run, whatever the database does: a
    /// process without a free thread does not come here.
    pub async fn stay_alive(self, gone: CancellationToken) {
        let path = alive_path(&self.path);
        loop {
            if !self.refresh(&path) {
                self.write(&path, None, None);
            }
            tokio::select! {
                () = gone.cancelled() => break,
                () = tokio::time::sleep(ALIVE_EVERY) => {}
            }
        }
        self.withdraw_from(&path);
    }

    /// Renews the time of this worker's own file, for which a full disk has room. False when there is
    /// none.
    fn refresh(&self, path: &Path) -> bool {
        self.is_ours(path)
            && std::fs::File::options()
                .append(true)
                .open(path)
                .and_then(|file| file.set_modified(SystemTime::now()))
                .is_ok()
    }

    /// Deletes the report, unless another worker has taken the file over.
    pub fn withdraw(&self) {
        self.withdraw_from(&self.path);
    }

    fn withdraw_from(&self, path: &Path) {
        if self.is_ours(path) {
            let _ = std::fs::remove_file(path);
        }
    }

    fn is_ours(&self, path: &Path) -> bool {
        std::fs::read(path)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Report>(&bytes).ok())
            .is_some_and(|report| report.worker_id == self.worker_id.as_str())
    }

    /// Written beside and renamed, so that a reader never sees half a report.
    fn write(&self, path: &Path, reason: Option<&str>, degraded: Option<&str>) {
        let report = Report {
            worker_id: self.worker_id.as_str().to_owned(),
            reason: reason.map(ToOwned::to_owned),
            degraded: degraded.map(ToOwned::to_owned),
        };
        let beside = with_ending(path, &std::process::id().to_string());
        let written = serde_json::to_vec(&report)
            .map_err(std::io::Error::other)
            .and_then(|bytes| std::fs::write(&beside, bytes))
            .and_then(|()| std::fs::rename(&beside, path));
        if let Err(error) = written {
            tracing::warn!(path = %path.display(), error = %Causes(&error), "the health file cannot be written");
        }
    }
}

/// The file beside a health file that shows that its worker lives.
fn alive_path(path: &Path) -> PathBuf {
    with_ending(path, "alive")
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut longer = path.as_os_str().to_owned();
    longer.push(".");
    longer.push(ending);
    longer.into()
}

/// The name of the worker that lives beside this file, whether it is ready or not.
///
/// # Errors
/// Why none is known to live, in one sentence.
pub fn read_alive(path: &Path) -> Result<String, String> {
    read(&alive_path(path)).map(|worker| worker.worker_id)
}

/// The ready worker that reports to this file.
///
/// # Errors
/// Why none is ready, in one sentence.
pub fn read(path: &Path) -> Result<ReadyWorker, String> {
    let describe = |error: std::io::Error| format!("{}: {error}", path.display());
    let age = std::fs::metadata(path)
        .and_then(|metadata| metadata.modified())
        .map_err(describe)?
        .elapsed()
        .unwrap_or_default();
    if age > MAX_AGE {
        return Err(format!("the last report is {} s old", age.as_secs()));
    }
    let bytes = std::fs::read(path).map_err(describe)?;
    let report: Report = serde_json::from_slice(&bytes)
        .map_err(|_| format!("{} holds no report", path.display()))?;
    match report.reason {
        None => Ok(ReadyWorker {
            worker_id: report.worker_id,
            degraded: report.degraded,
        }),
        Some(reason) => Err(reason),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code ends at the first surprise")]

    use super::*;

    fn ready(name: &str) -> Result<ReadyWorker, String> {
        Ok(ReadyWorker {
            worker_id: name.to_owned(),
            degraded: None,
        })
    }

    #[test]
    fn only_a_fresh_report_of_a_ready_worker_is_healthy() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("health");
        let reporter = HealthReporter::new(path.clone(), WorkerId::from_name("w-1".to_owned()));
        assert!(read(&path).is_err());

        reporter.ready(None);
        assert_eq!(read(&path), ready("w-1"));

        reporter.ready(Some("Redis is full"));
        let degraded = read(&path).unwrap().degraded;
        assert_eq!(degraded.as_deref(), Some("Redis is full"));

        reporter.not_ready("the schema is behind");
        assert_eq!(read(&path), Err("the schema is behind".to_owned()));

        reporter.ready(None);
        let old = SystemTime::now() - MAX_AGE * 2;
        let file = std::fs::File::options().append(true).open(&path).unwrap();
        file.set_modified(old).unwrap();
        assert!(read(&path).unwrap_err().contains("old"));

        std::fs::write(&path, "{").unwrap();
        assert!(read(&path).unwrap_err().contains("no report"));
    }

    #[test]
    fn withdrawing_leaves_the_report_of_another_worker() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("health");
        let one = HealthReporter::new(path.clone(), WorkerId::from_name("w-1".to_owned()));
        let two = HealthReporter::new(path.clone(), WorkerId::from_name("w-2".to_owned()));
        one.ready(None);
        two.ready(None);
        one.withdraw();
        assert_eq!(read(&path), ready("w-2"));
        two.withdraw();
        assert!(read(&path).is_err());
    }

    fn make_old(path: &Path) {
        let file = std::fs::File::options().append(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - MAX_AGE * 2).unwrap();
    }

    #[tokio::test]
    async fn a_worker_lives_while_its_task_runs_ready_or_not() {
        tokio::time::pause();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("health");
        let reporter = HealthReporter::new(path.clone(), WorkerId::from_name("w-1".to_owned()));
        assert!(read_alive(&path).is_err());
        reporter.not_ready("the database does not answer");
        let gone = CancellationToken::new();
        let task = tokio::spawn(reporter.stay_alive(gone.clone()));
        tokio::task::yield_now().await;
        assert_eq!(read_alive(&path), Ok("w-1".to_owned()));
        assert!(read(&path).is_err());

        make_old(&alive_path(&path));
        assert!(read_alive(&path).unwrap_err().contains("old"));
        tokio::time::sleep(ALIVE_EVERY * 2).await;
        assert_eq!(read_alive(&path), Ok("w-1".to_owned()));
        std::fs::remove_file(alive_path(&path)).unwrap();
        tokio::time::sleep(ALIVE_EVERY * 2).await;
        assert_eq!(read_alive(&path), Ok("w-1".to_owned()));

        gone.cancel();
        task.await.unwrap();
        assert!(read_alive(&path).is_err(), "a stopped worker does not live");
    }
}
