use std::collections::{BTreeMap, BTreeSet};

use atlas_graph_sim::{AnswerLink, Kind, MutationScript, SimulatorOptions, collections};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::client::{Client, TENANT, start};

/// Every kind of link that an application can find, with the kinds of targets.
const KINDS: [(&str, &[&str]); 35] = [
    ("assigned_to", &["group", "virtual_group", "collection"]),
    ("excluded_from", &["group"]),
    ("uses_assignment_filter", &["assignment_filter"]),
    ("assigned_via_policy_set", &["policy_set"]),
    ("scoped_by", &["role_scope_tag"]),
    (
        "contains",
        &[
            "mobile_app",
            "device_configuration",
            "configuration_policy",
            "compliance_policy",
            "managed_app_protection",
            "targeted_managed_app_configuration",
            "mobile_app_configuration",
            "enrollment_configuration",
            "autopilot_profile",
            "device_management_script",
            "ios_app_provisioning",
        ],
    ),
    ("supersedes", &["mobile_app"]),
    ("depends_on_app", &["mobile_app"]),
    (
        "configures_app",
        &["mobile_app", "app_identifier", "special"],
    ),
    ("protects_app", &["app_identifier", "special"]),
    ("blocks_on_app", &["mobile_app"]),
    ("in_app_category", &["mobile_app_category"]),
    ("uses_vpp_token", &["vpp_token"]),
    ("notifies_with", &["notification_message_template"]),
    ("notifies_cc", &["group"]),
    ("uses_compliance_script", &["compliance_script"]),
    ("uses_reusable_setting", &["reusable_policy_setting"]),
    (
        "based_on_template",
        &[
            "configuration_policy_template",
            "device_management_template",
        ],
    ),
    ("uses_certificate", &["device_configuration"]),
    ("uses_derived_credential", &["derived_credential"]),
    ("uses_tunnel_site", &["tunnel_site"]),
    ("uses_admx", &["group_policy_definition_file"]),
    ("child_of", &["dep_onboarding_setting"]),
    (
        "targets",
        &[
            "group",
            "user",
            "directory_role",
            "application",
            "service_principal",
            "special",
        ],
    ),
    (
        "excludes",
        &["group", "user", "directory_role", "application", "special"],
    ),
    ("uses_location", &["named_location", "special"]),
    ("excludes_location", &["named_location", "special"]),
    ("uses_authentication_context", &["authentication_context"]),
    ("uses_authentication_strength", &["authentication_strength"]),
    ("uses_terms", &["terms_of_use"]),
    ("grants_role", &["role_definition"]),
    ("has_member", &["group"]),
    ("has_scope", &["group", "virtual_group"]),
    ("auto_tags", &["group"]),
    ("uses_connection", &["cloud_pc_connection"]),
];

fn sized(size: usize) -> SimulatorOptions {
    SimulatorOptions {
        size,
        ..SimulatorOptions::default()
    }
}

#[tokio::test]
async fn every_kind_of_link_and_of_target_occurs_and_some_dangle() {
    let (simulator, _client) = start(sized(3_000)).await;
    let mut found = BTreeMap::<String, BTreeSet<String>>::new();
    let links = simulator.answer_links(TENANT);
    for link in &links {
        let targets = found.entry(link.kind.clone()).or_default();
        targets.insert(link.target_kind.clone());
    }
    let mut expected: BTreeMap<String, BTreeSet<String>> = KINDS
        .iter()
        .map(|(kind, targets)| {
            let targets = targets.iter().map(|one| (*one).to_owned());
            ((*kind).to_owned(), targets.collect())
        })
        .collect();
    expected.insert(
        "uses_image".to_owned(),
        ["cloud_pc_image".to_owned()].into(),
    );
    assert_eq!(found, expected);
    let dangling = links
        .iter()
        .filter(|link| link.dangling == Some(true))
        .count();
    assert!(
        dangling > 10 && dangling < links.len() / 5,
        "{dangling} of {}",
        links.len()
    );
    for (name, value) in [
        ("intent", "availableWithoutEnrollment"),
        ("filter_type", "include"),
        ("filter_type", "exclude"),
        ("source", "policySets"),
        ("supersedence_type", "replace"),
        ("dependency_type", "detect"),
    ] {
        let said = |link: &AnswerLink| link.qualifier.get(name).is_some_and(|one| one == value);
        assert!(links.iter().any(said), "{name} {value}");
    }
}

