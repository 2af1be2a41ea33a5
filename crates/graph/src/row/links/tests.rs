//! What objects carry, and what hostile ones cannot do.

mod identity;

use atlas_domain::inventory::link::Link;
use atlas_domain::policy_types::registry;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::gathered::{LONGEST_ID, MOST, NO_GUID};
use super::*;

/// Links as lines: kind, kind of target, id, and what else is said.
fn lines(found: &Gathered) -> Vec<String> {
    let line = |link: &Link| {
        let target = &link.target;
        let mut line = format!("{} {} {}", link.kind, target.kind, target.id);
        for (name, value) in &link.qualifier {
            line.push_str(&format!(" {name}={value}"));
        }
        line
    };
    found.links.iter().map(line).collect()
}

fn key(word: &str) -> PolicyTypeKey {
    registry().find(word).unwrap()
}

fn links_of(word: &str, object: &Value) -> Vec<String> {
    lines(&of_object(key(word), Some("roleScopeTagIds"), object))
}

fn assigned(word: &str, assignments: &Value) -> Vec<String> {
    lines(&assignments::of(key(word), assignments.as_array().unwrap()))
}

const A: &str = "0aaaaaaa-0000-4000-8000-00000000000a";
const B: &str = "0bbbbbbb-0000-4000-8000-00000000000b";

#[test]
fn every_policy_type_with_links_of_its_own_is_registered_once() {
    let mut keys: Vec<&str> = BY_TYPE
        .iter()
        .flat_map(|(keys, _)| *keys)
        .copied()
        .collect();
    let count = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), count);
    for word in keys {
        assert!(registry().find(word).is_some(), "{word}");
    }
}

#[test]
fn assignments_say_whom_an_object_is_for_and_whom_not() {
    let target = |kind: &str, more: Value| {
        let mut target = json!({"@odata.type": format!("#microsoft.graph.{kind}")});
        target
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!([{"id": "x", "source": "direct", "sourceId": B, "target": target}])
    };
    for (kind, more, expected) in [
        (
            "groupAssignmentTarget",
            json!({"groupId": A}),
            format!("assigned_to group {A}"),
        ),
        (
            "exclusionGroupAssignmentTarget",
            json!({"groupId": A}),
            format!("excluded_from group {A}"),
        ),
        (
            "allDevicesAssignmentTarget",
            json!({}),
            "assigned_to virtual_group all_devices".to_owned(),
        ),
        (
            "allLicensedUsersAssignmentTarget",
            json!({}),
            "assigned_to virtual_group all_users".to_owned(),
        ),
        (
            "groupAssignmentTarget",
            json!({"groupId": "ACACACAC-9df4-4c7d-9d50-4ef0226f57a9"}),
            "assigned_to virtual_group all_users".to_owned(),
        ),
        (
            "groupAssignmentTarget",
            json!({"groupId": "adadadad-808e-44e2-905a-0b7873a8a531"}),
            "assigned_to virtual_group all_devices".to_owned(),
        ),
        (
            "configurationManagerCollectionAssignmentTarget",
            json!({"collectionId": "SMS00001"}),
            "assigned_to collection SMS00001".to_owned(),
        ),
        (
            "cloudPcManagementGroupAssignmentTarget",
            json!({"groupId": A, "servicePlanId": B}),
            format!("assigned_to group {A} service_plan_id={B}"),
        ),
        (
            "somethingNewAssignmentTarget",
            json!({"groupId": A}),
            format!("assigned_to group {A} target_type=somethingNewAssignmentTarget"),
        ),
        (
            "somethingNewAssignmentTarget",
            json!({}),
            "assigned_to other somethingNewAssignmentTarget \
             target_type=somethingNewAssignmentTarget"
                .to_owned(),
        ),
    ] {
        let found_links = assigned("settingsCatalogPolicy", &target(kind, more));
        assert_eq!(found_links, [expected], "{kind}");
    }
}

