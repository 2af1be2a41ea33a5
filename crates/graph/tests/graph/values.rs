//! What policies set beside their list rows, held against the simulator's answer key.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use atlas_domain::inventory::Observation;
use atlas_domain::inventory::link::LinkSource;
use atlas_domain::policy_types::{PolicyTypeKey, registry};
use atlas_graph::{Incomplete, KnownValues, TenantGraph, plan};
use atlas_graph_sim::{
    AnswerValue, Effect, FaultRule, MutationScript, PathMatch, SimulatorOptions, TenantMode,
    ValueForm,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::setup::{Setup, everything, keys_of};

const POLICIES: &str = "/deviceManagement/configurationPolicies";

/// Fields of values by policy type and external id.
type Fields = BTreeMap<(String, String), Map<String, Value>>;

#[derive(Default)]
struct Reading {
    objects: Vec<Observation>,
    incomplete: BTreeMap<PolicyTypeKey, Incomplete>,
}

impl Reading {
    fn fields(&self) -> Fields {
        let with_values = self.objects.iter().filter_map(|one| {
            let Value::Object(fields) = one.values.as_ref()?.fields.value() else {
                panic!("values are an object");
            };
            let id = (one.policy_type.to_string(), one.external_id.clone());
            Some((id, fields))
        });
        with_values.collect()
    }
}

async fn read_with(
    graph: &TenantGraph,
    keys: &[PolicyTypeKey],
    known: impl Fn() -> KnownValues,
) -> Reading {
    let mut reading = Reading::default();
    for list in &plan(keys, true).lists {
        let mut reader = graph.list_with(list, known());
        while let Some(page) = reader.next_page().await.unwrap() {
            assert!(!page.unstable);
            reading.objects.extend(page.observations);
        }
        reading.incomplete.extend(reader.incomplete().clone());
    }
    reading
}

async fn read(setup: &Setup, keys: &[PolicyTypeKey]) -> Reading {
    read_with(&setup.graph(), keys, KnownValues::default).await
}

/// Where a value of the key stands with us.
fn pointer(value: &AnswerValue) -> String {
    let escaped = |text: &str| text.replace('~', "~0").replace('/', "~1");
    let setting = &value.setting;
    match value.path.as_str() {
        "/deviceManagement/groupPolicyConfigurations" => match setting.as_slice() {
            [definition] => format!("/definitionValues/{definition}/enabled"),
            [definition, presentation] => {
                format!("/definitionValues/{definition}/presentations/{presentation}/value")
            }
            other => panic!("{other:?}"),
        },
        "/deviceManagement/notificationMessageTemplates" => {
            let locale = setting[0].to_ascii_lowercase();
            format!("/localizedNotificationMessages/{locale}/{}", setting[1])
        }
        "/deviceAppManagement/policySets" => {
            let payload = value.value["payloadId"].as_str().unwrap();
            format!("/items/{payload}/itemType")
        }
        path if path.ends_with("Scripts") => format!("/{}", setting[0]),
        _ => {
            let parts = setting.iter().map(|part| match part.split_once('[') {
                // The only one of its collection, without a name.
                Some((definition, "0]")) => escaped(definition),
                Some((definition, entry)) => {
                    format!(
                        "{}/{}",
                        escaped(definition),
                        escaped(entry.trim_end_matches(']'))
                    )
                }
                None => escaped(part),
            });
            format!("/settings/{}", parts.collect::<Vec<_>>().join("/"))
        }
    }
}

/// What is to be kept of the key, a list for each pointer that some value stands under.
fn expected(setup: &Setup) -> Fields {
    let mut all = Fields::new();
    for value in setup.sim.answer_values(&setup.directory) {
        let pointer = pointer(&value);
        let id = (value.policy_type.clone(), value.id.clone());
        let fields = all.entry(id).or_default();
        match (value.form, value.value) {
            (ValueForm::Script, body) => {
                let body = STANDARD.decode(body.as_str().unwrap_or_default()).unwrap();
                if !body.is_empty() {
                    let digest = Sha256::digest(&body);
                    let hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
                    fields.insert(pointer, json!({"sha256": hash, "length": body.len()}));
                }
            }
            (ValueForm::Secret, _) => {
                fields.insert(pointer, Value::Null);
            }
            (ValueForm::UserInformation, text) => {
                let text = text.to_string();
                let (before, after) = text.split_once("://svc-proxy:").unwrap();
                let (_, after) = after.split_once('@').unwrap();
                let text = format!("{before}://redacted@{after}");
                fields.insert(pointer, serde_json::from_str(&text).unwrap());
            }
            (ValueForm::Plain, item) if pointer.starts_with("/items/") => {
                fields.insert(pointer, item["itemType"].clone());
            }
            (ValueForm::Plain, Value::Object(members)) => {
                put_apart(&pointer, members, fields);
            }
            (ValueForm::Plain, value) => {
                fields.insert(pointer, value);
            }
        }
    }
    all
}

fn put_apart(pointer: &str, members: Map<String, Value>, fields: &mut Map<String, Value>) {
    for (name, value) in members {
        match value {
            Value::Object(members) if !members.is_empty() => {
                put_apart(&format!("{pointer}/{name}"), members, fields);
            }
            value => {
                fields.insert(format!("{pointer}/{name}"), value);
            }
        }
    }
}

/// Whether the kept value is what it should be; sets of choices have no order.
fn is_same(kept: &Value, expected: &Value) -> bool {
    let sorted = |value: &Value| {
        let mut texts: Vec<String> = value
            .as_array()
            .unwrap()
            .iter()
            .map(Value::to_string)
            .collect();
        texts.sort();
        texts
    };
    match (kept, expected) {
        (Value::String(text), Value::Null) => text.starts_with("withheld"),
        // One payload as two kinds of items.
        (Value::Array(all), Value::String(_)) => all.contains(expected),
        (Value::Array(_), Value::Array(_)) => sorted(kept) == sorted(expected),
        _ => kept == expected,
    }
}

fn assert_same(ours: &Fields, key: &Fields) {
    assert!(!key.is_empty());
    for (id, expected) in key {
        let kept = ours
            .get(id)
            .unwrap_or_else(|| panic!("no values of {id:?}"));
        for (pointer, value) in expected {
            let ours = kept.get(pointer);
            let same = ours.is_some_and(|ours| is_same(ours, value));
            assert!(same, "{id:?} {pointer}: {ours:?} and not {value}; {kept:?}");
        }
        // Names and kinds that the key does not list.
        let more = kept.keys().filter(|pointer| {
            !expected.contains_key(*pointer)
                && !pointer.starts_with("/items/")
                && ![
                    "displayName",
                    "categoryPath",
                    "classType",
                    "configurationType",
                    "label",
                ]
                .iter()
                .any(|name| pointer.ends_with(&format!("/{name}")))
        });
        assert_eq!(more.collect::<Vec<_>>(), Vec::<&String>::new(), "{id:?}");
    }
    let foreign: BTreeSet<_> = ours.keys().filter(|id| !key.contains_key(*id)).collect();
    let filled = foreign.into_iter().filter(|id| !ours[*id].is_empty());
    assert_eq!(filled.collect::<Vec<_>>(), Vec::<&(String, String)>::new());
}

/// Requests for settings of single policies.
fn settings_read(setup: &Setup) -> usize {
    let log = setup.sim.log();
    let of_policies =
        |path: &str| path.contains("/configurationPolicies/") && path.ends_with("/settings");
    log.iter().filter(|one| of_policies(&one.path)).count()
}

fn lists_read(setup: &Setup) -> usize {
    let log = setup.sim.log();
    let list = |path: &str| path.ends_with(POLICIES);
    log.iter().filter(|one| list(&one.path)).count()
}

#[tokio::test]
async fn values_are_those_of_the_answer_key_and_no_secret_is_among_them() {
    for (size, modes) in [
        (1_200, vec![]),
        (600, vec![TenantMode::SettingsShrinkPages]),
        (300, vec![TenantMode::ScriptsInLists]),
    ] {
        let setup = Setup::with_size(size).await;
        let shrinks = modes.contains(&TenantMode::SettingsShrinkPages);
        setup.sim.set_modes(&setup.directory, modes);
        let reading = read(&setup, &everything()).await;
        assert_eq!(reading.incomplete, BTreeMap::new());
        assert_same(&reading.fields(), &expected(&setup));
        let kept = format!("{:?}", reading.objects);
        let values = setup.sim.answer_values(&setup.directory);
        let secrets = values.iter().filter(|one| one.form == ValueForm::Secret);
        let mut count = 0;
        for secret in secrets {
            let text = secret.value.as_str().unwrap();
            assert!(!kept.contains(text), "{secret:?}");
            count += 1;
        }
        assert!(count > 10);
        let policies = reading
            .objects
            .iter()
            .filter(|one| keys_of(&format!("/beta{POLICIES}")).contains(&one.policy_type));
        if shrinks {
            // Two pages showed it.
            assert!(settings_read(&setup) > policies.count() - 5);
            assert_eq!(lists_read(&setup), 3);
        } else {
            assert_eq!((settings_read(&setup), lists_read(&setup)), (0, 1));
        }
    }
}

#[tokio::test]
async fn only_values_of_what_is_new_or_moved_or_due_are_read_again() {
    let setup = Setup::with(SimulatorOptions {
        size: 1_500,
        settings_per_policy: Some(15),
        ..Setup::options()
    })
    .await;
    let keys = keys_of(&format!("/beta{POLICIES}"));
    let first = read(&setup, &keys).await;
    assert!(first.objects.len() > 40);
    let known = |age: u32| {
        let mut known = KnownValues::default();
        for one in &first.objects {
            let id = one.external_id.as_str();
            known.add(one.policy_type, id, one.values_mark.unwrap(), age);
        }
        known.verify(Duration::from_secs(7 * 86_400));
        known
    };
    setup.sim.clear_log();
    let again = read_with(&setup.graph(), &keys, || known(0)).await;
    assert!(again.objects.iter().all(|one| one.values.is_none()));
    assert_eq!((settings_read(&setup), lists_read(&setup)), (0, 1));
    // The stored values stand: a known object is otherwise as it was.
    let contents = |reading: &Reading| -> Vec<_> {
        let all = reading.objects.iter();
        all.map(|one| (one.content_hash, one.links.clone()))
            .collect()
    };
    assert_eq!(contents(&again), contents(&first));

    let script = MutationScript {
        seed: 3,
        edit_value: 1,
        keys: vec!["settingsCatalogPolicy".to_owned()],
        ..MutationScript::default()
    };
    let changes = setup.sim.mutate(&setup.directory, &script);
    let edited = &changes["settingsCatalogPolicy"].edited_value;
    assert_eq!(edited.len(), 1);
    setup.sim.clear_log();
    let after = read_with(&setup.graph(), &keys, || known(0)).await;
    let fields = after.fields();
    assert_eq!(settings_read(&setup), 1);
    let (id, now) = fields.first_key_value().unwrap();
    assert_eq!((fields.len(), &id.1), (1, &edited[0]));
    let before = &first.fields()[id];
    let differing: Vec<_> = now
        .iter()
        .filter(|(key, value)| before.get(*key) != Some(value))
        .collect();
    assert_eq!(differing.len(), 1, "one setting differs: {differing:?}");

    setup.sim.clear_log();
    read_with(&setup.graph(), &keys, || known(86_400)).await;
    let due = first.objects.len() / 6;
    assert!((due..=due + 1).contains(&settings_read(&setup)));
}

#[tokio::test]
async fn values_that_cannot_be_read_are_unknown_and_reported_and_links_are_not() {
    let setup = Setup::with_size(600).await;
    let refuse = |path: &str| {
        let refused = Effect::Forbidden { permission: None };
        // The list itself is answered.
        FaultRule {
            nth: 2,
            ..FaultRule::always(PathMatch::prefix(path), refused)
        }
    };
    setup.fault(refuse("/beta/deviceManagement/intents"));
    let key = |word: &str| registry().find(word).unwrap();
    let reading = read(
        &setup,
        &[
            key("endpointSecurityIntent"),
            key("notificationMessageTemplate"),
        ],
    )
    .await;
    let intents = reading
        .objects
        .iter()
        .filter(|one| one.policy_type == key("endpointSecurityIntent"));
    assert!(intents.clone().count() > 0 && intents.clone().all(|one| one.values.is_none()));
    let incomplete = &reading.incomplete[&key("endpointSecurityIntent")];
    assert!(incomplete.error.detail.contains("values"), "{incomplete:?}");
    assert!(
        !reading
            .incomplete
            .contains_key(&key("notificationMessageTemplate"))
    );
}

#[tokio::test]
async fn values_whose_links_were_not_read_or_not_asked_for_are_read_again() {
    let setup = Setup::with_size(600).await;
    let key = registry().find("compliancePolicyV2").unwrap();
    let linked = |reading: &Reading| {
        let sets = reading.objects.iter().flat_map(|one| &one.links);
        sets.filter(|set| set.source == LinkSource::Related)
            .map(|set| set.links.len())
            .sum::<usize>()
    };
    // Once without links, once with a failure of the read that brings them beside the values.
    let without = {
        let mut reading = Reading::default();
        for list in &plan(&[key], false).lists {
            let mut reader = setup.graph().list_with(list, KnownValues::default());
            while let Some(page) = reader.next_page().await.unwrap() {
                reading.objects.extend(page.observations);
            }
        }
        reading
    };
    let whole = read(&setup, &[key]).await;
    assert!(whole.objects.len() > 1 && linked(&whole) > 0);
    assert!(whole.objects.iter().all(|one| one.values_mark.is_some()));
    let policy = &whole.objects[0].external_id;
    let rules =
        format!("/beta/deviceManagement/compliancePolicies/{policy}/scheduledActionsForRule");
    let refused = Effect::Forbidden { permission: None };
    setup.fault(FaultRule::always(PathMatch::prefix(&rules), refused));
    let failed = read(&setup, &[key]).await;
    setup.sim.clear_faults();
    assert_eq!(failed.incomplete[&key].objects, 1);
    assert!(failed.objects.iter().all(|one| one.values.is_some()));
    assert!(without.objects.iter().all(|one| one.values.is_some()));

    for (case, stored, anew) in [
        ("not asked for", without, whole.objects.len()),
        ("not read", failed, 1),
        ("all read", read(&setup, &[key]).await, 0),
    ] {
        let known = || {
            let mut known = KnownValues::default();
            for one in &stored.objects {
                if let Some(mark) = one.values_mark {
                    known.add(one.policy_type, &one.external_id, mark, 0);
                }
            }
            known.verify(Duration::from_secs(7 * 86_400));
            known
        };
        let again = read_with(&setup.graph(), &[key], known).await;
        let values = again.objects.iter().filter(|one| one.values.is_some());
        assert_eq!(values.count(), anew, "{case}");
        let links = again.objects.iter().filter(|one| {
            let mut sources = one.links.iter().map(|set| set.source);
            sources.any(|source| source == LinkSource::Related)
        });
        assert_eq!(links.count(), anew, "{case}");
    }
}
