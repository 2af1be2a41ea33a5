//! Starts a sync of directory groups.

use actix_web::{post, web};
use atlas_domain::access::can_sync_tenant;
use atlas_domain::audit::AuditAction;
use atlas_domain::run::RunInputs;

use super::start::{StartRefusals, start};
use crate::access::MemberScope;
use crate::answer::Answer;
use crate::context::RequestContext;
use crate::extract::query::QueryReader;
use crate::extract::tenant_scope::TenantScope;
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::run::{StartedRun, example};

/// Start a sync of directory groups
///
/// Creates a run that updates the stored groups of the tenant's directory, or joins the active one. The
/// first run reads all groups; later runs read only what changed. The response does not wait for the run:
/// poll `links.self` after the number of seconds in `Retry-After`. If the job queue is not available, the
/// run ends as failed and the response is 503 with its links. It is always safe to repeat the request.
#[utoipa::path(
    tag = "directory-groups",
    responses(
        (
            status = 202,
            description = "The run was created or joined.",
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
    let denied = AuditAction::RunStartDenied;
    let permit = scope
        .permit(can_sync_tenant, denied, &state, &context)
        .await?;
    query.finish()?;
    start(permit, RunInputs::DirectoryGroupsSync, context, state).await
}