#[test]
fn filters_intents_and_policy_sets_are_said_of_an_assignment() {
    let assignment = json!([{
        "intent": "required", "source": "policySets", "sourceId": B,
        "target": {
            "@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": A,
            "deviceAndAppManagementAssignmentFilterId": "f",
            "deviceAndAppManagementAssignmentFilterType": "exclude"
        }
    }]);
    assert_eq!(
        assigned("mobileApp", &assignment),
        [
            format!(
                "assigned_to group {A} filter_id=f filter_type=exclude intent=required \
                 source=policySets source_id={B}"
            ),
            "uses_assignment_filter assignment_filter f filter_type=exclude".to_owned(),
            format!("assigned_via_policy_set policy_set {B}"),
        ]
    );
    for (id, mode) in [
        (Value::Null, "include"),
        (json!(NO_GUID), "include"),
        (json!("f"), "none"),
        (json!(""), "include"),
    ] {
        let unfiltered = json!([{"target": {
            "@odata.type": "#microsoft.graph.allDevicesAssignmentTarget",
            "deviceAndAppManagementAssignmentFilterId": id,
            "deviceAndAppManagementAssignmentFilterType": mode
        }}]);
        assert_eq!(
            assigned("mobileApp", &unfiltered),
            ["assigned_to virtual_group all_devices"]
        );
    }
}

#[test]
fn a_remediations_assignment_says_when_it_runs_and_a_scope_tags_what_it_is_put_on() {
    let schedule = json!([{"runRemediationScript": true,
        "runSchedule": {"@odata.type": "#microsoft.graph.deviceHealthScriptDailySchedule", "interval": 2},
        "target": {"@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": A}}]);
    assert_eq!(
        assigned("deviceHealthScript", &schedule),
        [format!(
            "assigned_to group {A} run_remediation=true schedule=daily schedule_interval=2"
        )]
    );
    let tag = json!([{"target": {"@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": A}}]);
    assert_eq!(
        assigned("roleScopeTag", &tag),
        [format!("auto_tags group {A}")]
    );
}

