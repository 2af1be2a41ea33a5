//! The results of a run per policy type.

use std::fmt;
use std::str::FromStr;

use actix_web::{get, web};
use atlas_domain::inventory::TypeStatus;
use atlas_domain::inventory::actor::ActivityLog;
use atlas_domain::policy_types::registry;

use crate::answer::Answer;
use crate::example::Example;
use crate::extract::query::{OneOf, QueryReader, word};
use crate::extract::run_scope::RunScope;
use crate::paging::{Page, Paging};
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::result::{OperationRunResult, ResultStatus};

type TypeStatusWord = OneOf<TypeStatus>;

/// What a result is called in a cursor.
#[derive(Clone, Copy)]
struct ResultName(&'static str);

impl fmt::Display for ResultName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl FromStr for ResultName {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let log = || text.parse().map(ActivityLog::as_str);
        let policy_type = registry().find(text).map(|key| key.as_str());
        policy_type.map_or_else(log, Ok).map(Self).map_err(|_| ())
    }
}

/// List the results of an operation run
///
/// Lists one result per policy type, by key: its counts, and the error if it failed or was skipped. For
/// a run with the outcome `partially_succeeded`, the results show which policy types failed. The list is
/// empty until a worker has started the run.
///
/// If an audit log could not be read, so that changes have no actors, the list has an entry for it:
/// `auditEvents` (Intune) or `directoryAudits` (Entra). It does not affect the outcome of the run.
#[utoipa::path(
    tag = "operation-runs",
    params((
        "status" = inline(Option<Vec<TypeStatusWord>>), Query,
        description = "Only results with these statuses.",
        max_items = 5, example = json!([TypeStatus::Failed.as_str()]),
    )),
    responses((
        status = 200,
        description = "A page of results.",
        body = Page<OperationRunResult>,
        example = Page::<OperationRunResult>::example,
    )),
)]
#[get("/operation-runs/{run_id}/results")]
pub(crate) async fn list_operation_run_results(
    scope: RunScope,
    mut query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<Page<OperationRunResult>>, Problem> {
    let statuses: Vec<TypeStatus> = query.many("status", TypeStatus::ALL.len(), word);
    let statuses: Vec<ResultStatus> = statuses.into_iter().map(ResultStatus::from).collect();
    let paging = Paging::<String, ResultName>::read(&mut query);
    query.finish()?;
    let results = state.store.run_results(scope.view()).await?;
    let unread = state.store.unread_logs(scope.view()).await?;
    let unread = unread.into_iter().map(OperationRunResult::unread);
    let results = results.into_iter().map(OperationRunResult::new);
    let mut results: Vec<_> = results.chain(unread).collect();
    results.sort_unstable_by_key(OperationRunResult::name);
    // There are as many as there are policy types: the pages are cut here.
    results.retain(|result| statuses.is_empty() || statuses.contains(&result.status));
    let rows = paging
        .request()
        .cut(results, |result, (name, _)| result.name().cmp(name));
    Ok(paging.page(
        &state.links,
        rows,
        |result| {
            let name = result.name();
            (name.to_owned(), ResultName(name))
        },
        std::convert::identity,
    ))
}
