//! Runs of every kind. The database alone answers what is read; only a retry needs Redis, to ring.

pub(super) mod active;
pub(super) mod cancel;
pub(super) mod counts;
pub(super) mod detail;
pub(super) mod list;
pub(super) mod results;
pub(super) mod retry;

use atlas_domain::run::OperationKind;
use atlas_store::{RunFilter, RunView};
use chrono::{DateTime, Utc};
use serde_json::json;

use crate::extract::actor::Actor;
use crate::extract::query::{OneOf, QueryReader, id, word};
use crate::links::Links;
use crate::problem::{Problem, ProblemKind, RUN};
use crate::wire::run::OperationRun;

/// Values of one filter at most.
const MAX_VALUES: usize = 100;

type OperationKindWord = OneOf<OperationKind>;

/// Reads the filters that every list of runs has: of which tenants and kinds, and who started them.
fn filter(query: &mut QueryReader, actor: &Actor) -> RunFilter {
    RunFilter {
        tenant: query.many("tenant_id", MAX_VALUES, id),
        kind: query.many("kind", MAX_VALUES, word),
        initiator: query.one("initiator", |text| match text {
            "me" => Ok(actor.user_id()),
            text => id(text).map_err(|_| "Must be a UUID, or the word me.".to_owned()),
        }),
        ..RunFilter::default()
    }
}

/// A refusal because of what the run is, which shows the run.
fn run_problem(
    kind: ProblemKind,
    detail: &str,
    view: RunView,
    links: &Links,
    now: DateTime<Utc>,
) -> Problem {
    let run = OperationRun::new(view, links, now);
    Problem::new(kind, detail).with(RUN, json!(run))
}
