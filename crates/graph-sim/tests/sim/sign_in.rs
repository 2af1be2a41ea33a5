use std::time::Duration;

use atlas_graph_sim::{Effect, FaultRule, PathMatch, SignInRefusal, Simulator, SimulatorOptions};
use reqwest::StatusCode;
use serde_json::Value;

use crate::client::{Client, GOOD_FORM, OTHER_TENANT, POLICIES, TENANT, ask_for_token, start};

#[tokio::test]
async fn wrong_credentials_are_answered_with_the_documented_errors() {
    let simulator = Simulator::start(SimulatorOptions {
        tenants: vec![TENANT.to_ascii_uppercase()],
        any_tenant: false,
        ..SimulatorOptions::default()
    })
    .await;
    let base = simulator.base_url();
    let with = |name: &str, value: &'static str| {
        let mut form = GOOD_FORM;
        form.iter_mut().find(|pair| pair.0 == name).unwrap().1 = value;
        form
    };
    for (tenant, form, status, error, number) in [
        (
            TENANT,
            with("client_secret", "wrong"),
            401,
            "invalid_client",
            7_000_215,
        ),
        (
            TENANT,
            with("client_id", "00000000-0000-4000-8000-000000000bad"),
            400,
            "unauthorized_client",
            700_016,
        ),
        (OTHER_TENANT, GOOD_FORM, 400, "invalid_request", 90_002),
        (
            TENANT,
            with("scope", "Group.Read.All"),
            400,
            "invalid_scope",
            70_011,
        ),
        (
            TENANT,
            with("grant_type", "password"),
            400,
            "unsupported_grant_type",
            70_003,
        ),
        (
            TENANT,
            with("client_secret", ""),
            400,
            "invalid_request",
            900_144,
        ),
    ] {
        let answer = ask_for_token(base, tenant, &form).await;
        assert_eq!(answer.status().as_u16(), status, "{error}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["error"], error);
        assert_eq!(body["error_codes"][0], number);
        let description = body["error_description"].as_str().unwrap();
        assert!(description.starts_with(&format!("AADSTS{number}: ")));
        assert!(body["correlation_id"].is_string() && body["trace_id"].is_string());
    }
    assert_eq!(simulator.issued_tokens(TENANT), 0);
    assert_eq!(
        ask_for_token(base, TENANT, &GOOD_FORM).await.status(),
        StatusCode::OK
    );
    assert_eq!(simulator.issued_tokens(TENANT), 1);
}

#[tokio::test]
async fn refusals_can_be_ordered() {
    let simulator = Simulator::start(SimulatorOptions::default()).await;
    for (refusal, status, number) in [
        (SignInRefusal::SecretExpired, 401, 7_000_222),
        (SignInRefusal::ConsentMissing, 400, 65_001),
        (SignInRefusal::Busy, 503, 90_033),
    ] {
        let path = PathMatch::token_endpoint();
        simulator.fault(FaultRule::once(path, Effect::SignIn { refusal }));
        let answer = ask_for_token(simulator.base_url(), TENANT, &GOOD_FORM).await;
        assert_eq!(answer.status().as_u16(), status);
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["error_codes"][0], number);
    }
    Client::sign_in(simulator.base_url(), TENANT).await;
}

async fn is_unauthorized(client: &Client) -> bool {
    let answer = client.get(POLICIES).await;
    if answer.status() != StatusCode::UNAUTHORIZED {
        return false;
    }
    let challenge = answer.headers()["www-authenticate"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(challenge.starts_with("Bearer "));
    let body: Value = answer.json().await.unwrap();
    body["error"]["code"] == "InvalidAuthenticationToken"
}

#[tokio::test]
async fn tokens_that_are_invented_revoked_or_expired_are_refused() {
    let (simulator, client) = start(SimulatorOptions::default()).await;
    assert!(!is_unauthorized(&client).await);
    let invented = Client {
        http: reqwest::Client::new(),
        base: client.base.clone(),
        token: "sim-00".to_owned(),
    };
    assert!(is_unauthorized(&invented).await);
    let other = Client::sign_in(simulator.base_url(), OTHER_TENANT).await;
    simulator.revoke_tokens(TENANT);
    assert!(is_unauthorized(&client).await);
    assert!(
        !is_unauthorized(&other).await,
        "another tenant's token stays good"
    );
    simulator.set_token_lifetime(Duration::ZERO);
    let late = Client::sign_in(simulator.base_url(), TENANT).await;
    assert!(is_unauthorized(&late).await);
}
