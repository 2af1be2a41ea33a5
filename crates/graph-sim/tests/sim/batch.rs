use std::collections::BTreeMap;

use atlas_graph_sim::{
    Effect, ErrorBody, FaultRule, PathMatch, RetryAfter, SimulatorOptions, Throttle,
};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::client::{Client, POLICIES, TENANT, start};

async fn post(client: &Client, envelope: &Value) -> Response {
    client
        .http
        .post(format!("{}/beta/$batch", client.base))
        .bearer_auth(&client.token)
        .json(envelope)
        .send()
        .await
        .unwrap()
}

/// The answers by id.
async fn batch(client: &Client, requests: Value) -> BTreeMap<String, Value> {
    let answer = post(client, &json!({"requests": requests})).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let answer: Value = answer.json().await.unwrap();
    let responses = answer["responses"].as_array().unwrap().iter();
    responses
        .map(|one| (one["id"].as_str().unwrap().to_owned(), one.clone()))
        .collect()
}

fn get(id: &(impl ToString + ?Sized), url: &str) -> Value {
    let headers = json!({"Prefer": "include-unknown-enum-members"});
    json!({"id": id.to_string(), "method": "GET", "url": url, "headers": headers})
}

/// A header whatever its case.
fn header<'a>(response: &'a Value, name: &str) -> Option<&'a str> {
    let headers = response["headers"].as_object().unwrap();
    let (_, value) = headers
        .iter()
        .find(|(one, _)| one.eq_ignore_ascii_case(name))?;
    value.as_str()
}

#[tokio::test]
async fn twenty_requests_are_answered_in_another_order_and_each_as_by_itself() {
    let (simulator, client) = start(SimulatorOptions::default()).await;
    let paths: Vec<&str> = [
        "/deviceManagement/intents",
        "/deviceAppManagement/mobileApps?$top=2",
        "/deviceManagement/nonsense",
        "groups?$top=1",
        "/deviceManagement/configurationPolicies",
    ]
    .repeat(4);
    let requests: Vec<Value> = paths
        .iter()
        .enumerate()
        .map(|(id, url)| get(&id, url))
        .collect();
    simulator.clear_log();
    let answer = post(&client, &json!({"requests": requests})).await;
    let answer: Value = answer.json().await.unwrap();
    let responses = answer["responses"].as_array().unwrap();
    let order: Vec<usize> = responses
        .iter()
        .map(|one| one["id"].as_str().unwrap().parse().unwrap())
        .collect();
    let sorted: Vec<usize> = (0..20).collect();
    assert_ne!(order, sorted);
    for response in responses {
        let path = paths[response["id"].as_str().unwrap().parse::<usize>().unwrap()];
        let alone = client
            .get(&format!("/beta/{}", path.trim_start_matches('/')))
            .await;
        assert_eq!(response["status"], alone.status().as_u16());
        let alone: Value = alone.json().await.unwrap();
        assert_eq!(response["body"]["value"], alone["value"], "{path}");
        assert_eq!(
            response["body"]["@odata.nextLink"].is_string(),
            alone["@odata.nextLink"].is_string()
        );
        assert!(
            header(response, "content-type")
                .unwrap()
                .starts_with("application/json")
        );
    }
    let again: Value = post(&client, &json!({"requests": requests}))
        .await
        .json()
        .await
        .unwrap();
    let ids = |answer: &Value| -> Vec<Value> {
        answer["responses"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["id"].clone())
            .collect()
    };
    assert_eq!(ids(&answer), ids(&again), "seeded");
}

#[tokio::test]
async fn a_link_in_a_batch_is_followed_outside_of_it() {
    let (_simulator, client) = start(SimulatorOptions::default()).await;
    let responses = batch(
        &client,
        json!([get("a", "/deviceManagement/configurationPolicies")]),
    )
    .await;
    let body = &responses["a"]["body"];
    let first = body["value"].as_array().unwrap().len();
    let link = body["@odata.nextLink"].as_str().unwrap();
    let rest = client.pages(link.strip_prefix(&client.base).unwrap()).await;
    let rest: usize = rest
        .iter()
        .map(|page| page["value"].as_array().unwrap().len())
        .sum();
    assert_eq!(first + rest, client.rows(POLICIES).await.len());
}

