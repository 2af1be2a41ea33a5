use atlas_graph_sim::SimulatorOptions;
use reqwest::StatusCode;
use serde_json::Value;

use crate::client::{Client, OTHER_TENANT, POLICIES, start};

fn big() -> SimulatorOptions {
    SimulatorOptions {
        size: 3_000,
        ..SimulatorOptions::default()
    }
}

#[tokio::test]
async fn page_sizes_are_those_of_each_collection() {
    let (_simulator, client) = start(big()).await;
    for (path, size) in [
        (POLICIES.to_owned(), 25),
        (format!("{POLICIES}?$top=40"), 40),
        (format!("{POLICIES}?$top=5000"), 1_000),
        ("/v1.0/groups".to_owned(), 100),
    ] {
        let page = client.json(&path).await;
        let total = client.rows(&path).await.len();
        assert_eq!(
            page["value"].as_array().unwrap().len(),
            size.min(total),
            "{path}"
        );
    }
}

#[tokio::test]
async fn settings_of_a_policy_come_in_pages_of_25() {
    let (_simulator, client) = start(big()).await;
    let policies = client.rows(POLICIES).await;
    let policy = policies
        .iter()
        .find(|policy| policy["settingCount"].as_u64() > Some(25))
        .unwrap();
    let id = policy["id"].as_str().unwrap();
    let pages = client.pages(&format!("{POLICIES}/{id}/settings")).await;
    assert_eq!(pages[0]["value"].as_array().unwrap().len(), 25);
    let rows: usize = pages
        .iter()
        .map(|page| page["value"].as_array().unwrap().len())
        .sum();
    assert_eq!(Some(rows as u64), policy["settingCount"].as_u64());
}

#[tokio::test]
async fn links_are_absolute_double_encoded_and_count_their_page() {
    let (_simulator, client) = start(big()).await;
    let page = client
        .json(&format!("{POLICIES}?$expand=assignments"))
        .await;
    let link = page["@odata.nextLink"].as_str().unwrap();
    assert!(link.starts_with(&format!("{}{POLICIES}?$expand=assignments&", client.base)));
    assert!(link.contains("$skiptoken=%255Bcosmosdb%255D%255B"));
    assert_eq!(page["@odata.count"], 25, "of the page, not of the list");
}

#[tokio::test]
async fn a_link_that_comes_back_in_another_form_is_refused() {
    let (simulator, client) = start(big()).await;
    let page = client
        .json(&format!("{POLICIES}?$expand=assignments"))
        .await;
    let link = page["@odata.nextLink"].as_str().unwrap();
    let tampered = [
        link.replace("%25", "%"),
        link.replace("%255B", "%255b"),
        link.replace("offset%2522%253A25", "offset%2522%253A26"),
        link.replace("$expand=assignments", "%24expand=assignments"),
        link.replace("$expand=assignments&", ""),
        format!("{link}0"),
        link.replace("configurationPolicies?", "configurationPolicyTemplates?")
            .replace("$expand=assignments&", ""),
    ];
    for url in &tampered {
        assert_ne!(url, link);
        let answer = client.request(url).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{url}");
    }
    let stranger = Client::sign_in(simulator.base_url(), OTHER_TENANT).await;
    let answer = stranger.request(link).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    let answer = client.request(link).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "unchanged");
}

#[tokio::test]
async fn conditional_access_with_a_top_ends_without_a_link() {
    let (_simulator, client) = start(big()).await;
    let path = "/beta/identity/conditionalAccess/policies";
    let all = client.rows(path).await;
    assert!(all.len() > 2);
    let cut = client.json(&format!("{path}?$top=2")).await;
    assert_eq!(cut["value"].as_array().unwrap().len(), 2);
    assert_eq!(cut.get("@odata.nextLink"), None);
}

#[tokio::test]
async fn filters_select_and_search_narrow_a_list() {
    let (_simulator, client) = start(big()).await;
    let all = client.rows(POLICIES).await;
    let filter = "$filter=templateReference/templateFamily%20eq%20'baseline'";
    let baselines = client.rows(&format!("{POLICIES}?{filter}")).await;
    let expected: Vec<&Value> = all
        .iter()
        .filter(|row| row["templateReference"]["templateFamily"] == "baseline")
        .collect();
    assert!(!expected.is_empty());
    assert_eq!(baselines.iter().collect::<Vec<_>>(), expected);

    let page = client
        .json("/v1.0/groups?$select=id,displayName&$top=1")
        .await;
    let members = page["value"][0].as_object().unwrap();
    assert_eq!(members.keys().collect::<Vec<_>>(), ["id", "displayName"]);

    let roles = "/beta/deviceManagement/roleDefinitions";
    let own = client
        .rows(&format!("{roles}?$filter=isBuiltIn%20eq%20false"))
        .await;
    assert!(own.len() < client.rows(roles).await.len());

    let search = "/v1.0/groups?$search=%22displayName:pilot%22";
    assert_eq!(client.get(search).await.status(), StatusCode::BAD_REQUEST);
    let url = format!("{}{search}", client.base);
    let found = client.request(&url).header("ConsistencyLevel", "eventual");
    let found: Value = found.send().await.unwrap().json().await.unwrap();
    let found = found["value"].as_array().unwrap();
    assert!(!found.is_empty());
    for group in found {
        assert!(group["displayName"].as_str().unwrap().contains("Pilot"));
    }
}

#[tokio::test]
async fn options_that_are_not_known_are_refused() {
    let (_simulator, client) = start(big()).await;
    for query in [
        "$top=0",
        "$top=x",
        "$skip=5",
        "$orderby=name",
        "$expand=nonsense",
        "$filter=name%20has%203",
        "$skiptoken=abc",
    ] {
        let answer = client.get(&format!("{POLICIES}?{query}")).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{query}");
    }
}