#[test]
fn objects_carry_links_in_their_own_members() {
    let cases: Vec<(&str, Value, Vec<String>)> = vec![
        (
            "termsAndConditions",
            json!({"roleScopeTagIds": ["0", "7", null, 3]}),
            vec![
                "scoped_by role_scope_tag 0".into(),
                "scoped_by role_scope_tag 7".into(),
            ],
        ),
        (
            "mobileApp",
            json!({"vppTokenId": A}),
            vec![format!("uses_vpp_token vpp_token {A}")],
        ),
        (
            "mobileAppConfiguration",
            json!({"targetedMobileApps": [A, B], "packageId": "app:com.x"}),
            vec![
                format!("configures_app mobile_app {A} package_id=app:com.x"),
                format!("configures_app mobile_app {B} package_id=app:com.x"),
            ],
        ),
        (
            "iosManagedAppProtection",
            json!({"appGroupType": "selectedPublicApps", "apps": [{"mobileAppIdentifier":
                {"@odata.type": "#microsoft.graph.iosMobileAppIdentifier", "bundleId": "com.x"}}]}),
            vec!["protects_app app_identifier com.x platform=iOS".into()],
        ),
        (
            "targetedManagedAppConfiguration",
            json!({"appGroupType": "allMicrosoftApps", "apps": [{"mobileAppIdentifier":
                {"packageId": "com.y"}}]}),
            vec![
                "configures_app special allMicrosoftApps".into(),
                "configures_app app_identifier com.y".into(),
            ],
        ),
        (
            "deviceCompliancePolicy",
            json!({"scheduledActionsForRule": [{"scheduledActionConfigurations": [
                {"notificationTemplateId": NO_GUID, "notificationMessageCCList": []},
                {"notificationTemplateId": A, "notificationMessageCCList": [B]}]}],
                "deviceCompliancePolicyScript": {"deviceComplianceScriptId": B}}),
            vec![
                format!("notifies_with notification_message_template {A}"),
                format!("notifies_cc group {B}"),
                format!("uses_compliance_script compliance_script {B}"),
            ],
        ),
        (
            "enrollmentStatusPage",
            json!({"selectedMobileAppIds": [A]}),
            vec![format!("blocks_on_app mobile_app {A}")],
        ),
        (
            "enrollmentNotification",
            json!({"notificationTemplates": [format!("Email_{A}"), format!("Push_{NO_GUID}")],
                "notificationMessageTemplateId": NO_GUID}),
            vec![format!(
                "notifies_with notification_message_template {A} channel=email"
            )],
        ),
        (
            "endpointSecurityFirewall",
            json!({"templateReference": {"templateId": "t_1"}}),
            vec!["based_on_template configuration_policy_template t_1".into()],
        ),
        (
            "settingsCatalogPolicy",
            json!({"templateReference": {"templateId": ""}}),
            vec![],
        ),
        (
            "endpointSecurityIntent",
            json!({"templateId": A}),
            vec![format!("based_on_template device_management_template {A}")],
        ),
        (
            "deviceConfiguration",
            json!({"microsoftTunnelSiteId": A}),
            vec![format!("uses_tunnel_site tunnel_site {A}")],
        ),
        (
            "cloudPcProvisioningPolicy",
            json!({"imageType": "custom", "imageId": "i", "domainJoinConfigurations":
                [{"onPremisesConnectionId": A, "domainJoinType": "hybridAzureADJoin"},
                 {"onPremisesConnectionId": null}]}),
            vec![
                format!("uses_connection cloud_pc_connection {A} join_type=hybridAzureADJoin"),
                "uses_image cloud_pc_image i".into(),
            ],
        ),
        (
            "cloudPcProvisioningPolicy",
            json!({"imageType": "gallery", "imageId": "i"}),
            vec![],
        ),
    ];
    for (word, object, expected) in cases {
        assert_eq!(links_of(word, &object), expected, "{word}");
    }
}

#[test]
fn conditional_access_keeps_graphs_words_apart_from_ids() {
    let policy = json!({
        "conditions": {
            "users": {"includeUsers": ["All", A], "excludeUsers": ["GuestsOrExternalUsers"],
                "includeGroups": [A], "excludeGroups": [B], "includeRoles": [A],
                "excludeGuestsOrExternalUsers": {"guestOrExternalUserTypes": "internalGuest"}},
            "applications": {"includeApplications": ["Office365", B], "excludeApplications": [],
                "includeUserActions": ["urn:user:registerdevice"],
                "includeAuthenticationContextClassReferences": ["c1"]},
            "clientApplications": {"includeServicePrincipals": ["ServicePrincipalsInMyTenant"]},
            "locations": {"includeLocations": ["All"], "excludeLocations": ["AllTrusted", A]}
        },
        "grantControls": {"authenticationStrength": {"id": B}, "termsOfUse": [A]}
    });
    assert_eq!(
        links_of("conditionalAccessPolicy", &policy),
        [
            "targets special All".to_owned(),
            format!("targets user {A}"),
            "excludes special GuestsOrExternalUsers".to_owned(),
            format!("targets group {A}"),
            format!("excludes group {B}"),
            format!("targets directory_role {A}"),
            "targets special Office365".to_owned(),
            format!("targets application {B}"),
            "targets special urn:user:registerdevice".to_owned(),
            "uses_authentication_context authentication_context c1".to_owned(),
            "targets special ServicePrincipalsInMyTenant".to_owned(),
            "uses_location special All".to_owned(),
            "excludes_location special AllTrusted".to_owned(),
            format!("excludes_location named_location {A}"),
            "excludes special GuestsOrExternalUsers guest_types=internalGuest".to_owned(),
            format!("uses_authentication_strength authentication_strength {B}"),
            format!("uses_terms terms_of_use {A}"),
        ]
    );
    assert_eq!(
        links_of("conditionalAccessPolicy", &json!({"grantControls": null})),
        Vec::<String>::new()
    );
}

