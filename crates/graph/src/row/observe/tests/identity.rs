//! Which object a row is, whichever way Graph writes it, and how a hash of versions before is
//! recognised.

use atlas_domain::inventory::content::{
    assignments_hash, former_assignments_of, former_content_of,
};

use super::*;

const GUID: &str = "0A1B2C3D-4E5F-4A7B-8C9D-0E1F2A3B4C5D";

fn lower() -> String {
    GUID.to_ascii_lowercase()
}

/// A row whose ids are all this one.
fn policy(id: &str) -> Value {
    json!({"id": id, "@odata.type": "#microsoft.graph.windows10CustomConfiguration",
        "displayName": "Policy", "roleScopeTagIds": ["0", id],
        "assignments": [{"id": id, "target": {
            "@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": id,
            "deviceAndAppManagementAssignmentFilterId": id,
            "deviceAndAppManagementAssignmentFilterType": "include"}}]})
}

/// What versions before hashed of a row without secrets.
fn former_content(row: &Value) -> [u8; 32] {
    content_hash(&fields(&former_content_of(row.as_object().unwrap())))
}

#[test]
fn a_row_whose_ids_are_in_another_case_is_the_same_in_all_that_is_compared() {
    let of = |id: &str| seen(&["deviceConfiguration"], &policy(id)).unwrap();
    let (mut upper, plain) = (of(GUID), of(&lower()));
    assert_eq!(upper.external_id, lower());
    assert_eq!(upper.scope_tags.as_ref().unwrap()[1], upper.external_id);
    upper.former_content_hash = None;
    upper.former_assignments_hash = None;
    assert_eq!(upper, plain);
}

#[test]
fn the_id_of_another_shape_is_folded_where_it_holds_a_guid_only() {
    let id = |id: &str| {
        let row = json!({"id": id, "displayName": "p"});
        seen(&["iosManagedAppProtection"], &row)
            .unwrap()
            .external_id
    };
    assert_eq!(id(&format!("T_{GUID}")), format!("T_{}", lower()));
    assert_eq!(
        id(&format!("{GUID}_{GUID}")),
        format!("{}_{}", lower(), lower())
    );
    assert_eq!(id("YWJjQUJD="), "YWJjQUJD=");
}

#[test]
fn the_former_hashes_are_those_of_versions_before_where_these_differ() {
    let row = policy(GUID);
    let observed = seen(&["deviceConfiguration"], &row).unwrap();
    assert_eq!(observed.former_content_hash, Some(former_content(&row)));
    let assignments = former_assignments_of(row["assignments"].as_array().unwrap());
    assert_eq!(
        observed.former_assignments_hash,
        Some(assignments_hash(&assignments))
    );
    let observed = seen(&["deviceConfiguration"], &policy(&lower())).unwrap();
    assert_eq!(observed.former_content_hash, None);
    assert_eq!(observed.former_assignments_hash, None);
    assert_eq!(observed.content_hash, former_content(&policy(&lower())));
}

#[test]
fn a_password_in_a_url_is_in_nothing_that_is_kept_and_its_former_hash_is_known() {
    let row = |user: &str| {
        let url = format!("http://{user}@proxy.example:8080");
        json!({"id": "1", "displayName": format!("Proxy {url}"), "description": format!("Was {url}."),
            "@odata.type": "#microsoft.graph.windows10GeneralConfiguration",
            "networkProxyServer": {"address": url, "exceptions": [url]},
            "assignments": [{"source": url, "target": {
                "@odata.type": "#microsoft.graph.new", "groupId": url}}]})
    };
    let given = row("user:SECRET");
    let observed = seen(&["deviceConfiguration"], &given).unwrap();
    assert!(!format!("{observed:?}").contains("SECRET"), "{observed:?}");
    assert_eq!(observed.name, "Proxy http://redacted@proxy.example:8080");
    assert_eq!(
        observed.metadata.value()["description"],
        "Was http://redacted@proxy.example:8080."
    );
    assert_eq!(observed.former_content_hash, Some(former_content(&given)));
    let other = seen(&["deviceConfiguration"], &row("other:secret")).unwrap();
    assert_eq!(observed.content_hash, other.content_hash);
    assert_eq!(observed.assignments_hash, other.assignments_hash);
    assert_ne!(
        observed.former_assignments_hash,
        other.former_assignments_hash
    );
}

#[test]
fn a_singleton_is_the_one_of_its_policy_type_whatever_id_it_has() {
    let of = |row: Value| seen(&["securityDefaults"], &row).unwrap();
    let bare = of(json!({"isEnabled": true}));
    assert_eq!(bare.external_id, "securityDefaults");
    assert_eq!(bare.former_content_hash, None);
    for id in [
        json!(GUID),
        json!(lower()),
        json!(""),
        Value::Null,
        json!(7),
    ] {
        let row = json!({"id": id, "isEnabled": true});
        let observed = of(row.clone());
        assert_eq!(observed.external_id, bare.external_id);
        assert_eq!(observed.content_hash, bare.content_hash);
        assert_eq!(observed.former_content_hash, Some(former_content(&row)));
    }
}

#[test]
fn nothing_is_read_under_a_singletons_address() {
    let all = crate::collections::collections().iter();
    for one in all.filter(|one| one.shape() == Shape::Singleton) {
        let lacking = Lacking {
            dependencies: true,
            with_assignments: false,
            values: true,
        };
        let reads = further_reads(one, &lacking, &json!({}));
        assert_eq!(reads, [], "{}", one.key());
    }
}

#[test]
fn addresses_hold_the_id_as_graph_writes_it() {
    let plan = plan(&keys(&["deviceConfiguration"]), true);
    let seen = observe(&plan.lists[0], RowContext::default(), policy(GUID)).unwrap();
    assert_eq!(seen.unwrap().id, GUID);
}
