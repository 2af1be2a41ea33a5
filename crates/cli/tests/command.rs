//! The program itself: what it prints where it cannot print, and how it ends.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

use atlas_test_support::always_answering;

const DISK_FULL: &str =
    "atlas: cannot write to standard output: No space left on device (os error 28)\n";

fn atlas(arguments: &[&str], stdout: impl Into<Stdio>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_atlas"));
    command.args(arguments).env("ATLAS_TOKEN", "tap_test");
    let child = command.stdout(stdout).stderr(Stdio::piped()).spawn();
    child.unwrap().wait_with_output().unwrap()
}

/// A pipe that nobody reads.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

fn full_disk() -> Stdio {
    let full = OpenOptions::new().write(true).open("/dev/full");
    full.unwrap().into()
}

fn said(output: &Output) -> (Option<i32>, &str) {
    let error = std::str::from_utf8(&output.stderr).unwrap();
    (output.status.code(), error)
}

/// An API that answers every request with a list of so many runs. Its address.
fn api(runs: usize) -> String {
    let run = r#"{"id": "r", "kind": "inventory_sync", "status": "completed"}"#;
    always_answering(format!(r#"{{"items": [{}]}}"#, vec![run; runs].join(",")))
}

#[test]
fn a_command_whose_reader_has_gone_ends_without_a_word() {
    let address = api(50);
    let list = ["runs", "list", "--url", &address];
    let as_json = [&list[..], &["--json"]].concat();
    for arguments in [&["keys", "generate", "--id", "k1"][..], &list, &as_json] {
        let output = atlas(arguments, closed());
        assert_eq!(said(&output), (Some(141), ""), "{arguments:?}");
    }
}

#[test]
fn a_full_disk_is_a_failure_in_one_line() {
    let address = api(50);
    let list = ["runs", "list", "--url", &address];
    for arguments in [&["keys", "generate", "--id", "k1"][..], &list] {
        let output = atlas(arguments, full_disk());
        assert_eq!(said(&output), (Some(1), DISK_FULL), "{arguments:?}");
    }
}

#[test]
fn a_failure_that_nobody_can_read_is_a_failure_all_the_same() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_atlas"));
    command.args(["keys", "generate", "--id", "k1"]);
    let status = command.stdout(full_disk()).stderr(closed()).status();
    assert_eq!(status.unwrap().code(), Some(1));
}

#[test]
fn a_list_is_printed_to_its_end() {
    let address = api(20);
    let list = ["runs", "list", "--url", &address];
    let output = atlas(&list, Stdio::piped());
    assert_eq!(said(&output), (Some(0), ""));
    let lines = output.stdout.split(|byte| *byte == b'\n').count();
    assert_eq!(lines, 1 + 20 + 1);
}

#[test]
fn a_domain_name_is_no_directory_id_and_a_pfx_no_pem() {
    let add = [
        "tenant",
        "add",
        "--database-url",
        "postgres://localhost:1/none",
    ];
    let named = [
        "--name",
        "Contoso",
        "--directory-id",
        "contoso.onmicrosoft.com",
    ];
    let output = atlas(&[&add[..], &named].concat(), Stdio::piped());
    let (status, error) = said(&output);
    assert_eq!(status, Some(2));
    assert!(
        error.contains(
            "it is a domain name, and the directory (tenant) id is needed: in the Microsoft Entra \
             admin center under Overview, \"Tenant ID\""
        ),
        "{error}"
    );

    let id = "72f988bf-86f1-41af-91ab-2d7cd011db47";
    let pfx = ["--name", "Contoso", "--directory-id", id, "--client-id", id];
    let file = ["--certificate-file", "contoso.PFX"];
    let output = atlas(&[&add[..], &pfx, &file].concat(), Stdio::piped());
    let expected = "atlas: contoso.PFX is a PFX file (PKCS #12) by its name, and PEM is needed; \
        convert it with: openssl pkcs12 -in contoso.PFX -out contoso.pem -nodes\n";
    assert_eq!(said(&output), (Some(1), expected));
}

#[test]
fn a_redirect_is_not_followed_and_no_token_leaves_for_another_server() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    other.set_nonblocking(true).unwrap();
    let elsewhere = other.local_addr().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let lines = BufReader::new(connection.try_clone().unwrap()).lines();
        lines
            .take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty()))
            .count();
        let _ = write!(
            connection,
            "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{elsewhere}/\r\n\
             connection: close\r\ncontent-length: 0\r\n\r\n"
        );
    });
    let output = atlas(&["runs", "list", "--url", &address], Stdio::piped());
    let (code, error) = said(&output);
    assert_eq!(code, Some(1), "{error}");
    assert!(error.contains("answers 307"), "{error}");
    assert!(error.contains("ATLAS_URL"), "{error}");
    let asked = other.accept().map(|_| ());
    assert!(asked.is_err(), "the other server was asked");
}

#[test]
fn a_password_in_the_address_of_the_api_is_refused_and_not_shown() {
    for arguments in [&["runs", "list"][..], &["runs", "list", "--help"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_atlas"));
        command.args(arguments).env("ATLAS_TOKEN", "tap_test");
        command.env("ATLAS_URL", "http://sam:hidden@127.0.0.1:9");
        let output = command.output().unwrap();
        let shown = [output.stdout, output.stderr].concat();
        let shown = String::from_utf8_lossy(&shown);
        assert!(shown.contains("ATLAS_URL"), "{shown}");
        assert!(!shown.contains("hidden"), "{shown}");
    }
}

#[test]
fn an_address_of_the_api_without_http_is_refused_with_an_example() {
    for address in [
        "127.0.0.1:8080",
        "localhost:8080",
        "atlas.example.com",
        "http://",
    ] {
        let output = atlas(&["runs", "list", "--url", address], Stdio::piped());
        let (code, error) = said(&output);
        assert_eq!(code, Some(1), "{error}");
        assert!(error.contains("https://atlas.example.com"), "{error}");
    }
}
