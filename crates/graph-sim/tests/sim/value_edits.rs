use std::collections::{BTreeMap, BTreeSet};

use atlas_graph_sim::{
    AnswerChangeKind, AnswerValue, Changes, MutationScript, Simulator, SimulatorOptions, ValueForm,
};
use serde_json::Value;

use crate::client::{Client, POLICIES, TENANT, start};

async fn sized(size: usize) -> (Simulator, Client) {
    start(SimulatorOptions {
        size,
        ..SimulatorOptions::default()
    })
    .await
}

/// Which values changed, by object.
fn values_changed(simulator: &Simulator) -> BTreeMap<String, Vec<(Vec<String>, ValueForm)>> {
    let changes = simulator.changes_since_mark(TENANT).into_iter();
    changes
        .map(|change| {
            assert_eq!(change.change, AnswerChangeKind::Changed);
            let values = change.values.into_iter();
            let values = values.map(|value| (value.setting, value.form)).collect();
            (change.id, values)
        })
        .collect()
}

fn ids(changes: &BTreeMap<String, Changes>, of: fn(&Changes) -> &Vec<String>) -> BTreeSet<String> {
    changes.values().flat_map(of).cloned().collect()
}

#[tokio::test]
async fn edits_of_values_change_one_object_each_and_move_its_time_or_do_not() {
    let (simulator, client) = sized(900).await;
    let before = simulator.answer_values(TENANT);
    let times = |rows: Vec<Value>| -> BTreeMap<String, Value> {
        let of = |row: &Value| {
            let id = row["id"].as_str().unwrap().to_owned();
            (id, row["lastModifiedDateTime"].clone())
        };
        rows.iter().map(of).collect()
    };
    let list = format!("{POLICIES}?$top=1000");
    let old_times = times(client.rows(&list).await);
    let script = MutationScript {
        seed: 3,
        edit_value: 30,
        edit_value_quietly: 20,
        edit_secret_value: 5,
        remove_value: 5,
        ..MutationScript::default()
    };
    let changes = simulator.mutate(TENANT, &script);
    let found = values_changed(&simulator);
    let edited = ids(&changes, |one| &one.edited_value);
    let quiet = ids(&changes, |one| &one.edited_value_quietly);
    let secrets = ids(&changes, |one| &one.edited_secret_value);
    let removed = ids(&changes, |one| &one.removed_value);
    let counts = [&edited, &quiet, &secrets, &removed].map(BTreeSet::len);
    assert_eq!(counts, [30, 20, 5, 5]);
    let all: BTreeSet<String> = [&edited, &quiet, &secrets, &removed]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    assert_eq!(found.keys().cloned().collect::<BTreeSet<_>>(), all);
    assert!(found.values().all(|values| !values.is_empty()));
    let secret = |form: &ValueForm| matches!(form, ValueForm::Secret | ValueForm::UserInformation);
    for (id, values) in &found {
        let any_secret = values.iter().any(|(_, form)| secret(form));
        assert_eq!(
            any_secret,
            secrets.contains(id) || any_secret && removed.contains(id)
        );
    }
    let key = |values: Vec<AnswerValue>| -> BTreeMap<_, _> {
        let of = |one: AnswerValue| ((one.id, one.setting), one.value);
        values.into_iter().map(of).collect()
    };
    let (before, after) = (key(before), key(simulator.answer_values(TENANT)));
    let differing: BTreeSet<&String> = before
        .keys()
        .chain(after.keys())
        .filter(|key| before.get(*key) != after.get(*key))
        .map(|(id, _)| id)
        .collect();
    assert_eq!(differing, all.iter().collect());

    let new_times = times(client.rows(&list).await);
    for (id, time) in &old_times {
        let moved = *time != new_times[id];
        assert_eq!(moved, all.contains(id) && !quiet.contains(id), "{id}");
    }
    for policy in client.rows(&format!("{list}&$expand=settings")).await {
        let count = policy["settings"].as_array().unwrap().len();
        assert_eq!(policy["settingCount"], count);
    }
}

#[tokio::test]
async fn one_setting_of_one_policy_is_turned_off_and_on_again() {
    let (simulator, client) = sized(2_000).await;
    let bitlocker = vec!["device_vendor_msft_bitlocker_requiredeviceencryption".to_owned()];
    let values = simulator.answer_values(TENANT);
    let value = values.iter().find(|one| one.setting == bitlocker).unwrap();
    assert_eq!(value.name.as_deref(), Some("Require Device Encryption"));
    let script = MutationScript {
        edit_value: 1,
        ids: vec![value.id.to_uppercase()],
        setting: bitlocker.clone(),
        ..MutationScript::default()
    };
    let read = async || {
        let settings = client
            .rows(&format!("{POLICIES}/{}/settings?$top=1000", value.id))
            .await;
        let own = |one: &&Value| one["settingInstance"]["settingDefinitionId"] == bitlocker[0];
        let setting = settings.iter().find(own).unwrap();
        setting["settingInstance"]["choiceSettingValue"]["value"].clone()
    };
    let first = read().await;
    assert_eq!(first, value.value);
    simulator.mutate(TENANT, &script);
    let second = read().await;
    assert_ne!(second, first);
    let changes = simulator.changes_since_mark(TENANT);
    assert_eq!(changes.len(), 1);
    let [change] = changes[0].values.as_slice() else {
        panic!("{changes:?}");
    };
    assert_eq!(
        (&change.old, &change.new),
        (&Some(first.clone()), &Some(second))
    );
    let fields = &changes[0].fields;
    assert!(fields.iter().all(|field| field.bookkeeping), "{fields:?}");
    simulator.mutate(TENANT, &script);
    assert_eq!(read().await, first);
}

#[tokio::test]
async fn each_kind_of_object_can_be_edited() {
    let (simulator, _client) = sized(900).await;
    for key in [
        "settingsCatalogPolicy",
        "endpointSecurityDiskEncryption",
        "compliancePolicyV2",
        "groupPolicyConfiguration",
        "endpointSecurityIntent",
        "notificationMessageTemplate",
        "policySet",
        "deviceManagementScript",
        "deviceHealthScript",
    ] {
        simulator.mark(TENANT);
        let script = MutationScript {
            edit_value: 1,
            keys: vec![key.to_owned()],
            ..MutationScript::default()
        };
        let changes = simulator.mutate(TENANT, &script);
        assert_eq!(changes[key].edited_value.len(), 1, "{key}");
        assert_eq!(values_changed(&simulator).len(), 1, "{key}");
    }
}
