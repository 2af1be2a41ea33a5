//! What a run did for each policy type.

use std::fmt;
use std::str::FromStr;

use actix_web::{HttpRequest, get, web};
use atlas_domain::policy_types::{PolicyTypeKey, registry};
use atlas_store::PageRequest;

use crate::answer::Answer;
use crate::example::Example;
use crate::extract::actor::Actor;
use crate::extract::path::path_id;
use crate::extract::query::QueryReader;
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
/// One entry per policy type: what was seen, new, changed and missing, and why a type failed or was
/// left out; by key of the policy type. This is what `partially_succeeded` means. Empty until a
/// worker has begun the run.
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
    actor: Actor,
    request: HttpRequest,
    mut query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<Page<OperationRunResult>>, Problem> {
    let run_id = path_id(&request, "run_id")?;
    let paging = Paging::<String, PolicyTypeName>::read(&mut query);
    query.finish()?;
    let results = state.store.run_results(actor.user_id(), run_id).await?;
    let results = results.ok_or_else(Problem::not_found)?;
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
