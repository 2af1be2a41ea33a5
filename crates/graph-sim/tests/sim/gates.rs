use std::sync::Arc;
use std::time::Duration;

use atlas_graph_sim::{GateRule, Latency, PathMatch, SimulatorOptions};
use reqwest::StatusCode;

use crate::client::{Client, OTHER_TENANT, POLICIES, TENANT, start};

#[tokio::test]
async fn requests_wait_at_a_gate_and_go_on_when_it_opens() {
    let (simulator, client) = start(SimulatorOptions::default()).await;
    let client = Arc::new(client);
    let gate = simulator.hold(PathMatch::prefix(POLICIES));
    let ask = |path: &'static str| {
        let client = Arc::clone(&client);
        tokio::spawn(async move { client.get(path).await.status() })
    };
    let waiting = [ask(POLICIES), ask(POLICIES), ask(POLICIES)];
    gate.wait_for(3).await;
    assert_eq!(gate.waiting(), 3);
    assert_eq!(
        ask("/v1.0/groups").await.unwrap(),
        StatusCode::OK,
        "not held"
    );
    assert!(waiting.iter().all(|one| !one.is_finished()));
    assert_eq!(simulator.max_concurrent(TENANT), 4);
    gate.release();
    for one in waiting {
        assert_eq!(one.await.unwrap(), StatusCode::OK);
    }
    gate.nobody_waiting().await;
    assert_eq!(
        ask(POLICIES).await.unwrap(),
        StatusCode::OK,
        "open for good"
    );
}

#[tokio::test]
async fn a_gate_can_let_some_pass_and_hold_one_tenant_only() {
    let (simulator, client) = start(SimulatorOptions::default()).await;
    let other = Client::sign_in(simulator.base_url(), OTHER_TENANT).await;
    let rule = GateRule::new(PathMatch::prefix("/beta")).after(2);
    let gate = simulator.hold(rule.for_tenant(TENANT));
    for _ in 0..2 {
        assert_eq!(client.get(POLICIES).await.status(), StatusCode::OK);
    }
    let third = tokio::spawn(async move { client.get(POLICIES).await.status() });
    gate.someone_waiting().await;
    assert_eq!(other.get(POLICIES).await.status(), StatusCode::OK);
    simulator.release_all();
    assert_eq!(third.await.unwrap(), StatusCode::OK);
}

#[tokio::test]
async fn who_gives_up_waits_no_longer_and_is_logged_without_an_answer() {
    let (simulator, client) = start(SimulatorOptions::default()).await;
    let gate = simulator.hold(PathMatch::prefix("/beta"));
    simulator.clear_log();
    let given_up = tokio::spawn(async move { client.get(POLICIES).await.status() });
    gate.someone_waiting().await;
    given_up.abort();
    gate.nobody_waiting().await;
    let logged = loop {
        if let Some(entry) = simulator.log().pop() {
            break entry;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((logged.path.as_str(), logged.status), (POLICIES, None));
}

#[tokio::test]
async fn the_log_records_what_was_asked_and_how_long_it_took() {
    let (simulator, client) = start(SimulatorOptions {
        latency: Latency {
            base: Duration::from_millis(20),
            per_row: Duration::from_millis(1),
            ..Latency::default()
        },
        ..SimulatorOptions::default()
    })
    .await;
    let log = simulator.log();
    assert_eq!(log[0].path, format!("/{TENANT}/oauth2/v2.0/token"));
    assert_eq!((log[0].method.as_str(), log[0].status), ("POST", Some(200)));
    simulator.clear_log();
    let url = format!("{}{POLICIES}?$top=10", client.base);
    let answer = client
        .request(&url)
        .header("client-request-id", "my-id")
        .header("User-Agent", "tester/1")
        .send()
        .await
        .unwrap();
    for (name, expected) in [
        ("client-request-id", "my-id"),
        (
            "content-type",
            "application/json;odata.metadata=minimal;odata.streaming=true;\
             IEEE754Compatible=false;charset=utf-8",
        ),
    ] {
        assert_eq!(answer.headers()[name], expected);
    }
    assert!(answer.headers().contains_key("request-id") && answer.headers().contains_key("date"));
    // The answer is on its way before the request's end is noted.
    let entry = loop {
        if let Some(entry) = simulator.log().pop() {
            break entry;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(entry.path, POLICIES);
    assert_eq!(entry.query, "$top=10");
    assert_eq!(entry.tenant.as_deref(), Some(TENANT));
    assert_eq!(entry.client_request_id.as_deref(), Some("my-id"));
    assert_eq!(entry.user_agent.as_deref(), Some("tester/1"));
    assert!(
        entry.ended_us - entry.started_us >= 30_000,
        "base and ten rows"
    );
}
