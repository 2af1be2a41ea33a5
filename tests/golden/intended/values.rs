//! Values that are verified and counted.

use serde_json::{Value, json};

const COUNTS: [&str; 2] = ["values_read", "values_verified"];

/// Counts and results have two more numbers, and a selection may say that every value is verified.
pub(super) fn described(mut document: Value) -> Value {
    let schemas = &mut document["components"]["schemas"];
    for schema in ["Counts", "OperationRunResult"] {
        let schema = &mut schemas[schema];
        let number = schema
            .pointer("/properties/items_seen")
            .or_else(|| schema.pointer("/properties/seen"));
        let number = number.unwrap().clone();
        for name in COUNTS {
            schema["properties"][name] = number.clone();
            schema["required"].as_array_mut().unwrap().push(name.into());
        }
    }
    for schema in ["Selection", "SelectionRequest"] {
        schemas[schema]["properties"]["verify"] = json!({"$ref": "#/components/schemas/Verify"});
    }
    document
}

/// No recorded answer is about a run that read values.
pub(super) fn counted(mut answers: Value) -> Value {
    count(&mut answers);
    answers
}

fn count(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(count);
            let is_result = members.contains_key("pages") && members.contains_key("reassigned");
            if is_result || members.contains_key("items_reassigned") {
                for name in COUNTS {
                    members.insert(name.to_owned(), json!(0));
                }
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(count),
        _ => {}
    }
}
