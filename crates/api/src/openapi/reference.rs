//! References to components of the document, and limits that several of them share.

use serde_json::{Value, json};

/// Any text without NUL, which PostgreSQL cannot hold.
pub(super) const FREE_TEXT: &str = "^[^\\u0000]*$";
/// Characters of a text that does not limit its length itself.
pub(super) const MAX_TEXT: u64 = 1024;

/// A reference to a component.
pub(super) fn component(section: &str, name: &str) -> Value {
    json!({"$ref": format!("#/components/{section}/{name}")})
}

/// A reference to a schema.
pub(super) fn schema(name: &str) -> Value {
    component("schemas", name)
}
