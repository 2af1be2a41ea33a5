//! Searches the groups of the directory with the caller's own token.

use actix_web::{HttpRequest, post, web};
use atlas_domain::directory::LONGEST_SEARCH;
use atlas_domain::ids::TenantId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoResponses, ToSchema};

use crate::answer::Answer;
use crate::directory_search;
use crate::example::{self, Example};
use crate::extract::body::JsonBody;
use crate::extract::query::QueryReader;
use crate::extract::tenant_scope::TenantScope;
use crate::problem::{FieldProblem, Problem, ProblemKind};
use crate::refusals::{Refusal, Responses, refusals};
use crate::state::AppState;
use crate::wire::directory_group::LiveGroups;

/// Fewer characters find too much.
const SHORTEST: usize = 2;
const DEFAULT_LIMIT: u16 = 25;
const MAX_LIMIT: u16 = 100;

/// A search for groups.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = SearchGroupsRequest)]
pub(crate) struct SearchBody {
    /// Words of the name, or the beginnings of words.
    #[schema(min_length = 2, max_length = 256)]
    q: String,
    /// Maximum number of groups.
    #[schema(minimum = 1, maximum = 100, default = 25)]
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u16>,
}

impl Example for SearchBody {
    fn example() -> Self {
        Self {
            q: "all st".to_owned(),
            limit: Some(25),
        }
    }
}

impl SearchBody {
    fn check(&self) -> Result<(), Problem> {
        let mut errors = Vec::new();
        let length = self.q.trim().chars().count();
        if !(SHORTEST..=LONGEST_SEARCH).contains(&length) || self.q.chars().any(char::is_control) {
            let detail = format!("Must be {SHORTEST} to {LONGEST_SEARCH} printable characters.");
            errors.push(FieldProblem::at_pointer("/q", "invalid_length", detail));
        }
        if self
            .limit
            .is_some_and(|limit| !(1..=MAX_LIMIT).contains(&limit))
        {
            let detail = format!("Must be a whole number from 1 to {MAX_LIMIT}.");
            errors.push(FieldProblem::at_pointer("/limit", "out_of_range", detail));
        }
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(errors))
        }
    }
}

fn disabled(tenant: TenantId) -> Problem {
    let detail = "The tenant is disabled; its directory is not asked.";
    Problem::new(ProblemKind::TenantDisabled, detail)
        .with("tenant_id", tenant.to_string())
        .with("hint", "An operator of the installation can enable it.")
}

/// The refusals of a search: its own, and those of Microsoft Graph.
struct SearchRefusals;

impl IntoResponses for SearchRefusals {
    fn responses() -> Responses {
        let of_graph = directory_search::refusals();
        refusals(
            of_graph
                .into_iter()
                .chain([Refusal::new("TenantDisabled", "The tenant is disabled.")
                    .with(disabled(example::TENANT))]),
        )
    }
}

/// Search directory groups live
///
/// Searches Microsoft Graph on your behalf and returns the groups that you may see in the directory.
/// The header `X-Graph-Token` must contain a delegated token for Microsoft Graph that the tenant's
/// directory issued to a user with the scope Group.Read.All or GroupMember.Read.All; otherwise the
/// response is 403 `delegated-token-required`. The token is used for this request only and is not
/// stored. To show names of groups, list or resolve the stored groups instead.
#[utoipa::path(
    tag = "directory-groups",
    params(
        (
            "X-Graph-Token" = Option<String>, Header,
            description = "Your delegated token for Microsoft Graph.",
            max_length = 16384, pattern = "^[!-~]+$",
            example = "eyJ0eXAiOiJKV1QifQ.eyJvaWQiOiJ4In0.c2ln",
        ),
    ),
    request_body(
        content = SearchBody,
        description = "The search.",
        example = SearchBody::example,
    ),
    responses(
        (
            status = 200,
            description = "The groups that were found.",
            body = LiveGroups,
            example = LiveGroups::example,
        ),
        SearchRefusals,
    ),
)]
#[post("/tenants/{tenant_id}/directory-groups/search")]
pub(crate) async fn search_directory_groups(
    scope: TenantScope,
    request: HttpRequest,
    body: JsonBody,
    query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<LiveGroups>, Problem> {
    query.finish()?;
    let (tenant, user) = (scope.tenant_id(), scope.user_id());
    let tenant = state.store.tenant_of(tenant, user).await?;
    let tenant = tenant.ok_or_else(Problem::not_found)?;
    if !tenant.enabled {
        return Err(disabled(tenant.id));
    }
    let token = state.directory_search.token(&request, &tenant).await?;
    let body: SearchBody = body.read_with(&["q"], &["q", "limit"]).await?;
    body.check()?;
    let limit = body.limit.unwrap_or(DEFAULT_LIMIT);
    let found = state
        .directory_search
        .groups(&tenant, token, body.q.trim(), limit);
    Ok(Answer::ok(found.await?))
}
