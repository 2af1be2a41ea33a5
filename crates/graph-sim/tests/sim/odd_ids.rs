use std::collections::BTreeSet;

use atlas_graph_sim::{SimulatorOptions, TenantMode};
use reqwest::StatusCode;

use crate::client::{OTHER_TENANT, TENANT, lists_with_assignments, segment, start};

const INTENTS: &str = "/beta/deviceManagement/intents";
const TOKENS: &str = "/beta/deviceManagement/depOnboardingSettings";

#[tokio::test]
async fn a_tenant_with_odd_ids_is_read_completely_by_who_escapes_them() {
    let (simulator, client) = start(SimulatorOptions {
        size: 1_000,
        ..SimulatorOptions::default()
    })
    .await;
    let before = simulator.answer_key(TENANT);
    simulator.set_modes(TENANT, [TenantMode::OddIds]);
    let key = simulator.answer_key(TENANT);
    let expandable = lists_with_assignments(&key);
    let inventory = client.inventory(&|key| expandable(key)).await;
    assert_eq!(inventory, key);

    let odd: BTreeSet<char> = key
        .values()
        .flatten()
        .flat_map(|item| item.id.chars())
        .filter(|one| !one.is_ascii_alphanumeric() && !"-_".contains(*one))
        .collect();
    assert_eq!(odd, BTreeSet::from(['+', '/', '=', '\'', ' ']));
    assert_eq!(before["assignmentFilter"], key["assignmentFilter"]);
    let sizes =
        |key: &atlas_graph_sim::AnswerKey| -> Vec<usize> { key.values().map(Vec::len).collect() };
    assert_eq!(sizes(&before), sizes(&key));
    assert_eq!(
        simulator.answer_key(OTHER_TENANT)["endpointSecurityIntent"].len(),
        key["endpointSecurityIntent"].len(),
        "other tenants are spared"
    );
}

#[tokio::test]
async fn what_stands_under_an_odd_id_is_found_at_its_escaped_path_only() {
    let (simulator, client) = start(SimulatorOptions::default()).await;
    simulator.set_modes(TENANT, [TenantMode::OddIds]);
    let mut assignments = 0;
    for row in client.rows(INTENTS).await {
        let id = row["id"].as_str().unwrap();
        let path = format!("{INTENTS}/{}", segment(id));
        assert_eq!(client.json(&path).await["id"], id);
        assignments += client.rows(&format!("{path}/assignments")).await.len();
        let quoted = id.replace('\'', "''");
        let key = format!("{INTENTS}('{}')", segment(&quoted));
        assert_eq!(client.json(&key).await["id"], id);
        if id.contains('/') {
            let as_it_is = client.get(&format!("{INTENTS}/{id}")).await;
            assert_ne!(as_it_is.status(), StatusCode::OK, "{id}");
        }
    }
    assert!(assignments > 0);
    let key = simulator.answer_key(TENANT);
    let mut children = Vec::new();
    for token in &key["depOnboardingSetting"] {
        let path = format!("{TOKENS}/{}/enrollmentProfiles", segment(&token.id));
        let rows = client.rows(&path).await;
        let ids = rows
            .iter()
            .map(|row| row["id"].as_str().unwrap().to_owned());
        children.extend(ids.inspect(|id| assert!(id.starts_with(&token.id))));
    }
    children.sort();
    let expected = key["depEnrollmentProfile"].iter().map(|one| one.id.clone());
    assert_eq!(children, expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn links_lead_to_odd_ids() {
    let (simulator, _client) = start(SimulatorOptions {
        size: 1_000,
        ..SimulatorOptions::default()
    })
    .await;
    let before = simulator.answer_links(TENANT).len();
    simulator.set_modes(TENANT, [TenantMode::OddIds]);
    let links = simulator.answer_links(TENANT);
    assert_eq!(links.len(), before);
    let odd = links
        .iter()
        .filter(|link| link.target_id.contains('=') || link.target_id.contains('\''));
    assert!(odd.clone().count() > 20, "{}", odd.count());
    assert!(odd.clone().all(|link| link.dangling == Some(false)));
}
