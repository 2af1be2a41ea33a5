//! What a receiver gets.

use atlas_webhooks::{Outcome, Secret, SignedHeaders, TOLERANCE, verify};

use crate::setup::{BODY, OLD_SECRET, Pair, SECRET, answer, moment};

#[tokio::test]
async fn a_receiver_gets_the_body_with_headers_that_verify_with_either_secret() {
    let pair = Pair::answering(answer("204 No Content", "", "")).await;
    let attempt = pair.send().await;
    assert!(
        matches!(attempt.outcome, Outcome::Delivered(_)),
        "{attempt:?}"
    );
    assert_eq!(
        attempt.outcome.to_string(),
        "the receiver answered with status 204"
    );

    let requests = pair.receiver.requests();
    let [request] = requests.as_slice() else {
        panic!("not one request: {requests:?}");
    };
    let first = request.head.lines().next().unwrap();
    assert_eq!(first, "POST /secret-path?secret-key HTTP/1.1");
    assert_eq!(request.body, BODY.as_bytes());
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("webhook-timestamp"), Some("1800000000"));
    let agent = request.header("user-agent").unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(agent, format!("TenantAtlas/{version} (webhooks)"));
    let headers = SignedHeaders {
        id: request.header("webhook-id").unwrap(),
        timestamp: request.header("webhook-timestamp").unwrap(),
        signature: request.header("webhook-signature").unwrap(),
    };
    for secret in [SECRET, OLD_SECRET] {
        let secret = Secret::parse(secret).unwrap();
        let verified = verify(&secret, headers, &request.body, moment(), TOLERANCE);
        assert_eq!(verified, Ok(()));
    }
    for absent in ["accept-encoding", "cookie", "referer", "authorization"] {
        assert_eq!(request.header(absent), None, "{absent}");
    }
}

#[tokio::test]
async fn deliveries_that_follow_each_other_share_a_connection_and_no_cookies() {
    let cookie = "set-cookie: session=1; Path=/\r\n";
    let pair = Pair::answering(answer("200 OK", cookie, "thanks")).await;
    for _ in 0..3 {
        pair.send().await;
    }
    let requests = pair.receiver.requests();
    assert_eq!((requests.len(), pair.receiver.connections()), (3, 1));
    assert!(requests.iter().all(|one| one.header("cookie").is_none()));
}