#[test]
fn what_is_read_besides_carries_links_too() {
    let of = |read: &dyn Fn(&mut Gathered)| {
        let mut found = Gathered::default();
        read(&mut found);
        lines(&found)
    };
    let role = json!({"roleDefinition": {"id": A, "isBuiltIn": true, "displayName": "Help Desk"},
        "members": [B], "scopeMembers": [A], "scopeType": "allDevicesAndLicensedUsers",
        "roleScopeTags": [{"id": "7"}]});
    assert_eq!(
        of(&|found| roles::of_assignment(&role, found)),
        [
            format!("grants_role role_definition {A} built_in=true name=Help Desk"),
            format!("has_member group {B}"),
            format!("has_scope group {A}"),
            "has_scope virtual_group all_devices".to_owned(),
            "has_scope virtual_group all_users".to_owned(),
            "scoped_by role_scope_tag 7".to_owned(),
        ]
    );
    let items = [
        json!({"@odata.type": "#microsoft.graph.mobileAppPolicySetItem", "payloadId": A, "intent": "required"}),
        json!({"@odata.type": "#microsoft.graph.deviceManagementConfigurationPolicyPolicySetItem", "payloadId": B}),
        json!({"@odata.type": "#microsoft.graph.newPolicySetItem", "payloadId": B}),
    ];
    assert_eq!(
        of(&|found| policy_sets::of_items(&items, found)),
        [
            format!("contains mobile_app {A} intent=required"),
            format!("contains configuration_policy {B}"),
            format!("contains other {B} target_type=newPolicySetItem"),
        ]
    );
    let profile = json!({"identityCertificate": {"id": A}, "smimeSigningCertificate": null,
        "rootCertificatesForServerValidation": [{"id": B}], "derivedCredentialSettings": {"id": "d"}});
    assert_eq!(
        of(&|found| certificates::of_details(&profile, found)),
        [
            "uses_derived_credential derived_credential d".to_owned(),
            format!("uses_certificate device_configuration {A} role=identityCertificate"),
            format!(
                "uses_certificate device_configuration {B} \
                 role=rootCertificatesForServerValidation"
            ),
        ]
    );
    let setting = json!({"settingInstance": {"choiceSettingValue": {"children": [
        {"simpleSettingValue": {"@odata.type":
            "#microsoft.graph.deviceManagementConfigurationReferenceSettingValue", "value": A}}]}}});
    assert_eq!(
        of(&|found| settings::of_setting(&setting, found)),
        [format!("uses_reusable_setting reusable_policy_setting {A}")]
    );
}

#[test]
fn relations_of_apps_are_the_same_from_both_ends() {
    let relation = |kind: &str, source: &str, target: &str, end: &str| {
        json!({"@odata.type": format!("#microsoft.graph.{kind}"), "sourceId": source,
            "targetId": target, "targetType": end, "supersedenceType": "replace",
            "dependencyType": "autoInstall"})
    };
    let mut relations = apps::Relations::default();
    relations.add(&relation("mobileAppSupersedence", A, B, "child"), None);
    relations.add(&relation("mobileAppSupersedence", B, A, "parent"), None);
    relations.add(&relation("mobileAppDependency", B, "c", "child"), None);
    relations.add(&relation("somethingNew", A, "c", "child"), None);
    let of = |app: &str| {
        let mut found = Gathered::default();
        relations.of(app, &mut found);
        let mut found_links = lines(&found);
        found_links.dedup();
        found_links
    };
    assert_eq!(
        of(A),
        [format!(
            "supersedes mobile_app {B} supersedence_type=replace"
        )]
    );
    assert_eq!(
        of(B),
        ["depends_on_app mobile_app c dependency_type=autoInstall"]
    );
    assert!(of("c").is_empty());
}

