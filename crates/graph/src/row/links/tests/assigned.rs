//! Links of assignments.

use super::*;

#[test]
fn assignments_become_links_to_whom_an_object_applies_and_to_whom_not() {
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
fn an_assignments_filter_intent_and_policy_set_are_kept() {
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
fn a_remediations_assignment_keeps_its_schedule_and_a_scope_tags_is_a_link_of_its_own() {
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
