//! What becomes of rows.

mod identity;

use atlas_domain::inventory::link::LinkKind;
use atlas_domain::policy_types::{PolicyTypeKey, registry};
use serde_json::json;

use super::*;
use crate::plan::plan;

fn keys(words: &[&str]) -> Vec<PolicyTypeKey> {
    words
        .iter()
        .map(|word| registry().find(word).unwrap())
        .collect()
}

fn seen(words: &[&str], row: &Value) -> Option<Observation> {
    let plan = plan(&keys(words), true);
    let context = RowContext {
        with_assignments: true,
        ..RowContext::default()
    };
    let seen = observe(&plan.lists[0], context, row.clone()).unwrap();
    seen.map(|seen| seen.observation)
}

fn routed(words: &[&str], row: &Value) -> Option<&'static str> {
    seen(words, row).map(|observation| observation.policy_type.as_str())
}

#[test]
fn template_families_route_and_unknown_ones_are_settings_catalog() {
    let both = [
        "settingsCatalogPolicy",
        "endpointSecurityFirewall",
        "windowsRecoveryPolicy",
    ];
    let row = |family: &str| json!({"id": "1", "templateReference": {"templateFamily": family}});
    for (family, key) in [
        ("none", "settingsCatalogPolicy"),
        ("endpointSecurityFirewall", "endpointSecurityFirewall"),
        ("maintenanceWindows", "windowsRecoveryPolicy"),
        ("somethingNew", "settingsCatalogPolicy"),
    ] {
        assert_eq!(routed(&both, &row(family)), Some(key), "{family}");
    }
    assert_eq!(
        routed(&both, &json!({"id": "1"})),
        Some("settingsCatalogPolicy")
    );
}

#[test]
fn a_row_of_a_type_that_is_not_wanted_does_not_fall_to_the_rest() {
    let ring =
        json!({"id": "1", "@odata.type": "#microsoft.graph.windowsUpdateForBusinessConfiguration"});
    let custom = json!({"id": "2", "@odata.type": "#microsoft.graph.windows10CustomConfiguration"});
    assert_eq!(routed(&["deviceConfiguration"], &ring), None);
    assert_eq!(
        routed(&["deviceConfiguration"], &custom),
        Some("deviceConfiguration")
    );
    assert_eq!(
        routed(&["windowsUpdateRing"], &ring),
        Some("windowsUpdateRing")
    );
    assert_eq!(routed(&["windowsUpdateRing"], &custom), None);
    let firewall =
        json!({"id": "3", "templateReference": {"templateFamily": "endpointSecurityFirewall"}});
    assert_eq!(routed(&["settingsCatalogPolicy"], &firewall), None);
}

#[test]
fn enrolment_and_app_configurations_are_split() {
    let limit =
        json!({"id": "1", "@odata.type": "#microsoft.graph.deviceEnrollmentLimitConfiguration"});
    let both = ["enrollmentLimitRestriction", "enrollmentStatusPage"];
    assert_eq!(routed(&both, &limit), Some("enrollmentLimitRestriction"));
    let apps = ["mobileAppConfiguration", "androidOemConfig"];
    for (row, key) in [
        (json!({"id": "1"}), "mobileAppConfiguration"),
        (
            json!({"id": "1", "appSupportsOemConfig": false}),
            "mobileAppConfiguration",
        ),
        (
            json!({"id": "1", "appSupportsOemConfig": true}),
            "androidOemConfig",
        ),
    ] {
        assert_eq!(routed(&apps, &row), Some(key));
    }
}

#[test]
fn what_microsoft_supplies_is_left_out() {
    for (key, row, kept) in [
        (
            "deviceHealthScript",
            json!({"id": "1", "isGlobalScript": true}),
            false,
        ),
        (
            "deviceHealthScript",
            json!({"id": "1", "isGlobalScript": false}),
            true,
        ),
        (
            "roleDefinition",
            json!({"id": "1", "isBuiltIn": true}),
            false,
        ),
        ("roleDefinition", json!({"id": "1"}), true),
        (
            "mobileApp",
            json!({"id": "1", "appAvailability": "global", "isAssigned": false}),
            false,
        ),
        (
            "mobileApp",
            json!({"id": "1", "appAvailability": "global", "isAssigned": true}),
            true,
        ),
        (
            "mobileApp",
            json!({"id": "1", "appAvailability": "lineOfBusiness", "isAssigned": false}),
            true,
        ),
        ("mobileApp", json!({"id": "1", "isAssigned": false}), true),
    ] {
        assert_eq!(routed(&[key], &row).is_some(), kept, "{row}");
    }
}

