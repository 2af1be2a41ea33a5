//! What `atlas inventory` prints of an item.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::process::Command;

use atlas_test_support::always_answering;
use serde_json::{Value, json};

const ID: &str = "0197c1a2-0000-7000-8000-000000000001";

/// The lines that a command about the item prints.
fn printed(command: &[&str], body: &Value) -> Vec<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_atlas"))
        .arg("inventory")
        .args(command)
        .args(["--url", &always_answering(body.to_string())])
        .env("ATLAS_TOKEN", "tap_test")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn version(number: i32) -> Value {
    json!({"number": number, "valid_from": "2026-05-01T00:00:00Z", "name": "Encryption"})
}

fn setting() -> Value {
    json!({
        "field": "/settings/d",
        "setting": {"id": "d", "name": "Require Device Encryption"},
        "options": [{"id": "d_0", "name": "Disabled"}, {"id": "d_1", "name": "Enabled"}],
    })
}

#[test]
fn names_of_settings_stand_beside_what_an_item_contains() {
    let mut body = json!({
        "item": {"name": "Encryption", "policy_type": "settingsCatalogPolicy"},
        "version": version(1),
        "content": {"/name": "Encryption", "/settings/d": "d_1"},
        "settings": [setting()],
        "assignments": [{"target": {"groupId": "g"}}],
    });
    let show = ["show", ID, ID];
    let head = "Encryption (settingsCatalogPolicy), version 1 (since 2026-05-01T00:00:00Z)";
    let lines = printed(&show, &body);
    assert_eq!(
        lines,
        [
            head,
            "SETTING                    FIELD        VALUE",
            "                           /name        Encryption",
            "Require Device Encryption  /settings/d  Enabled (d_1)",
            "                           (assigned)   {\"groupId\":\"g\"}",
        ]
    );
    // Without names it is as it was before there were any.
    body.as_object_mut().unwrap().remove("settings");
    let lines = printed(&show, &body);
    assert_eq!(
        lines,
        [
            head,
            "FIELD        VALUE",
            "/name        Encryption",
            "/settings/d  d_1",
            "(assigned)   {\"groupId\":\"g\"}",
        ]
    );
}

#[test]
fn names_of_settings_stand_beside_what_differs() {
    let mut field = setting();
    field["old"] = json!("d_0");
    field["new"] = json!("d_1");
    let body = json!({
        "item": {"name": "Encryption", "policy_type": "settingsCatalogPolicy"},
        "from": version(1),
        "to": version(2),
        "content": {"fields": [field], "field_count": 1},
        "assignments": {"added": [], "added_count": 0, "removed": [], "removed_count": 0},
    });
    let lines = printed(&["diff", ID, ID, "2"], &body);
    assert_eq!(
        lines[1..],
        [
            "SETTING                    FIELD        FROM            TO",
            "Require Device Encryption  /settings/d  Disabled (d_0)  Enabled (d_1)",
        ]
    );
}
