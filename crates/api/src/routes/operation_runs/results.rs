//! The results of a run per policy type.

use std::fmt;
use std::str::FromStr;

use actix_web::{get, web};
use atlas_domain::policy_types::{PolicyTypeKey, registry};
use atlas_store::PageRequest;

use crate::answer::Answer;
use crate::example::Example;
use crate::extract::query::QueryReader;
use crate::extract::run_scope::RunScope;
use crate::paging::{Page, Paging};
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::result::OperationRunResult;

/// What a result is called in a cursor.
#[derive(Clone, Copy)]
struct PolicyTypeName(PolicyTypeKey);

impl fmt::Display for PolicyTypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl FromStr for PolicyTypeName {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        registry().find(text).map(Self).ok_or(())
    }
}

/// List the results of an operation run
///
/// Lists one result per policy type, by key: its counts, and the error if it failed or was skipped. For
/// a run with the outcome `partially_succeeded`, the results show which policy types failed. The list is
/// empty until a worker has started the run.
#[utoipa::path(
    tag = "operation-runs",
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
    let paging = Paging::<String, PolicyTypeName>::read(&mut query);
    query.finish()?;
    let results = state.store.run_results(scope.view()).await?;
    // There are as many as there are policy types: the pages are cut here.
    let PageRequest { limit, after } = paging.request();
    let rows = results
        .into_iter()
        .filter(|result| {
            let key = result.policy_type.as_str();
            after.as_ref().is_none_or(|(last, _)| key > last.as_str())
        })
        .take(usize::try_from(limit).unwrap_or_default())
        .collect();
    Ok(paging.page(
        &state.links,
        rows,
        |result| {
            let key = result.policy_type;
            (key.as_str().to_owned(), PolicyTypeName(key))
        },
        OperationRunResult::new,
    ))
}
