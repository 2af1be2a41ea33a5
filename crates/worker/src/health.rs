//! How a worker reports whether it is ready. It serves no HTTP: it writes a file, and
//! `atlas-worker health` reads it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use atlas_domain::causes::Causes;
use atlas_domain::ids::WorkerId;
use serde::{Deserialize, Serialize};

/// A report older than this is not believed: the worker hangs or is gone.
const MAX_AGE: Duration = Duration::from_secs(30);

/// What the health file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Report {
    worker_id: String,
    /// Absent when the worker is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
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

    /// Reports that the worker is ready.
    pub fn ready(&self) {
        self.write(None);
    }

    /// Reports why it is not.
    pub fn not_ready(&self, reason: &str) {
        self.write(Some(reason.to_owned()));
    }

    /// Deletes the report, unless another worker has taken the file over.
    pub fn withdraw(&self) {
        let ours = std::fs::read(&self.path)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Report>(&bytes).ok())
            .is_some_and(|report| report.worker_id == self.worker_id.as_str());
        if ours {
            let _ = std::fs::remove_file(&self.path);
        }
    }

    /// Written beside and renamed, so that a reader never sees half a report.
    fn write(&self, reason: Option<String>) {
        let report = Report {
            worker_id: self.worker_id.as_str().to_owned(),
            reason,
        };
        let mut beside = self.path.clone().into_os_string();
        beside.push(format!(".{}", std::process::id()));
        let written = serde_json::to_vec(&report)
            .map_err(std::io::Error::other)
            .and_then(|bytes| std::fs::write(&beside, bytes))
            .and_then(|()| std::fs::rename(&beside, &self.path));
        if let Err(error) = written {
            tracing::warn!(path = %self.path.display(), error = %Causes(&error), "the health file cannot be written");
        }
    }
}

/// The name of the ready worker that reports to this file.
///
/// # Errors
/// Why none is ready, in one sentence.
pub fn read(path: &Path) -> Result<String, String> {
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
        None => Ok(report.worker_id),
        Some(reason) => Err(reason),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code ends at the first surprise")]

    use std::time::SystemTime;

    use super::*;

    #[test]
    fn only_a_fresh_report_of_a_ready_worker_is_healthy() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("health");
        let reporter = HealthReporter::new(path.clone(), WorkerId::from_name("w-1".to_owned()));
        assert!(read(&path).is_err());

        reporter.ready();
        assert_eq!(read(&path), Ok("w-1".to_owned()));

        reporter.not_ready("the schema is behind");
        assert_eq!(read(&path), Err("the schema is behind".to_owned()));

        reporter.ready();
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
        one.ready();
        two.ready();
        one.withdraw();
        assert_eq!(read(&path), Ok("w-2".to_owned()));
        two.withdraw();
        assert!(read(&path).is_err());
    }
}
