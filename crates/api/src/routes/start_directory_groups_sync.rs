//! Bringing the stored groups up to date.

use actix_web::{post, web};
use atlas_domain::run::RunInputs;

use super::start::{StartRefusals, permit, start};
use crate::answer::Answer;
use crate::context::RequestContext;
use crate::extract::query::QueryReader;
use crate::extract::tenant_scope::TenantScope;
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::run::{StartedRun, example};

/// Start a sync of directory groups
///
/// Records a run that brings the stored groups of the tenant's directory up to date, or joins the
/// one that is active already, and answers at once. The first run reads every group, later ones what
/// changed since. Follow the run at `links.self`; it is cancelled and repeated as any other run.
/// There is no body. When the job queue is not available the run ends as failed and the answer is
/// 503 with its links: start again later. Repeating a start is always safe.
#[utoipa::path(
    tag = "directory-groups",
    responses(
        (
            status = 202,
            description = "The run was recorded, or joined.",
            body = StartedRun,
            headers(("Location"), ("Retry-After")),
            example = example::directory_groups_sync,
        ),
        StartRefusals,
    ),
)]
#[post("/tenants/{tenant_id}/directory-groups-sync")]
pub(crate) async fn start_directory_groups_sync(
    scope: TenantScope,
    query: QueryReader,
    context: RequestContext,
    state: web::Data<AppState>,
) -> Result<Answer<StartedRun>, Problem> {
    let permit = permit(&scope, &state, &context).await?;
    query.finish()?;
    start(permit, RunInputs::DirectoryGroupsSync, context, state).await
}
