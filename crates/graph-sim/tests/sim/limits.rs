use atlas_graph_sim::{
    Effect, FaultRule, PathMatch, PublishedLimits, RetryAfter, SimulatorOptions, WaitForm,
};
use reqwest::{Response, StatusCode};
use serde_json::Value;

use crate::client::{POLICIES, TENANT, start};

fn enforced(wait: WaitForm) -> SimulatorOptions {
    SimulatorOptions {
        limits: PublishedLimits {
            enforce: true,
            limit_scale: 500.0,
            wait,
            ..PublishedLimits::default()
        },
        ..SimulatorOptions::default()
    }
}

fn header(answer: &Response, name: &str) -> Option<String> {
    let value = answer.headers().get(name)?;
    Some(value.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_service_over_its_limit_refuses_in_the_form_that_is_set_and_others_go_on() {
    for (wait, present) in [
        (WaitForm::Seconds, true),
        (WaitForm::Decimal, true),
        (WaitForm::HttpDate, true),
        (WaitForm::InMessage, false),
        (WaitForm::Absent, false),
    ] {
        let (simulator, client) = start(enforced(wait)).await;
        for _ in 0..2 {
            assert_eq!(client.get(POLICIES).await.status(), StatusCode::OK);
        }
        let refused = client.get(POLICIES).await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        let scope = header(&refused, "x-ms-throttle-scope").unwrap();
        assert!(scope.starts_with("Tenant_Application/") && scope.ends_with(TENANT));
        let share: f64 = header(&refused, "x-ms-throttle-limit-percentage")
            .unwrap()
            .parse()
            .unwrap();
        assert!(share > 1.0);
        assert_eq!(
            header(&refused, "retry-after").is_some(),
            present,
            "{wait:?}"
        );
        let body: Value = refused.json().await.unwrap();
        let message = body["error"]["message"].as_str().unwrap();
        let nested: Value = serde_json::from_str(message).unwrap_or_default();
        assert_eq!(nested["RetryAfter"].is_u64(), wait == WaitForm::InMessage);
        let other = client.get("/beta/deviceManagement/roleScopeTags").await;
        assert_eq!(other.status(), StatusCode::OK);

        assert_eq!(
            client.get(POLICIES).await.status(),
            StatusCode::TOO_MANY_REQUESTS
        );
        let traffic = simulator.traffic(TENANT);
        let count = &traffic.services["device_config_v2"];
        assert_eq!((count.requests, count.refused, count.over_limit), (4, 2, 2));
        assert_eq!(
            count.early_retries,
            u64::from(wait != WaitForm::Absent),
            "{wait:?}"
        );
        assert_eq!((traffic.round_trips, traffic.batches), (5, 0));
        assert_eq!(traffic.peak_concurrency, 1);
        simulator.clear_traffic();
        assert_eq!(simulator.traffic(TENANT).total(|one| one.requests), 0);
    }
}

#[tokio::test]
async fn limits_are_counted_when_they_are_not_kept_and_identity_reports_its_units() {
    let (simulator, client) = start(SimulatorOptions::default()).await;
    for _ in 0..2 {
        let path = "/beta/identity/conditionalAccess/policies";
        assert_eq!(client.get(path).await.status(), StatusCode::OK);
    }
    let over = simulator.traffic(TENANT).services["conditional_access"].over_limit;
    assert_eq!(over, 1);
    let groups = client.get("/v1.0/groups").await;
    assert_eq!(header(&groups, "x-ms-resource-unit").as_deref(), Some("1"));
}

#[tokio::test]
async fn who_comes_back_before_an_ordered_wait_is_over_is_counted() {
    let (simulator, client) = start(SimulatorOptions::default()).await;
    let retry_after = RetryAfter::Seconds(30);
    simulator.fault(FaultRule::once(
        PathMatch::exact(POLICIES),
        Effect::Throttled { retry_after },
    ));
    client.get(POLICIES).await;
    client.get(POLICIES).await;
    client.get(POLICIES).await;
    let early = simulator.traffic(TENANT).total(|one| one.early_retries);
    assert_eq!(early, 1);
    assert!(simulator.connections() >= 1);
}
