//! Starts a sync of the inventory.

use actix_web::{post, web};
use atlas_domain::access::can_sync_tenant;
use atlas_domain::audit::AuditAction;
use atlas_domain::inventory::verification;
use atlas_domain::run::RunInputs;
use atlas_domain::selection::{FieldError, Selection, SelectionRequest};
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
use crate::problem::{FieldProblem, Problem};
use crate::state::AppState;
use crate::wire::run::{Priority, StartedRun, Verify};

/// What the sync reads. All members and the body itself are optional: by default a sync reads all policy
/// types, foundations and dependencies.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
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
    /// Whether the run goes before others that wait. Requires the permission `can_set_priority` if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(default = "normal")]
    priority: Option<Priority>,
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
            priority: None,
        }
    }
}

const MEMBERS: [&str; 6] = [
    "policy_types",
    "categories",
    "include_foundations",
    "include_dependencies",
    "verify",
    "priority",
];

/// Start an inventory sync
///
/// Creates a run that reads the tenant's policies from Microsoft Graph, or joins an active run with the
/// same selection. The response does not wait for the run: poll `links.self` after the number of seconds
/// in `Retry-After`. If the job queue is not available, the run ends as failed and the response is 503
/// with its links. It is always safe to repeat the request.
#[utoipa::path(
    tag = "inventory-sync",
    params(("Idempotency-Key" = Option<String>, Header)),
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
            headers(("Location"), ("Retry-After"), ("Idempotent-Replayed")),
            example = StartedRun::example,
        ),
        StartRefusals,
    ),
)]
#[post("/tenants/{tenant_id}/inventory-sync")]
pub(crate) async fn start_inventory_sync(
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
        let body: SelectionBody = body.read(&MEMBERS).await?.unwrap_or_default();
        let priority = body.priority.unwrap_or_default().into();
        Ok((priority, RunInputs::InventorySync(body.resolve()?)))
    };
    let (priority, inputs) = scope.or_now(read.await, &state).await?;
    check_priority(priority, &scope, denied, &state, &context).await?;
    let wishes = Wishes {
        key: scope.or_now(key.read(), &state).await?,
        priority,
        retry_of: None,
    };
    start(permit, inputs, wishes, context, state).await
}

impl SelectionBody {
    fn resolve(self) -> Result<Selection, Problem> {
        let request = SelectionRequest {
            policy_types: self.policy_types,
            categories: self.categories,
            include_foundations: self.include_foundations,
            include_dependencies: self.include_dependencies,
            verify: self.verify.map(verification::Verify::from),
        };
        let invalid = |errors: Vec<FieldError>| {
            Problem::invalid(errors.into_iter().map(FieldProblem::from).collect())
        };
        request.resolve().map_err(invalid)
    }
}
