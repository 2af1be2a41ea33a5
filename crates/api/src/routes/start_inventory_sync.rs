//! Pressing sync.

use actix_web::{post, web};
use atlas_domain::run::RunInputs;
use atlas_domain::selection::{Selection, SelectionRequest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::start::{StartRefusals, permit, start};
use crate::answer::Answer;
use crate::context::RequestContext;
use crate::example::Example;
use crate::extract::body::JsonBody;
use crate::extract::query::QueryReader;
use crate::extract::tenant_scope::TenantScope;
use crate::problem::{FieldProblem, Problem};
use crate::state::AppState;
use crate::wire::run::StartedRun;

/// What to read. Every member may be left out, and so may the whole body: the default is every
/// policy type, no category filter, with foundations and dependencies.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = SelectionRequest)]
pub(crate) struct SelectionBody {
    /// Keys of policy types, as GET /policy-types lists them. Foundations are not named here. An
    /// empty list selects none, which leaves the foundations.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 200)]
    policy_types: Option<Vec<String>>,
    /// Only policy types of these categories. An empty list is no filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 200)]
    categories: Option<Vec<String>>,
    /// Whether to read the objects that policies lean on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(default = true)]
    include_foundations: Option<bool>,
    /// Whether to record what items refer to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(default = true)]
    include_dependencies: Option<bool>,
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
        }
    }
}

const MEMBERS: [&str; 4] = [
    "policy_types",
    "categories",
    "include_foundations",
    "include_dependencies",
];

/// Start an inventory sync
///
/// Records a run that reads the tenant's policies from Microsoft Graph, or joins the run that is
/// active already with the same selection, and answers at once. Follow the run at `links.self`;
/// `Retry-After` says when to look. When the job queue is not available the run ends as failed and
/// the answer is 503 with its links: start again later. Repeating a start is always safe.
#[utoipa::path(
    tag = "inventory-sync",
    request_body(
        content = Option<SelectionBody>,
        description = "What to read; everything when left out.",
        example = SelectionBody::example,
    ),
    responses(
        (
            status = 202,
            description = "The run was recorded, or joined.",
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
    let permit = permit(&scope, &state, &context).await?;
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
