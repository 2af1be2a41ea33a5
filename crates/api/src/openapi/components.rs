//! Parts that operations refer to: parameters, headers, refusals.

use atlas_domain::run::OperationKind;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::reference::component;
use super::schemas;
use crate::envelope;
use crate::example;
use crate::extract::{actor, body, idempotency_key, ticket};
use crate::fallback;
use crate::paging::{self, DEFAULT_LIMIT, MAX_CURSOR, MAX_LIMIT};
use crate::problem::{FieldProblem, Problem};
use crate::refusals::{COMPONENT, Refusal};
use crate::wire::event::example_cursor;
use crate::wire::stream;
use crate::wire::webhook::{DELIVERY, WEBHOOK};

/// On every answer.
const COMMON_HEADERS: [&str; 5] = [
    "X-Request-Id",
    "RateLimit",
    "RateLimit-Policy",
    "Cache-Control",
    "Access-Control-Allow-Origin",
];

/// Printable ASCII that is not blank, in quotes or without any.
const IDEMPOTENCY_KEY: &str = r#"^("[ !#-~]+"|[!#-~]([ !#-~]*[!#-~])?)$"#;

/// References to these headers.
fn header_references<'a>(names: impl IntoIterator<Item = &'a str>) -> Value {
    names
        .into_iter()
        .map(|name| (name.to_owned(), component("headers", name)))
        .collect::<Map<_, _>>()
        .into()
}

/// Parameters that several operations share.
pub(super) fn parameters() -> Value {
    let in_path = |name: &str, id: Uuid, description: &str| {
        json!({
            "name": name,
            "in": "path",
            "required": true,
            "description": description,
            "schema": uuid(),
            "example": id,
        })
    };
    json!({
        "tenant_id": in_path("tenant_id", example::TENANT.into_uuid(), "Identifier of the tenant, from `GET /tenants`."),
        "run_id": in_path("run_id", example::RUN.into_uuid(), "Identifier of the operation run."),
        "item_id": in_path("item_id", example::ITEM.into_uuid(), "Identifier of the inventory item."),
        "version_number": {
            "name": "version_number",
            "in": "path",
            "required": true,
            "description": "Number of the version.",
            "schema": {"type": "integer", "format": "int32", "minimum": 1, "maximum": i32::MAX},
            "example": 2,
        },
        "kind": {
            "name": "kind",
            "in": "path",
            "required": true,
            "description": "The kind of run.",
            "schema": {"type": "string", "enum": OperationKind::WORDS},
            "example": OperationKind::InventorySync.as_str(),
        },
        "notification_id": in_path("notification_id", example::NOTIFICATION.into_uuid(), "Identifier of the notification."),
        "webhook_id": in_path("webhook_id", WEBHOOK, "Identifier of the webhook."),
        "delivery_id": in_path("delivery_id", DELIVERY, "Identifier of the delivery."),
        "limit": {
            "name": "limit",
            "in": "query",
            "required": false,
            "description": "Maximum number of entries on a page.",
            "schema": {
                "type": "integer",
                "format": "int32",
                "minimum": 1,
                "maximum": MAX_LIMIT,
                "default": DEFAULT_LIMIT,
            },
            "example": DEFAULT_LIMIT,
        },
        "Idempotency-Key": {
            "name": "Idempotency-Key",
            "in": "header",
            "required": false,
            "description": "A text of your own, such as a UUID, that is new for each start and the same \
                when you repeat it, for example after a lost connection. It is kept for 24 hours. A \
                repetition starts nothing: the response has the run as it is now, and the header \
                `Idempotent-Replayed`. Starts that failed with a status from 500 on keep no key.",
            "schema": {
                "type": "string",
                "minLength": 1,
                "maxLength": idempotency_key::MAX_KEY,
                "pattern": IDEMPOTENCY_KEY,
            },
            "example": "3f1d0a52-7c11-4e0e-9d8b-6c1f2a3b4d5e",
        },
        "cursor": {
            "name": "cursor",
            "in": "query",
            "required": false,
            "description": "The `next_cursor` or `previous_cursor` of another page. Repeat all other parameters except \
                `limit` unchanged.",
            "schema": {
                "type": "string",
                "minLength": 1,
                "maxLength": MAX_CURSOR,
                "pattern": "^[A-Za-z0-9_-]+$",
            },
            "example": example::CURSOR,
        },
        "stream_cursor": cursor_of_events(
            "cursor", "query",
            "Continues after the event with this cursor. `Last-Event-ID` goes before it.",
        ),
        "Last-Event-ID": cursor_of_events(
            "Last-Event-ID", "header",
            "The last `id` that the stream sent. It continues after it.",
        ),
        "ticket": {
            "name": ticket::TICKET,
            "in": "query",
            "required": false,
            "description": "A ticket of `POST /me/stream-tickets`, instead of the header Authorization.",
            "schema": restricted(json!({"type": "string", "maxLength": 64, "pattern": "^tst_[0-9A-Za-z]{36}$"})),
            "example": stream::EXAMPLE_TICKET,
        },
    })
}

