//! Parts that operations refer to: parameters, headers, refusals.

use atlas_domain::access::Permission;
use atlas_domain::access::operator::NotOperator;
use serde_json::{Map, Value, json};

use super::{complete, samples, schemas};
use crate::extract::operator::not_permitted;
use crate::paging::{DEFAULT_LIMIT, MAX_CURSOR, MAX_LIMIT};
use crate::problem::{FieldProblem, Problem, ProblemKind};

/// On every answer.
pub(super) const COMMON_HEADERS: [&str; 5] = [
    "X-Request-Id",
    "RateLimit",
    "RateLimit-Policy",
    "Cache-Control",
    "Access-Control-Allow-Origin",
];

/// A reference to a component.
pub(super) fn reference(section: &str, name: &str) -> Value {
    json!({"$ref": format!("#/components/{section}/{name}")})
}

/// References to these headers.
pub(super) fn header_references(names: &[&str]) -> Value {
    names
        .iter()
        .map(|name| ((*name).to_owned(), reference("headers", name)))
        .collect::<Map<_, _>>()
        .into()
}

/// Parameters that several operations share.
pub(super) fn parameters() -> Value {
    let in_path = |name: &str, description: &str| {
        json!({
            "name": name,
            "in": "path",
            "required": true,
            "description": description,
            "schema": uuid(),
            "example": samples::parameter("", name),
        })
    };
    json!({
        "tenant_id": in_path("tenant_id", "The tenant, as GET /tenants lists it."),
        "run_id": in_path("run_id", "The operation run."),
        "item_id": in_path("item_id", "The inventory item."),
        "notification_id": in_path("notification_id", "The notification."),
        "limit": {
            "name": "limit",
            "in": "query",
            "required": false,
            "description": "How many entries a page has at most.",
            "schema": {
                "type": "integer",
                "format": "int32",
                "minimum": 1,
                "maximum": MAX_LIMIT,
                "default": DEFAULT_LIMIT,
            },
            "example": DEFAULT_LIMIT,
        },
        "cursor": {
            "name": "cursor",
            "in": "query",
            "required": false,
            "description": "Where to continue: next_cursor of the page before. Keep all other \
                parameters but limit as they were.",
            "schema": {
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_CURSOR,
                "pattern": "^[A-Za-z0-9_-]+$",
            },
            "example": samples::CURSOR,
        },
    })
}

fn uuid() -> Value {
    restricted(json!({"type": "string", "format": "uuid"}))
}

fn restricted(mut schema: Value) -> Value {
    schemas::restrict(&mut schema);
    schema
}

/// Headers of answers.
pub(super) fn headers() -> Value {
    let text = |description: &str, max: u32, pattern: &str, example: &str| {
        json!({
            "description": description,
            "schema": restricted(json!({"type": "string", "maxLength": max, "pattern": pattern})),
            "example": example,
        })
    };
    json!({
        "X-Request-Id": text(
            "The request's name in logs and problems: yours when you sent an acceptable one.",
            64, "^[A-Za-z0-9._-]{8,64}$", samples::REQUEST,
        ),
        "RateLimit": text(
            "What is left of your quota, as draft-ietf-httpapi-ratelimit-headers has it.",
            128, "^\"default\";r=[0-9]+;t=[0-9]+$", "\"default\";r=599;t=60",
        ),
        "RateLimit-Policy": text(
            "Your quota: requests and seconds.",
            128, "^\"default\";q=[0-9]+;w=[0-9]+$", "\"default\";q=600;w=60",
        ),
        "Cache-Control": text(
            "Answers are yours alone and are asked for again each time.",
            64, "^[a-z, =0-9-]+$", "private, no-cache",
        ),
        "Access-Control-Allow-Origin": text(
            "The origin whose page may read the answer, when it is a configured one.",
            256, "^https?://[^ ]+$", "https://atlas.example",
        ),
        "ETag": text(
            "Names these bytes; send it back in If-None-Match.",
            64, "^\"[A-Za-z0-9_-]+\"$", "\"Zr3kQbWmT0y1xVhU9sJd\"",
        ),
        "Link": text(
            "The next page, as rel=\"next\", when there is one.",
            16384, "^<[^>]+>; rel=.+$",
            "<https://atlas.example/operation-runs?limit=50&cursor=WzFd>; rel=\"next\"",
        ),
        "Location": {
            "description": "The run.",
            "schema": restricted(json!({"type": "string", "format": "uri", "maxLength": 2048})),
            "example": format!("https://atlas.example/operation-runs/{}", samples::RUN),
        },
        "Retry-After": {
            "description": "After how many seconds to ask again.",
            "schema": {"type": "integer", "format": "int32", "minimum": 1, "maximum": 3600},
            "example": 1,
        },
        "WWW-Authenticate": text(
            "How to authenticate.",
            256, "^Bearer .+$", "Bearer realm=\"tenantatlas\"",
        ),
    })
}

