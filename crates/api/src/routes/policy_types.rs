//! The policy types that syncs can read.

use actix_web::get;

use crate::answer::Answer;
use crate::example::Example;
use crate::extract::actor::Actor;
use crate::extract::query::QueryReader;
use crate::problem::Problem;
use crate::wire::inventory::PolicyTypeList;

/// List policy types
///
/// Lists all policy types and foundations that this version can read, and the categories that selections
/// can filter by. The list is not paginated.
#[utoipa::path(
    tag = "inventory",
    responses((
        status = 200,
        description = "All policy types.",
        body = PolicyTypeList,
        example = PolicyTypeList::example,
    )),
)]
#[get("/policy-types")]
pub(crate) async fn list_policy_types(
    _actor: Actor,
    query: QueryReader,
) -> Result<Answer<PolicyTypeList>, Problem> {
    query.finish()?;
    Ok(Answer::ok(PolicyTypeList::of_this_version()))
}
