//! Links are the same, whichever case the ids in them are written in.

use std::collections::BTreeSet;

use super::*;
use crate::row::links::apps::Relations;
use crate::row::links::settings::{References, of_definition_value};

const GUID: &str = "0A1B2C3D-4E5F-4A7B-8C9D-0E1F2A3B4C5D";
const FOLDED: &str = "0a1b2c3d-4e5f-4a7b-8c9d-0e1f2a3b4c5d";

#[test]
fn targets_and_ids_in_qualifiers_are_folded() {
    let assignment = |id: &str| {
        json!([{"source": "policySets", "sourceId": id, "target": {
            "@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": id,
            "deviceAndAppManagementAssignmentFilterId": id,
            "deviceAndAppManagementAssignmentFilterType": "include"}}])
    };
    let found = assigned("deviceConfiguration", &assignment(GUID));
    assert_eq!(found, assigned("deviceConfiguration", &assignment(FOLDED)));
    assert_eq!(
        found[0],
        format!(
            "assigned_to group {FOLDED} filter_id={FOLDED} filter_type=include \
             source=policySets source_id={FOLDED}"
        )
    );
    let policy = |id: &str| {
        json!({"roleScopeTagIds": [id],
            "conditions": {"users": {"includeGroups": [id], "includeUsers": [id]},
                "locations": {"includeLocations": [id]}},
            "grantControls": {"authenticationStrength": {"id": id}, "termsOfUse": [id]}})
    };
    let found = links_of("conditionalAccessPolicy", &policy(GUID));
    assert_eq!(found, links_of("conditionalAccessPolicy", &policy(FOLDED)));
    assert_eq!(found.len(), 6);
    let notification = json!({"notificationTemplates": [format!("Email_{GUID}")]});
    assert_eq!(
        links_of("enrollmentNotification", &notification),
        [format!(
            "notifies_with notification_message_template {FOLDED} channel=email"
        )]
    );
}

#[test]
fn an_app_identifier_keeps_its_case() {
    let policy = json!({"apps": [{"mobileAppIdentifier": {"bundleId": "com.Example.App"}}]});
    assert_eq!(
        links_of("iosManagedAppProtection", &policy),
        ["protects_app app_identifier com.Example.App"]
    );
}

#[test]
fn a_child_is_of_its_parent_in_any_case() {
    let mut found = Gathered::default();
    enrollment::of_parent(GUID, &mut found);
    assert_eq!(
        lines(&found),
        [format!("child_of dep_onboarding_setting {FOLDED}")]
    );
}

#[test]
fn what_is_read_once_for_a_list_is_found_by_external_ids() {
    let mut relations = Relations::default();
    let relation = json!({"@odata.type": "#microsoft.graph.mobileAppDependency",
        "sourceId": GUID, "targetId": GUID.replace('0', "1")});
    relations.add(&relation, None);
    let mut found = Gathered::default();
    relations.of(FOLDED, &mut found);
    let target = FOLDED.replace('0', "1");
    assert_eq!(
        lines(&found),
        [format!("depends_on_app mobile_app {target}")]
    );

    let mut references = References::default();
    references.add(&json!({"id": GUID}), GUID);
    let mut found = Gathered::default();
    references.of(FOLDED, &mut found);
    assert_eq!(
        lines(&found),
        [format!(
            "uses_reusable_setting reusable_policy_setting {FOLDED}"
        )]
    );

    let uploaded = BTreeSet::from([FOLDED.to_owned()]);
    let value = json!({"definition": {"definitionFile": {"id": GUID}}});
    let mut found = Gathered::default();
    of_definition_value(&value, &uploaded, &mut found);
    assert_eq!(
        lines(&found),
        [format!("uses_admx group_policy_definition_file {FOLDED}")]
    );
}

#[test]
fn user_information_of_a_url_is_in_no_id_and_no_qualifier() {
    let assignment = json!({"roleDefinition": {"id": "http://u:SECRET@h", "isBuiltIn": true,
        "displayName": "See https://u:SECRET@h"}});
    let mut found = Gathered::default();
    roles::of_assignment(&assignment, &mut found);
    assert_eq!(
        lines(&found),
        [
            "grants_role role_definition http://redacted@h built_in=true \
          name=See https://redacted@h"
        ]
    );
}
