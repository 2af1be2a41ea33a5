//! Lists of which something cannot be read, or whose end is not known.

use atlas_domain::failure::{FailureCode, RowDefect};
use atlas_domain::inventory::TypeStatus;
use atlas_domain::run::Outcome;
use atlas_graph_sim::{Effect, FaultRule, PathMatch};
use serde_json::{Value, json};

use crate::installation::Installation;

fn answer(path: &str, rows: &Value) -> FaultRule {
    let effect = Effect::Answer {
        status: 200,
        body: json!({ "value": rows }).to_string(),
    };
    FaultRule::always(PathMatch::exact(path), effect)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_cannot_be_read_holds_back_its_own_type_and_no_other_of_its_list() {
    let installation = Installation::of_size(600).await;
    let (tenant, member) = installation.tenant().await;
    let worker = installation.worker();
    let types = r#"{"policy_types": ["settingsCatalogPolicy", "endpointSecurityFirewall"],
        "include_foundations": false, "include_dependencies": false}"#;
    let first = installation.press(tenant, &member, types).await;
    assert_eq!(
        installation.ended(&member, first).await.0,
        Outcome::Succeeded
    );
    let before = installation.items(tenant).await;
    let of = |key: &'static str| before.iter().filter(move |item| item.0 == key);
    let (policies, firewalls) = (
        of("settingsCatalogPolicy").count(),
        of("endpointSecurityFirewall").count(),
    );
    assert!(policies > 1 && firewalls > 1, "{policies} and {firewalls}");
    let kept = &of("settingsCatalogPolicy").next().unwrap().1;

    let family = json!({"templateFamily": "endpointSecurityFirewall"});
    let rows =
        json!([{"id": kept, "name": "kept"}, {"name": "no id", "templateReference": family}]);
    let path = "/beta/deviceManagement/configurationPolicies";
    installation.simulator.fault(answer(path, &rows));
    let second = installation.press(tenant, &member, types).await;
    let (outcome, counts) = installation.ended(&member, second).await;
    assert_eq!(outcome, Outcome::PartiallySucceeded);
    assert_eq!(counts.items_missing, policies as u64 - 1);
    let results = installation.results(&member, second).await;
    assert_eq!(
        results["settingsCatalogPolicy"].status,
        TypeStatus::Succeeded
    );
    let firewall = &results["endpointSecurityFirewall"];
    assert_eq!(
        (firewall.status, firewall.missing),
        (TypeStatus::Incomplete, 0)
    );
    let error = firewall.error.as_ref().unwrap();
    assert_eq!(error.code, FailureCode::ROWS_UNREADABLE);
    let rows = error.rows.as_ref().unwrap();
    assert_eq!(rows.count, 1);
    assert_eq!(
        (rows.first[0].position, rows.first[0].defect),
        (Some(2), RowDefect::NoId)
    );

    // A row that may be of either type holds both back.
    installation.simulator.clear_faults();
    installation.simulator.fault(answer(path, &json!([null])));
    let third = installation.press(tenant, &member, types).await;
    assert_eq!(installation.ended(&member, third).await.1.items_missing, 0);
    for result in installation.results(&member, third).await.values() {
        assert_eq!(result.status, TypeStatus::Incomplete);
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_whose_end_is_not_known_marks_nothing_missing_and_says_so() {
    let installation = Installation::build().await;
    let (tenant, member) = installation.tenant().await;
    let worker = installation.worker();
    let types = r#"{"policy_types": ["windowsFeatureUpdateProfile"],
        "include_foundations": false, "include_dependencies": false}"#;
    let path = "/beta/deviceManagement/windowsFeatureUpdateProfiles";
    let rows = |ids: std::ops::Range<u32>| {
        let row = |id| json!({"id": format!("p{id}"), "displayName": "n", "assignments": []});
        Value::Array(ids.map(row).collect())
    };
    installation.simulator.fault(answer(path, &rows(0..250)));
    let first = installation.press(tenant, &member, types).await;
    assert_eq!(
        installation.ended(&member, first).await.0,
        Outcome::Succeeded
    );

    installation.simulator.clear_faults();
    installation.simulator.fault(answer(path, &rows(0..200)));
    let second = installation.press(tenant, &member, types).await;
    let (outcome, counts) = installation.ended(&member, second).await;
    assert_eq!(outcome, Outcome::PartiallySucceeded);
    assert_eq!(counts.items_missing, 0);
    let result = &installation.results(&member, second).await["windowsFeatureUpdateProfile"];
    assert_eq!(result.status, TypeStatus::Incomplete);
    let error = result.error.as_ref().unwrap();
    assert_eq!(error.code, FailureCode::LIST_MAY_BE_CUT);
    assert_eq!(installation.items(tenant).await.len(), 250);
    worker.stop().await;
}