#[tokio::test]
async fn envelopes_that_are_not_right_are_refused() {
    let (_simulator, client) = start(SimulatorOptions::default()).await;
    let many =
        |count: usize| -> Vec<Value> { (0..count).map(|id| get(&id, "/groups?$top=1")).collect() };
    for (what, envelope) in [
        ("21", json!({"requests": many(21)})),
        ("none", json!({"requests": []})),
        (
            "twice",
            json!({"requests": [get("a", "/groups"), get("A", "/groups")]}),
        ),
        ("no list", json!({"requests": 1})),
        ("a batch", json!({"requests": [get("a", "/$batch")]})),
        (
            "absolute",
            json!({"requests": [get("a", "https://graph.microsoft.com/beta/groups")]}),
        ),
        (
            "no type",
            json!({"requests": [{"id": "a", "method": "POST", "url": "/groups", "body": {}}]}),
        ),
        (
            "unknown",
            json!({"requests": [{"id": "a", "method": "GET", "url": "/groups", "dependsOn": ["b"]}]}),
        ),
    ] {
        let answer = post(&client, &envelope).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{what}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["error"]["code"], "BadRequest", "{what}");
    }
    assert_eq!(batch(&client, json!(many(20))).await.len(), 20);
    assert_eq!(
        client.get("/beta/$batch").await.status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
    let stranger = Client {
        token: "none".to_owned(),
        http: client.http.clone(),
        base: client.base.clone(),
    };
    let answer = post(&stranger, &json!({"requests": many(1)})).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_depends_on_a_failure_is_not_tried() {
    let (simulator, client) = start(SimulatorOptions::default()).await;
    let after = |id: &str, url: &str, other: &str| json!({"id": id, "method": "GET", "url": url, "dependsOn": [other]});
    simulator.clear_log();
    let responses = batch(
        &client,
        json!([
            get("bad", "/deviceManagement/nonsense"),
            after("second", "/groups", "bad"),
            after("third", "/groups", "second"),
            get("good", "/groups"),
            after("fourth", "/groups", "good"),
        ]),
    )
    .await;
    let status = |id: &str| responses[id]["status"].as_u64().unwrap();
    assert_eq!(
        [
            status("bad"),
            status("second"),
            status("third"),
            status("good"),
            status("fourth")
        ],
        [400, 424, 424, 200, 200]
    );
    let asked = simulator
        .log()
        .iter()
        .filter(|one| one.batch.is_some())
        .count();
    assert_eq!(asked, 3);
}

#[tokio::test]
async fn faults_strike_the_envelope_or_one_of_its_requests() {
    let (simulator, client) = start(SimulatorOptions::default()).await;
    let rule = |path: &str, effect: Effect| FaultRule::once(PathMatch::exact(path), effect);
    let throttled = Effect::Throttled {
        retry_after: RetryAfter::Decimal(1.5),
    };
    simulator.fault(rule("/beta/$batch", throttled.clone()));
    let requests = json!([
        get(&1, "/deviceManagement/intents"),
        get(&2, "/deviceManagement/templates"),
        get(&3, "/deviceManagement/roleScopeTags"),
        get(&4, "/deviceManagement/assignmentFilters"),
        get(&5, "/groups"),
    ]);
    let answer = post(&client, &json!({"requests": requests})).await;
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers()["retry-after"], "1.500");

    let error = Effect::ServerError {
        status: 502,
        body: ErrorBody::Empty,
        retry_after: RetryAfter::Absent,
    };
    for (path, effect) in [
        ("intents", throttled),
        ("templates", error),
        ("roleScopeTags", Effect::MissingResponse),
        ("assignmentFilters", Effect::TruncatedJson),
    ] {
        simulator.fault(rule(&format!("/beta/deviceManagement/{path}"), effect));
    }
    let responses = batch(&client, requests).await;
    assert_eq!(responses["1"]["status"], 429);
    assert_eq!(header(&responses["1"], "retry-after"), Some("1.500"));
    assert_eq!(responses["2"]["status"], 502);
    assert_eq!(responses["2"].get("body"), None);
    assert_eq!(responses.get("3"), None);
    assert!(responses["4"]["body"].is_string());
    assert_eq!(responses["5"]["status"], 200);
}

#[tokio::test]
async fn each_request_is_charged_and_the_envelope_is_not() {
    let limit = Throttle {
        path: PathMatch::prefix("/beta"),
        requests: 3,
        window_ms: 60_000,
        reports_wait: true,
    };
    let (simulator, client) = start(SimulatorOptions {
        throttles: vec![limit],
        ..SimulatorOptions::default()
    })
    .await;
    let requests: Vec<Value> = (0..5).map(|id| get(&id, "/groups?$top=1")).collect();
    let responses = batch(&client, json!(requests)).await;
    let refused = responses.values().filter(|one| one["status"] == 429);
    assert_eq!(
        refused
            .filter(|one| header(one, "retry-after").is_some())
            .count(),
        2
    );
    assert_eq!(simulator.max_concurrent(TENANT), 1, "one request over HTTP");
}

#[tokio::test]
async fn a_part_that_no_strict_program_reads_stands_as_it_is_and_one_may_be_refused() {
    let (simulator, client) = start(SimulatorOptions::default()).await;
    for (path, effect) in [
        (
            "/beta/deviceManagement/intents",
            Effect::LoneSurrogate { row: 0 },
        ),
        ("/v1.0/groups", Effect::HugeNumber { row: 0 }),
        ("/beta/groups", Effect::RefusedByService),
    ] {
        simulator.fault(FaultRule::always(PathMatch::exact(path), effect));
    }
    let requests = json!([
        get("1", "/deviceManagement/intents"),
        get("2", "/groups"),
        get("3", "/deviceManagement/roleScopeTags"),
    ]);
    let answer = post(&client, &json!({"requests": requests})).await;
    let text = answer.text().await.unwrap();
    assert!(text.contains(r#"\ud83d","#), "{text}");
    let readable: Value = serde_json::from_str(&text.replace(r"\ud83d", "")).unwrap();
    let status = |id: &str| {
        let responses = readable["responses"].as_array().unwrap();
        let one = responses.iter().find(|one| one["id"] == id).unwrap();
        one["status"].clone()
    };
    assert_eq!([status("1"), status("2"), status("3")], [200, 401, 200]);
}

#[tokio::test]
async fn errors_in_a_batch_carry_the_client_request_id_of_the_batch() {
    let (_simulator, client) = start(SimulatorOptions::default()).await;
    let answer = client
        .http
        .post(format!("{}/beta/$batch", client.base))
        .bearer_auth(&client.token)
        .header("client-request-id", "one-of-mine")
        .json(&json!({"requests": [get("1", "/deviceManagement/nonsense")]}))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["client-request-id"], "one-of-mine");
    let answer: Value = answer.json().await.unwrap();
    let inner = &answer["responses"][0]["body"]["error"]["innerError"];
    assert_eq!(inner["client-request-id"], "one-of-mine");
}