fn cursor_of_events(name: &str, place: &str, description: &str) -> Value {
    json!({
        "name": name,
        "in": place,
        "required": false,
        "description": description,
        "schema": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_CURSOR,
            "pattern": "^[A-Za-z0-9_-]+$",
        },
        "example": example_cursor(),
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
            "Identifier of the request in logs and problems. A valid identifier that you send is kept.",
            64, "^[A-Za-z0-9._-]{8,64}$", &example::REQUEST.to_string(),
        ),
        "RateLimit": text(
            "Remaining number of requests (`r`) and seconds until there is one more (`t`), in the format of \
             draft-ietf-httpapi-ratelimit-headers. A response 304, and a start that joined a run or was \
             repeated, count as a tenth of a request.",
            128, "^\"default\";r=[0-9]+;t=[0-9]+$", "\"default\";r=599;t=1",
        ),
        "RateLimit-Policy": text(
            "Quota: number of requests (`q`) per window in seconds (`w`).",
            128, "^\"default\";q=[0-9]+;w=[0-9]+$", "\"default\";q=600;w=60",
        ),
        "Cache-Control": text(
            "Responses are private and must be revalidated.",
            64, "^[a-z, =0-9-]+$", "private, no-cache",
        ),
        "Access-Control-Allow-Origin": text(
            "The origin that may read the response, if it is configured.",
            256, "^https?://[^ ]+$", "https://atlas.example",
        ),
        "ETag": text(
            "Entity tag of the response. Send it in `If-None-Match`.",
            64, "^(W/)?\"[A-Za-z0-9_-]+\"$", "\"Zr3kQbWmT0y1xVhU9sJd\"",
        ),
        "Link": text(
            "The next page (`rel=\"next\"`) and the previous page (`rel=\"prev\"`), if there are such pages.",
            16384, "^<[^>]+>; rel=.+$",
            "<https://atlas.example/operation-runs?limit=50&cursor=WzFd>; rel=\"next\"",
        ),
        "Content-Disposition": text(
            "The name of the file.",
            128, "^attachment; filename=\"[A-Za-z0-9.-]+\"$",
            &format!("attachment; filename=\"inventory-{}-20260504T100319Z.ndjson\"", example::TENANT),
        ),
        "Location": {
            "description": "Address of the run, or of what was created.",
            "schema": restricted(json!({"type": "string", "format": "uri", "maxLength": 2048})),
            "example": format!("https://atlas.example/operation-runs/{}", example::RUN),
        },
        "Retry-After": {
            "description": "Seconds to wait before the next request.",
            "schema": {"type": "integer", "format": "int32", "minimum": 1, "maximum": 3600},
            "example": 1,
        },
        "Idempotent-Replayed": text(
            "Present if the idempotency key was sent before, so that nothing was started now.",
            8, "^true$", "true",
        ),
        "WWW-Authenticate": text(
            "The authentication scheme.",
            256, "^Bearer .+$", "Bearer realm=\"tenantatlas\"",
        ),
    })
}

