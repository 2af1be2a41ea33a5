//! Tables and columns that were added.

use serde_json::{Value, json};

pub(super) fn schema_that_names_programs(mut tables: Value) -> Value {
    let row = json!({"oldest_program": "20261130000043", "only_row": true});
    tables["schema_compatibility"] = json!([row]);
    tables
}

pub(super) fn credentials_that_end(mut tables: Value) -> Value {
    for credential in tables["tenant_credentials"].as_array_mut().unwrap() {
        credential["expires_on"] = Value::Null;
    }
    tables
}
