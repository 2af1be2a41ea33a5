//! Links in objects' own members.

use super::*;

#[test]
fn members_of_objects_become_links() {
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
