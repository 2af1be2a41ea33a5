//! Where deliveries are sent and where not.

use std::process::Command;

use atlas_webhooks::{
    NetworkKind, NoAnswerCause, Outcome, PermittedNetworks, Sender, SenderOptions,
};

use crate::authority::{Authority, HOST};
use crate::names::Answers;
use crate::receiver::Receiver;
use crate::setup::{Pair, answer, cause, options, send_to, this_machine};

const LOOPBACK: NoAnswerCause = NoAnswerCause::AddressRefused(NetworkKind::Loopback);
const PRIVATE: NoAnswerCause = NoAnswerCause::AddressRefused(NetworkKind::Private);

/// A receiver on this machine, and options that do not permit it.
async fn unpermitted() -> (Receiver, SenderOptions) {
    let authority = Authority::new();
    let receiver = Receiver::start(authority.server(HOST), answer("200 OK", "", "")).await;
    let options = SenderOptions {
        permitted_networks: PermittedNetworks::default(),
        ..options(&authority)
    };
    (receiver, options)
}

#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_refused_before_a_connection_is_made() {
    let (receiver, options) = unpermitted().await;
    let sender = Sender::with_names(options, this_machine()).unwrap();
    let attempt = send_to(&sender, HOST, receiver.port).await;
    assert_eq!(cause(&attempt), LOOPBACK, "{attempt:?}");
    assert_eq!(
        attempt.outcome.to_string(),
        "nothing is sent to the receiver's address: it is a loopback address"
    );
    let Outcome::NoAnswer(no_answer) = &attempt.outcome else {
        panic!("{attempt:?}");
    };
    assert!(no_answer.detail.contains("127.0.0.1"), "{no_answer:?}");
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn the_systems_resolver_is_checked_too() {
    let (receiver, options) = unpermitted().await;
    let sender = Sender::new(options).unwrap();
    let attempt = send_to(&sender, "localhost", receiver.port).await;
    assert_eq!(cause(&attempt), LOOPBACK, "{attempt:?}");
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn an_address_that_is_written_instead_of_a_name_is_checked_too() {
    let (receiver, options) = unpermitted().await;
    let sender = Sender::with_names(options, this_machine()).unwrap();
    for host in [
        "127.0.0.1",
        "127.1",
        "0x7f000001",
        "[::1]",
        "[::ffff:127.0.0.1]",
    ] {
        let attempt = send_to(&sender, host, receiver.port).await;
        assert_eq!(cause(&attempt), LOOPBACK, "{host} {attempt:?}");
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn an_operator_permits_a_receiver_on_the_premises_by_its_address() {
    let authority = Authority::new();
    let tls = authority.server("127.0.0.1");
    let receiver = Receiver::start(tls, answer("200 OK", "", "")).await;
    let sender = Sender::with_names(options(&authority), this_machine()).unwrap();
    let attempt = send_to(&sender, "127.0.0.1", receiver.port).await;
    assert!(
        matches!(attempt.outcome, Outcome::Delivered(_)),
        "{attempt:?}"
    );
}

#[tokio::test]
async fn of_several_addresses_only_those_that_are_permitted_are_tried() {
    let authority = Authority::new();
    let receiver = Receiver::start(authority.server(HOST), answer("200 OK", "", "")).await;
    let names = Answers::new(&[&["10.0.0.1", "::1", "127.0.0.1"]]);
    let sender = Sender::with_names(options(&authority), names).unwrap();
    let attempt = send_to(&sender, HOST, receiver.port).await;
    assert!(
        matches!(attempt.outcome, Outcome::Delivered(_)),
        "{attempt:?}"
    );
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_the_next_time_is_checked_again() {
    let authority = Authority::new();
    let closing = answer("200 OK", "connection: close\r\n", "");
    let receiver = Receiver::start(authority.server(HOST), closing).await;
    let names = Answers::new(&[&["127.0.0.1"], &["10.0.0.1"]]);
    let sender = Sender::with_names(options(&authority), names).unwrap();
    let first = send_to(&sender, HOST, receiver.port).await;
    assert!(matches!(first.outcome, Outcome::Delivered(_)), "{first:?}");
    let second = send_to(&sender, HOST, receiver.port).await;
    assert_eq!(cause(&second), PRIVATE, "{second:?}");
    assert_eq!(receiver.connections(), 1);
}

#[test]
fn a_proxy_of_the_environment_is_not_used() {
    // A process of its own, because its environment is another one.
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "addresses::a_delivery_in_any_environment_arrives",
        ])
        .envs(
            ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
                .map(|name| (name, "http://127.0.0.1:1")),
        )
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && printed.contains("1 passed"),
        "{printed}"
    );
}

#[tokio::test]
async fn a_delivery_in_any_environment_arrives() {
    let pair = Pair::answering(answer("200 OK", "", "")).await;
    let attempt = pair.send().await;
    assert!(
        matches!(attempt.outcome, Outcome::Delivered(_)),
        "{attempt:?}"
    );
}
