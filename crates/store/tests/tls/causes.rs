//! The cause that is reported when no connection is made.

use std::time::Duration;

use atlas_store::ConnectFailureKind::{
    NameNotFound, NoDatabase, Password, Pooler, Refused, TimedOut,
};
use atlas_store::{Pooling, StoreError};
use futures::future::join_all;
use secrecy::SecretString;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::authority::Authority;
use crate::server::{GUEST_PASSWORD, Server, url_of};
use crate::{failure, store, store_within};

const RULES: &str = "host all guest 127.0.0.1/32 scram-sha-256";

#[tokio::test]
async fn wrong_password_database_name_and_address_are_distinguished() {
    let server = Server::start(None, "", RULES).await;
    let here = format!("127.0.0.1:{}", server.port);
    let nobody = format!("127.0.0.1:{}", atlas_test_support::free_port());
    let no_database = server.url("").replace("/guests?", "/nothing?");
    for (url, expected) in [
        (url_of("guest", "hidden", &here, ""), Password),
        (format!("postgres://guest@{here}/guests"), Password),
        (no_database, NoDatabase),
        (url_of("guest", GUEST_PASSWORD, &nobody, ""), Refused),
        (
            url_of("guest", GUEST_PASSWORD, "no.such.host.invalid", ""),
            NameNotFound,
        ),
    ] {
        let (kind, text) = failure(&url).await;
        assert_eq!(kind, expected, "{text}");
        assert!(text.contains(expected.advice()), "{text}");
        assert!(
            !text.contains("hidden") && !text.contains("db error"),
            "{text}"
        );
        // `atlas migrate` has a connection of its own.
        let error = atlas_store::migrate(&SecretString::from(url)).await;
        let text = atlas_domain::causes::Causes(&error.unwrap_err()).to_string();
        assert!(text.contains(expected.advice()), "{text}");
    }
    store(&server.url("")).ping().await.unwrap();
}

#[tokio::test]
async fn a_host_that_does_not_answer_is_distinguished_from_one_that_refuses() {
    // Nobody accepts what waits here.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let mut waiting = Vec::new();
    // The queue of a listener is short: what comes after it gets no answer.
    let address = silent.local_addr().unwrap();
    loop {
        let limit = Duration::from_millis(200);
        match std::net::TcpStream::connect_timeout(&address, limit) {
            Ok(stream) => waiting.push(stream),
            Err(_) => break,
        }
    }
    let url = format!("postgres://u:p@127.0.0.1:{port}/d?connect_timeout=1");
    let (kind, text) = failure(&url).await;
    assert_eq!(kind, TimedOut, "{text}");
}

#[tokio::test]
async fn callers_of_a_server_that_never_answers_wait_no_longer_than_they_may() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let url = format!("postgres://u:p@127.0.0.1:{port}/d?sslmode=disable");
    let limit = Duration::from_millis(100);
    let store = store_within(&url, Pooling::Session, limit);
    let pings = join_all((0..50).map(|_| store.ping()));
    // One after the other they would wait for five seconds.
    let answers = tokio::time::timeout(limit * 20, pings).await.unwrap();
    for answer in answers {
        assert!(matches!(answer, Err(StoreError::Unavailable(_))));
    }
}

#[tokio::test]
async fn a_pooler_that_refuses_the_options_of_the_url_is_named() {
    let pooler = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = pooler.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = pooler.accept().await {
            let length = client.read_u32().await.unwrap();
            let mut request = vec![0; length as usize - 4];
            client.read_exact(&mut request).await.unwrap();
            // As PgBouncer 1.18 answers.
            let fields = b"SFATAL\0C08P01\0Munsupported startup parameter: options\0\0";
            let length = u32::try_from(fields.len() + 4).unwrap();
            let answer = [b"E".as_slice(), &length.to_be_bytes(), fields].concat();
            client.write_all(&answer).await.unwrap();
        }
    });
    let url =
        format!("postgres://u:p@127.0.0.1:{port}/d?sslmode=disable&options=-c%20search_path%3Dapp");
    let (kind, text) = failure(&url).await;
    assert_eq!(kind, Pooler, "{text}");
    assert!(text.contains("unsupported startup parameter"), "{text}");
}

#[tokio::test]
async fn a_file_that_the_url_names_is_read_at_the_start() {
    let server = Server::start(None, "", RULES).await;
    let authority = Authority::new("ours");
    let client = authority.client("guest");
    let (certificate, key) = (
        server.file("client.pem", &client.certificate),
        server.file("client.key", &authority.client("other").key),
    );
    let empty = server.file("empty.pem", "");
    for (parameters, expected) in [
        (
            "sslmode=verify-ca&sslrootcert=/nowhere/root.pem".to_owned(),
            "sslrootcert names /nowhere/root.pem, which cannot be read",
        ),
        (
            format!("sslmode=verify-ca&sslrootcert={empty}"),
            "holds no certificate",
        ),
        (
            format!("sslcert={certificate}&sslkey={certificate}"),
            "cannot be read",
        ),
        (
            format!("sslcert={certificate}&sslkey={key}"),
            "sslcert with sslkey cannot be used",
        ),
    ] {
        let url = SecretString::from(server.url(&parameters));
        let refused = atlas_store::migrate(&url).await.unwrap_err().to_string();
        assert!(refused.contains(expected), "{refused}");
    }
}
