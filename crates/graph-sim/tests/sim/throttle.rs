use atlas_graph_sim::{PathMatch, SimulatorOptions, Throttle};
use reqwest::StatusCode;

use crate::client::{Client, OTHER_TENANT, POLICIES, start};

fn limits(reports_wait: bool) -> SimulatorOptions {
    SimulatorOptions {
        throttles: vec![Throttle {
            path: PathMatch::prefix("/beta"),
            requests: 3,
            window_ms: 60_000,
            reports_wait,
        }],
        ..SimulatorOptions::default()
    }
}

#[tokio::test]
async fn a_tenant_over_its_limit_has_to_wait_and_others_have_not() {
    let (simulator, client) = start(limits(true)).await;
    let other = Client::sign_in(simulator.base_url(), OTHER_TENANT).await;
    for _ in 0..3 {
        assert_eq!(client.get(POLICIES).await.status(), StatusCode::OK);
    }
    let refused = client.get(POLICIES).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: f64 = refused.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(wait > 30.0 && wait <= 60.0, "{wait}");
    assert_eq!(other.get(POLICIES).await.status(), StatusCode::OK);
    assert_eq!(client.get("/v1.0/groups").await.status(), StatusCode::OK);
    simulator.set_throttles(Vec::new());
    assert_eq!(client.get(POLICIES).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_limit_may_keep_its_wait_to_itself() {
    let (_simulator, client) = start(limits(false)).await;
    for _ in 0..3 {
        client.get(POLICIES).await;
    }
    let refused = client.get(POLICIES).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(!refused.headers().contains_key("retry-after"));
}
