use std::collections::BTreeMap;

use atlas_graph_sim::{AnswerItem, AnswerKey, Changes, MutationScript, SimulatorOptions};

use crate::client::{TENANT, start, telling};

fn by_id(items: &[AnswerItem]) -> BTreeMap<&str, &AnswerItem> {
    items.iter().map(|item| (item.id.as_str(), item)).collect()
}

/// What is different between two answer keys, as far as they tell.
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
    let told = simulator.mutate(TENANT, &script);
    let after = simulator.answer_key(TENANT);
    assert_eq!(told, differences(&before, &after));
    let count =
        |of: fn(&Changes) -> &Vec<String>| told.values().map(of).map(Vec::len).sum::<usize>();
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
        client.inventory(&telling(&before)).await,
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
    let told = simulator.mutate(TENANT, &script);
    let edited = &told["groupPolicyConfiguration"].edited;
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
