//! What the document says of the API as a whole.

use serde_json::{Value, json};

/// The API, its version and whom to ask.
pub(super) fn info() -> Value {
    json!({
        "title": "TenantAtlas API",
        "summary": "Inventory of the Intune and Entra policies of many Microsoft 365 tenants.",
        "description": "Start inventory syncs, follow their runs and read the inventory. Names are in \
            snake_case, times are RFC 3339 in UTC, and identifiers are UUIDs. A member whose value is \
            not known is absent, never null. Errors are RFC 9457 problems; `type` is the address of a \
            page that explains the problem. Lists are paginated: follow `next_cursor` and \
            `previous_cursor`, or the `Link` header. Responses to GET carry an `ETag` and honour \
            `If-None-Match`, except the export and the streams of server-sent events. Run statuses and outcomes are closed enumerations; new values may be \
            added to all others. `/healthz`, `/readyz`, `/version`, `/docs` and `/problems` need no \
            token and are not described here.",
        "version": env!("CARGO_PKG_VERSION"),
        "termsOfService": "https://tenantatlas.example/terms",
        "contact": {
            "name": "TenantAtlas",
            "url": "https://tenantatlas.example/support",
            "email": "api@tenantatlas.example",
        },
        "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        "x-api-id": "6f5a1c1e-7f0b-4f0e-9a57-3d1f6a2b9c40",
        "x-audience": "external-public",
    })
}

/// What is delivered to receivers of webhooks.
pub(super) fn of_deliveries() -> Value {
    let mut info = info();
    info["title"] = json!("TenantAtlas webhooks");
    info["summary"] = json!("Events that are delivered to receivers of webhooks.");
    info["description"] = json!(
        "Each event is a POST request to the address of a webhook, which `POST /webhooks` of the API \
         creates. The body is the event as `GET /tenants/{tenant_id}/events` lists it. Events arrive in the \
         order of the log, at least once, with the same identifier each time. Requests are signed as \
         Standard Webhooks describes. Answer within 15 seconds; the body of an answer is not used. New \
         types and members may be added: ignore those that you do not know."
    );
    info
}

/// Groups of operations, in the order in which people read them.
pub(super) fn tags() -> Value {
    json!([
        {"name": "inventory-sync", "description": "Start inventory syncs."},
        {"name": "directory-groups", "description": "List stored directory groups, resolve their identifiers, and search the directory live."},
        {"name": "operation-runs", "description": "Operation runs: status, results, cancel and retry."},
        {"name": "tenants", "description": "Tenants that you are a member of."},
        {"name": "inventory", "description": "Inventory items, links, changes and counts that syncs stored."},
        {"name": "events", "description": "The log of events: what happened, in order."},
        {"name": "audit", "description": "The audit log of a tenant."},
        {"name": "me", "description": "The current user."},
        {"name": "notifications", "description": "Notifications about runs that you started and tenants that you own."},
        {"name": "webhooks", "description": "Deliver events to addresses of yours."},
        {"name": "system", "description": "Queues and workers of the installation, for its operators."},
    ])
}

/// Where the API is.
pub(super) fn servers() -> Value {
    json!([{
        "url": "/",
        "description": "Production",
        "x-internal": "false",
    }])
}

/// How callers prove who they are.
pub(super) fn security_schemes() -> Value {
    json!({"api_token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "API token",
        "description": "An API token, which begins with tap_. Tokens are opaque; an installation that \
            accepts JWTs validates them according to RFC 8725.",
    }})
}
