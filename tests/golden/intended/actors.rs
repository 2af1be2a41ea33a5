//! Changes list who made them.

use serde_json::{Value, json};

/// Of what was recorded nobody is known.
pub(super) fn listed(mut answers: Value) -> Value {
    for answer in answers.as_array_mut().into_iter().flatten() {
        let items = answer.pointer_mut("/answer/items");
        for change in items.and_then(Value::as_array_mut).into_iter().flatten() {
            change["attributed"] = json!("none");
            change["actors"] = json!([]);
        }
    }
    answers
}

/// A change lists its actors, and changes are found by actor.
pub(super) fn described(mut document: Value) -> Value {
    let change = &mut document["components"]["schemas"]["InventoryChange"];
    change["properties"]["attributed"] = json!({"$ref": "#/components/schemas/ActorAttribution"});
    change["properties"]["actors"] = json!({
        "type": "array",
        "items": {"$ref": "#/components/schemas/ChangeActor"},
        "minItems": 0,
        "maxItems": 20,
    });
    let required = change["required"].as_array_mut().unwrap();
    required.extend(["attributed", "actors"].map(Value::from));
    let path = &mut document["paths"]["/tenants/{tenant_id}/inventory-changes"];
    let parameters = path["get"]["parameters"].as_array_mut().unwrap();
    let before_paging = parameters.len() - 2;
    let actor = json!({
        "in": "query",
        "name": "actor",
        "required": false,
        "schema": {
            "type": "string",
            "minLength": 1,
            "maxLength": 500,
            "pattern": r"^[^\u0000-\u001f\u007f-\u009f]+$",
        },
    });
    parameters.insert(before_paging, actor);
    document
}
