//! The OpenAPI document of deliveries: what receivers of webhooks get, one entry for each type of event.
//! Schemas are those of the lists of events, with the members that the type has.

mod types;

use std::collections::BTreeSet;

use atlas_domain::event::EventType;
use atlas_domain::webhook::{TEST_EVENT, is_delivered};
use serde_json::{Map, Value, json};

use self::types::{DeliveredType, TEST};
use super::reference::{component, schema};
use super::{Description, info, schemas};
use crate::example::{self, moment};
use crate::wire::webhook::WEBHOOK;

/// The headers of a delivery, as Standard Webhooks has them.
const HEADERS: [&str; 3] = ["webhook-id", "webhook-timestamp", "webhook-signature"];
/// Members of an event that only some types have.
const RUN: &str = "operation_run_id";
const MOMENT: &str = "1777888999";
const SIGNATURE: &str = "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=";

/// The OpenAPI document of deliveries as it is committed: indented, with a line end.
#[must_use]
pub fn deliveries_document() -> String {
    let document = deliveries(Description::of_this_version().document());
    let text = serde_json::to_string_pretty(&document).expect("a description is plain data");
    format!("{text}\n")
}

fn deliveries(api: &Value) -> Value {
    let of_api = &api["components"]["schemas"];
    let mut components = Map::new();
    let mut webhooks = Map::new();
    let delivered = EventType::ALL.into_iter().filter(|one| is_delivered(*one));
    for delivered in delivered.map(types::of) {
        let name = delivered.schema_name();
        components.insert(format!("{name}Data"), data(&delivered, of_api));
        components.insert(name.clone(), event(&delivered, &name, of_api));
        let word = delivered.word();
        webhooks.insert(
            word.to_owned(),
            delivery(word, delivered.summary, &name, &delivered.example()),
        );
    }
    components.insert("TestEvent".to_owned(), test_event(of_api));
    webhooks.insert(
        TEST_EVENT.to_owned(),
        delivery(TEST_EVENT, TEST, "TestEvent", &test_example()),
    );
    add_referred(&mut components, of_api);
    components.sort_keys();
    json!({
        "openapi": api["openapi"],
        "info": info::of_deliveries(),
        "webhooks": webhooks,
        "components": {
            "schemas": components,
            "parameters": parameters(),
        },
    })
}

/// Adds the API's schemas that these refer to.
fn add_referred(components: &mut Map<String, Value>, of_api: &Value) {
    let mut referred = BTreeSet::new();
    for schema in components.values() {
        schemas::collect_references(schema, of_api, &mut referred);
    }
    for name in referred {
        let schema = &of_api[&name];
        components.entry(name).or_insert_with(|| schema.clone());
    }
}

/// The schema of a type's `data`: its members of those that events have.
fn data(delivered: &DeliveredType, of_api: &Value) -> Value {
    let all = &of_api["EventData"]["properties"];
    let names = delivered.required.iter().chain(delivered.optional);
    let properties: Map<String, Value> = names
        .map(|&name| {
            assert!(all[name].is_object(), "events have no {name}");
            (name.to_owned(), all[name].clone())
        })
        .collect();
    json!({
        "type": "object",
        "description": "What the event says.",
        "required": delivered.required,
        "properties": properties,
    })
}

/// The schema of an event of one type.
fn event(delivered: &DeliveredType, name: &str, of_api: &Value) -> Value {
    let mut event = of_api["Event"].clone();
    event["description"] = json!(delivered.summary);
    event["properties"]["type"] = only(delivered.word());
    event["properties"]["data"] = schema(&format!("{name}Data"));
    if delivered.is_of_run {
        if let Value::Array(required) = &mut event["required"] {
            required.push(json!(RUN));
        }
    } else if let Value::Object(properties) = &mut event["properties"] {
        properties.shift_remove(RUN);
    }
    event
}

/// The schema of the event that is sent on request.
fn test_event(of_api: &Value) -> Value {
    let properties = &of_api["Event"]["properties"];
    json!({
        "type": "object",
        "description": TEST,
        "required": ["id", "type", "occurred_at", "data"],
        "properties": {
            "id": properties["id"],
            "type": only(TEST_EVENT),
            "occurred_at": properties["occurred_at"],
            "data": {
                "type": "object",
                "description": "What the event says.",
                "required": ["webhook_id"],
                "properties": {"webhook_id": of_api["Webhook"]["properties"]["id"]},
            },
        },
    })
}

fn test_example() -> Value {
    json!({
        "id": example::id(0x0197c1a2_5d42_7f00_8a1b_3c4d5e6f7091),
        "type": TEST_EVENT,
        "occurred_at": moment(),
        "data": {"webhook_id": WEBHOOK},
    })
}

fn only(word: &str) -> Value {
    json!({"type": "string", "description": "What happened.", "enum": [word]})
}

/// The request that a receiver gets, and what its answer means.
fn delivery(word: &str, summary: &str, name: &str, example: &Value) -> Value {
    let answer = |description: &str| json!({"description": description});
    json!({"post": {
        "operationId": format!("receive_{}", word.replace('.', "_")),
        "summary": summary,
        "parameters": HEADERS.map(|header| component("parameters", header)),
        "requestBody": {
            "description": "The event.",
            "required": true,
            "content": {"application/json": {"schema": schema(name), "example": example}},
        },
        "responses": {
            "2XX": answer("The receiver has the event: the next one follows."),
            "410": answer("The receiver wants no more: the webhook is disabled, and its owner notified."),
            "429": answer("The receiver wants fewer requests: the event is sent again, not before `Retry-After`."),
            "default": answer("The event is sent again, over three days, and the others wait."),
        },
    }})
}

fn parameters() -> Value {
    let header = |name: &str, description: &str, mut schema: Value, example: &str| {
        schemas::restrict_parameter(&mut schema);
        json!({
            "name": name,
            "in": "header",
            "required": true,
            "description": description,
            "schema": schema,
            "example": example,
        })
    };
    let id = example::id(0x0197c1a2_5d42_7f00_8a1b_3c4d5e6f7090).to_string();
    json!({
        "webhook-id": header(
            HEADERS[0],
            "The `id` of the event, the same in every attempt: skip what you have handled.",
            json!({"type": "string", "format": "uuid"}),
            &id,
        ),
        "webhook-timestamp": header(
            HEADERS[1],
            "When the attempt was made, in seconds since 1970. Refuse what is more than five minutes off.",
            json!({"type": "string", "maxLength": 20, "pattern": "^[0-9]+$"}),
            MOMENT,
        ),
        "webhook-signature": header(
            HEADERS[2],
            "Signatures with spaces between them, of which one has to be right: `v1,` and the HMAC-SHA256 in \
             base64 of `webhook-id`, `webhook-timestamp` and the bytes of the body, joined by full stops. The \
             key is the secret after `whsec_`, decoded from base64. There are two for 24 hours after the \
             secret was rotated.",
            json!({"type": "string", "maxLength": 512, "pattern": "^v1,[A-Za-z0-9+/]+=*( v1,[A-Za-z0-9+/]+=*)*$"}),
            SIGNATURE,
        ),
    })
}
