//! Looking for groups in a directory as the caller sees it: the one place of the API from which
//! Microsoft Graph is reached, and only with the caller's own delegated token.
//!
//! A token comes through one door, [`DelegatedTokens`]. It is used for the one search that it was
//! made for, and dropped: it is in no cache, row, log or trace.

use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpRequest;
use atlas_graph::{
    DelegatedError, DelegatedToken, FoundGroup, GraphClient, GraphErrorKind, GraphOptions,
};
use atlas_store::TenantView;
use futures::FutureExt;
use futures::future::LocalBoxFuture;
use url::Url;

use crate::problem::{Problem, ProblemKind};
use crate::refusals::Refusal;
use crate::wire::directory_group::{LiveGroup, LiveGroups};

/// The header with the caller's token for Microsoft Graph.
pub(crate) const TOKEN_HEADER: &str = "x-graph-token";

/// The delegated permissions of which one is needed.
const SCOPES: [&str; 2] = ["Group.Read.All", "GroupMember.Read.All"];

/// What a caller without a token is to do.
const ADVICE: &str = "Let the signed-in user's program get a token for Microsoft Graph with the \
    scope Group.Read.All from the tenant's directory, and send it in the header X-Graph-Token.";

/// A second is shorter than most limits of Graph last.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

/// Makes tokens with which Graph is asked as the caller.
pub(crate) trait DelegatedTokens: Send + Sync {
    /// A token of the caller of this request for the tenant's directory.
    fn of<'a>(
        &'a self,
        request: &'a HttpRequest,
        tenant: &'a TenantView,
    ) -> LocalBoxFuture<'a, Result<DelegatedToken, Problem>>;
}

/// Takes the token that the caller sends along.
struct FromHeader;

impl DelegatedTokens for FromHeader {
    fn of<'a>(
        &'a self,
        request: &'a HttpRequest,
        _: &'a TenantView,
    ) -> LocalBoxFuture<'a, Result<DelegatedToken, Problem>> {
        let mut sent = request.headers().get_all(TOKEN_HEADER);
        let token = match (sent.next(), sent.next()) {
            (None, _) => Err(token_missing()),
            (Some(value), None) => value
                .to_str()
                .ok()
                .and_then(|text| DelegatedToken::read(text.trim()).ok())
                .ok_or_else(|| token_required("X-Graph-Token holds no token of a user.")),
            (Some(_), Some(_)) => Err(token_required("X-Graph-Token is there twice.")),
        };
        std::future::ready(token).boxed_local()
    }
}

/// Searches of directories, as callers see them.
#[derive(Clone)]
pub(crate) struct DirectorySearch {
    graph: GraphClient,
    tokens: Arc<dyn DelegatedTokens>,
}

impl DirectorySearch {
    /// Asks the clouds' own Graph, or the one at this address. A caller waits for it, so that it has
    /// less time than a sync gives it.
    pub(crate) fn new(graph_url: Option<Url>, time: Duration) -> std::io::Result<Self> {
        let graph = GraphClient::new(GraphOptions {
            graph_url,
            request_timeout: time,
            ..GraphOptions::default()
        })
        .map_err(std::io::Error::other)?;
        Ok(Self {
            graph,
            tokens: Arc::new(FromHeader),
        })
    }

    /// The caller's token, which is of the tenant's directory.
    pub(crate) async fn token(
        &self,
        request: &HttpRequest,
        tenant: &TenantView,
    ) -> Result<DelegatedToken, Problem> {
        let token = self.tokens.of(request, tenant).await?;
        if token.directory_id() == tenant.directory_id {
            return Ok(token);
        }
        Err(token_required(
            "The token in X-Graph-Token is of another directory than the tenant's.",
        ))
    }

    /// Groups whose names have words that begin like this. The token is spent.
    #[allow(clippy::needless_pass_by_value, reason = "a token is spent")]
    pub(crate) async fn groups(
        &self,
        tenant: &TenantView,
        token: DelegatedToken,
        text: &str,
        most: u16,
    ) -> Result<LiveGroups, Problem> {
        let found = self
            .graph
            .search_groups(tenant.cloud, &token, text, most)
            .await
            .map_err(refused)?;
        Ok(LiveGroups {
            items: found.groups.into_iter().map(LiveGroup::from).collect(),
            source: "live",
            more: found.more,
        })
    }
}