/// The strings in a value, without the members that name the object itself.
fn strings<'a>(value: &'a Value, into: &mut BTreeSet<&'a str>) {
    match value {
        Value::String(text) => {
            into.insert(text);
        }
        Value::Array(items) => items.iter().for_each(|item| strings(item, into)),
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| !["id", "sourceId", "tenantId"].contains(&name.as_str()))
            .for_each(|(_, item)| strings(item, into)),
        _ => {}
    }
}

/// All that a client can read of an object.
async fn read_all(client: &Client, path: &str, row: &Value) -> Value {
    let Some(id) = row["id"].as_str() else {
        return row.clone();
    };
    let own = format!("{path}/{id}");
    let mut all = vec![row.clone(), client.json(&own).await];
    let tails: &[&str] = match path.rsplit('/').next().unwrap() {
        "configurationPolicies" => &["settings?$top=1000"],
        "compliancePolicies" => &[
            "settings?$top=1000",
            "scheduledActionsForRule?$expand=scheduledActionConfigurations",
        ],
        "deviceCompliancePolicies" => {
            &["scheduledActionsForRule?$expand=scheduledActionConfigurations"]
        }
        "mobileApps" => &[
            "categories",
            "relationships?$filter=targetType%20eq%20microsoft.graph.mobileAppRelationshipType'child'",
        ],
        "targetedManagedAppConfigurations"
        | "iosManagedAppProtections"
        | "androidManagedAppProtections"
        | "windowsManagedAppProtections"
        | "defaultManagedAppProtections" => &["apps"],
        "policySets" => &["items"],
        "roleAssignments" => &["roleDefinition"],
        "groupPolicyConfigurations" => {
            &["definitionValues?$expand=definition($expand=definitionFile)"]
        }
        _ => &[],
    };
    for tail in tails {
        all.push(client.json(&format!("{own}/{tail}")).await);
    }
    let kind = row["@odata.type"].as_str().unwrap_or_default();
    let cast: &[&str] = match kind.trim_start_matches("#microsoft.graph.") {
        "iosEnterpriseWiFiConfiguration" => &[
            "rootCertificatesForServerValidation",
            "identityCertificateForClientAuthentication",
            "derivedCredentialSettings",
        ],
        "androidDeviceOwnerEnterpriseWiFiConfiguration" => &[
            "rootCertificateForServerValidation",
            "identityCertificateForClientAuthentication",
            "rootCertificatesForServerValidation",
            "derivedCredentialSettings",
        ],
        "iosVpnConfiguration" => &["identityCertificate", "derivedCredentialSettings"],
        "windows81SCEPCertificateProfile" => &["rootCertificate"],
        _ => &[],
    };
    if !cast.is_empty() {
        let kind = kind.trim_start_matches('#');
        let expand = cast.join(",");
        all.push(client.json(&format!("{own}/{kind}?$expand={expand}")).await);
    }
    match client.get(&format!("{own}/assignments")).await {
        answer if answer.status() == StatusCode::OK => all.push(answer.json().await.unwrap()),
        _ if row.get("isAssigned").is_some() => {
            all.push(client.json(&format!("{own}?$expand=assignments")).await);
        }
        _ => {}
    }
    Value::Array(all)
}

