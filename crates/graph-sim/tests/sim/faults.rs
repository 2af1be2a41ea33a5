use std::time::{Duration, SystemTime};

use atlas_graph_sim::{
    Effect, ErrorBody, FaultRule, PathMatch, RetryAfter, Simulator, SimulatorOptions,
};
use reqwest::{Response, StatusCode};
use serde_json::Value;

use crate::client::{Client, OTHER_TENANT, POLICIES, start};

fn small_pages() -> SimulatorOptions {
    SimulatorOptions {
        max_page_size: Some(10),
        ..SimulatorOptions::default()
    }
}

async fn struck(effect: Effect) -> (Simulator, Client, Response) {
    let (simulator, client) = start(small_pages()).await;
    simulator.fault(FaultRule::once(PathMatch::prefix(POLICIES), effect));
    let answer = client.get(POLICIES).await;
    (simulator, client, answer)
}

async fn message(answer: Response) -> (Value, String) {
    let body: Value = answer.json().await.unwrap();
    let message = body["error"]["message"].as_str().unwrap().to_owned();
    (body["error"]["code"].clone(), message)
}

#[tokio::test]
async fn a_forbidden_answer_names_the_permission() {
    let (simulator, client, answer) = struck(Effect::Forbidden { permission: None }).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    let (code, message_text) = message(answer).await;
    assert_eq!(code, "Forbidden");
    let nested: Value = serde_json::from_str(&message_text).unwrap();
    let inner = nested["Message"].as_str().unwrap();
    assert!(
        inner.contains("DeviceManagementConfiguration.Read.All"),
        "{inner}"
    );

    let path = "/v1.0/groups";
    simulator.fault(FaultRule::once(
        PathMatch::exact(path),
        Effect::Forbidden {
            permission: Some("Directory.Read.All".to_owned()),
        },
    ));
    let (code, message_text) = message(client.get(path).await).await;
    assert_eq!(code, "Authorization_RequestDenied");
    assert!(message_text.contains("Directory.Read.All"));
}

#[tokio::test]
async fn a_throttled_answer_carries_its_wait_in_every_form() {
    let retry_after = |answer: &Response| {
        answer
            .headers()
            .get("retry-after")
            .map(|value| value.to_str().unwrap().to_owned())
    };
    for (wait, expected) in [
        (RetryAfter::Seconds(7), Some("7")),
        (RetryAfter::Seconds(315), Some("315")),
        (RetryAfter::Decimal(0.2486), Some("0.249")),
        (RetryAfter::Absent, None),
    ] {
        let (_, _, answer) = struck(Effect::Throttled { retry_after: wait }).await;
        assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(retry_after(&answer).as_deref(), expected);
    }
    let wait = RetryAfter::HttpDate(90);
    let (simulator, _, answer) = struck(Effect::Throttled { retry_after: wait }).await;
    let date = retry_after(&answer).unwrap();
    let date: actix_web::http::header::HttpDate = date.parse().unwrap();
    let ahead = SystemTime::from(date)
        .duration_since(SystemTime::now())
        .unwrap();
    assert!(ahead <= Duration::from_secs(90) && ahead > Duration::from_secs(60));
    let logged = simulator.log().pop().unwrap().retry_after;
    assert!(
        logged.unwrap().ends_with(" GMT"),
        "the log records what was answered"
    );
}

#[tokio::test]
async fn server_errors_come_empty_or_nested() {
    for status in [500, 502, 503, 504] {
        let (_, _, answer) = struck(Effect::ServerError {
            status,
            body: ErrorBody::Empty,
            retry_after: RetryAfter::Absent,
        })
        .await;
        assert_eq!(answer.status().as_u16(), status);
        assert_eq!(answer.text().await.unwrap(), "");
    }
    let (_, _, answer) = struck(Effect::ServerError {
        status: 500,
        body: ErrorBody::NestedJson,
        retry_after: RetryAfter::Absent,
    })
    .await;
    let (_, message) = message(answer).await;
    let nested: Value = serde_json::from_str(&message).unwrap();
    assert!(
        nested["Message"]
            .as_str()
            .unwrap()
            .contains("Activity ID: ")
    );
}