#[test]
fn ids_that_cannot_be_ids_and_endless_links_are_passed_over_and_said_so() {
    let long = "x".repeat(LONGEST_ID + 1);
    for id in [long.as_str(), "a\nb", "a\0b"] {
        let found = of_object(key("mobileApp"), None, &json!({"vppTokenId": id}));
        assert!(found.links.is_empty() && found.cut, "{id:?}");
    }
    let many: Vec<String> = (0..MOST + 5).map(|n| n.to_string()).collect();
    let page = json!({"selectedMobileAppIds": many});
    let found = of_object(key("enrollmentStatusPage"), None, &page);
    assert_eq!((found.links.len(), found.cut), (MOST, true));
}

/// JSON made of the members that the extractors look for, in wrong places and of wrong kinds.
fn hostile() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(json!(A)),
        Just(json!(NO_GUID)),
        Just(json!("#microsoft.graph.exclusionGroupAssignmentTarget")),
        Just(json!("#microsoft.graph.mobileAppSupersedence")),
        ".{0,8}".prop_map(Value::from),
    ];
    let name = prop::sample::select(vec![
        "@odata.type",
        "id",
        "target",
        "groupId",
        "collectionId",
        "intent",
        "source",
        "sourceId",
        "targetId",
        "targetType",
        "conditions",
        "users",
        "includeUsers",
        "applications",
        "includeApplications",
        "locations",
        "includeLocations",
        "grantControls",
        "authenticationStrength",
        "termsOfUse",
        "apps",
        "mobileAppIdentifier",
        "bundleId",
        "scheduledActionsForRule",
        "scheduledActionConfigurations",
        "notificationTemplateId",
        "notificationMessageCCList",
        "deviceCompliancePolicyScript",
        "notificationTemplates",
        "selectedMobileAppIds",
        "targetedMobileApps",
        "templateReference",
        "templateId",
        "domainJoinConfigurations",
        "imageType",
        "roleDefinition",
        "members",
        "scopeMembers",
        "roleScopeTags",
        "roleScopeTagIds",
        "items",
        "payloadId",
        "identityCertificate",
        "rootCertificatesForServerValidation",
        "value",
        "definition",
        "definitionFile",
        "deviceAndAppManagementAssignmentFilterId",
        "deviceAndAppManagementAssignmentFilterType",
    ]);
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(name.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_object_carries_an_id_that_is_none(object in hostile()) {
        let mut all = Vec::new();
        for of_type in registry().all() {
            let key = of_type.key();
            all.push(of_object(key, Some("roleScopeTagIds"), &object));
            all.push(assignments::of(key, std::slice::from_ref(&object)));
        }
        let mut read = Gathered::default();
        roles::of_assignment(&object, &mut read);
        certificates::of_details(&object, &mut read);
        compliance::of_rule(&object, &mut read);
        settings::of_setting(&object, &mut read);
        policy_sets::of_items(std::slice::from_ref(&object), &mut read);
        let mut relations = apps::Relations::default();
        relations.add(&object, Some(A));
        relations.of(A, &mut read);
        all.push(read);
        for link in all.iter().flat_map(|found| &found.links) {
            let id = &link.target.id;
            prop_assert!(!id.is_empty() && id != NO_GUID && id.len() <= LONGEST_ID);
            prop_assert!(!id.contains(char::is_control));
            for value in link.qualifier.values() {
                prop_assert!(value.chars().count() <= LONGEST_ID);
            }
        }
    }

    #[test]
    fn a_link_does_not_depend_on_the_order_of_assignments(found_links in prop::collection::vec(hostile(), 0..4)) {
        let set = |assignments: &[Value]| {
            let found = assignments::of(key("mobileApp"), assignments);
            atlas_domain::inventory::link::LinkSet::new(
                atlas_domain::inventory::link::LinkSource::Assignments,
                found.links,
            )
        };
        let mut turned = found_links.clone();
        turned.reverse();
        prop_assert_eq!(set(&found_links), set(&turned));
    }
}