/// The answer key is held against what can be read over HTTP: each of its links is there to be
/// read, and each id of another object that can be read is one of its links.
#[tokio::test]
async fn the_key_lists_the_links_that_can_be_read_and_no_others() {
    let (simulator, client) = start(sized(700)).await;
    let script = MutationScript {
        delete: 60,
        ..MutationScript::default()
    };
    simulator.mutate(TENANT, &script);
    let mut links = BTreeMap::<(String, String), BTreeSet<String>>::new();
    for link in simulator.answer_links(TENANT) {
        let of = links.entry((link.path, link.id)).or_default();
        of.insert(match (link.target_kind.as_str(), link.target_id.as_str()) {
            ("virtual_group", "all_devices") => "allDevices".to_owned(),
            ("virtual_group", "all_users") => "allLicensedUsers".to_owned(),
            (_, id) => id.to_owned(),
        });
    }
    let answer = simulator.answer_key(TENANT);
    let ids: BTreeSet<&str> = answer
        .values()
        .flatten()
        .map(|item| item.id.as_str())
        .filter(|id| id.len() > 30)
        .collect();
    let mut read = 0;
    for collection in collections().iter().filter(|one| one.kind() == Kind::List) {
        let path = format!("/{}{}", collection.version(), collection.path());
        for row in client.rows(&path).await {
            let id = row["id"].as_str().unwrap_or_default();
            let all = read_all(&client, &path, &row).await;
            let text = all
                .to_string()
                .replace("acacacac-9df4-4c7d-9d50-4ef0226f57a9", "allLicensedUsers")
                .replace("adadadad-808e-44e2-905a-0b7873a8a531", "allDevices");
            let of = links
                .remove(&(collection.path().to_owned(), id.to_owned()))
                .unwrap_or_default();
            for target in &of {
                assert!(text.contains(target.as_str()), "{path} {id}: {target}");
            }
            let mut seen = BTreeSet::new();
            strings(&all, &mut seen);
            for text in seen
                .iter()
                .filter(|text| ids.contains(**text) && **text != id)
            {
                assert!(of.contains(*text), "{path} {id}: {text} is no link");
            }
            read += of.len();
        }
    }
    links.retain(|(path, _), _| !path.ends_with("enrollmentProfiles"));
    assert_eq!(
        links,
        BTreeMap::new(),
        "links of objects that were not read"
    );
    assert!(read > 500, "{read}");
}

#[tokio::test]
async fn reusable_settings_name_who_refers_to_them() {
    let (simulator, client) = start(sized(2_000)).await;
    let path = "/beta/deviceManagement/reusablePolicySettings";
    let mut read = BTreeSet::new();
    for setting in client.rows(path).await {
        let id = setting["id"].as_str().unwrap();
        let policies = client
            .rows(&format!("{path}/{id}/referencingConfigurationPolicies"))
            .await;
        for policy in policies {
            read.insert((policy["id"].as_str().unwrap().to_owned(), id.to_owned()));
        }
    }
    let listed: BTreeSet<_> = simulator
        .answer_links(TENANT)
        .into_iter()
        .filter(|link| link.kind == "uses_reusable_setting")
        .filter(|link| link.path.ends_with("/configurationPolicies"))
        .map(|link| (link.id, link.target_id))
        .collect();
    assert!(listed.len() > 5);
    assert_eq!(read, listed);
}

#[tokio::test]
async fn one_list_gives_all_relationships_of_apps_and_counts_agree() {
    let (simulator, client) = start(sized(2_000)).await;
    let all = client
        .rows("/v1.0/deviceAppManagement/mobileAppRelationships")
        .await;
    let listed = simulator.answer_links(TENANT);
    let listed: Vec<&AnswerLink> = listed
        .iter()
        .filter(|link| link.kind == "supersedes" || link.kind == "depends_on_app")
        .collect();
    assert_eq!(all.len(), listed.len());
    assert!(all.iter().all(|one| one["targetType"] == "child"));
    let apps = "/beta/deviceAppManagement/mobileApps";
    let mut parents = 0;
    for app in client.rows(apps).await {
        let id = app["id"].as_str().unwrap();
        let own = all.iter().filter(|one| one["sourceId"] == id).count();
        let counts = ["dependentAppCount", "supersedingAppCount"];
        let counted: u64 = counts.iter().map(|name| app[*name].as_u64().unwrap()).sum();
        assert_eq!(counted, own as u64, "{id}");
        if app["supersededAppCount"] != 0 {
            let related = client.rows(&format!("{apps}/{id}/relationships")).await;
            assert!(related.iter().any(|one| one["targetType"] == "parent"));
            parents += 1;
        }
    }
    assert!(parents > 0);
}

