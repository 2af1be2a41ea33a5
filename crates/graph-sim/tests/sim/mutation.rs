use std::collections::BTreeMap;

use atlas_graph_sim::{
    AnswerChangeKind, AnswerItem, AnswerKey, Changes, MutationScript, SimulatorOptions,
};
use serde_json::Value;

use crate::client::{TENANT, lists_with_assignments, start};

fn by_id(items: &[AnswerItem]) -> BTreeMap<&str, &AnswerItem> {
    items.iter().map(|item| (item.id.as_str(), item)).collect()
}

/// What is different between two answer keys, as far as they go.
fn differences(before: &AnswerKey, after: &AnswerKey) -> BTreeMap<String, Changes> {
    let mut all = BTreeMap::new();
    for (key, items) in after {
        let (old, new) = (by_id(&before[key]), by_id(items));
        let mut changes = Changes::default();
        for (id, item) in &new {
            match old.get(id) {
                None => changes.added.push((*id).to_owned()),
                Some(was) if was.name != item.name => changes.renamed.push((*id).to_owned()),
                Some(was) if was.assignment_count != item.assignment_count => {
                    changes.reassigned.push((*id).to_owned());
                }
                Some(_) => {}
            }
        }
        let gone = old.keys().filter(|id| !new.contains_key(*id));
        changes.deleted = gone.map(|id| (*id).to_owned()).collect();
        if changes != Changes::default() {
            all.insert(key.clone(), changes);
        }
    }
    all
}

#[tokio::test]
async fn a_script_changes_what_it_says_and_nothing_else() {
    let (simulator, client) = start(SimulatorOptions::default()).await;
    let before = simulator.answer_key(TENANT);
    let script = MutationScript {
        seed: 5,
        add: 12,
        delete: 9,
        rename: 11,
        reassign: 8,
        ..MutationScript::default()
    };
    let changes = simulator.mutate(TENANT, &script);
    let after = simulator.answer_key(TENANT);
    assert_eq!(changes, differences(&before, &after));
    let count =
        |of: fn(&Changes) -> &Vec<String>| changes.values().map(of).map(Vec::len).sum::<usize>();
    assert_eq!(
        [
            count(|one| &one.added),
            count(|one| &one.deleted),
            count(|one| &one.renamed),
            count(|one| &one.reassigned),
        ],
        [12, 9, 11, 8]
    );
    assert_eq!(
        client.inventory(&lists_with_assignments(&before)).await,
        after,
        "over HTTP too"
    );
}

#[tokio::test]
async fn an_edit_changes_the_row_and_its_time_but_not_its_name() {
    let (simulator, client) = start(SimulatorOptions::default()).await;
    let script = MutationScript {
        edit: 1,
        keys: vec!["groupPolicyConfiguration".to_owned()],
        ..MutationScript::default()
    };
    let path = "/beta/deviceManagement/groupPolicyConfigurations";
    let before = client.rows(path).await;
    let answer = simulator.answer_key(TENANT);
    let changes = simulator.mutate(TENANT, &script);
    let edited = &changes["groupPolicyConfiguration"].edited;
    assert_eq!(edited.len(), 1);
    assert_eq!(simulator.answer_key(TENANT), answer);
    for (old, new) in before.iter().zip(client.rows(path).await) {
        let changed = old["id"] == edited[0].as_str();
        assert_eq!(*old != new, changed);
        assert_eq!(
            old["lastModifiedDateTime"] != new["lastModifiedDateTime"],
            changed
        );
        assert_eq!(old["displayName"], new["displayName"]);
    }
}

#[tokio::test]
async fn the_same_script_does_the_same_in_two_simulators() {
    let (first, _) = start(SimulatorOptions::default()).await;
    let (second, _) = start(SimulatorOptions::default()).await;
    let script = MutationScript {
        add: 5,
        delete: 5,
        rename: 5,
        edit: 5,
        reassign: 5,
        ..MutationScript::default()
    };
    for _ in 0..3 {
        assert_eq!(
            first.mutate(TENANT, &script),
            second.mutate(TENANT, &script)
        );
    }
    assert_eq!(first.answer_key(TENANT), second.answer_key(TENANT));
}

