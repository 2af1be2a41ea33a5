//! What is known of items beside what syncs read last: names of settings, and earlier times.

use serde_json::{Value, json};

/// Members and parameters that were added. As of an earlier time two members of an item may be unknown.
pub(super) fn described(mut document: Value) -> Value {
    let schemas = &mut document["components"]["schemas"];
    let field = &mut schemas["FieldChange"]["properties"];
    field["setting"] = reference("SettingReference");
    field["options"] = list("SettingOption", 10_000);
    let item = &mut schemas["InventoryItem"];
    item["properties"]["version"] = reference("InventoryItemVersion");
    item["properties"]["reading"] = reference("PolicyTypeReading");
    let required = item["required"].as_array_mut().unwrap();
    required.retain(|name| name != "content_hash" && name != "last_seen_run_id");
    schemas["InventoryItemPage"]["properties"]["readings"] = list("PolicyTypeReading", 200);
    let time = schemas["InventoryItem"]["properties"]["missing_since"].clone();
    let as_of = json!({"name": "as_of", "in": "query", "required": false, "schema": time});
    let paths = &mut document["paths"];
    let items = "/tenants/{tenant_id}/inventory-items";
    let list = paths[items]["get"]["parameters"].as_array_mut().unwrap();
    let after_filters = list.len() - 2;
    list.insert(after_filters, as_of.clone());
    let item = format!("{items}/{{item_id}}");
    let one = paths[item]["get"]["parameters"].as_array_mut().unwrap();
    one.push(as_of);
    document
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn list(of: &str, most: usize) -> Value {
    json!({"type": "array", "items": reference(of), "minItems": 0, "maxItems": most})
}