#[tokio::test]
async fn scope_tags_of_apps_are_reported_by_the_app_only() {
    let (_simulator, client) = start(SimulatorOptions::default()).await;
    let path = "/beta/deviceAppManagement/mobileApps";
    let rows = client.rows(path).await;
    assert!(rows.iter().all(|row| row["roleScopeTagIds"] == json!([])));
    let id = rows[0]["id"].as_str().unwrap();
    let tags = client
        .json(&format!("{path}/{id}?$select=roleScopeTagIds,id"))
        .await;
    assert_ne!(tags["roleScopeTagIds"], json!([]));
    assert_eq!(tags.get("displayName"), None);
}

#[tokio::test]
async fn navigations_are_expanded_in_lists_where_graph_does_and_refused_elsewhere() {
    let (_simulator, client) = start(SimulatorOptions::default()).await;
    let rules = "scheduledActionsForRule($expand=scheduledActionConfigurations)";
    for (path, name, expand) in [
        (
            "deviceManagement/deviceCompliancePolicies",
            "scheduledActionsForRule",
            rules,
        ),
        (
            "deviceAppManagement/iosManagedAppProtections",
            "apps",
            "apps,assignments",
        ),
        (
            "deviceManagement/roleAssignments",
            "roleDefinition",
            "roleDefinition",
        ),
        (
            "deviceAppManagement/mobileApps",
            "categories",
            "categories,assignments",
        ),
        (
            "deviceManagement/configurationPolicies",
            "settings",
            "assignments,settings",
        ),
    ] {
        let plain = client.rows(&format!("/beta/{path}")).await;
        assert!(plain.iter().all(|row| row.get(name).is_none()), "{path}");
        let rows = client.rows(&format!("/beta/{path}?$expand={expand}")).await;
        assert!(rows.iter().all(|row| row.get(name).is_some()), "{path}");
    }
    for path in [
        "deviceAppManagement/policySets?$expand=items",
        "deviceAppManagement/managedAppPolicies?$expand=apps",
        "deviceAppManagement/mobileApps?$expand=relationships",
        "deviceManagement/deviceConfigurations?$expand=identityCertificate",
        "deviceManagement/reusablePolicySettings?$expand=referencingConfigurationPolicies",
    ] {
        let answer = client.get(&format!("/beta/{path}")).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{path}");
    }
    let profiles = "/beta/deviceManagement/deviceConfigurations";
    let rows = client.rows(profiles).await;
    let other = rows
        .iter()
        .find(|row| row["@odata.type"] != "#microsoft.graph.iosVpnConfiguration");
    let id = other.unwrap()["id"].as_str().unwrap();
    let cast = format!("{profiles}/{id}/microsoft.graph.iosVpnConfiguration/identityCertificate");
    assert_eq!(client.get(&cast).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn apps_that_microsoft_supplies_are_referred_to_and_do_not_dangle() {
    let (simulator, client) = start(sized(3_000)).await;
    let apps = client.rows("/beta/deviceAppManagement/mobileApps").await;
    let supplied: BTreeSet<&str> = apps
        .iter()
        .filter(|app| app["appAvailability"] == "global" && app["isAssigned"] == false)
        .map(|app| app["id"].as_str().unwrap())
        .collect();
    let links = simulator.answer_links(TENANT);
    let kinds: BTreeSet<&str> = links
        .iter()
        .filter(|link| supplied.contains(link.target_id.as_str()))
        .map(|link| {
            assert_eq!(link.dangling, Some(false), "{link:?}");
            link.kind.as_str()
        })
        .collect();
    let expected = ["blocks_on_app", "configures_app", "contains"];
    assert_eq!(kinds, BTreeSet::from(expected));
    let key = &simulator.answer_key(TENANT)["mobileApp"];
    assert!(key.iter().all(|app| !supplied.contains(app.id.as_str())));
}
