//! Runs of every kind. The database alone answers what is read; only a retry needs Redis, to ring.

pub(super) mod active;
pub(super) mod cancel;
pub(super) mod detail;
pub(super) mod list;
pub(super) mod results;
pub(super) mod retry;

use atlas_store::RunView;
use chrono::{DateTime, Utc};
use serde_json::json;

use crate::links::Links;
use crate::problem::{Problem, ProblemKind};
use crate::wire::run::OperationRun;

/// A refusal because of what the run is, which shows the run.
fn run_problem(
    kind: ProblemKind,
    detail: &str,
    view: RunView,
    links: &Links,
    now: DateTime<Utc>,
) -> Problem {
    let run = OperationRun::new(view, links, now);
    Problem::new(kind, detail).with("run", json!(run))
}
