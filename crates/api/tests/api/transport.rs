//! How requests and answers travel: compression, connections, slow bodies, long addresses, quotas, and
//! pages of other origins.

use std::io::Read as _;
use std::time::Duration;

use flate2::read::GzDecoder;
use reqwest::{Method, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::{Api, Reply, Stage};

/// Sends `text` as it is and reads until the connection closes or nothing comes for this long.
async fn raw(api: &Api, text: &str, patience: Duration) -> (String, bool) {
    let address = api.base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match timeout(patience, stream.read(&mut buffer)).await {
            Ok(Ok(0) | Err(_)) => return (String::from_utf8(answer).unwrap(), true),
            Ok(Ok(read)) => answer.extend(&buffer[..read]),
            Err(_) => return (String::from_utf8(answer).unwrap(), false),
        }
    }
}

#[tokio::test]
async fn long_answers_are_compressed_for_those_who_take_it_and_short_ones_are_not() {
    let stage = Stage::set().await;
    let plain = reqwest::Client::builder().no_gzip().build().unwrap();
    let get = async |path: &str, accepted: &str, tag: &str| {
        let request = plain
            .get(format!("{}{path}", stage.api.base))
            .bearer_auth(&stage.operator.token)
            .header("accept-encoding", accepted)
            .header("if-none-match", tag);
        request.send().await.unwrap()
    };
    let zipped = get("/policy-types", "gzip, br", "").await;
    assert_eq!(zipped.headers()["content-encoding"], "gzip");
    let vary: Vec<_> = zipped.headers().get_all("vary").iter().collect();
    assert!(
        vary.iter()
            .any(|one| one.to_str().unwrap().contains("Accept-Encoding"))
    );
    let tag = zipped.headers()["etag"].to_str().unwrap().to_owned();
    assert!(
        tag.starts_with("W/\""),
        "other bytes, so no strong tag: {tag}"
    );
    let bytes = zipped.bytes().await.unwrap();
    let mut text = String::new();
    GzDecoder::new(&bytes[..])
        .read_to_string(&mut text)
        .unwrap();
    let same = get("/policy-types", "br", "").await;
    assert!(!same.headers().contains_key("content-encoding"));
    let strong = same.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(tag, format!("W/{strong}"));
    assert_eq!(same.text().await.unwrap(), text);
    assert!(
        bytes.len() * 4 < text.len(),
        "{} of {}",
        bytes.len(),
        text.len()
    );
    for tag in [&tag, &strong] {
        let unchanged = get("/policy-types", "gzip", tag).await;
        assert_eq!(unchanged.status(), StatusCode::NOT_MODIFIED);
    }
    let short = get("/me/notifications/unread-count", "gzip", "").await;
    assert!(!short.headers().contains_key("content-encoding"));
    let document = get("/openapi.json", "gzip", "").await;
    assert_eq!(document.headers()["content-encoding"], "gzip");
}

