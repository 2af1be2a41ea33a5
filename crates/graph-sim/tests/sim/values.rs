use std::collections::{BTreeMap, BTreeSet};

use atlas_graph_sim::{AnswerValue, Simulator, SimulatorOptions, TenantMode, ValueForm};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::client::{Client, POLICIES, TENANT, start};

const PROFILES: &str = "/beta/deviceManagement/groupPolicyConfigurations";
const INTENTS: &str = "/beta/deviceManagement/intents";
const TEMPLATES: &str = "/v1.0/deviceManagement/notificationMessageTemplates";
const SETS: &str = "/beta/deviceAppManagement/policySets";
const DEFINITIONS: &str = "/beta/deviceManagement/configurationSettings";

async fn sized(size: usize) -> (Simulator, Client) {
    start(SimulatorOptions {
        size,
        ..SimulatorOptions::default()
    })
    .await
}

/// Every member with this name, however deep.
fn members<'a>(value: &'a Value, name: &str, into: &mut Vec<&'a Value>) {
    match value {
        Value::Array(values) => values.iter().for_each(|one| members(one, name, into)),
        Value::Object(all) => {
            into.extend(all.get(name));
            all.values().for_each(|one| members(one, name, into));
        }
        _ => {}
    }
}

fn words(value: &Value, name: &str) -> BTreeSet<String> {
    let mut all = Vec::new();
    members(value, name, &mut all);
    all.into_iter()
        .filter_map(|one| one.as_str().map(str::to_owned))
        .collect()
}

/// The answer key's values under a path, by object.
fn of_path(simulator: &Simulator, path: &str) -> BTreeMap<String, Vec<AnswerValue>> {
    let mut all = BTreeMap::<String, Vec<AnswerValue>>::new();
    for value in simulator.answer_values(TENANT) {
        if value.path == path {
            all.entry(value.id.clone()).or_default().push(value);
        }
    }
    all
}

#[tokio::test]
async fn settings_come_in_pages_of_25_and_as_many_as_the_policy_says() {
    let (simulator, client) = sized(600).await;
    let key = of_path(&simulator, "/deviceManagement/configurationPolicies");
    let mut kinds = BTreeSet::new();
    let mut long = 0;
    for policy in client.rows(&format!("{POLICIES}?$top=1000")).await {
        let id = policy["id"].as_str().unwrap();
        let path = format!("{POLICIES}/{id}/settings");
        let pages = client.pages(&path).await;
        let settings = client.rows(&format!("{path}?$top=1000")).await;
        assert_eq!(policy["settingCount"], settings.len());
        assert_eq!(pages.len(), settings.len().div_ceil(25).max(1));
        long += usize::from(pages.len() > 1);
        let all = Value::from(settings);
        kinds.extend(words(&all, "@odata.type"));
        kinds.extend(words(&all, "valueState"));
        // What the key has is what can be read.
        let ids = words(&all, "settingDefinitionId");
        let text = all.to_string();
        for value in &key[id] {
            let last = value.setting.last().unwrap();
            assert!(ids.contains(last), "{last}");
            assert!(text.contains(&value.value.to_string()) || value.value.is_array());
        }
        let mut leaves = 0;
        for kind in [
            "simpleSettingValue",
            "choiceSettingValue",
            "simpleSettingCollectionValue",
            "choiceSettingCollectionValue",
        ] {
            let mut found = Vec::new();
            members(&all, kind, &mut found);
            leaves += found.len();
        }
        assert_eq!(key[id].len(), leaves, "{id}");
    }
    assert!(long > 10, "{long}");
    let prefix = "#microsoft.graph.deviceManagementConfiguration";
    for kind in [
        "ChoiceSettingInstance",
        "SimpleSettingInstance",
        "GroupSettingCollectionInstance",
        "ChoiceSettingCollectionInstance",
        "SimpleSettingCollectionInstance",
        "StringSettingValue",
        "IntegerSettingValue",
        "SecretSettingValue",
        "ReferenceSettingValue",
    ] {
        assert!(kinds.contains(&format!("{prefix}{kind}")), "{kind}");
    }
    assert!(kinds.contains("notEncrypted") && kinds.contains("encryptedValueToken"));
}

