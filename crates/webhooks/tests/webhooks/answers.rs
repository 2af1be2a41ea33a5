//! What is made of a receiver's answers, and how much of them is read.

use std::time::Duration;

use atlas_webhooks::{NoAnswerCause, Outcome};

use crate::receiver::Answer;
use crate::setup::{Pair, answer, cause};

const SHORT: Duration = Duration::from_millis(400);
/// Far less than what the default limits would take.
const SOON: Duration = Duration::from_secs(10);

const HELLO_IN_GZIP: &[u8] =
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\x48\xcd\xc9\xc9\x07\x00\
    \x86\xa6\x10\x36\x05\x00\x00\x00";

#[tokio::test]
async fn an_answer_is_kept_as_one_line_of_text() {
    let pair = Pair::answering(answer("500 Oops", "", "no\u{1b}[31m\ndatabase\0 today")).await;
    let attempt = pair.send().await;
    let Outcome::Refused(kept) = &attempt.outcome else {
        panic!("{attempt:?}");
    };
    assert_eq!(kept.excerpt, "no[31m database today");
    assert_eq!((kept.status, kept.retry_after), (500, None));
    assert!(attempt.took > Duration::ZERO && attempt.took < SOON);
}

#[tokio::test]
async fn a_redirect_is_a_failure_that_is_named_and_not_followed() {
    let location = "location: https://receiver.example/elsewhere\r\n";
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "307 Temporary Redirect",
        "308 Moved",
    ] {
        let pair = Pair::answering(answer(status, location, "")).await;
        let attempt = pair.send().await;
        assert!(
            matches!(attempt.outcome, Outcome::Refused(_)),
            "{attempt:?}"
        );
        let text = attempt.outcome.to_string();
        assert!(text.contains(&status[..3]) && text.contains("redirects are not followed"));
        assert_eq!(pair.receiver.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_receiver_that_is_gone_says_so() {
    let attempt = Pair::answering(answer("410 Gone", "", ""))
        .await
        .send()
        .await;
    assert!(matches!(attempt.outcome, Outcome::Gone(_)), "{attempt:?}");
    let text = attempt.outcome.to_string();
    assert_eq!(
        text,
        "the receiver answered with status 410: it wants no more deliveries"
    );
}

#[tokio::test]
async fn a_receiver_says_how_long_it_wants_to_be_left_alone() {
    let in_a_minute = "retry-after: Fri, 15 Jan 2027 08:01:00 GMT\r\n";
    for (headers, seconds) in [
        ("retry-after: 120\r\n", Some(120)),
        (in_a_minute, Some(60)),
        ("retry-after: later\r\n", None),
        ("", None),
    ] {
        let expected = seconds.map(Duration::from_secs);
        let attempt = Pair::answering(answer("429 Slow", headers, ""))
            .await
            .send()
            .await;
        let Outcome::RateLimited(kept) = &attempt.outcome else {
            panic!("{attempt:?}");
        };
        assert_eq!(kept.retry_after, expected, "{headers}");
    }
    let busy = answer("503 Busy", "retry-after: 7\r\n", "");
    let attempt = Pair::answering(busy).await.send().await;
    let Outcome::Refused(kept) = &attempt.outcome else {
        panic!("{attempt:?}");
    };
    assert_eq!(kept.retry_after, Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn an_endless_answer_is_read_up_to_the_limit_and_its_connection_is_closed() {
    let start = "HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n";
    let pair = Pair::answering(Answer::Endless(start, "endless ")).await;
    let attempt = pair.send().await;
    let Outcome::Delivered(kept) = &attempt.outcome else {
        panic!("{attempt:?}");
    };
    assert_eq!(kept.excerpt, "endless ".repeat(128));
    assert!(attempt.took < SOON, "{attempt:?}");
    pair.receiver.connection_ended().await;
}

#[tokio::test]
async fn endless_headers_are_not_read_to_their_end() {
    let start = "HTTP/1.1 200 OK\r\n";
    let pair = Pair::answering(Answer::Endless(start, "x-more: and more\r\n")).await;
    let attempt = pair.send().await;
    assert_eq!(
        cause(&attempt),
        NoAnswerCause::ConnectionLost,
        "{attempt:?}"
    );
    assert!(attempt.took < SOON, "{attempt:?}");
    pair.receiver.connection_ended().await;
}

#[tokio::test]
async fn a_compressed_answer_is_not_decompressed() {
    let headers = "content-encoding: gzip\r\n";
    let pair = Pair::answering(answer("200 OK", headers, HELLO_IN_GZIP)).await;
    let attempt = pair.send().await;
    let Outcome::Delivered(kept) = &attempt.outcome else {
        panic!("{attempt:?}");
    };
    assert_eq!(kept.excerpt, "");
}

#[tokio::test]
async fn a_receiver_that_does_not_answer_in_time_is_left() {
    let pair = Pair::with_timeout(Answer::Unfinished(""), SHORT).await;
    let attempt = pair.send().await;
    assert_eq!(
        cause(&attempt),
        NoAnswerCause::AnswerTimedOut,
        "{attempt:?}"
    );
    assert!(attempt.took >= SHORT && attempt.took < SOON, "{attempt:?}");
    pair.receiver.connection_ended().await;
}

#[tokio::test]
async fn a_status_counts_although_the_rest_of_the_answer_does_not_come() {
    let start = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nok";
    let pair = Pair::with_timeout(Answer::Unfinished(start), SHORT).await;
    let attempt = pair.send().await;
    let Outcome::Delivered(kept) = &attempt.outcome else {
        panic!("{attempt:?}");
    };
    assert_eq!(kept.excerpt, "ok");
    assert!(attempt.took < SOON, "{attempt:?}");
}
