//! `atlas inventory export` over an API that sends given lines.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tempfile::TempDir;

const TENANT: &str = "0197c19f-03aa-7c11-a5d4-1f6e2b7c9d30";
const OTHER_TENANT: &str = "0197c19f-03aa-7c11-a5d4-1f6e2b7c9d31";

/// An API that answers every request with the same bytes until it is given others.
struct Api {
    address: String,
    body: Arc<Mutex<Vec<u8>>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Api {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let api = Self {
            address: format!("http://{}", listener.local_addr().unwrap()),
            body: Arc::default(),
            requests: Arc::default(),
        };
        let (body, requests) = (api.body.clone(), api.requests.clone());
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let mut lines = BufReader::new(connection.try_clone().unwrap()).lines();
                requests
                    .lock()
                    .unwrap()
                    .push(lines.next().unwrap().unwrap());
                lines
                    .take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty()))
                    .count();
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n\
                    connection: close\r\n\r\n";
                let _ = connection.write_all(head.as_bytes());
                let _ = connection.write_all(&body.lock().unwrap());
            }
        });
        api
    }

    /// Sends these items, and a last line when the export is to be complete.
    fn sends(&self, items: &[Value], is_complete: bool) {
        let header = json!({"line": "header", "format_version": 1, "exported_at": "later"});
        let end = json!({"line": "end", "item_count": items.len()});
        let end = is_complete.then_some(&end);
        let lines = [&header].into_iter().chain(items).chain(end);
        let text: String = lines.map(|line| format!("{line}\n")).collect();
        *self.body.lock().unwrap() = text.into_bytes();
    }
}

struct Stage {
    api: Api,
    directory: TempDir,
}

impl Stage {
    fn set() -> Self {
        Self {
            api: Api::start(),
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("contoso")
    }

    fn run(&self, tenant: &str, more: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_atlas"));
        command
            .args(["inventory", "export", tenant])
            .arg(self.root());
        command.args(["--url", &self.api.address]).args(more);
        command.env("ATLAS_TOKEN", "tap_test").output().unwrap()
    }

    /// What the command prints when it succeeds.
    fn exported(&self, items: &[Value], more: &[&str]) -> String {
        self.api.sends(items, true);
        let output = self.run(TENANT, more);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The one line of an export that fails.
    fn refused(&self, tenant: &str, more: &[&str]) -> String {
        let output = self.run(tenant, more);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    /// All files with their contents, by path.
    fn files(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        collect(&self.root(), "", &mut found);
        found
    }
}

fn collect(directory: &Path, prefix: &str, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), &format!("{name}/"), found);
        } else {
            found.insert(name, fs::read_to_string(entry.path()).unwrap());
        }
    }
}

fn item(id: &str, name: &str, value: u32) -> Value {
    json!({
        "line": "item",
        "policy_type": "mobileApp",
        "external_id": id,
        "name": name,
        "category": "Apps",
        "platform": "windows",
        "foundation": false,
        "scope_tags": ["1", "0"],
        "metadata": {"lastModifiedDateTime": "2026-01-01T00:00:00Z"},
        "version": {"number": 1, "valid_from": "2026-01-01T00:00:00Z", "operation_run_id": "r"},
        "content": {"/z": value, "/a": {"y": 1, "b": 2}},
        "assignments": [{"target": {"groupId": "two"}}, {"target": {"groupId": "one"}}],
        "links": [],
    })
}

/// The same item as somebody else read it: at another time, in another order.
fn read_again(item: &Value) -> Value {
    let members = item.as_object().unwrap().iter().rev();
    let mut again: Value = Value::Object(members.map(|(k, v)| (k.clone(), v.clone())).collect());
    again["scope_tags"] = json!(["0", "1"]);
    again["assignments"].as_array_mut().unwrap().reverse();
    again["metadata"] = json!({"lastModifiedDateTime": "2026-02-02T00:00:00Z"});
    again["version"] = json!({"number": 2, "valid_from": "2026-02-02T00:00:00Z"});
    again.as_object_mut().unwrap().remove("links");
    again
}

