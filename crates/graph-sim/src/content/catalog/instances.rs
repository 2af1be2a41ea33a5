//! Setting instances: what a policy says about one setting of the catalogue.
//!
//! All random numbers of a setting are taken before its edits are looked at, so that an edit moves
//! nothing but the value that it is of.

use serde_json::{Value, json};

use super::definitions::{DYNAMIC_KEYWORDS, Definition, FIREWALL_RULE, Setting, SettingKind};
use crate::content::Rng;
use crate::content::edits::PlaceEdits;

const PREFIX: &str = "#microsoft.graph.deviceManagementConfiguration";
/// Every so many addresses have a password inside.
const WITH_PASSWORD: usize = 40;

/// What a policy says about a setting.
pub(super) fn instance(setting: Setting, own: &mut Rng, edits: PlaceEdits<'_>) -> Value {
    let id = setting.id();
    let mut instance = match setting.kind() {
        SettingKind::Integer => simple(&id, &integer(own.below(1_000) + 1_000 * edits.of(0))),
        SettingKind::Text => simple(
            &id,
            &text(&edited(&format!("Text {}", own.below(500)), edits.of(0))),
        ),
        SettingKind::Address => simple(&id, &text(&address(setting, own, edits))),
        SettingKind::Secret => simple(&id, &secret(own, edits.of(0))),
        kind @ (SettingKind::Choice | SettingKind::Switch) => {
            let options = Definition::option_count(kind);
            choice(&id, (own.below(options) + edits.of(0)) % options, &[])
        }
        SettingKind::Parent => parent(&id, own, edits),
        SettingKind::Texts => texts(&id, own, edits),
        SettingKind::Choices => choices(&id, own, edits),
        SettingKind::Group => group(&id, own, edits),
    };
    instance["settingInstanceTemplateReference"] = if own.percent(30) {
        json!({"settingInstanceTemplateId": own.guid()})
    } else {
        Value::Null
    };
    instance
}

fn edited(text: &str, times: usize) -> String {
    match times {
        0 => text.to_owned(),
        times => format!("{text} (edited {times})"),
    }
}

fn integer(value: usize) -> Value {
    json!({"@odata.type": format!("{PREFIX}IntegerSettingValue"), "value": value})
}

fn text(value: &str) -> Value {
    json!({"@odata.type": format!("{PREFIX}StringSettingValue"), "value": value})
}

fn secret(own: &mut Rng, times: usize) -> Value {
    let plain = own.percent(20);
    let value = own.next() ^ u64::try_from(times).unwrap_or(0).wrapping_mul(0x9e37_79b9);
    json!({
        "@odata.type": format!("{PREFIX}SecretSettingValue"),
        "value": format!("setting-secret-{value:016x}"),
        "valueState": if plain { "notEncrypted" } else { "encryptedValueToken" },
    })
}

fn simple(id: &str, value: &Value) -> Value {
    json!({
        "@odata.type": format!("{PREFIX}SimpleSettingInstance"),
        "settingDefinitionId": id,
        "simpleSettingValue": value,
    })
}

fn choice(id: &str, option: usize, children: &[Value]) -> Value {
    json!({
        "@odata.type": format!("{PREFIX}ChoiceSettingInstance"),
        "settingDefinitionId": id,
        "choiceSettingValue": {
            "settingValueTemplateReference": null,
            "value": format!("{id}_{option}"),
            "children": children,
        },
    })
}

/// The address of a proxy. Some have a name and a password inside, as somebody put them there.
fn address(setting: Setting, own: &mut Rng, edits: PlaceEdits<'_>) -> String {
    let number = own.below(90);
    let path = edited_path(number, edits.of(0));
    if setting.0 % WITH_PASSWORD != 8 {
        return format!("http://proxy{number}.example.com:8080/{path}");
    }
    let times = u64::try_from(edits.of(1)).unwrap_or(0);
    let password = own.next() ^ times.wrapping_mul(0x9e37_79b9);
    format!("http://svc-proxy:purl-{password:016x}@proxy.example.com:8080/{path}")
}

fn edited_path(number: usize, times: usize) -> String {
    match times {
        0 => format!("pac{number}"),
        times => format!("pac{number}-{times}"),
    }
}

