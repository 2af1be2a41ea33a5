//! What an operation refuses with.

use serde_json::{Value, json};

/// The run is a member of problems that show one, any other error is described in each operation, and the
/// length of searches is.
pub(super) fn described(mut document: Value) -> Value {
    let components = &mut document["components"];
    let of_all = components["schemas"]["Problem"]["properties"].as_object_mut();
    of_all.unwrap().remove("run").unwrap();
    let responses = components["responses"].as_object_mut().unwrap();
    let unexpected = responses.remove("Unexpected").unwrap();
    for name in ["NotCancellable", "NotRetryable"] {
        let content = &mut responses[name]["content"]["application/problem+json"];
        content["schema"] = json!({"$ref": "#/components/schemas/RunProblem"});
    }
    for (_, item) in document["paths"].as_object_mut().unwrap() {
        for (_, operation) in item.as_object_mut().unwrap() {
            operation["responses"]["default"] = unexpected.clone();
        }
    }
    let list = &mut document["paths"]["/tenants/{tenant_id}/inventory-items"]["get"];
    for parameter in list["parameters"].as_array_mut().unwrap() {
        if parameter["name"] == "q" {
            parameter["schema"]["minLength"] = json!(3);
        }
    }
    document
}
