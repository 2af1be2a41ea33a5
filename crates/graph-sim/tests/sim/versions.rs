use std::collections::BTreeMap;

use atlas_graph_sim::{AnswerChangeKind, AnswerVersion, MutationScript, SimulatorOptions};
use serde_json::Value;

use crate::client::{POLICIES, TENANT, start};

fn script(seed: u64) -> MutationScript {
    MutationScript {
        seed,
        add: 8,
        delete: 8,
        restore: 4,
        rename: 8,
        edit: 8,
        edit_nested: 8,
        edit_secret: 4,
        edit_value: 20,
        edit_value_quietly: 8,
        edit_secret_value: 4,
        remove_value: 4,
        reassign: 8,
        touch: 8,
        ..MutationScript::default()
    }
}

/// By policy type and id.
fn by_object(versions: Vec<AnswerVersion>) -> BTreeMap<(String, String), Vec<AnswerVersion>> {
    let mut all = BTreeMap::<_, Vec<AnswerVersion>>::new();
    for version in versions {
        let object = (version.policy_type.clone(), version.id.clone());
        all.entry(object).or_default().push(version);
    }
    all
}

#[tokio::test]
async fn what_a_tenant_held_after_each_round_stays_known() {
    let (simulator, _client) = start(SimulatorOptions {
        size: 600,
        ..SimulatorOptions::default()
    })
    .await;
    let mut keys = vec![simulator.answer_key(TENANT)];
    let mut values = vec![simulator.answer_values(TENANT)];
    for seed in 1..6 {
        simulator.mutate(TENANT, &script(seed));
        keys.push(simulator.answer_key(TENANT));
        values.push(simulator.answer_values(TENANT));
    }
    assert_eq!(simulator.rounds(TENANT), 5);
    for (round, (key, values)) in keys.iter().zip(&values).enumerate() {
        assert_eq!(simulator.answer_key_at(TENANT, round), *key, "{round}");
        assert_eq!(
            simulator.answer_values_at(TENANT, round),
            *values,
            "{round}"
        );
    }
    assert_ne!(values[0], values[5]);
}

#[tokio::test]
async fn versions_are_the_changes_of_each_round_one_after_the_other() {
    let (simulator, client) = start(SimulatorOptions {
        size: 600,
        ..SimulatorOptions::default()
    })
    .await;
    let mut read = vec![
        client
            .rows(&format!("{POLICIES}?$top=1000&$expand=settings"))
            .await,
    ];
    for seed in 1..6 {
        simulator.mutate(TENANT, &script(seed));
        read.push(
            client
                .rows(&format!("{POLICIES}?$top=1000&$expand=settings"))
                .await,
        );
    }
    let versions = by_object(simulator.answer_versions(TENANT));
    let mut begun = BTreeMap::<usize, usize>::new();
    let mut ended = 0;
    for ((policy_type, id), versions) in &versions {
        for (number, version) in (1..).zip(versions) {
            assert_eq!(version.number, number);
            *begun.entry(version.from).or_default() += 1;
            let object = |round| simulator.answer_object_at(TENANT, policy_type, id, round);
            let own = object(version.from).unwrap();
            match version.until {
                None => assert_eq!(number, versions.len()),
                Some(until) => {
                    // Nothing but counts moves from beginning to end.
                    let last = object(until - 1).unwrap();
                    assert_eq!(
                        (&own.assignments, &own.values),
                        (&last.assignments, &last.values)
                    );
                    let next = object(until);
                    assert_ne!(next.as_ref(), Some(&last));
                    ended += usize::from(next.is_none());
                }
            }
            assert_eq!(version.changes.is_empty(), version.from == 0);
            for change in &version.changes {
                assert_ne!(change.change, AnswerChangeKind::Gone);
                assert_eq!(change.actors.len(), 1, "one event in a round");
            }
        }
    }
    assert_eq!(begun.len(), 6);
    assert!(ended > 20, "{ended}");
    for round in 1..6 {
        let mut kept = simulator.changes_between(TENANT, round - 1, round);
        kept.retain(|change| change.change != AnswerChangeKind::Gone);
        let mut of_round: Vec<_> = versions
            .values()
            .flatten()
            .filter(|version| version.from == round)
            .flat_map(|version| version.changes.clone())
            .collect();
        of_round.sort_by(|one, other| {
            (&one.policy_type, &one.id, one.change).cmp(&(
                &other.policy_type,
                &other.id,
                other.change,
            ))
        });
        assert_eq!(of_round, kept, "{round}");
    }
    // What was read at the time is what the key says of that time.
    for (round, rows) in read.iter().enumerate() {
        for row in rows {
            let id = row["id"].as_str().unwrap();
            let of = versions.keys().find(|(_, one)| one == id).unwrap();
            let object = simulator
                .answer_object_at(TENANT, &of.0, id, round)
                .unwrap();
            for (name, value) in object.row.as_object().unwrap() {
                assert_eq!(&row[name], value, "{name}");
            }
            let settings = row["settings"].as_array().unwrap();
            let top: Vec<&Value> = settings
                .iter()
                .map(|one| &one["settingInstance"]["settingDefinitionId"])
                .collect();
            for value in &object.values {
                let first = value.setting[0].split('[').next().unwrap();
                assert!(top.iter().any(|one| *one == first), "{first}");
            }
        }
    }
}