/// Parts: 0 the choice, 1 and 2 the settings inside, 3 the one inside of the second.
fn parent(id: &str, own: &mut Rng, edits: PlaceEdits<'_>) -> Value {
    let option = (own.below(2) + edits.of(0)) % 2;
    let message = edited(&format!("Message {}", own.below(100)), edits.of(1));
    let level = (own.below(2) + edits.of(2)) % 2;
    let limit = own.below(100) + 100 * edits.of(3);
    let child = |ending: &str| format!("{id}{ending}");
    let inner = (level == 1).then(|| simple(&child("_level_limit"), &integer(limit)));
    let children = vec![
        simple(&child("_message"), &text(&message)),
        choice(&child("_level"), level, inner.as_slice()),
    ];
    choice(id, option, if option == 1 { &children } else { &[] })
}

/// A list whose order means something. Part 0 puts another text in front.
fn texts(id: &str, own: &mut Rng, edits: PlaceEdits<'_>) -> Value {
    let mut values: Vec<Value> = (0..1 + own.below(4))
        .map(|number| text(&format!("entry-{number}-{}", own.below(1_000))))
        .collect();
    if edits.of(0) > 0 {
        values.insert(0, text(&format!("added-{}", edits.of(0))));
    }
    json!({
        "@odata.type": format!("{PREFIX}SimpleSettingCollectionInstance"),
        "settingDefinitionId": id,
        "simpleSettingCollectionValue": values,
    })
}

/// Several options at once. Part 0 puts the first one in or out.
fn choices(id: &str, own: &mut Rng, edits: PlaceEdits<'_>) -> Value {
    let last = Definition::option_count(SettingKind::Choices) - 1;
    let chosen = own.next();
    let values: Vec<Value> = (0..=last)
        .filter(|option| {
            let flipped = *option == 0 && edits.of(0) % 2 == 1;
            *option == last || (chosen >> option & 1 == 1) != flipped
        })
        .map(|option| json!({"value": format!("{id}_{option}"), "children": []}))
        .collect();
    json!({
        "@odata.type": format!("{PREFIX}ChoiceSettingCollectionInstance"),
        "settingDefinitionId": id,
        "choiceSettingCollectionValue": values,
    })
}

/// Up to three entries, each with a name of its own. Parts: 0 puts another entry in front or takes
/// it out, 1 to 3 the actions, 4 to 6 the secrets.
fn group(id: &str, own: &mut Rng, edits: PlaceEdits<'_>) -> Value {
    let count = 1 + own.below(3);
    let child = |ending: &str| format!("{id}{ending}");
    let entry = |name: &str, action: usize, rest: Vec<Value>| {
        let mut children = vec![
            simple(&child("_name"), &text(name)),
            choice(&child("_action"), action, &[]),
        ];
        children.extend(rest);
        json!({"settingValueTemplateReference": null, "children": children})
    };
    let mut entries: Vec<Value> = (0..count)
        .map(|number| {
            let name = format!("Entry {number} {:04x}", own.below(0x1_0000));
            let action = (own.below(2) + edits.of(1 + number)) % 2;
            let port = own.below(9_000);
            let with_secret = own.percent(30);
            let token = secret(own, edits.of(4 + number));
            let mut rest = vec![simple(&child("_port"), &integer(port))];
            rest.extend(with_secret.then(|| simple(&child("_token"), &token)));
            entry(&name, action, rest)
        })
        .collect();
    if edits.of(0) % 2 == 1 {
        entries.insert(0, entry("Added entry", 1, Vec::new()));
    }
    json!({
        "@odata.type": format!("{PREFIX}GroupSettingCollectionInstance"),
        "settingDefinitionId": id,
        "groupSettingCollectionValue": entries,
    })
}

/// A group of settings with a reference deep inside it, as firewall rules have it.
pub(super) fn reference(id: &Value) -> Value {
    json!({
        "@odata.type": format!("{PREFIX}GroupSettingCollectionInstance"),
        "settingDefinitionId": FIREWALL_RULE,
        "settingInstanceTemplateReference": null,
        "groupSettingCollectionValue": [{
            "children": [{
                "@odata.type": format!("{PREFIX}SimpleSettingCollectionInstance"),
                "settingDefinitionId": DYNAMIC_KEYWORDS,
                "simpleSettingCollectionValue": [{
                    "@odata.type": format!("{PREFIX}ReferenceSettingValue"),
                    "value": id,
                    "note": "",
                }],
            }],
        }],
    })
}
