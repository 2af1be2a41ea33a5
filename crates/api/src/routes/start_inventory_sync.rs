//! Starts a sync of the inventory.

use actix_web::{post, web};
use atlas_domain::access::can_sync_tenant;
use atlas_domain::audit::AuditAction;
use atlas_domain::run::RunInputs;
use atlas_domain::selection::{Selection, SelectionRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::start::{StartRefusals, start};
use crate::access::MemberScope;
use crate::answer::Answer;
use crate::context::RequestContext;
use crate::example::Example;
use crate::extract::body::JsonBody;
use crate::extract::query::QueryReader;
use crate::extract::tenant_scope::TenantScope;
use crate::problem::{FieldProblem, Problem};
use crate::state::AppState;
use crate::wire::run::{StartedRun, Verify};

/// What the sync reads. All members and the body itself are optional: by default a sync reads all policy
/// types, foundations and dependencies.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = SelectionRequest)]
pub(crate) struct SelectionBody {
    /// Keys of policy types, from `GET /policy-types`. Foundations are not listed here; an empty list
    /// selects foundations only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 200)]
    policy_types: Option<Vec<String>>,
    /// Limits the sync to policy types of these categories. An empty list is no filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 200)]
    categories: Option<Vec<String>>,
    /// Whether to read foundations: objects that policies refer to, such as assignment filters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(default = true)]
    include_foundations: Option<bool>,
    /// Whether to store the links of items: assignments and references to other objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(default = true)]
    include_dependencies: Option<bool>,
    /// `all` reads every value again, also those that are stored and whose objects have not moved.
    /// Otherwise the sync verifies the values that are due.
    #[serde(skip_serializing_if = "Option::is_none")]
    verify: Option<Verify>,
}

impl Example for SelectionBody {
    fn example() -> Self {
        Self {
            policy_types: Some(vec![
                "deviceCompliancePolicy".to_owned(),
                "mobileApp".to_owned(),
            ]),
            categories: None,
            include_foundations: Some(true),
            include_dependencies: None,
            verify: None,
        }
    }
}

const MEMBERS: [&str; 5] = [
    "policy_types",
    "categories",
    "include_foundations",
    "include_dependencies",
    "verify",
];

/// Start an inventory sync
///
/// Creates a run that reads the tenant's policies from Microsoft Graph, or joins an active run with the
/// same selection. The response does not wait for the run: poll `links.self` after the number of seconds
/// in `Retry-After`. If the job queue is not available, the run ends as failed and the response is 503
/// with its links. It is always safe to repeat the request.
#[utoipa::path(
    tag = "inventory-sync",
    request_body(
        content = Option<SelectionBody>,
        description = "What the sync reads. If omitted, it reads everything.",
        example = SelectionBody::example,
    ),
    responses(
        (
            status = 202,
            description = "The run was created or joined.",
            body = StartedRun,
            headers(("Location"), ("Retry-After")),
            example = StartedRun::example,
        ),
        StartRefusals,
    ),
)]
#[post("/tenants/{tenant_id}/inventory-sync")]
pub(crate) async fn start_inventory_sync(
    scope: TenantScope,
    body: JsonBody,
    query: QueryReader,
    context: RequestContext,
    state: web::Data<AppState>,
) -> Result<Answer<StartedRun>, Problem> {
    let denied = AuditAction::RunStartDenied;
    let permit = scope
        .permit(can_sync_tenant, denied, &state, &context)
        .await?;
    query.finish()?;
    let selection = selection(body).await?;
    start(permit, RunInputs::InventorySync(selection), context, state).await
}

async fn selection(body: JsonBody) -> Result<Selection, Problem> {
    let request: Option<SelectionRequest> = body.read(&MEMBERS).await?;
    request
        .unwrap_or_default()
        .resolve()
        .map_err(|errors| Problem::invalid(errors.into_iter().map(FieldProblem::from).collect()))
}
