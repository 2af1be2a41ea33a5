//! Connections that do not come about, or end too early.

use std::sync::Arc;
use std::time::Duration;

use atlas_webhooks::{Names, NoAnswerCause, Sender, SenderError, SenderOptions};
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};

use crate::authority::{Authority, HOST};
use crate::names::Answers;
use crate::receiver::{Answer, Receiver};
use crate::setup::{Pair, answer, cause, options, send_to, this_machine};

/// Why there is no answer from a receiver with this TLS.
async fn cause_with(authority: &Authority, tls: Arc<ServerConfig>) -> NoAnswerCause {
    let receiver = Receiver::start(tls, answer("200 OK", "", "")).await;
    let sender = Sender::with_names(options(authority), this_machine()).unwrap();
    let attempt = send_to(&sender, HOST, receiver.port).await;
    assert!(receiver.requests().is_empty());
    cause(&attempt)
}

/// Why there is no answer from a port on which the test itself listens.
async fn cause_at(port: u16, change: impl FnOnce(&mut SenderOptions)) -> NoAnswerCause {
    let mut options = options(&Authority::new());
    change(&mut options);
    let sender = Sender::with_names(options, this_machine()).unwrap();
    cause(&send_to(&sender, HOST, port).await)
}

#[tokio::test]
async fn a_wrong_certificate_is_refused_and_named() {
    let authority = Authority::new();
    let other_name = authority.server("other.example");
    assert_eq!(
        cause_with(&authority, other_name).await,
        NoAnswerCause::CertificateForOtherNames
    );
    let expired = authority.expired_server(HOST);
    assert_eq!(
        cause_with(&authority, expired).await,
        NoAnswerCause::CertificateExpired
    );
    let of_another_authority = Authority::new().server(HOST);
    assert_eq!(
        cause_with(&authority, of_another_authority).await,
        NoAnswerCause::CertificateNotTrusted
    );
}

#[tokio::test]
async fn a_connection_that_is_closed_instead_of_an_answer_is_lost() {
    let attempt = Pair::answering(Answer::Closed).await.send().await;
    assert_eq!(
        cause(&attempt),
        NoAnswerCause::ConnectionLost,
        "{attempt:?}"
    );
}

#[tokio::test]
async fn what_is_no_answer_of_http_is_none() {
    let text = Answer::Whole(b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec());
    let attempt = Pair::answering(text).await.send().await;
    assert_eq!(
        cause(&attempt),
        NoAnswerCause::ConnectionLost,
        "{attempt:?}"
    );
}

#[tokio::test]
async fn a_receiver_without_tls_gets_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let receiver = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let answer = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n";
        connection.write_all(answer).await.unwrap();
        let mut read = Vec::new();
        let _ = connection.read_to_end(&mut read).await;
        read
    });
    assert_eq!(cause_at(port, |_| {}).await, NoAnswerCause::Tls);
    let read = String::from_utf8_lossy(&receiver.await.unwrap()).into_owned();
    assert!(
        !read.contains("secret-path") && !read.contains("webhook"),
        "{read}"
    );
}

#[tokio::test]
async fn a_handshake_that_breaks_off_is_a_fault_of_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            drop(connection);
        }
    });
    assert_eq!(cause_at(port, |_| {}).await, NoAnswerCause::Tls);
}

#[tokio::test]
async fn a_handshake_that_does_not_come_ends_in_time() {
    // The system accepts the connection, and nobody serves it.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let cause = cause_at(port, |options| {
        options.connect_timeout = Duration::from_millis(300);
    });
    assert_eq!(cause.await, NoAnswerCause::ConnectTimedOut);
}

#[tokio::test]
async fn a_port_on_which_nothing_listens_refuses() {
    // Bound, so that no other test gets the port.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port();
    assert_eq!(
        cause_at(port, |_| {}).await,
        NoAnswerCause::ConnectionRefused
    );
}

#[tokio::test]
async fn a_name_without_an_address_is_named_as_the_cause() {
    let nowhere: [Arc<dyn Names>; 2] = [Answers::new(&[]), Answers::new(&[&[]])];
    for names in nowhere {
        let sender = Sender::with_names(options(&Authority::new()), names).unwrap();
        let attempt = send_to(&sender, HOST, 8443).await;
        assert_eq!(
            cause(&attempt),
            NoAnswerCause::NameNotResolved,
            "{attempt:?}"
        );
    }
}

#[test]
fn authorities_that_are_no_certificates_are_refused_at_the_start() {
    for text in [
        "no certificate",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
    ] {
        let options = SenderOptions {
            more_authorities: text.to_owned(),
            ..SenderOptions::default()
        };
        let refused = Sender::new(options);
        assert!(matches!(refused, Err(SenderError::Authorities)), "{text}");
    }
}