impl From<FoundGroup> for LiveGroup {
    fn from(group: FoundGroup) -> Self {
        Self {
            id: group.id.into_uuid(),
            name: group.name,
            description: group.description,
            group_type: group.group_type.as_str(),
            assignable_to_role: group.assignable_to_role,
            on_premises: group.on_premises,
        }
    }
}

fn token_missing() -> Problem {
    token_required("The search needs your own token.")
}

fn token_required(detail: &str) -> Problem {
    Problem::new(ProblemKind::DelegatedTokenRequired, detail)
        .with("header", "X-Graph-Token")
        .with("required_scopes", SCOPES.to_vec())
        .with("hint", ADVICE)
}

fn seconds(wait: Duration) -> u64 {
    // Rounded up: who comes back too early is sent away again.
    let wait = wait.max(SHORTEST_WAIT);
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

fn upstream(mut problem: Problem, request_id: Option<&str>) -> Problem {
    if let Some(id) = request_id {
        problem = problem.with("upstream_request_id", id);
    }
    problem
}

fn token_refused(claims: Option<&str>, request_id: Option<&str>) -> Problem {
    let detail = "Microsoft Graph refused the token in X-Graph-Token.";
    let mut problem = upstream(token_required(detail), request_id);
    if let Some(claims) = claims {
        problem = problem.with("claims", claims);
    }
    problem
}

fn throttled(retry_after: Option<Duration>, request_id: Option<&str>) -> Problem {
    let detail = "Microsoft Graph asks to slow down. The stored groups can be searched.";
    let problem = Problem::new(ProblemKind::UpstreamThrottled, detail)
        .retry_after(seconds(retry_after.unwrap_or_default()));
    upstream(problem, request_id)
}

fn not_permitted(request_id: Option<&str>) -> Problem {
    let detail = "The token in X-Graph-Token does not permit you to read groups.";
    upstream(token_required(detail), request_id)
}

fn no_answer(request_id: Option<&str>) -> Problem {
    let detail = "Microsoft Graph did not answer the search. The stored groups can be searched.";
    upstream(Problem::new(ProblemKind::UpstreamError, detail), request_id)
}

fn refused(error: DelegatedError) -> Problem {
    match &error {
        DelegatedError::TokenRefused { claims, request_id } => {
            token_refused(claims.as_deref(), request_id.as_deref())
        }
        DelegatedError::Throttled {
            retry_after,
            request_id,
        } => throttled(*retry_after, request_id.as_deref()),
        DelegatedError::Graph(graph) if graph.kind == GraphErrorKind::PermissionMissing => {
            not_permitted(graph.request_id())
        }
        DelegatedError::Graph(graph) => no_answer(graph.request_id()).because(error),
    }
}

/// The refusals of whatever asks Microsoft Graph as the caller.
pub(crate) fn refusals() -> [Refusal; 3] {
    const REQUEST: Option<&str> = Some("6c1f4a0e-2b7d-4f7e-8a55-0c9d1e2f3a4b");
    const CLAIMS: Option<&str> = Some(r#"{"access_token":{"nbf":{"essential":true}}}"#);
    [
        Refusal::new(
            "DelegatedTokenRequired",
            "The delegated token is missing, belongs to another directory, or was refused.",
        )
        .with(token_missing())
        .with(token_refused(CLAIMS, REQUEST))
        .with(not_permitted(REQUEST)),
        Refusal::new(
            "UpstreamError",
            "Microsoft Graph could not be reached or returned an error.",
        )
        .with(no_answer(REQUEST)),
        Refusal::new(
            "UpstreamThrottled",
            "Microsoft Graph is throttling requests; or the database is not available; or the \
             request timed out.",
        )
        .with(throttled(Some(Duration::from_secs(20)), REQUEST)),
    ]
}
