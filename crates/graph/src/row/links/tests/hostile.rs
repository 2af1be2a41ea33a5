//! Objects that no service would send.

use proptest::prelude::*;

use super::super::gathered::{LONGEST_ID, MOST};
use super::*;

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
    fn no_object_yields_an_id_that_cannot_be_one(object in hostile()) {
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
