use std::collections::BTreeSet;

use atlas_graph_sim::{Collection, Kind, SimulatorOptions, collections};
use reqwest::StatusCode;
use serde_json::Value;

use crate::client::{OTHER_TENANT, POLICIES, TENANT, lists_with_assignments, start};

/// Policy types that only users can read. Each has one object.
fn delegated_only() -> impl Iterator<Item = &'static str> {
    let collections = collections().iter();
    let only = collections.filter(|one| one.kind() == Kind::DelegatedOnly);
    only.flat_map(Collection::keys)
}

#[tokio::test]
async fn a_client_that_reads_everything_ends_with_the_answer_key() {
    let options = SimulatorOptions {
        size: 900,
        max_page_size: Some(7),
        ..SimulatorOptions::default()
    };
    let (simulator, client) = start(options).await;
    let answer = simulator.answer_key(TENANT);
    let keys: BTreeSet<_> = collections().iter().flat_map(Collection::keys).collect();
    assert!(answer.keys().map(String::as_str).eq(keys));
    let inventory = client.inventory(&lists_with_assignments(&answer)).await;
    for (key, items) in &answer {
        assert_eq!(inventory.get(key), Some(items), "{key}");
    }
    let unread: Vec<_> = delegated_only().collect();
    for (key, items) in &answer {
        assert_eq!(items.is_empty(), unread.contains(&key.as_str()), "{key}");
    }
}

#[tokio::test]
async fn two_simulators_with_the_same_seed_agree_and_others_do_not() {
    let (first, reader) = start(SimulatorOptions::default()).await;
    let (second, other_reader) = start(SimulatorOptions::default()).await;
    let (different, _) = start(SimulatorOptions {
        seed: 2,
        ..SimulatorOptions::default()
    })
    .await;
    assert_eq!(first.answer_key(TENANT), second.answer_key(TENANT));
    assert_ne!(first.answer_key(TENANT), different.answer_key(TENANT));
    assert_ne!(first.answer_key(TENANT), first.answer_key(OTHER_TENANT));
    for collection in collections() {
        if !matches!(collection.kind(), Kind::List | Kind::Singleton) {
            continue;
        }
        let path = format!("/{}{}", collection.version(), collection.path());
        let one = reader.json(&path).await;
        let other = other_reader.json(&path).await;
        assert_eq!(one["value"], other["value"], "{path}");
    }
}

#[tokio::test]
async fn a_hundred_thousand_objects_are_there_at_once() {
    let (simulator, client) = start(SimulatorOptions {
        size: 100_000,
        ..SimulatorOptions::default()
    })
    .await;
    let page = client
        .json("/beta/deviceAppManagement/mobileApps?$expand=assignments&$top=999")
        .await;
    assert_eq!(page["value"].as_array().unwrap().len(), 999);
    let objects: usize = simulator.answer_key(TENANT).values().map(Vec::len).sum();
    assert_eq!(
        objects,
        100_000 - delegated_only().count(),
        "all but those that only users can read"
    );
}

#[tokio::test]
async fn assignments_are_given_only_where_they_are_asked_for() {
    let (simulator, client) = start(SimulatorOptions::default()).await;
    let answer = simulator.answer_key(TENANT);
    let assigned = answer["settingsCatalogPolicy"]
        .iter()
        .find(|item| item.assignment_count > Some(1))
        .unwrap();
    let id = &assigned.id;
    let plain = client.json(&format!("{POLICIES}/{id}")).await;
    assert_eq!(plain.get("assignments"), None);
    let expanded = client
        .json(&format!("{POLICIES}/{id}?$expand=assignments"))
        .await;
    let apart = client.rows(&format!("{POLICIES}/{id}/assignments")).await;
    assert_eq!(Some(apart.len()), assigned.assignment_count);
    assert_eq!(expanded["assignments"], Value::from(apart));
    for page in client.pages(POLICIES).await {
        for row in page["value"].as_array().unwrap() {
            assert_eq!(row.get("assignments"), None);
        }
    }
}

#[tokio::test]
async fn lists_that_cannot_expand_assignments_say_so() {
    let (_simulator, client) = start(SimulatorOptions::default()).await;
    for path in [
        "/beta/deviceManagement/intents",
        "/beta/deviceAppManagement/policySets",
        "/v1.0/groups",
    ] {
        let answer = client.get(&format!("{path}?$expand=assignments")).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{path}");
    }
    let sets = client.rows("/beta/deviceAppManagement/policySets").await;
    let id = sets[0]["id"].as_str().unwrap();
    let path = format!("/beta/deviceAppManagement/policySets/{id}");
    let answer = client.get(&format!("{path}/assignments")).await;
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error"]["code"], "No method match route template");
    let expanded = client.json(&format!("{path}?$expand=assignments")).await;
    assert!(expanded["assignments"].is_array());
}

