//! Redis over TLS, with an authority of its own.

use std::path::PathBuf;

use atlas_domain::causes::Causes;
use atlas_queue::RedisFaultKind::{Closed, TimedOut, Untrusted, WrongName};
use atlas_queue::{Doorbell, QueueOptions, QueueSetupError};
use atlas_test_support::RedisServer;
use atlas_test_support::authority::{Authority, self_signed};

use super::{Ear, a_run, listener_options_at, options_at};

/// With these roots.
fn trusting(url: &str, roots: Option<PathBuf>) -> QueueOptions {
    let mut options = options_at(url);
    options.ca_file = roots;
    options
}

#[tokio::test]
async fn both_sides_work_over_tls_with_a_private_authority() {
    let authority = Authority::new("ours");
    let redis = RedisServer::start_tls(&authority.server("localhost")).await;
    let roots = redis.file("roots.pem", &authority.certificate());
    let options = trusting(&redis.tls_url("localhost"), Some(roots.clone()));
    let doorbell = Doorbell::new(&options).unwrap();
    doorbell.examine().await.unwrap();
    let mut listening = listener_options_at(&redis.tls_url("localhost"));
    listening.queue.ca_file = Some(roots);
    let mut ear = Ear::with(listening);
    let run = a_run();
    doorbell.ring(run, None).await.unwrap();
    assert_eq!(ear.next().await.run, Some(run));
    ear.close().await;
}

#[tokio::test]
async fn a_certificate_of_another_authority_or_for_another_name_is_refused() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let redis = RedisServer::start_tls(&ours.server("redis.example")).await;
    let file = |name: &str, text: &str| Some(redis.file(name, text));
    let (good, bad) = (
        file("ours.pem", &ours.certificate()),
        file("theirs.pem", &theirs.certificate()),
    );
    let own = file("own.pem", &self_signed("redis.example").certificate);
    let name = redis.tls_url("localhost");
    let address = redis.tls_url("127.0.0.1");
    for (url, roots, expected) in [
        (&name, &bad, Untrusted),
        (&name, &own, Untrusted),
        // The roots of the system.
        (&name, &None, Untrusted),
        (&name, &good, WrongName),
        (&address, &good, WrongName),
    ] {
        let doorbell = Doorbell::new(&trusting(url, roots.clone())).unwrap();
        let fault = doorbell.ring(a_run(), None).await.unwrap_err();
        assert_eq!(
            fault.kind(),
            expected,
            "{url} {roots:?}: {}",
            Causes(&fault)
        );
    }
}

#[tokio::test]
async fn speaking_with_the_wrong_port_is_refused_with_a_hint() {
    let redis = RedisServer::start_tls(&self_signed("localhost")).await;
    let tls_without = redis.tls_url("localhost").replace("rediss", "redis");
    let doorbell = Doorbell::new(&options_at(&tls_without)).unwrap();
    let fault = doorbell.rehearse().await.unwrap_err();
    assert_eq!(fault.kind(), Closed, "{}", Causes(&fault));
    let plain_with = format!("rediss://localhost:{}/", redis.port());
    let doorbell = Doorbell::new(&options_at(&plain_with)).unwrap();
    let fault = doorbell.rehearse().await.unwrap_err();
    // What TLS begins with is no line that would end.
    assert_eq!(fault.kind(), TimedOut, "{}", Causes(&fault));
}

#[test]
fn a_file_of_roots_that_cannot_be_used_is_refused_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        Some(path)
    };
    let roots = place("roots.pem", &Authority::new("ours").certificate());
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (url, roots, expected) in [
        ("redis://h/", roots.clone(), "begin it with rediss://"),
        ("rediss://h/", Some("/nowhere".into()), "cannot be read"),
        ("rediss://h/", place("empty", ""), "no certificate"),
        ("rediss://h/", place("text", "hello"), "no certificate"),
        ("rediss://h/", place("broken", broken), "cannot be used"),
        ("http://:hidden@h/", roots, "not a valid"),
    ] {
        let error: QueueSetupError = Doorbell::new(&trusting(url, roots)).unwrap_err();
        let text = Causes(&error).to_string();
        assert!(text.contains(expected), "{text}");
        assert!(!text.contains("hidden"), "{text}");
    }
}

#[test]
fn a_url_with_which_no_certificate_is_checked_is_refused() {
    let refused = Doorbell::new(&trusting("rediss://localhost/#insecure", None)).unwrap_err();
    assert!(matches!(refused, QueueSetupError::Insecure), "{refused}");
}
