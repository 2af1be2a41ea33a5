//! Links that are read separately from their object.

use super::*;

#[test]
fn what_is_read_separately_becomes_links() {
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
