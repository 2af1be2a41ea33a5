//! Names for ids of groups.

use actix_web::{post, web};
use atlas_domain::ids::GroupId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::answer::Answer;
use crate::example::{self, Example};
use crate::extract::body::JsonBody;
use crate::extract::query::QueryReader;
use crate::extract::tenant_scope::TenantScope;
use crate::problem::{FieldProblem, Problem};
use crate::state::AppState;
use crate::wire::directory_group::{CacheState, ResolvedGroups};

/// Ids that one request may ask for.
const MOST: usize = 100;

/// Identifiers of groups.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = ResolveGroupsRequest)]
pub(crate) struct ResolveBody {
    /// Identifiers in Microsoft Entra.
    #[schema(min_items = 1, max_items = 100)]
    ids: Vec<Uuid>,
}

impl Example for ResolveBody {
    fn example() -> Self {
        Self {
            ids: vec![example::GROUP.into_uuid(), example::DIRECTORY.into_uuid()],
        }
    }
}

/// Resolve directory groups
///
/// Returns the stored groups for up to 100 identifiers. The response comes from the database. Deleted
/// groups have `removed_at`; unknown identifiers are listed in `unresolved`.
#[utoipa::path(
    tag = "directory-groups",
    request_body(
        content = ResolveBody,
        description = "The identifiers to resolve.",
        example = ResolveBody::example,
    ),
    responses((
        status = 200,
        description = "The stored groups.",
        body = ResolvedGroups,
        example = ResolvedGroups::example,
    )),
)]
#[post("/tenants/{tenant_id}/directory-groups/resolve")]
pub(crate) async fn resolve_directory_groups(
    scope: TenantScope,
    body: JsonBody,
    query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<ResolvedGroups>, Problem> {
    query.finish()?;
    let ResolveBody { ids: asked } = body.read_with(&["ids"], &["ids"]).await?;
    if asked.is_empty() || asked.len() > MOST {
        let detail = format!("Must be 1 to {MOST} identifiers.");
        let problem = FieldProblem::at_pointer("/ids", "invalid_length", detail);
        return Err(Problem::invalid(vec![problem]));
    }
    let tenant = scope.tenant_id();
    let ids: Vec<GroupId> = asked.iter().copied().map(GroupId::from_uuid).collect();
    let reading = state.store.group_reading(tenant).await?;
    let known = state.store.groups_by_id(tenant, &ids).await?;
    let cache = CacheState::new(reading.as_ref(), state.clock.now());
    Ok(Answer::ok(ResolvedGroups::new(&asked, known, cache)))
}