#[tokio::test]
async fn lists_carry_the_same_settings_as_the_policies_themselves() {
    let (_simulator, client) = sized(400).await;
    for (path, expand) in [
        (POLICIES, "assignments,settings"),
        ("/beta/deviceManagement/compliancePolicies", "settings"),
    ] {
        let expanded = client
            .rows(&format!("{path}?$expand={expand}&$top=1000"))
            .await;
        assert!(!expanded.is_empty());
        for policy in expanded {
            let id = policy["id"].as_str().unwrap();
            let own = client
                .rows(&format!("{path}/{id}/settings?$top=1000"))
                .await;
            assert_eq!(policy["settings"], Value::from(own));
            assert_eq!(policy["assignments"].is_array(), path == POLICIES);
        }
    }
}

#[tokio::test]
async fn policies_have_so_many_settings_as_the_options_say() {
    let (simulator, client) = start(SimulatorOptions {
        settings_per_policy: Some(15),
        catalog_policies: 2_000,
        ..SimulatorOptions::default()
    })
    .await;
    let pages = client
        .pages(&format!(
            "{POLICIES}?$expand=assignments,settings&$top=1000"
        ))
        .await;
    assert_eq!(pages.len(), 2, "full pages");
    let policies: Vec<&Value> = pages
        .iter()
        .flat_map(|page| page["value"].as_array().unwrap())
        .collect();
    assert_eq!(policies.len(), 2_000);
    for policy in policies {
        assert_eq!(policy["settingCount"], 15);
        assert_eq!(policy["settings"].as_array().unwrap().len(), 15);
    }
    let usual = Simulator::start(SimulatorOptions::default()).await;
    let (ours, usual) = (simulator.answer_key(TENANT), usual.answer_key(TENANT));
    for (key, items) in &usual {
        assert!(
            key == "settingsCatalogPolicy" || ours[key] == *items,
            "{key}"
        );
    }
}

#[tokio::test]
async fn a_batch_reads_settings_a_link_leads_on_and_each_read_counts() {
    let (simulator, client) = sized(600).await;
    let policies = client.rows(&format!("{POLICIES}?$top=1000")).await;
    let long: Vec<&str> = policies
        .iter()
        .filter(|policy| policy["settingCount"].as_u64().unwrap() > 25)
        .map(|policy| policy["id"].as_str().unwrap())
        .take(3)
        .collect();
    let requests: Vec<Value> = long
        .iter()
        .map(|id| {
            let url = format!("/deviceManagement/configurationPolicies/{id}/settings");
            json!({"id": id, "method": "GET", "url": url})
        })
        .collect();
    simulator.clear_traffic();
    let answer = client
        .http
        .post(format!("{}/beta/$batch", client.base))
        .bearer_auth(&client.token)
        .json(&json!({"requests": requests}))
        .send()
        .await
        .unwrap();
    let answer: Value = answer.json().await.unwrap();
    let charged = &simulator.traffic(TENANT).services["device_config_v2"];
    assert_eq!(charged.requests, 3);
    for response in answer["responses"].as_array().unwrap() {
        let first = response["body"]["value"].as_array().unwrap();
        assert_eq!(first.len(), 25);
        let link = response["body"]["@odata.nextLink"].as_str().unwrap();
        let rest = client.rows(link.strip_prefix(&client.base).unwrap()).await;
        let id = response["id"].as_str().unwrap();
        let policy = policies.iter().find(|policy| policy["id"] == id).unwrap();
        assert_eq!(policy["settingCount"], first.len() + rest.len());
    }
}