/// Refusals, and the answer without news.
pub(super) fn responses() -> Value {
    let members = [
        (
            "BadRequest",
            "The request is not valid.",
            invalid(),
            &[][..],
        ),
        (
            "Unauthorized",
            "There is no valid token.",
            Problem::new(
                ProblemKind::Unauthenticated,
                "The header Authorization is missing.",
            ),
            &["WWW-Authenticate"],
        ),
        (
            "Forbidden",
            "Your role does not permit this.",
            Problem::new(
                ProblemKind::Forbidden,
                "Your role in this tenant does not permit you to sync it.",
            )
            .with("required_permission", "can_sync_tenant"),
            &[],
        ),
        (
            "DelegatedTokenRequired",
            "Your own token for Microsoft Graph is missing, of another directory, or refused.",
            Problem::new(
                ProblemKind::DelegatedTokenRequired,
                "The search needs your own token.",
            )
            .with("header", "X-Graph-Token")
            .with("required_scopes", vec!["Group.Read.All"]),
            &[],
        ),
        (
            "UpstreamError",
            "Microsoft Graph did not answer.",
            Problem::new(
                ProblemKind::UpstreamError,
                "Microsoft Graph did not answer the search. The stored groups can be searched.",
            ),
            &[],
        ),
        (
            "UpstreamThrottled",
            "Microsoft Graph asks to slow down, or the database does not answer.",
            Problem::new(
                ProblemKind::UpstreamThrottled,
                "Microsoft Graph asks to slow down. The stored groups can be searched.",
            ),
            &["Retry-After"],
        ),
        (
            "OperatorsOnly",
            "You are no operator of the installation.",
            not_permitted(NotOperator {
                permission: Permission::CanOperateInstallation,
            }),
            &[],
        ),
        (
            "NotFound",
            "There is nothing here, or nothing that you can see.",
            Problem::not_found(),
            &[],
        ),
        (
            "Conflict",
            "The tenant cannot be synced as it is.",
            conflict(),
            &[],
        ),
        (
            "NotCancellable",
            "The run has ended.",
            Problem::new(
                ProblemKind::RunAlreadyTerminal,
                "The run has ended; there is nothing to cancel.",
            )
            .with("run", samples::ended_run()),
            &[],
        ),
        (
            "NotRetryable",
            "The run has not ended, or nothing of it failed, or the tenant cannot be synced as it is.",
            Problem::new(
                ProblemKind::RunNotRetryable,
                "The run read every policy type that it was asked for; nothing of it failed.",
            )
            .with("run", samples::ended_run()),
            &[],
        ),
        (
            "PayloadTooLarge",
            "The body has more than 64 KiB.",
            Problem::new(
                ProblemKind::PayloadTooLarge,
                "The body has more than 65536 bytes.",
            ),
            &[],
        ),
        (
            "UnsupportedMediaType",
            "The body is not JSON.",
            Problem::new(
                ProblemKind::UnsupportedMediaType,
                "The body must be application/json, not compressed.",
            )
            .with("supported", vec!["application/json"]),
            &[],
        ),
        (
            "TooManyRequests",
            "You have made too many requests.",
            Problem::new(
                ProblemKind::QuotaExceeded,
                "You have made too many requests in the last minute.",
            ),
            &["Retry-After"],
        ),
        ("InternalError", "The API failed.", Problem::internal(), &[]),
        (
            "Unavailable",
            "The database does not answer.",
            Problem::new(
                ProblemKind::DependencyUnavailable,
                "The database does not answer at the moment.",
            ),
            &["Retry-After"],
        ),
        (
            "QueueUnavailable",
            "The run was recorded, could not be handed to the workers and has ended as failed; or \
             the database does not answer.",
            queue_unavailable(),
            &["Retry-After"],
        ),
        (
            "Unexpected",
            "Any other refusal.",
            Problem::new(
                ProblemKind::TimedOut,
                "The request took longer than the API is ready to wait.",
            ),
            &[],
        ),
    ];
    let mut responses: Map<String, Value> = members
        .into_iter()
        .map(|(name, description, problem, own_headers)| {
            let headers = [&COMMON_HEADERS[..], own_headers].concat();
            let response = json!({
                "description": description,
                "headers": header_references(&headers),
                "content": complete::problem_content(&samples::problem(&problem)),
            });
            (name.to_owned(), response)
        })
        .collect();
    let headers = [&COMMON_HEADERS[..], &["ETag"]].concat();
    responses.insert(
        "NotModified".to_owned(),
        json!({
            "description": "Nothing has changed since the answer that If-None-Match names.",
            "headers": header_references(&headers),
        }),
    );
    responses.into()
}

fn invalid() -> Problem {
    Problem::invalid(vec![FieldProblem::at_pointer(
        "/policy_types/0",
        "unknown_policy_type",
        "Unknown policy type; GET /policy-types lists them.",
    )])
}

fn conflict() -> Problem {
    Problem::new(
        ProblemKind::TenantNotConnected,
        "No credentials for Microsoft Graph are stored for the tenant.",
    )
    .with("tenant_id", samples::TENANT)
    .with(
        "hint",
        "An operator of the installation stores them with: atlas tenant credentials set",
    )
}

fn queue_unavailable() -> Problem {
    Problem::new(
        ProblemKind::QueueUnavailable,
        "The run could not be handed to the workers and has ended as failed.",
    )
    .with("run_id", samples::RUN)
    .with("links", samples::run_links())
}
