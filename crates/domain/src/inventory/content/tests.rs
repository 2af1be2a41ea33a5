//! What counts as content, and that equal contents have equal hashes.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::inventory::change::fields;

fn hash(object: &Value) -> [u8; 32] {
    content_hash(&fields(&content_of(object.as_object().unwrap())))
}

#[test]
fn order_times_and_assignments_do_not_count_and_settings_do() {
    let base = json!({"id": "1", "a": {"x": 1, "y": [1, 2]}, "lastModifiedDateTime": "t1"});
    let same = json!({"lastModifiedDateTime": "t2", "a": {"y": [1, 2], "x": 1}, "id": "1",
        "assignments": [{"id": "z"}], "assignments@odata.context": "c", "lastAppSyncDateTime": 1});
    assert_eq!(hash(&base), hash(&same));
    for other in [
        json!({"id": "1", "a": {"x": 1, "y": [2, 1]}}),
        json!({"id": "1", "a": {"x": "1", "y": [1, 2]}}),
        json!({"id": "1", "a": {"x": 1, "y": [1, 2]}, "b": null}),
        json!({"@odata.type": "k", "id": "1", "a": {"x": 1, "y": [1, 2]}}),
    ] {
        assert_ne!(hash(&base), hash(&other), "{other}");
    }
}

#[test]
fn annotations_deep_inside_and_the_order_of_sets_do_not_count() {
    let one = json!({"roleScopeTagIds": ["0", "7"], "rules": [{"@odata.type": "r", "n": 1}]});
    let same = json!({"roleScopeTagIds": ["7", "0"],
        "rules": [{"@odata.type": "r", "n": 1, "n@odata.type": "#Int64", "@odata.etag": "e"}]});
    let other = json!({"roleScopeTagIds": ["0", "7"], "rules": [{"@odata.type": "q", "n": 1}]});
    assert_eq!(hash(&one), hash(&same));
    assert_ne!(hash(&one), hash(&other));
}

#[test]
fn apps_of_a_policy_are_their_identifiers_in_any_order() {
    let app = |name: &str, version: &str| json!({"id": name, "version": version, "mobileAppIdentifier": {"bundleId": name}});
    let one = json!({"apps": [app("a", "1"), app("b", "1")]});
    let same = json!({"apps": [app("b", "2"), app("a", "2")]});
    let other = json!({"apps": [app("a", "1")]});
    assert_eq!(hash(&one), hash(&same));
    assert_ne!(hash(&one), hash(&other));
}

#[test]
fn assignments_are_the_same_in_any_order_and_however_they_were_read() {
    let in_a_list = [
        json!({"id": "p_a", "target": {"@odata.type": "#t", "groupId": "a", "filterId": null}}),
        json!({"id": "p_b", "target": {"@odata.type": "#t", "groupId": "b"}, "settings": null}),
    ];
    let under_its_object = [
        json!({"@odata.type": "#x", "target": {"groupId": "b", "@odata.type": "#t"}}),
        json!({"@odata.type": "#x", "target": {"groupId": "a", "@odata.type": "#t"}}),
    ];
    let normal = assignments_of(&in_a_list);
    assert_eq!(normal, assignments_of(&under_its_object));
    assert_eq!(normal, assignments_of(&normal));
    let hash = assignments_hash(&normal);
    assert_ne!(hash, assignments_hash(&assignments_of(&in_a_list[..1])));
    assert_ne!(hash, assignments_hash(&[]));
}

const GUID: &str = "0A1B2C3D-4E5F-4A7B-8C9D-0E1F2A3B4C5D";

#[test]
fn an_identifier_in_another_case_is_no_other_content_and_free_text_is() {
    let policy = |guid: &str| {
        json!({"id": format!("T_{guid}"), "conditions": {"users": {"includeGroups": [guid]}},
            "roleScopeTagIds": ["7", guid]})
    };
    assert_eq!(
        hash(&policy(GUID)),
        hash(&policy(&GUID.to_ascii_lowercase()))
    );
    assert_ne!(hash(&policy(GUID)), hash(&policy(&GUID.replace('0', "1"))));
    let text = |guid: &str| json!({"description": format!("Asked for by {guid}")});
    assert_ne!(hash(&text(GUID)), hash(&text(&GUID.to_ascii_lowercase())));
    let named = |guid: &str| json!({"values": {guid: 1}});
    assert_ne!(hash(&named(GUID)), hash(&named(&GUID.to_ascii_lowercase())));
}

#[test]
fn assignments_to_a_group_in_another_case_are_the_same_in_the_same_order() {
    let to = |id: &str| json!({"target": {"groupId": id}});
    let others = (0..9).map(|n| to(&GUID.replace('0', &n.to_string())));
    let one: Vec<Value> = others.collect();
    let other: Vec<Value> = (0..9)
        .map(|n| to(&GUID.replace('0', &n.to_string()).to_ascii_lowercase()))
        .collect();
    assert_eq!(assignments_of(&one), assignments_of(&other));
    assert_ne!(former_assignments_of(&one), former_assignments_of(&other));
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-c@]{0,3}".prop_map(Value::from),
        "(T_)?[aA]{8}-1111-4111-8111-[bB]{12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-c@/~]{0,3}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn the_hash_and_the_kept_fields_differ_together(one in values(), other in values()) {
        let of = |value: &Value| fields(&content_of(&Map::from_iter([("m".to_owned(), value.clone())])));
        let (one, other) = (of(&one), of(&other));
        prop_assert_eq!(one == other, content_hash(&one) == content_hash(&other));
    }

    #[test]
    fn what_has_no_former_form_is_what_versions_before_made_of_it(value in values()) {
        let object = Map::from_iter([("m".to_owned(), value.clone())]);
        let rows = std::slice::from_ref(&value);
        let same = content_of(&object) == former_content_of(&object)
            && assignments_of(rows) == former_assignments_of(rows);
        prop_assert!(same || has_former_form(&value));
    }

    #[test]
    fn the_normal_form_of_assignments_is_its_own(rows in prop::collection::vec(values(), 0..5)) {
        let normal = assignments_of(&rows);
        let turned: Vec<Value> = rows.into_iter().rev().collect();
        prop_assert_eq!(&normal, &assignments_of(&turned));
        prop_assert_eq!(&normal, &assignments_of(&normal));
    }
}
