use atlas_graph_sim::{
    AnswerKey, AnswerValue, AnswerVersion, Changes, LogEntry, Simulator, SimulatorOptions,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{POLICIES, TENANT, start};

async fn call(
    simulator: &Simulator,
    method: Method,
    path: &str,
    body: Value,
) -> (StatusCode, Value) {
    let url = format!("{}/_sim/{path}", simulator.base_url());
    let request = reqwest::Client::new().request(method, url);
    let request = if body.is_null() {
        request
    } else {
        request.json(&body)
    };
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

#[tokio::test]
async fn faults_gates_and_throttles_are_set_over_http() {
    let (simulator, client) = start(SimulatorOptions::default()).await;
    let none = Value::Null;
    let (status, _) = call(&simulator, Method::GET, "health", none.clone()).await;
    assert_eq!(status, StatusCode::OK);

    let rule = json!({"path": {"prefix": "/beta"}, "tenant": TENANT, "nth": 1, "count": null,
        "effect": {"kind": "throttled", "retry_after": {"seconds": 2}}});
    let (status, _) = call(&simulator, Method::POST, "faults", rule.clone()).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    for _ in 0..2 {
        let answer = client.get(POLICIES).await;
        assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    }
    let (_, shown) = call(&simulator, Method::GET, "faults", none.clone()).await;
    assert_eq!(shown["faults"][0]["rule"], rule);
    assert_eq!(shown["faults"][0]["struck"], 2);
    call(&simulator, Method::DELETE, "faults", none.clone()).await;
    assert_eq!(client.get(POLICIES).await.status(), StatusCode::OK);

    let gate = json!({"path": {"exact": POLICIES}});
    call(&simulator, Method::POST, "gates", gate).await;
    let waiting = tokio::spawn(async move { client.get(POLICIES).await.status() });
    loop {
        let (_, gates) = call(&simulator, Method::GET, "gates", none.clone()).await;
        if gates["gates"][0]["waiting"] == 1 {
            break;
        }
    }
    call(&simulator, Method::DELETE, "gates", none.clone()).await;
    assert_eq!(waiting.await.unwrap(), StatusCode::OK);

    let throttle = json!([{"path": {"prefix": "/"}, "requests": 1, "window_ms": 1000}]);
    let (status, _) = call(&simulator, Method::PUT, "throttles", throttle).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (status, _) = call(&simulator, Method::DELETE, "throttles", none).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn rules_that_make_no_sense_are_refused() {
    let (simulator, _client) = start(SimulatorOptions::default()).await;
    for body in [
        json!({"path": {"prefix": "/"}, "effect": {"kind": "server_error", "status": 200}}),
        json!({"path": {"prefix": "/"}, "effect": {"kind": "nonsense"}}),
        json!({"path": {"prefix": "/"}, "nth": 0, "effect": {"kind": "html_page"}}),
        json!({"path": {"prefix": "/"}, "effect": {"kind": "html_page"}, "typo": 1}),
        json!({}),
    ] {
        let (status, answer) = call(&simulator, Method::POST, "faults", body.clone()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        assert!(answer["error"].is_string());
    }
    let (status, _) = call(&simulator, Method::GET, "nonsense", Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_log_the_answer_key_and_changes_are_read_over_http() {
    let (simulator, client) = start(SimulatorOptions::default()).await;
    let none = Value::Null;
    let (_, tokens) = call(
        &simulator,
        Method::GET,
        &format!("tokens/{TENANT}"),
        none.clone(),
    )
    .await;
    assert_eq!(tokens, json!({"issued": 1}));
    let (_, log) = call(&simulator, Method::GET, "log", none.clone()).await;
    let log: Vec<LogEntry> = serde_json::from_value(log["entries"].clone()).unwrap();
    assert_eq!(log, simulator.log());
    call(&simulator, Method::DELETE, "log", none.clone()).await;
    assert_eq!(simulator.log(), []);

    let path = format!("answer-key/{TENANT}");
    let (_, answer) = call(&simulator, Method::GET, &path, none.clone()).await;
    let answer: AnswerKey = serde_json::from_value(answer).unwrap();
    assert_eq!(answer, simulator.answer_key(TENANT));
    let script = json!({"add": 2, "keys": ["mobileApp"]});
    let path = format!("mutate/{TENANT}");
    let (_, changes) = call(&simulator, Method::POST, &path, script).await;
    let changes: Changes = serde_json::from_value(changes["mobileApp"].clone()).unwrap();
    assert_eq!(changes.added.len(), 2);
    let (status, _) = call(&simulator, Method::GET, "answer-key/nobody", none.clone()).await;
    assert_eq!(status, StatusCode::NOT_FOUND);

    let path = format!("tokens/{TENANT}");
    call(&simulator, Method::DELETE, &path, none).await;
    assert_eq!(
        client.get(POLICIES).await.status(),
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn values_versions_and_the_ways_of_audit_events_are_controlled_over_http() {
    let (simulator, client) = start(SimulatorOptions::default()).await;
    let none = Value::Null;
    let of = |name: &str| format!("{name}/{TENANT}");
    let (_, values) = call(&simulator, Method::GET, &of("values"), none.clone()).await;
    let values: Vec<AnswerValue> = serde_json::from_value(values["values"].clone()).unwrap();
    assert_eq!(values, simulator.answer_values(TENANT));

    let wrong = json!({"late_from_ms": 2, "late_to_ms": 1});
    let (status, _) = call(&simulator, Method::PUT, "audit", wrong).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let held = json!({"held": true});
    let (status, _) = call(&simulator, Method::PUT, "audit", held).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (_, shown) = call(&simulator, Method::GET, "audit", none.clone()).await;
    assert_eq!(
        (&shown["held"], &shown["unordered"]),
        (&json!(true), &json!(false))
    );

    let actor = json!({"kind": "application", "id": "1", "name": "Pipeline"});
    let script = json!({"edit_value": 1, "keys": ["settingsCatalogPolicy"], "actor": actor});
    call(&simulator, Method::POST, &of("mutate"), script).await;
    let events = "/v1.0/deviceManagement/auditEvents";
    assert_eq!(client.rows(events).await.len(), 0);
    call(
        &simulator,
        Method::POST,
        &of("show-audit-events"),
        none.clone(),
    )
    .await;
    assert_eq!(client.rows(events).await.len(), 1);
    let (_, versions) = call(&simulator, Method::GET, &of("versions"), none.clone()).await;
    let versions: Vec<AnswerVersion> =
        serde_json::from_value(versions["versions"].clone()).unwrap();
    let second: Vec<_> = versions.iter().filter(|one| one.from == 1).collect();
    assert_eq!(second.len(), 1);
    assert_eq!(second[0].changes[0].actors[0].actor.name, "Pipeline");
    let (_, changes) = call(&simulator, Method::GET, &of("changes"), none).await;
    let change = &changes["changes"][0];
    assert_eq!(change["values"].as_array().map(Vec::is_empty), Some(false));
    assert_eq!(change["actors"][0]["actor"], actor);
}