#[tokio::test]
async fn each_way_of_changing_is_reported_as_what_a_client_must_find_out() {
    let (simulator, _client) = start(SimulatorOptions {
        size: 1_000,
        ..SimulatorOptions::default()
    })
    .await;
    let first = MutationScript {
        delete: 6,
        ..MutationScript::default()
    };
    let deleted = simulator.mutate(TENANT, &first);
    simulator.mark(TENANT);
    assert_eq!(simulator.changes_since_mark(TENANT), []);
    let script = MutationScript {
        seed: 9,
        add: 4,
        delete: 3,
        restore: 2,
        rename: 5,
        edit: 4,
        edit_nested: 6,
        edit_secret: 4,
        reassign: 3,
        reassign_unlisted: 2,
        touch: 8,
        ..MutationScript::default()
    };
    let changes = simulator.mutate(TENANT, &script);
    let of = |list: fn(&Changes) -> &Vec<String>| -> Vec<String> {
        let mut ids: Vec<String> = changes.values().flat_map(list).cloned().collect();
        ids.sort();
        ids
    };
    let changes = simulator.changes_since_mark(TENANT);
    let ids = |kind: AnswerChangeKind| -> Vec<String> {
        let those = changes.iter().filter(|one| one.change == kind);
        let mut ids: Vec<String> = those.map(|one| one.id.clone()).collect();
        ids.sort();
        ids
    };
    let before: Vec<&String> = deleted.values().flat_map(|one| &one.deleted).collect();
    assert_eq!(ids(AnswerChangeKind::Created), of(|one| &one.added));
    assert_eq!(ids(AnswerChangeKind::Gone), of(|one| &one.deleted));
    assert_eq!(ids(AnswerChangeKind::Back), of(|one| &one.restored));
    assert!(
        of(|one| &one.restored)
            .iter()
            .all(|id| before.contains(&id))
    );
    assert_eq!(ids(AnswerChangeKind::Reassigned), of(|one| &one.reassigned));
    let mut changed = of(|one| &one.renamed);
    for list in [
        of(|one| &one.edited),
        of(|one| &one.edited_nested),
        of(|one| &one.edited_secret),
    ] {
        changed.extend(list);
    }
    changed.sort();
    assert_eq!(changed.len(), 5 + 4 + 6 + 4);
    assert_eq!(ids(AnswerChangeKind::Changed), changed);
    assert_eq!(of(|one| &one.touched).len(), 8);

    let fields = |id: &String| &changes.iter().find(|one| one.id == *id).unwrap().fields;
    for id in of(|one| &one.edited_nested) {
        let real: Vec<_> = fields(&id)
            .iter()
            .filter(|field| !field.bookkeeping)
            .collect();
        assert!(
            !real.is_empty() && real.iter().all(|field| field.old != field.new),
            "{real:?}"
        );
    }
    for id in of(|one| &one.edited_secret) {
        let secret = fields(&id).iter().find(|field| field.secret).unwrap();
        assert_eq!((&secret.old, &secret.new), (&Value::Null, &Value::Null));
        assert!(fields(&id).iter().any(|field| field.bookkeeping));
    }
}

#[tokio::test]
async fn a_change_is_reported_field_by_field_as_the_object_is_read() {
    let (simulator, client) = start(SimulatorOptions::default()).await;
    let path = "/beta/identity/conditionalAccess/policies";
    let before = client.rows(path).await;
    let script = MutationScript {
        edit_nested: 1,
        keys: vec!["conditionalAccessPolicy".to_owned()],
        ..MutationScript::default()
    };
    simulator.mutate(TENANT, &script);
    let changes = simulator.changes_since_mark(TENANT);
    let [change] = changes.as_slice() else {
        panic!("{changes:?}");
    };
    let of = |rows: &[Value]| {
        rows.iter()
            .find(|row| row["id"] == *change.id)
            .unwrap()
            .clone()
    };
    let (old, new) = (of(&before), of(&client.rows(path).await));
    let pointers: Vec<&str> = change
        .fields
        .iter()
        .map(|field| field.pointer.as_str())
        .collect();
    assert_eq!(
        pointers,
        [
            "/modifiedDateTime",
            "/sessionControls/signInFrequency/value"
        ]
    );
    for field in &change.fields {
        assert_eq!(old.pointer(&field.pointer), Some(&field.old));
        assert_eq!(new.pointer(&field.pointer), Some(&field.new));
    }
}

#[tokio::test]
async fn counts_that_move_by_themselves_are_in_the_row_and_no_change() {
    let (simulator, client) = start(SimulatorOptions::default()).await;
    let path = "/beta/deviceAppManagement/vppTokens";
    let before = client.rows(path).await;
    let script = MutationScript {
        touch: 1,
        keys: vec!["vppToken".to_owned()],
        ..MutationScript::default()
    };
    simulator.mutate(TENANT, &script);
    assert_ne!(client.rows(path).await, before);
    assert_eq!(simulator.changes_since_mark(TENANT), []);
}