#[test]
fn names_are_found_limited_and_fall_back() {
    let name = |key: &str, row: &Value| seen(&[key], row).unwrap().name;
    let long = "ä".repeat(2_000);
    assert_eq!(
        name(
            "roleScopeTag",
            &json!({"id": "7", "displayName": "Ber\0lin"})
        ),
        "Berlin"
    );
    assert_eq!(
        name("roleScopeTag", &json!({"id": "7", "displayName": null})),
        "7"
    );
    assert_eq!(
        name("roleScopeTag", &json!({"id": "7", "displayName": " "})),
        "7"
    );
    assert_eq!(
        name("roleScopeTag", &json!({"id": "7", "displayName": long}))
            .chars()
            .count(),
        1_000
    );
    assert_eq!(
        name("vppToken", &json!({"id": "7", "organizationName": "Org"})),
        "Org"
    );
    assert_eq!(
        name("crossTenantAccessPartner", &json!({"tenantId": "t-1"})),
        "t-1"
    );
    let settings = seen(&["deviceManagementSettings"], &json!({"settings": {}})).unwrap();
    assert_eq!(settings.external_id, "deviceManagementSettings");
    assert_eq!(settings.name, settings.policy_type.describe().label);
}

#[test]
fn a_name_is_shortened_by_bytes_between_characters_and_whole_in_the_content() {
    let long = "策".repeat(900);
    let row = json!({"id": "7", "displayName": long});
    let policy = seen(&["roleScopeTag"], &row).unwrap();
    assert_eq!(policy.name, "策".repeat(666));
    let content: Value = serde_json::from_str(policy.content.as_str()).unwrap();
    assert_eq!(content["/displayName"], json!(long));
    // Content that was stored before names were kept whole has the hash of the name's digest.
    let kept = fields(row.as_object().unwrap());
    assert!(kept["/displayName"].is_object());
    assert_eq!(policy.content_hash, content_hash(&kept));
}

#[test]
fn assignments_count_only_when_all_of_them_are_listed() {
    let row = json!({"id": "1", "@odata.type": "#microsoft.graph.x",
        "assignments": [{"id": "a"}, {"id": "b"}]});
    let whole = seen(&["deviceConfiguration"], &row).unwrap();
    assert_eq!(whole.assignment_count, Some(2));
    assert!(whole.assignments_hash.is_some());
    let mut partial = row.clone();
    partial["assignments@odata.nextLink"] = json!("https://x");
    assert_eq!(
        seen(&["deviceConfiguration"], &partial)
            .unwrap()
            .assignment_count,
        None
    );
    let plan = plan(&keys(&["deviceConfiguration"]), true);
    let without = observe(&plan.lists[0], RowContext::default(), row.clone())
        .unwrap()
        .unwrap();
    assert_eq!(without.further_reads, [FurtherRead::Assignments]);
    let without = without.observation;
    assert_eq!(
        (without.assignment_count, without.assignments_hash),
        (None, None)
    );
    assert_eq!(without.content_hash, whole.content_hash);
    assert_eq!(
        seen(&["endpointSecurityIntent"], &row)
            .unwrap()
            .assignment_count,
        None
    );
}

#[test]
fn metadata_is_small_and_has_no_secret() {
    let row = json!({"id": "1", "@odata.type": "#microsoft.graph.iosWiFiConfiguration",
        "displayName": "Wi-Fi", "description": "d".repeat(5_000), "version": 3,
        "createdDateTime": "2024-01-02T03:04:05Z", "lastModifiedDateTime": "2024-01-03T03:04:05Z",
        "preSharedKey": "SECRET", "roleScopeTagIds": ["1", "0", "1", "", 5]});
    let observed = seen(&["deviceConfiguration"], &row).unwrap();
    assert!(!format!("{observed:?}").contains("SECRET"));
    assert_eq!(observed.scope_tags.unwrap(), ["0", "1"]);
    assert_eq!(observed.platform, "iOS");
    let metadata = observed.metadata.value();
    assert_eq!(metadata["description"].as_str().unwrap().len(), 1_000);
    assert_eq!(metadata["version"], "3");
    assert_eq!(
        metadata["odata_type"],
        "microsoft.graph.iosWiFiConfiguration"
    );
    assert_eq!(metadata["modified_at"], "2024-01-03T03:04:05Z");
    assert_eq!(metadata.get("state"), None);
}

