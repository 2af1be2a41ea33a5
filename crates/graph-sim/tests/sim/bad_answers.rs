//! Answers that say 200 and are none, refusals of one endpoint, and lists that end too early or
//! never.

use std::collections::BTreeSet;

use atlas_graph_sim::{Effect, FaultRule, PathMatch, Simulator, SimulatorOptions};
use reqwest::StatusCode;
use serde_json::Value;

use crate::client::{Client, GOOD_FORM, POLICIES, TENANT, ask_for_token, start};

const AUTHORIZATION: &str = "/v1.0/policies/authorizationPolicy";
const DELTA: &str = "/v1.0/groups/delta";

async fn always(path: &str, effect: Effect) -> (Simulator, Client) {
    let (simulator, client) = start(SimulatorOptions {
        max_page_size: Some(10),
        ..SimulatorOptions::default()
    })
    .await;
    simulator.fault(FaultRule::always(PathMatch::exact(path), effect));
    (simulator, client)
}

fn members(body: &Value) -> BTreeSet<&str> {
    let members = body.as_object().unwrap().keys();
    members.map(String::as_str).collect()
}

fn count(page: &Value) -> usize {
    page["value"].as_array().unwrap().len()
}

#[tokio::test]
async fn an_error_comes_with_status_200_in_the_place_of_a_body() {
    for path in [POLICIES, AUTHORIZATION, DELTA] {
        let (_simulator, client) = always(path, Effect::ErrorWithOk).await;
        let body = client.json(path).await;
        assert_eq!(members(&body), BTreeSet::from(["error"]), "{path}");
        assert_eq!(body["error"]["code"], "UnknownError");
    }
}

#[tokio::test]
async fn an_error_comes_beside_the_first_rows() {
    for (path, rows) in [(POLICIES, 0), (POLICIES, 3), (DELTA, 2)] {
        let (_simulator, client) = always(path, Effect::InStreamError { rows }).await;
        let body = client.json(path).await;
        assert_eq!(count(&body), rows);
        assert_eq!(body["error"]["code"], "UnknownError");
        assert!(!members(&body).iter().any(|name| name.ends_with("Link")));
    }
    let (_simulator, client) = always(AUTHORIZATION, Effect::InStreamError { rows: 0 }).await;
    let body = client.json(AUTHORIZATION).await;
    assert!(members(&body).is_superset(&BTreeSet::from(["error", "id"])));
}

#[tokio::test]
async fn one_endpoint_refuses_a_token_that_is_good() {
    let (_simulator, client) = always(POLICIES, Effect::RefusedByService).await;
    let answer = client.get(POLICIES).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error"]["code"], "Forbidden");
    let message = body["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("{\r\n"), "{message}");
    let message: Value = serde_json::from_str(message).unwrap();
    let headers: Value = serde_json::from_str(message["HttpHeaders"].as_str().unwrap()).unwrap();
    let challenge = headers["WWW-Authenticate"].as_str().unwrap();
    assert!(challenge.contains("urn:intune:service"), "{challenge}");
    assert_eq!(client.get(AUTHORIZATION).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_list_ends_with_a_full_page_although_there_is_more() {
    let cut = Effect::CutList { rows: None };
    let (_simulator, client) = always(POLICIES, cut).await;
    let first = client.pages(&format!("{POLICIES}?$top=12")).await;
    assert_eq!(first.iter().map(count).collect::<Vec<_>>(), [12]);

    let (_simulator, client) = always(POLICIES, Effect::CutList { rows: Some(8) }).await;
    let first = client.pages(&format!("{POLICIES}?$top=1000")).await;
    assert_eq!(first.iter().map(count).collect::<Vec<_>>(), [8]);
    let all = client.pages(&format!("{POLICIES}?$top=5")).await;
    assert!(
        all.iter().map(count).sum::<usize>() > 8,
        "smaller pages go on"
    );
}

#[tokio::test]
async fn links_lead_to_the_same_rows_for_ever() {
    for path in [POLICIES, DELTA] {
        let (simulator, client) = always(path, Effect::Endless).await;
        let (mut at, mut links, mut ids) = (path.to_owned(), BTreeSet::new(), BTreeSet::new());
        for _ in 0..5 {
            let page = client.json(&at).await;
            assert!(count(&page) > 1);
            for row in page["value"].as_array().unwrap() {
                ids.insert(row["id"].as_str().unwrap().to_owned());
            }
            let link = page["@odata.nextLink"].as_str().unwrap();
            at = link.strip_prefix(&client.base).unwrap().to_owned();
            assert!(links.insert(at.clone()), "{at} is not new");
        }
        assert!(ids.len() <= 10, "{path}: {} ids", ids.len());
        simulator.clear_faults();
        assert!(!client.pages(&at).await.is_empty(), "then it goes on");
    }
}

#[tokio::test]
async fn an_empty_link_ends_a_list() {
    let (_simulator, client) = always(POLICIES, Effect::EmptyNextLink).await;
    let first = client.json(POLICIES).await;
    assert!(
        first["@odata.nextLink"]
            .as_str()
            .unwrap()
            .starts_with("http")
    );
    let last = client.json(&format!("{AUTHORIZATION}?$select=id")).await;
    assert!(
        last.get("@odata.nextLink").is_none(),
        "an object has no links"
    );
    let (_simulator, client) = always("/v1.0/organization", Effect::EmptyNextLink).await;
    let only = client.json("/v1.0/organization").await;
    assert_eq!(only["@odata.nextLink"], "");
}

#[tokio::test]
async fn a_link_is_too_old_once() {
    let (simulator, client) = start(SimulatorOptions {
        max_page_size: Some(10),
        ..SimulatorOptions::default()
    })
    .await;
    let rule = FaultRule::once(PathMatch::exact(POLICIES), Effect::PageTokenExpired);
    simulator.fault(rule.nth(2));
    let first = client.json(POLICIES).await;
    let link = first["@odata.nextLink"].as_str().unwrap();
    let link = link.strip_prefix(&client.base).unwrap();
    let refused = client.get(link).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let refused: Value = refused.json().await.unwrap();
    assert_eq!(refused["error"]["code"], "Directory_ExpiredPageToken");
    assert_eq!(client.get(link).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_byte_order_mark_stands_before_the_body() {
    let (_simulator, client) = always(POLICIES, Effect::ByteOrderMark).await;
    let bytes = client.get(POLICIES).await.bytes().await.unwrap();
    let rest = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap();
    assert!(serde_json::from_slice::<Value>(rest).is_ok());
}

#[tokio::test]
async fn an_object_comes_without_its_id_and_a_list_with_all_of_them() {
    let (_simulator, client) = always(AUTHORIZATION, Effect::ObjectWithoutId).await;
    let body = client.json(AUTHORIZATION).await;
    assert!(body.get("id").is_none() && body.as_object().unwrap().len() > 2);
    let (_simulator, client) = always(POLICIES, Effect::ObjectWithoutId).await;
    let rows = client.json(POLICIES).await;
    assert!(
        rows["value"]
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row["id"].is_string())
    );
}

#[tokio::test]
async fn a_token_endpoint_gives_the_lifetime_as_text() {
    let path = format!("/{TENANT}/oauth2/v2.0/token");
    let (simulator, _client) = always(&path, Effect::LifetimeAsText).await;
    let answer = ask_for_token(simulator.base_url(), TENANT, &GOOD_FORM).await;
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["expires_in"], "3599");
    assert!(body["access_token"].is_string());
}