/// Refusals that extractors and the envelope answer with on behalf of every operation, by status and
/// name of the component.
pub(super) fn common_refusals(
    has_id: bool,
    has_body: bool,
) -> impl Iterator<Item = (&'static str, &'static str)> {
    let always = [
        ("400", "BadRequest"),
        ("401", "Unauthorized"),
        ("414", "UriTooLong"),
        ("429", "TooManyRequests"),
        ("500", "InternalError"),
        ("503", "Unavailable"),
    ];
    let of_path = [("404", "NotFound")].into_iter().filter(move |_| has_id);
    let of_body = [
        ("408", "RequestTimeout"),
        ("413", "PayloadTooLarge"),
        ("415", "UnsupportedMediaType"),
    ]
    .into_iter()
    .filter(move |_| has_body);
    always.into_iter().chain(of_path).chain(of_body)
}

/// What every operation may answer besides. It stands in each operation, so that the form of all refusals
/// is seen there without following a reference.
pub(super) fn unexpected() -> Value {
    let refusal = Refusal::new("Unexpected", "Any other error.");
    refusal_component(refusal.with(fallback::not_allowed("GET, HEAD"))).1
}

/// These refusals, and the answer without news.
pub(super) fn responses() -> Map<String, Value> {
    let refusals = [
        Refusal::new("BadRequest", "The request is not valid.")
            .with(Problem::invalid(vec![FieldProblem::at_pointer(
                "/policy_types/0",
                "unknown_policy_type",
                "Unknown policy type; GET /policy-types lists them.",
            )]))
            .with(body::not_json(1, 17))
            .with(idempotency_key::not_acceptable())
            .with(paging::cursor_mismatch()),
        Refusal::new(
            "Unauthorized",
            "The API token is missing, not valid, expired or revoked.",
        )
        .with(actor::unauthenticated(
            "The header Authorization is missing.",
        ))
        .with(actor::expired())
        .with(actor::revoked()),
        Refusal::new(
            "NotFound",
            "The resource does not exist, or you are not a member of its tenant.",
        )
        .with(Problem::not_found()),
        Refusal::new("RequestTimeout", "The request body did not arrive in time.")
            .with(body::too_slow()),
        Refusal::new("UriTooLong", "The address is longer than 32 KiB.").with(envelope::too_long()),
        Refusal::new("PayloadTooLarge", "The request body is larger than 64 KiB.")
            .with(body::too_large()),
        Refusal::new(
            "UnsupportedMediaType",
            "The request body is not application/json.",
        )
        .with(body::not_supported()),
        Refusal::new("TooManyRequests", "The quota is exhausted.").with(actor::too_many(30)),
        Refusal::new("InternalError", "Internal error.").with(Problem::internal()),
        Refusal::new(
            "Unavailable",
            "The database is not available, or the request timed out.",
        )
        .with(Problem::database_unavailable())
        .with(Problem::timed_out()),
    ];
    let mut responses: Map<String, Value> = refusals.into_iter().map(refusal_component).collect();
    responses.insert(
        "NotModified".to_owned(),
        json!({
            "description": "The resource matches the entity tag in `If-None-Match`.",
            "headers": header_references(COMMON_HEADERS.into_iter().chain(["ETag"])),
        }),
    );
    responses
}

fn refusal_component(refusal: Refusal) -> (String, Value) {
    let response = serde_json::to_value(refusal.into_response());
    let mut response = response.expect("a response is plain data");
    let name = response[COMPONENT].as_str().unwrap_or_default().to_owned();
    if let Value::Object(members) = &mut response {
        members.remove(COMPONENT);
    }
    complete_headers(&mut response, &[]);
    (name, response)
}

/// Refers to the headers of all answers, to these, and to those that the response names itself.
pub(super) fn complete_headers(response: &mut Value, more: &[&str]) {
    let own = response["headers"].as_object().into_iter().flatten();
    let own = own.map(|(name, _)| name.as_str());
    let names = COMMON_HEADERS.into_iter().chain(more.iter().copied());
    response["headers"] = header_references(names.chain(own));
}