#[test]
fn the_content_hash_does_not_depend_on_a_secret() {
    let hash = |secret: &str| {
        let row = json!({"id": "1", "preSharedKey": secret, "ssid": "net"});
        seen(&["deviceConfiguration"], &row).unwrap().content_hash
    };
    assert_eq!(hash("a"), hash("b"));
}

#[test]
fn unknown_kinds_and_families_have_a_place_and_are_counted() {
    let unknown = |words: &[&str], row: &Value| {
        let plan = plan(&keys(words), false);
        let seen = observe(&plan.lists[0], RowContext::default(), row.clone());
        seen.unwrap().map(|seen| {
            let key = seen.observation.policy_type;
            (key.as_str(), seen.unknown)
        })
    };
    let enrollment = [
        "enrollmentLimitRestriction",
        "enrollmentPlatformRestriction",
    ];
    let catalog = ["settingsCatalogPolicy"];
    let kind = |kind: &str| json!({"id": "1", "@odata.type": format!("#microsoft.graph.{kind}")});
    let family =
        |family: Value| json!({"id": "1", "templateReference": {"templateFamily": family}});
    for (words, row, place) in [
        (
            &catalog[..],
            family(json!("none")),
            ("settingsCatalogPolicy", false),
        ),
        (
            &catalog[..],
            family(json!("new")),
            ("settingsCatalogPolicy", true),
        ),
        (
            &catalog[..],
            family(Value::Null),
            ("settingsCatalogPolicy", false),
        ),
        (
            &catalog[..],
            json!({"id": "1"}),
            ("settingsCatalogPolicy", false),
        ),
        (
            &["deviceConfiguration"],
            kind("iosVpnConfiguration"),
            ("deviceConfiguration", false),
        ),
        (
            &["deviceConfiguration"],
            kind("newConfiguration"),
            ("deviceConfiguration", true),
        ),
        (&["mobileApp"], kind("newApp"), ("mobileApp", true)),
        (&["mobileApp"], kind("webApp"), ("mobileApp", false)),
        (
            &enrollment[..],
            kind("deviceEnrollmentLimitConfiguration"),
            ("enrollmentLimitRestriction", false),
        ),
        (
            &enrollment[..],
            kind("deviceEnrollmentNewConfiguration"),
            ("enrollmentPlatformRestriction", true),
        ),
    ] {
        assert_eq!(unknown(words, &row), Some(place), "{row}");
    }
}

#[test]
fn links_are_reported_by_set_and_only_when_they_are_wanted() {
    let row = json!({"id": "1", "roleScopeTagIds": ["0"], "templateReference": {"templateId": "t"},
        "assignments": [{"target": {"@odata.type": "#microsoft.graph.allDevicesAssignmentTarget"}}]});
    let whole = seen(&["settingsCatalogPolicy"], &row).unwrap();
    let sets: Vec<_> = whole
        .links
        .iter()
        .map(|set| (set.source, set.links.len()))
        .collect();
    assert_eq!(
        sets,
        [(LinkSource::Object, 2), (LinkSource::Assignments, 1)]
    );
    let plan = plan(&keys(&["settingsCatalogPolicy"]), false);
    let context = RowContext {
        with_assignments: true,
        ..RowContext::default()
    };
    let seen = observe(&plan.lists[0], context, row).unwrap().unwrap();
    assert!(seen.observation.links.is_empty());
    assert_eq!(seen.further_reads, [FurtherRead::Settings]);
    assert_eq!(seen.observation.assignment_count, Some(1));
}

#[test]
fn an_app_is_read_by_itself_because_its_list_has_wrong_scope_tags() {
    let app = |tag: &str| {
        let row =
            json!({"id": "1", "displayName": "a", "roleScopeTagIds": [tag], "assignments": []});
        seen(&["mobileApp"], &row).unwrap()
    };
    assert_eq!(app("0").content_hash, app("7").content_hash);
    assert_eq!(app("7").scope_tags, None);
    assert!(app("7").links.iter().all(|set| set.links.is_empty()));
}

#[test]
fn an_enrollment_profile_is_a_child_of_its_token() {
    let plan = plan(&keys(&["depEnrollmentProfile"]), true);
    let context = RowContext {
        with_assignments: true,
        parent: Some("token"),
        ..RowContext::default()
    };
    let seen = observe(&plan.lists[0], context, json!({"id": "1"}))
        .unwrap()
        .unwrap();
    let links = &seen.observation.links;
    assert_eq!(links[0].links[0].kind, LinkKind::ChildOf);
    assert_eq!(links[0].links[0].target.id, "token");
}