#[tokio::test]
async fn targets_are_of_every_documented_kind() {
    let (_simulator, client) = start(SimulatorOptions {
        size: 2_000,
        ..SimulatorOptions::default()
    })
    .await;
    let rows = client
        .rows("/beta/deviceManagement/deviceConfigurations?$expand=assignments")
        .await;
    let text = Value::from(rows).to_string();
    for expected in [
        "\"#microsoft.graph.groupAssignmentTarget\"",
        "\"#microsoft.graph.exclusionGroupAssignmentTarget\"",
        "\"#microsoft.graph.allDevicesAssignmentTarget\"",
        "\"#microsoft.graph.allLicensedUsersAssignmentTarget\"",
        "\"deviceAndAppManagementAssignmentFilterType\":\"include\"",
        "\"preSharedKey\":\"psk-",
        "\"description\":null",
    ] {
        assert!(text.contains(expected), "{expected}");
    }
    assert!(!text.is_ascii(), "names are written in several scripts");
}

#[tokio::test]
async fn types_are_named_on_polymorphic_lists_only() {
    let (_simulator, client) = start(SimulatorOptions::default()).await;
    let typed = client.rows("/beta/deviceAppManagement/mobileApps").await;
    assert!(typed.iter().all(|row| row["@odata.type"].is_string()));
    let untyped = client.rows(POLICIES).await;
    assert!(untyped.iter().all(|row| row.get("@odata.type").is_none()));
}

#[tokio::test]
async fn new_template_families_are_hidden_from_who_does_not_ask_for_them() {
    let (_simulator, client) = start(SimulatorOptions::default()).await;
    let url = format!("{}{POLICIES}?$top=1000", client.base);
    let families = |page: Value| -> Vec<String> {
        let rows = page["value"].as_array().unwrap().iter();
        rows.map(|row| row["templateReference"]["templateFamily"].to_string())
            .collect()
    };
    let asked = client.request(&url).send().await.unwrap();
    let plain = client.http.get(&url).bearer_auth(&client.token);
    let asked = families(asked.json().await.unwrap());
    let plain = families(plain.send().await.unwrap().json().await.unwrap());
    let known = "\"deviceConfigurationScripts\"".to_owned();
    let hidden = "\"unknownFutureValue\"".to_owned();
    assert!(asked.contains(&known) && !asked.contains(&hidden));
    assert!(!plain.contains(&known) && plain.contains(&hidden));
}

#[tokio::test]
async fn only_users_may_read_two_of_the_types() {
    let (_simulator, client) = start(SimulatorOptions::default()).await;
    for path in [
        "/v1.0/identityGovernance/termsOfUse/agreements",
        "/beta/policies/mobileDeviceManagementPolicies",
    ] {
        assert_eq!(
            client.get(path).await.status(),
            StatusCode::FORBIDDEN,
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_unknown_segment_is_named() {
    let (_simulator, client) = start(SimulatorOptions::default()).await;
    for (path, segment) in [
        ("/beta/deviceManagement/nonsense", "nonsense"),
        ("/beta/nonsense/deeper", "nonsense"),
        // Exists, but under beta only.
        (
            "/v1.0/deviceManagement/configurationPolicies",
            "configurationPolicies",
        ),
    ] {
        let answer = client.get(path).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        let body: Value = answer.json().await.unwrap();
        let message = body["error"]["message"].as_str().unwrap();
        assert_eq!(
            message,
            format!("Resource not found for the segment '{segment}'.")
        );
    }
}

#[tokio::test]
async fn scripts_show_their_bodies_on_the_item_only() {
    let (_simulator, client) = start(SimulatorOptions::default()).await;
    let path = "/beta/deviceManagement/deviceHealthScripts";
    let rows = client.rows(path).await;
    assert!(rows.iter().all(|row| row["detectionScriptContent"] == ""));
    let id = rows[0]["id"].as_str().unwrap();
    let item = client.json(&format!("{path}/{id}")).await;
    assert!(item["detectionScriptContent"].as_str().unwrap().len() > 20);
}

#[tokio::test]
async fn urls_of_proxies_hold_names_and_passwords_in_members_and_in_notes() {
    let (_simulator, client) = start(SimulatorOptions {
        size: 2_000,
        ..SimulatorOptions::default()
    })
    .await;
    for (path, before, after) in [
        (
            "/beta/deviceManagement/deviceConfigurations",
            "\"proxyAutomaticConfigurationUrl\":\"http://svc-proxy:purl-",
            "@proxy.example.com/proxy.pac\"",
        ),
        (
            "/beta/deviceAppManagement/mobileApps",
            "\"notes\":\"Downloads through http://svc-proxy:purl-",
            "@proxy.example.com:8080, see CHG-2041.\"",
        ),
    ] {
        let text = Value::from(client.rows(path).await).to_string();
        let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("{path}"));
        assert_eq!(rest[16..].get(..after.len()), Some(after));
    }
}