#[tokio::test]
async fn a_tenant_without_intune_and_one_without_a_licence() {
    let (_, _, answer) = struck(Effect::NotApplicable).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let (_, text) = message(answer).await;
    assert_eq!(text, "Request not applicable to target tenant.");
    let (_, _, answer) = struck(Effect::Unlicensed).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn an_unauthorized_answer_comes_once() {
    let (_simulator, client, answer) = struck(Effect::Unauthorized).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert!(answer.headers().contains_key("www-authenticate"));
    assert_eq!(client.get(POLICIES).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn bodies_end_early() {
    let (_, _, answer) = struck(Effect::TruncatedJson).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let text = answer.text().await.unwrap();
    assert!(text.starts_with('{') && serde_json::from_str::<Value>(&text).is_err());

    let (_simulator, client, mut answer) = struck(Effect::ConnectionReset).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let first = answer.chunk().await.unwrap().unwrap();
    assert!(first.starts_with(b"{"), "the first half arrives");
    assert!(answer.text().await.is_err(), "the rest does not");
    assert_eq!(client.get(POLICIES).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_web_page_comes_with_status_200() {
    let (_, _, answer) = struck(Effect::HtmlPage).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let kind = answer.headers()["content-type"].to_str().unwrap();
    assert!(kind.starts_with("text/html"));
}

#[tokio::test]
async fn an_empty_page_in_the_middle_loses_no_row() {
    let (simulator, client) = start(small_pages()).await;
    let all = client.rows(POLICIES).await;
    let rule = FaultRule::once(PathMatch::prefix(POLICIES), Effect::EmptyPage).nth(2);
    simulator.fault(rule.times(Some(2)));
    let pages = client.pages(POLICIES).await;
    assert_eq!(pages[1]["value"], Value::Array(Vec::new()));
    assert_eq!(pages[2]["value"], Value::Array(Vec::new()));
    let rows: Vec<_> = pages
        .iter()
        .flat_map(|page| page["value"].as_array().unwrap().clone())
        .collect();
    assert_eq!(rows, all);
}

#[tokio::test]
async fn a_page_links_to_itself() {
    let (_, client, answer) = struck(Effect::RepeatedNextLink).await;
    let page: Value = answer.json().await.unwrap();
    let link = page["@odata.nextLink"].as_str().unwrap();
    assert_eq!(
        link.trim_end_matches('?'),
        format!("{}{POLICIES}", client.base)
    );
}

#[tokio::test]
async fn a_page_links_to_a_foreign_host() {
    let origin = "http://192.0.2.1:81".to_owned();
    let (_, _, answer) = struck(Effect::ForeignNextLink { origin }).await;
    let page: Value = answer.json().await.unwrap();
    let link = page["@odata.nextLink"].as_str().unwrap();
    assert!(link.starts_with(&format!("http://192.0.2.1:81{POLICIES}?$skiptoken=")));
}

#[tokio::test]
async fn a_row_stands_on_two_pages() {
    let (simulator, client) = start(small_pages()).await;
    let rule = FaultRule::once(PathMatch::prefix(POLICIES), Effect::RepeatedRow);
    simulator.fault(rule.nth(2));
    let pages = client.pages(POLICIES).await;
    let first = pages[0]["value"].as_array().unwrap();
    assert_eq!(pages[1]["value"][0], first[first.len() - 1]);
}

#[tokio::test]
async fn a_page_can_be_as_large_as_one_likes() {
    let (_, _, answer) = struck(Effect::Padded { bytes: 3_000_000 }).await;
    let length = answer.text().await.unwrap().len();
    assert!(length > 3_000_000);
}

#[tokio::test]
async fn any_answer_can_be_put_in_anothers_place() {
    let (_, _, answer) = struck(Effect::Answer {
        status: 418,
        body: r#"{"a":1,"a":2}"#.to_owned(),
    })
    .await;
    assert_eq!(answer.status().as_u16(), 418);
    assert_eq!(answer.text().await.unwrap(), r#"{"a":1,"a":2}"#);
}

#[tokio::test]
async fn a_rule_for_one_tenant_spares_the_others() {
    let (simulator, client) = start(SimulatorOptions::default()).await;
    let other = Client::sign_in(simulator.base_url(), OTHER_TENANT).await;
    let rule = FaultRule::always(PathMatch::prefix("/beta"), Effect::NotApplicable);
    simulator.fault(rule.for_tenant(&OTHER_TENANT.to_ascii_uppercase()));
    for _ in 0..3 {
        assert_eq!(client.get(POLICIES).await.status(), StatusCode::OK);
        assert_eq!(other.get(POLICIES).await.status(), StatusCode::BAD_REQUEST);
    }
    assert_eq!(simulator.faults_struck(), 3);
    simulator.clear_faults();
    assert_eq!(other.get(POLICIES).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_answer_comes_later() {
    let started = std::time::Instant::now();
    let (_, _, answer) = struck(Effect::Delayed { milliseconds: 150 }).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(started.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn rows_are_not_as_they_should_be() {
    let page = async |effect: Effect| {
        let (_simulator, _, answer) = struck(effect).await;
        answer.text().await.unwrap()
    };
    let row = async |effect: Effect| {
        let page: Value = serde_json::from_str(&page(effect).await).unwrap();
        page["value"][0].clone()
    };
    let family = row(Effect::UnknownEnum).await["templateReference"]["templateFamily"].clone();
    assert_eq!(family, "brandNewFamily");
    let kind = row(Effect::UnknownType).await["@odata.type"].clone();
    assert_eq!(kind, "#microsoft.graph.brandNewPolicy");
    assert_eq!(row(Effect::NullName).await["name"], Value::Null);
    let odd = row(Effect::OddNames).await;
    assert!(odd["name"].as_str().unwrap().contains('\u{202e}'));
    assert!(page(Effect::HugeRow { bytes: 5_000_000 }).await.len() > 5_000_000);
    let wide = row(Effect::WideRow { bytes: 70_000 }).await;
    let members = wide["@microsoft.graph.tips"].as_array().unwrap();
    assert_eq!(members.len(), 10_000);
    let twice = page(Effect::DuplicateKeys).await;
    assert!(twice.contains(r#""id":"another","description":"twice""#));
}

#[tokio::test]
async fn right_answers_come_in_odd_ways() {
    let (_running, client, answer) = struck(Effect::WrongContentType).await;
    let kind = answer.headers()["content-type"].to_str().unwrap();
    assert!(kind.starts_with("text/plain"));
    let right: Value = client.json(POLICIES).await;
    let (_simulator, _, answer) = struck(Effect::Gzip).await;
    let plain: Value = answer.json().await.unwrap();
    assert_eq!(plain["value"], right["value"]);
    let started = std::time::Instant::now();
    let slow = Effect::SlowBody {
        pieces: 4,
        milliseconds: 30,
    };
    let (_simulator, _, answer) = struck(slow).await;
    let slow: Value = answer.json().await.unwrap();
    assert_eq!(slow["value"], right["value"]);
    assert!(started.elapsed() >= Duration::from_millis(120));
}

#[tokio::test]
async fn top_links_and_expansions_fail_where_rules_say() {
    let (simulator, client) = start(SimulatorOptions::default()).await;
    let set = |effect: Effect| {
        simulator.clear_faults();
        simulator.fault(FaultRule::always(PathMatch::prefix(POLICIES), effect));
    };
    let rows = async |query: &str| {
        let page = client.json(&format!("{POLICIES}{query}")).await;
        page["value"].as_array().unwrap().len()
    };
    set(Effect::TopIgnored);
    assert_eq!(rows("?$top=3").await, 25);
    set(Effect::TopClamped { rows: 4 });
    assert_eq!(rows("?$top=20").await, 4);
    let status = async |path: &str| client.get(path).await.status().as_u16();
    set(Effect::TopRejected);
    assert_eq!(status(&format!("{POLICIES}?$top=3")).await, 400);
    assert_eq!(rows("").await, 25);
    set(Effect::ExpandTimesOut { rows: 10 });
    assert_eq!(
        status(&format!("{POLICIES}?$expand=assignments")).await,
        504
    );
    assert_eq!(rows("?$expand=assignments&$top=10").await, 10);
    assert_eq!(rows("").await, 25);
    let page = client.json(POLICIES).await;
    let link = page["@odata.nextLink"].as_str().unwrap().to_owned();
    for gone in [410, 400] {
        set(Effect::PageGone { status: gone });
        assert_eq!(status(link.strip_prefix(&client.base).unwrap()).await, gone);
        assert_eq!(rows("").await, 25);
    }
}

#[tokio::test]
async fn bodies_unpack_to_much_or_to_nothing_and_never_end() {
    let (_simulator, _, answer) = struck(Effect::CompressedBlanks { bytes: 3_000_000 }).await;
    let body = answer.bytes().await.unwrap();
    assert_eq!(body.len(), 3_000_000);
    assert!(body.iter().all(|byte| *byte == b' '));
    let (_simulator, _, answer) = struck(Effect::DamagedGzip).await;
    assert!(answer.bytes().await.unwrap_err().is_decode());
    let (_simulator, _, mut answer) = struck(Effect::EndlessBody).await;
    let mut begin = Vec::new();
    while begin.len() < 5_000_000 {
        begin.extend(answer.chunk().await.unwrap().unwrap());
    }
    assert!(begin.starts_with(b"{\"value\":[{\"id\":\"endless\"},{"));
}