#[tokio::test]
async fn a_connection_stays_open_between_polls() {
    let stage = Stage::set().await;
    let request = "GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n";
    // The protocol layer's own default would close it after five seconds.
    let (answer, is_closed) = raw(&stage.api, request, Duration::from_secs(6)).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(!is_closed);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_a_408_and_ends_the_connection() {
    let short = Duration::from_millis(50);
    let stage = Stage::set_with(|options| options.body_timeout = short).await;
    let request = format!(
        "POST {} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: 20\r\n\r\n{{\"polic",
        stage.path("inventory-sync"),
        stage.operator.token
    );
    let (answer, is_closed) = raw(&stage.api, &request, Duration::from_secs(20)).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("application/problem+json"), "{answer}");
    assert!(answer.contains(r#""code":"request_timeout""#), "{answer}");
    assert!(is_closed, "{answer}");
    assert!(stage.get("/operation-runs").await.items().is_empty());
}

#[tokio::test]
async fn an_address_that_is_too_long_is_a_problem() {
    let stage = Stage::set().await;
    let of_length = |length: usize| format!("/operation-runs?q={}", "a".repeat(length));
    let reply = stage.get(&of_length(40_000)).await;
    reply.is_problem(414, "uri_too_long");
    let reply = stage.get(&of_length(30_000)).await;
    reply.is_problem(400, "validation_failed");
}

#[tokio::test]
async fn a_query_that_is_not_percent_encoded_text_is_a_problem() {
    let stage = Stage::set().await;
    for query in ["q=%ff%ff%ff", "q=%zzz", "q=abc%", "%ff=1"] {
        let reply = stage
            .get(&stage.path(&format!("inventory-items?{query}")))
            .await;
        reply.is_problem(400, "validation_failed");
    }
    let reply = stage
        .get(&stage.path("inventory-items?q=%C3%A9%C3%A9%25"))
        .await;
    assert_eq!(reply.status, StatusCode::OK);
}

fn left(reply: &Reply) -> (u64, u64) {
    let text = reply.header("ratelimit");
    let (requests, seconds) = text
        .strip_prefix(r#""default";r="#)
        .and_then(|rest| rest.split_once(";t="))
        .unwrap_or_else(|| panic!("{reply:?}"));
    (requests.parse().unwrap(), seconds.parse().unwrap())
}

#[tokio::test]
async fn polls_without_news_joins_and_repetitions_count_as_a_tenth() {
    let stage =
        Stage::set_with(|options| options.requests_per_minute = 20.try_into().unwrap()).await;
    let created = stage.start("").await;
    assert_eq!(left(&created), (19, 3));
    for _ in 0..9 {
        assert_eq!(stage.start("").await.body["disposition"], "joined");
    }
    let run = created.body["run"]["links"]["self"].as_str().unwrap();
    let path = run.strip_prefix(&stage.api.base).unwrap();
    let read = stage.get(path).await;
    let tag = read.header("etag").to_owned();
    assert_eq!(left(&read).0, 17, "one start, nine tenths, one read");
    for _ in 0..20 {
        let request = stage.api.request(Method::GET, path);
        let request = request.bearer_auth(&stage.operator.token);
        let reply = stage.api.send(request.header("if-none-match", &tag)).await;
        assert_eq!(reply.status, StatusCode::NOT_MODIFIED);
    }
    let (requests, _) = left(&stage.get(path).await);
    assert!((14..=15).contains(&requests), "{requests}");
}

#[tokio::test]
async fn what_is_not_counted_names_no_quota() {
    let stage = Stage::set().await;
    let request = stage.api.request(Method::GET, "/nothing");
    let reply = stage.api.send(request).await;
    assert_eq!(reply.header("ratelimit"), "");
    assert!(reply.header("ratelimit-policy").contains("q=100000"));
}

#[tokio::test]
async fn a_refused_preflight_names_what_is_missing() {
    let origin = "https://ui.example";
    let stage = Stage::set_with(|options| options.cors_origins = vec![origin.to_owned()]).await;
    let preflight = async |from: &str, method: &str, headers: &str| {
        let request = stage.api.request(Method::OPTIONS, "/operation-runs");
        let request = request
            .header("origin", from)
            .header("access-control-request-method", method)
            .header("access-control-request-headers", headers);
        stage.api.send(request).await
    };
    let all =
        "authorization,idempotency-key,last-event-id,traceparent,tracestate,baggage,sentry-trace";
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        let allowed = preflight(origin, method, all).await;
        assert_eq!(allowed.status, StatusCode::OK, "{method}");
    }
    for (reply, named) in [
        (
            preflight("https://evil.example", "GET", "").await,
            "https://evil.example",
        ),
        (preflight(origin, "PURGE", "").await, "PURGE"),
        (
            preflight(origin, "GET", "authorization,x-own").await,
            "x-own",
        ),
    ] {
        reply.is_problem(400, "cross_origin_refused");
        let detail = reply.body["detail"].as_str().unwrap();
        assert!(detail.contains(named), "{detail}");
    }
    let request = stage.api.request(Method::GET, "/me");
    let request = request.bearer_auth(&stage.operator.token);
    let reply = stage.api.send(request.header("origin", origin)).await;
    let exposed = reply.header("access-control-expose-headers");
    assert!(
        exposed.to_lowercase().contains("idempotent-replayed"),
        "{exposed}"
    );
}