#[tokio::test]
async fn definitions_are_found_by_id_by_filter_and_beside_settings() {
    let (_simulator, client) = sized(600).await;
    let bitlocker = "device_vendor_msft_bitlocker_requiredeviceencryption";
    let one = client.json(&format!("{DEFINITIONS}/{bitlocker}")).await;
    assert_eq!(one["displayName"], "Require Device Encryption");
    assert_eq!(one["options"][0]["displayName"], "Disabled");
    let unknown = client.get(&format!("{DEFINITIONS}/nothing")).await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);

    let mut policies = client
        .rows(&format!(
            "{POLICIES}?$top=1000&$expand=settings($expand=settingDefinitions)"
        ))
        .await;
    let settings: Vec<Value> = policies
        .iter_mut()
        .flat_map(|policy| policy["settings"].as_array_mut().unwrap().drain(..))
        .collect();
    let mut unknown = BTreeSet::new();
    let mut known = BTreeSet::new();
    for setting in &settings {
        let ids = words(&setting["settingInstance"], "settingDefinitionId");
        let definitions = setting["settingDefinitions"].as_array().unwrap();
        let given = definitions.iter().map(|one| one["id"].as_str().unwrap());
        let given: BTreeSet<String> = given.map(str::to_owned).collect();
        assert!(given.is_subset(&ids));
        unknown.extend(ids.difference(&given).cloned());
        known.extend(given);
    }
    assert!(known.len() > 300, "{}", known.len());
    for id in unknown.iter().take(2) {
        let answer = client.get(&format!("{DEFINITIONS}/{id}")).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "retired: {id}");
    }
    assert!(!unknown.is_empty(), "some definitions were retired");

    let some: Vec<&String> = known.iter().step_by(40).collect();
    let list = some.iter().map(|id| format!("'{id}'"));
    let list = list.collect::<Vec<_>>().join(",");
    let found = client
        .rows(&format!("{DEFINITIONS}?$filter=id in ({list})&$select=id"))
        .await;
    let found: BTreeSet<&str> = found
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    assert!(some.iter().all(|id| found.contains(id.as_str())));
    assert_eq!(found.len(), some.len());
    let pages = client.pages(&format!("{DEFINITIONS}?$select=id")).await;
    assert!(pages.len() > 5, "the catalogue is large");
}

