use atlas_graph_sim::{SimulatorOptions, TenantMode};
use reqwest::StatusCode;
use serde_json::Value;

use crate::client::{Client, GOOD_FORM, OTHER_TENANT, POLICIES, TENANT, ask_for_token, start};

const ACCESS: &str = "/beta/identity/conditionalAccess/policies";
const CLOUD_PCS: &str = "/beta/deviceManagement/virtualEndpoint/provisioningPolicies";
const SCRIPTS: &str = "/beta/deviceManagement/deviceManagementScripts";

#[tokio::test]
async fn a_tenant_lacks_what_its_modes_say_and_the_others_do_not() {
    let (simulator, client) = start(SimulatorOptions::default()).await;
    let other = Client::sign_in(simulator.base_url(), OTHER_TENANT).await;
    let without = TenantMode::Without("DeviceManagementConfiguration.Read.All".to_owned());
    for (mode, path, status, said) in [
        (
            TenantMode::NoIntune,
            POLICIES,
            400,
            "Request not applicable to target tenant.",
        ),
        (TenantMode::NoCloudPc, CLOUD_PCS, 403, "not licensed"),
        (TenantMode::NoConditionalAccess, ACCESS, 403, "not licensed"),
        (
            TenantMode::NoScripts,
            SCRIPTS,
            403,
            "DeviceManagementScripts.Read.All",
        ),
        (
            without,
            POLICIES,
            403,
            "DeviceManagementConfiguration.Read.All",
        ),
    ] {
        simulator.set_modes(TENANT, [mode.clone()]);
        let answer = client.get(path).await;
        assert_eq!(answer.status().as_u16(), status, "{mode:?}");
        let body: Value = answer.json().await.unwrap();
        assert!(
            body["error"]["message"].as_str().unwrap().contains(said),
            "{mode:?}"
        );
        assert_eq!(client.get("/v1.0/groups").await.status(), StatusCode::OK);
        assert_eq!(other.get(path).await.status(), StatusCode::OK, "{mode:?}");
    }
    simulator.set_modes(TENANT, []);
    assert_eq!(client.get(POLICIES).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_tenant_of_the_us_government_has_tokens_for_its_own_graph_only() {
    let (simulator, _client) = start(SimulatorOptions::default()).await;
    simulator.set_modes(TENANT, [TenantMode::UsGovernment]);
    let mut form = GOOD_FORM;
    let answer = ask_for_token(simulator.base_url(), TENANT, &form).await;
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error_codes"][0], 90_038);
    form[3].1 = "https://graph.microsoft.us/.default";
    let answer = ask_for_token(simulator.base_url(), TENANT, &form).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let answer = ask_for_token(simulator.base_url(), OTHER_TENANT, &form).await;
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error_codes"][0], 500_011);
}

#[tokio::test]
async fn pages_shrink_where_settings_are_expanded_in_some_tenants_and_lose_no_row() {
    let (simulator, client) = start(SimulatorOptions::default()).await;
    let expanded = format!("{POLICIES}?$expand=assignments,settings&$top=1000");
    let full = client.pages(&expanded).await;
    assert_eq!(full.len(), 1);
    let rows = full[0]["value"].as_array().unwrap();
    assert!(rows.len() > 10, "{}", rows.len());
    for row in rows {
        let settings = row["settings"].as_array().unwrap();
        assert_eq!(row["settingCount"], settings.len());
    }

    simulator.set_modes(TENANT, [TenantMode::SettingsShrinkPages]);
    let short = client.pages(&expanded).await;
    let sizes = short
        .iter()
        .map(|page| page["value"].as_array().unwrap().len());
    assert_eq!(
        sizes.clone().collect::<std::collections::BTreeSet<_>>(),
        [1, 2].into()
    );
    let same = short
        .iter()
        .flat_map(|page| page["value"].as_array().unwrap());
    assert!(same.eq(rows));
    let without = client
        .pages(&format!("{POLICIES}?$expand=assignments&$top=1000"))
        .await;
    assert_eq!(without.len(), 1, "without settings pages are full");
}

#[tokio::test]
async fn lists_cut_settings_in_some_tenants_and_only_the_count_says_so() {
    let (simulator, client) = start(SimulatorOptions::default()).await;
    let list = format!("{POLICIES}?$expand=settings&$top=1000");
    let whole = client.rows(&list).await;
    simulator.set_modes(TENANT, [TenantMode::SettingsCutInLists]);
    let mut cut = 0;
    for (whole, policy) in whole.iter().zip(client.rows(&list).await) {
        let settings = policy["settings"].as_array().unwrap();
        let all = whole["settings"].as_array().unwrap();
        assert_eq!(settings.len(), all.len().min(25));
        assert_eq!(policy["settingCount"], all.len());
        assert_eq!(policy.get("settings@odata.nextLink"), None);
        cut += usize::from(settings.len() < all.len());
        let id = policy["id"].as_str().unwrap();
        let own = client.rows(&format!("{POLICIES}/{id}/settings")).await;
        assert_eq!(own, *all);
    }
    assert!(cut > 5, "{cut}");
}
