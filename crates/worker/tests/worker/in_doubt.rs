//! What is not concluded from rows in doubt.

use atlas_domain::inventory::TypeStatus;
use atlas_domain::run::Outcome;
use atlas_graph_sim::{Effect, FaultRule, PathMatch};
use serde_json::{Value, json};

use crate::installation::Installation;

const FILTERS: &str = "/beta/deviceManagement/assignmentFilters";
const CONFIGURATIONS: &str = "/beta/deviceManagement/deviceConfigurations";

fn answer(installation: &Installation, path: &str, body: &str) {
    let body = body.to_owned();
    let effect = Effect::Answer { status: 200, body };
    installation
        .simulator
        .fault(FaultRule::always(PathMatch::exact(path), effect));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_to_a_row_in_doubt_is_not_found_to_dangle() {
    let installation = Installation::build().await;
    let (tenant, member) = installation.tenant().await;
    let worker = installation.worker();
    let types = r#"{"policy_types": ["deviceConfiguration"]}"#;
    let row = |id: &str, filter: &str| -> Value {
        json!({"@odata.type": "#microsoft.graph.windows10GeneralConfiguration", "id": id,
            "displayName": "n", "assignments": [{"id": "x", "target": {
                "@odata.type": "#microsoft.graph.allDevicesAssignmentTarget",
                "deviceAndAppManagementAssignmentFilterId": filter,
                "deviceAndAppManagementAssignmentFilterType": "include"}}]})
    };
    let page = |rows: &[Value]| json!({ "value": rows }).to_string();
    let one = r#"{"value": [{"id": "f1", "displayName": "one"}]}"#;
    answer(&installation, FILTERS, one);
    answer(&installation, CONFIGURATIONS, &page(&[row("c1", "f1")]));
    let first = installation.press(tenant, &member, types).await;
    assert_eq!(
        installation.ended(&member, first).await.0,
        Outcome::Succeeded
    );

    let dangling = "SELECT count(*) FROM inventory_links l JOIN operation_runs r \
        ON r.tenant_id = l.tenant_id WHERE r.id = $1::text::uuid AND l.target_id = 'f2' \
        AND l.dangling";
    for (damaged, expected) in [(true, 0), (false, 1)] {
        installation.simulator.clear_faults();
        let filters = if damaged {
            r#"{"value": [{"id": "f1", "displayName": "one"}, {"id": "f2", "n": NaN}]}"#
        } else {
            one
        };
        answer(&installation, FILTERS, filters);
        answer(
            &installation,
            CONFIGURATIONS,
            &page(&[row("c1", "f1"), row("c2", "f2")]),
        );
        let run = installation.press(tenant, &member, types).await;
        installation.ended(&member, run).await;
        assert_eq!(
            installation.count(dangling, run).await,
            expected,
            "{damaged}"
        );
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_says_nothing_holds_back_every_type_of_its_list() {
    let installation = Installation::build().await;
    let (tenant, member) = installation.tenant().await;
    let worker = installation.worker();
    let types = r#"{"policy_types": ["deviceConfiguration", "windowsUpdateRing"],
        "include_foundations": false, "include_dependencies": false}"#;
    let ring = |id: &str| {
        json!({"@odata.type": "#microsoft.graph.windowsUpdateForBusinessConfiguration", "id": id,
            "displayName": "n", "assignments": []})
    };
    let page = |rows: &[Value]| json!({ "value": rows }).to_string();
    answer(
        &installation,
        CONFIGURATIONS,
        &page(&[ring("r1"), ring("r2")]),
    );
    let first = installation.press(tenant, &member, types).await;
    assert_eq!(
        installation.ended(&member, first).await.0,
        Outcome::Succeeded
    );
    installation.simulator.clear_faults();
    answer(
        &installation,
        CONFIGURATIONS,
        &page(&[ring("r1"), json!({})]),
    );
    let second = installation.press(tenant, &member, types).await;
    installation.ended(&member, second).await;
    let results = installation.results(&member, second).await;
    worker.stop().await;
    for key in ["deviceConfiguration", "windowsUpdateRing"] {
        let result = &results[key];
        assert_eq!(
            (result.status, result.missing),
            (TypeStatus::Incomplete, 0),
            "{key}"
        );
    }
}