#[test]
fn an_item_is_a_file_that_is_the_same_byte_for_byte_while_the_item_is() {
    let stage = Stage::set();
    let items = [item("id-1", "One", 1), item("id-2", "Two/../2", 2)];
    let printed = stage.exported(&items, &[]);
    assert_eq!(printed, "2 items: 2 files written, 0 removed\n");
    let files = stage.files();
    let names: Vec<&String> = files.keys().collect();
    let expected = [
        ".tenantatlas-export.json",
        "mobileApp/One--id-1.json",
        "mobileApp/Two-2--id-2.json",
    ];
    assert_eq!(names, expected);
    let text = "{\n  \"assignments\": [\n    {\n      \"target\": {\n        \"groupId\": \"one\"\n      }\n    },\n    \
        {\n      \"target\": {\n        \"groupId\": \"two\"\n      }\n    }\n  ],\n  \"category\": \"Apps\",\n  \
        \"content\": {\n    \"/a\": {\n      \"b\": 2,\n      \"y\": 1\n    },\n    \"/z\": 1\n  },\n  \
        \"external_id\": \"id-1\",\n  \"foundation\": false,\n  \"name\": \"One\",\n  \
        \"platform\": \"windows\",\n  \"policy_type\": \"mobileApp\",\n  \"scope_tags\": [\n    \"0\",\n    \
        \"1\"\n  ]\n}\n";
    assert_eq!(files["mobileApp/One--id-1.json"], text);

    let again: Vec<Value> = items.iter().rev().map(read_again).collect();
    let printed = stage.exported(&again, &["--json"]);
    assert_eq!(printed, "{\"items\":2,\"written\":0,\"removed\":0}\n");
    assert_eq!(stage.files(), files);
}

#[test]
fn files_of_items_that_are_gone_are_removed_and_others_are_left_alone() {
    let stage = Stage::set();
    let mut tag = item("0", "Default", 1);
    tag["policy_type"] = json!("roleScopeTag");
    stage.exported(&[item("id-1", "One", 1), item("id-2", "Two", 1), tag], &[]);
    let own = [
        "README.md",
        "mobileApp/notes.json",
        "mobileApp/notes--x.json",
        "mobileApp/.gitkeep",
        ".github/a--b.json",
    ];
    for path in own {
        let file = stage.root().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "{}").unwrap();
    }
    let printed = stage.exported(&[item("id-1", "Renamed", 2)], &[]);
    assert_eq!(printed, "1 items: 1 files written, 3 removed\n");
    let files = stage.files();
    for path in own {
        assert_eq!(files[path], "{}", "{path}");
    }
    assert!(files["mobileApp/Renamed--id-1.json"].contains("\"/z\": 2"));
    assert_eq!(files.len(), own.len() + 2, "{:?}", files.keys());
    assert!(!stage.root().join("roleScopeTag").exists());
}

#[test]
fn an_export_that_is_cut_changes_nothing() {
    let stage = Stage::set();
    stage.exported(&[item("id-1", "One", 1), item("id-2", "Two", 1)], &[]);
    let before = stage.files();
    stage.api.sends(&[item("id-1", "One", 2)], false);
    let error = stage.refused(TENANT, &[]);
    assert!(error.contains("before its last line"), "{error}");
    assert_eq!(stage.files(), before);
    // A line is missing between the first and the last.
    stage
        .api
        .sends(&[item("id-1", "One", 2), item("id-3", "Three", 1)], true);
    let body = String::from_utf8(stage.api.body.lock().unwrap().clone()).unwrap();
    let without_one: Vec<&str> = body
        .lines()
        .filter(|line| !line.contains("Three"))
        .collect();
    *stage.api.body.lock().unwrap() = without_one.join("\n").into_bytes();
    stage.refused(TENANT, &[]);
    assert_eq!(stage.files(), before);
    let later = json!({"line": "header", "format_version": 2}).to_string();
    *stage.api.body.lock().unwrap() = later.into_bytes();
    let error = stage.refused(TENANT, &[]);
    assert!(error.contains("later version"), "{error}");
}

#[test]
fn a_directory_that_is_not_empty_must_be_of_an_export_of_the_tenant() {
    let stage = Stage::set();
    fs::create_dir_all(stage.root().join(".git")).unwrap();
    stage.exported(
        &[item("id-1", "One", 1)],
        &["--as-of", "2026-01-01T00:00:00Z"],
    );
    let asked = stage.api.requests.lock().unwrap().pop().unwrap();
    assert!(
        asked.contains("/inventory-export?as_of=2026-01-01T00%3A00%3A00Z "),
        "{asked}"
    );
    let error = stage.refused(OTHER_TENANT, &[]);
    assert!(
        error.contains("another tenant") && error.contains("--force"),
        "{error}"
    );
    fs::remove_file(stage.root().join(".tenantatlas-export.json")).unwrap();
    let error = stage.refused(TENANT, &[]);
    let names_marker = error.contains(".tenantatlas-export.json");
    assert!(error.contains("not empty") && names_marker, "{error}");
    assert_eq!(stage.files().len(), 1);
    let printed = stage.exported(&[item("id-2", "Two", 1)], &["--force"]);
    assert_eq!(printed, "1 items: 1 files written, 1 removed\n");
    stage.exported(&[item("id-2", "Two", 1)], &[]);
}
