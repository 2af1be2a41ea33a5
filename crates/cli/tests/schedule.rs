//! `atlas schedule`, against an API that keeps what it is asked.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::sync::mpsc::{Receiver, channel};

const TENANT: &str = "0197c19f-03aa-7c11-a5d4-1f6e2b7c9d30";
const SCHEDULE: &str = r#"{
    "cron": "30 2 * * mon", "zone": "Europe/Berlin", "jitter_minutes": 15, "catch_up": "none",
    "set_by": {"id": "u", "display": "Avery Howard"}, "set_at": "2026-11-01T10:00:00Z",
    "next_due": ["2026-12-07T01:37:12Z", "2026-12-14T01:37:12Z"],
    "skipped": {"due_at": "2026-11-30T01:37:12Z", "reason": "missed"}
}"#;

/// An API that answers every request alike. Its address, and the requests: the first line and the body.
fn api(status: &'static str, body: &'static str) -> (String, Receiver<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (asked, requests) = channel();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut reader = BufReader::new(connection.try_clone().unwrap());
            let mut lines = Vec::new();
            let mut line = String::new();
            while reader.read_line(&mut line).unwrap() > 2 {
                lines.push(std::mem::take(&mut line));
            }
            let length = lines.iter().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let is_length = name.eq_ignore_ascii_case("content-length");
                is_length.then(|| value.trim().parse::<usize>().unwrap())
            });
            let mut sent = vec![0; length.unwrap_or(0)];
            reader.read_exact(&mut sent).unwrap();
            let first = lines[0].trim_end().replace(" HTTP/1.1", "");
            let _ = asked.send((first, String::from_utf8(sent).unwrap()));
            let length = body.len();
            let _ = write!(
                connection,
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\n\
                 content-length: {length}\r\n\r\n{body}"
            );
        }
    });
    (address, requests)
}

fn atlas(address: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_atlas"));
    command.arg("schedule").args(arguments);
    command
        .args(["--url", address])
        .env("ATLAS_TOKEN", "tap_test");
    command.output().unwrap()
}

fn printed(output: &Output) -> &str {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    std::str::from_utf8(&output.stdout).unwrap()
}

#[test]
fn a_schedule_is_set_with_what_was_given_and_shown() {
    let (address, requests) = api("200 OK", SCHEDULE);
    let path = format!("/tenants/{TENANT}/schedule");
    let set = [
        "set",
        TENANT,
        "--cron",
        "30 2 * * mon",
        "--zone",
        "Europe/Berlin",
    ];
    let more = ["--jitter-minutes", "15", "--catch-up", "none"];
    let output = atlas(&address, &[&set[..], &more].concat());
    let shown = printed(&output);
    for text in [
        "30 2 * * mon Europe/Berlin",
        "15 min",
        "Avery Howard",
        "2026-12-07T01:37:12Z, 2026-12-14T01:37:12Z",
        "2026-11-30T01:37:12Z missed",
    ] {
        assert!(shown.contains(text), "{shown}");
    }
    assert!(!shown.contains("stopped"), "{shown}");
    let (first, body) = requests.recv().unwrap();
    assert_eq!(first, format!("PUT {path}"));
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    let expected = serde_json::json!({
        "cron": "30 2 * * mon", "zone": "Europe/Berlin", "jitter_minutes": 15, "catch_up": "none",
    });
    assert_eq!(body, expected);
    assert_eq!(printed(&atlas(&address, &["show", TENANT])), shown);
    assert_eq!(requests.recv().unwrap().0, format!("GET {path}"));
}

#[test]
fn a_schedule_is_removed() {
    let (address, requests) = api("204 No Content", "");
    printed(&atlas(&address, &["remove", TENANT]));
    let (first, _) = requests.recv().unwrap();
    assert_eq!(first, format!("DELETE /tenants/{TENANT}/schedule"));
}

#[test]
fn a_time_or_an_expression_is_needed_and_not_both() {
    let (address, requests) = api("200 OK", SCHEDULE);
    let set = ["set", TENANT, "--zone", "Etc/UTC"];
    let both = ["--time", "02:30", "--cron", "30 2 * * *"];
    for arguments in [&set[..], &[&set[..], &both].concat()] {
        let output = atlas(&address, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
    assert!(requests.try_recv().is_err());
}

#[test]
fn a_refusal_names_the_member_and_what_is_wrong() {
    let problem = r#"{"detail": "A part of the request is not valid.",
        "errors": [{"pointer": "/cron", "detail": "The expression never fires."}]}"#;
    let (address, _requests) = api("400 Bad Request", problem);
    let set = ["set", TENANT, "--cron", "0 0 30 2 *", "--zone", "Etc/UTC"];
    let output = atlas(&address, &set);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        error.contains("[/cron: The expression never fires.]"),
        "{error}"
    );
}
