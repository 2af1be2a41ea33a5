//! What the document says of the API as a whole.

use serde_json::{Value, json};

/// The API, its version and whom to ask.
pub(super) fn info() -> Value {
    json!({
        "title": "TenantAtlas API",
        "summary": "Inventory of the Intune and Entra policies of many Microsoft 365 tenants.",
        "description": "Start inventory syncs, follow their runs and read what they found. Names are \
            snake_case, times RFC 3339 in UTC, identifiers UUIDs; what is not known is absent, never \
            null. Errors are RFC 9457 problems; the address in `type` leads to a page that explains \
            the problem. Lists come in pages; follow `next_cursor` or the header `Link`. Reads carry \
            an `ETag` and honour `If-None-Match`. Statuses and outcomes are closed sets; every other \
            list of words is open. Besides what is described here the service answers `/healthz` and \
            `/readyz` to probes, and `/docs` and `/problems` to people; these need no token.",
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

/// Groups of operations, in the order in which people read them.
pub(super) fn tags() -> Value {
    json!([
        {"name": "inventory-sync", "description": "Pressing sync."},
        {"name": "directory-groups", "description": "Groups of tenants' directories: stored, and as you may see them now."},
        {"name": "operation-runs", "description": "What is going on, and how it ended."},
        {"name": "tenants", "description": "The tenants that you belong to."},
        {"name": "inventory", "description": "What syncs found."},
        {"name": "audit", "description": "What was done, by whom."},
        {"name": "me", "description": "Who you are."},
        {"name": "notifications", "description": "What you are told."},
        {"name": "system", "description": "The installation as a whole, for its operators."},
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
        "description": "An API token that begins with tap_. It is opaque to callers; where a JWT is \
            accepted instead, it is checked as RFC 8725 asks.",
    }})
}