#[tokio::test]
async fn administrative_templates_are_read_nested_and_one_by_one() {
    let (simulator, client) = sized(600).await;
    let key = of_path(&simulator, "/deviceManagement/groupPolicyConfigurations");
    let mut kinds = BTreeSet::new();
    let mut disabled = 0;
    for profile in client.rows(PROFILES).await {
        let id = profile["id"].as_str().unwrap();
        let path = format!("{PROFILES}/{id}/definitionValues");
        let nested = "definition,presentationValues($expand=presentation)";
        let values = client.rows(&format!("{path}?$expand={nested}")).await;
        let plain = client.rows(&format!("{path}?$expand=definition")).await;
        let mut found = BTreeMap::new();
        for (value, plain) in values.iter().zip(&plain) {
            assert_eq!(plain.get("presentationValues"), None);
            assert_eq!(value["definition"], plain["definition"]);
            let own = value["id"].as_str().unwrap();
            let alone = client
                .rows(&format!(
                    "{path}/{own}/presentationValues?$expand=presentation"
                ))
                .await;
            let together = value["presentationValues"].as_array().unwrap();
            assert_eq!(*together, alone);
            let definition = client.json(&format!("{path}/{own}/definition")).await;
            assert_eq!(definition["id"], value["definition"]["id"]);
            assert!(["machine", "user"].contains(&definition["classType"].as_str().unwrap()));
            if value["enabled"] == false {
                assert_eq!(*together, Vec::<Value>::new());
                disabled += 1;
            }
            let policy = definition["id"].as_str().unwrap().to_owned();
            found.insert(vec![policy.clone()], value["enabled"].clone());
            for one in together {
                kinds.extend(one["@odata.type"].as_str().map(str::to_owned));
                let presentation = one["presentation"]["id"].as_str().unwrap().to_owned();
                let content = one.get("values").unwrap_or(&one["value"]).clone();
                found.insert(vec![policy.clone(), presentation], content);
            }
        }
        let expected: BTreeMap<_, _> = key[id]
            .iter()
            .map(|one| (one.setting.clone(), one.value.clone()))
            .collect();
        assert_eq!(found, expected, "{id}");
    }
    assert!(disabled > 2, "{disabled}");
    assert_eq!(kinds.len(), 6, "{kinds:?}");
    let refused = client
        .get(&format!("{PROFILES}?$expand=definitionValues"))
        .await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn intents_messages_sets_and_scripts_are_read_where_graph_has_them() {
    let (simulator, client) = sized(900).await;
    let rows = |path: &'static str| client.rows(path);
    let mut defaults = BTreeSet::new();
    let key = of_path(&simulator, "/deviceManagement/intents");
    for intent in rows(INTENTS).await {
        let id = intent["id"].as_str().unwrap();
        let settings = client.rows(&format!("{INTENTS}/{id}/settings")).await;
        assert_eq!(settings.len(), key[id].len());
        for setting in settings {
            let text = setting["valueJson"].as_str().unwrap();
            let value: Value = serde_json::from_str(text).unwrap();
            let same =
                |one: &&AnswerValue| one.setting == [setting["definitionId"].as_str().unwrap()];
            assert_eq!(key[id].iter().find(same).unwrap().value, value);
            defaults.insert(setting.get("isDefaultValue").map(Value::to_string));
        }
    }
    assert_eq!(defaults.len(), 3, "it is there or not: {defaults:?}");

    let key = of_path(&simulator, "/deviceManagement/notificationMessageTemplates");
    for template in rows(TEMPLATES).await {
        let id = template["id"].as_str().unwrap();
        let path = format!("{TEMPLATES}/{id}");
        let messages = client
            .rows(&format!("{path}/localizedNotificationMessages"))
            .await;
        let expanded = client
            .json(&format!("{path}?$expand=localizedNotificationMessages"))
            .await;
        assert_eq!(
            expanded["localizedNotificationMessages"],
            Value::from(messages.clone())
        );
        assert_eq!(key[id].len(), 3 * messages.len());
    }

    let key = of_path(&simulator, "/deviceAppManagement/policySets");
    for set in rows(SETS).await {
        let id = set["id"].as_str().unwrap();
        let set = client
            .json(&format!("{SETS}/{id}?$expand=assignments,items"))
            .await;
        assert!(set["assignments"].is_array());
        let payloads = words(&set["items"], "payloadId");
        let expected = key[id].iter();
        let expected = expected.map(|one| one.value["payloadId"].as_str().unwrap().to_owned());
        assert_eq!(payloads, expected.collect());
    }
    for name in [
        "deviceManagementScripts",
        "deviceShellScripts",
        "deviceCustomAttributeShellScripts",
        "deviceHealthScripts",
        "deviceComplianceScripts",
    ] {
        let path = format!("/beta/deviceManagement/{name}");
        let key = of_path(&simulator, &format!("/deviceManagement/{name}"));
        for script in client.rows(&path).await {
            let id = script["id"].as_str().unwrap();
            let whole = client.json(&format!("{path}/{id}")).await;
            for value in key.get(id).into_iter().flatten() {
                let member = &value.setting[0];
                assert!(script[member].is_null() || script[member] == "");
                assert_eq!(whole[member], value.value);
                assert_eq!(value.form, ValueForm::Script);
            }
        }
    }
}

#[tokio::test]
async fn lists_of_scripts_show_bodies_in_some_tenants() {
    let (simulator, client) = sized(300).await;
    let path = "/beta/deviceManagement/deviceShellScripts";
    let rows = client.rows(path).await;
    assert!(rows.iter().all(|row| row["scriptContent"].is_null()));
    simulator.set_modes(TENANT, [TenantMode::ScriptsInLists]);
    let rows = client.rows(path).await;
    assert!(rows.iter().all(|row| row["scriptContent"].is_string()));
}
