//! Starts a sync of directory groups.

use actix_web::{post, web};
use atlas_domain::access::can_sync_tenant;
use atlas_domain::audit::AuditAction;
use atlas_domain::run::RunInputs;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::start::{StartRefusals, Wishes, check_priority, start};
use crate::access::MemberScope;
use crate::answer::Answer;
use crate::context::RequestContext;
use crate::example::Example;
use crate::extract::body::JsonBody;
use crate::extract::idempotency_key::IdempotencyKey;
use crate::extract::query::QueryReader;
use crate::extract::start_scope::StartScope;
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::run::{Priority, StartedRun, example};

/// How the sync is started. The member and the body itself are optional.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[schema(as = StartRequest)]
pub(crate) struct StartBody {
    /// Whether the run goes before others that wait. Requires the permission `can_set_priority` if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(default = "normal")]
    priority: Option<Priority>,
}

impl Example for StartBody {
    fn example() -> Self {
        Self {
            priority: Some(Priority::High),
        }
    }
}

const MEMBERS: [&str; 1] = ["priority"];

/// Start a sync of directory groups
///
/// Creates a run that updates the stored groups of the tenant's directory, or joins the active one. The
/// first run reads all groups; later runs read only what changed. The response does not wait for the run:
/// poll `links.self` after the number of seconds in `Retry-After`. If the job queue is not available, the
/// run ends as failed and the response is 503 with its links. It is always safe to repeat the request.
#[utoipa::path(
    tag = "directory-groups",
    params(("Idempotency-Key" = Option<String>, Header)),
    request_body(
        content = Option<StartBody>,
        description = "How the sync is started. Optional.",
        example = StartBody::example,
    ),
    responses(
        (
            status = 202,
            description = "The run was created or joined.",
            body = StartedRun,
            headers(("Location"), ("Retry-After"), ("Idempotent-Replayed")),
            example = example::directory_groups_sync,
        ),
        StartRefusals,
    ),
)]
#[post("/tenants/{tenant_id}/directory-groups-sync")]
pub(crate) async fn start_directory_groups_sync(
    scope: StartScope,
    key: IdempotencyKey,
    body: JsonBody,
    query: QueryReader,
    context: RequestContext,
    state: web::Data<AppState>,
) -> Result<Answer<StartedRun>, Problem> {
    let denied = AuditAction::RunStartDenied;
    let permit = scope
        .permit(can_sync_tenant, denied, &state, &context)
        .await?;
    let read = async {
        query.finish()?;
        let body: Option<StartBody> = body.read(&MEMBERS).await?;
        Ok(body.unwrap_or_default().priority.unwrap_or_default().into())
    };
    let priority = scope.or_now(read.await, &state).await?;
    check_priority(priority, &scope, denied, &state, &context).await?;
    let wishes = Wishes {
        key: scope.or_now(key.read(), &state).await?,
        priority,
        retry_of: None,
    };
    let inputs = RunInputs::DirectoryGroupsSync;
    start(permit, inputs, wishes, context, state).await
}
