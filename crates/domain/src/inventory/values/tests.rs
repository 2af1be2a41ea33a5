//! That keys are made of definitions and not of positions, and what each kind of value becomes.

use proptest::prelude::*;
use serde_json::json;

use super::*;

const KIND: &str = "#microsoft.graph.deviceManagementConfiguration";

fn choice(definition: &str, value: &str, children: &[Value]) -> Value {
    json!({"@odata.type": format!("{KIND}ChoiceSettingInstance"), "settingDefinitionId": definition,
        "settingInstanceTemplateReference": {"settingInstanceTemplateId": "x"},
        "choiceSettingValue": {"value": value, "children": children}})
}

fn simple(definition: &str, value: &Value) -> Value {
    json!({"@odata.type": format!("{KIND}SimpleSettingInstance"), "settingDefinitionId": definition,
        "simpleSettingValue": {"@odata.type": format!("{KIND}StringSettingValue"), "value": value}})
}

fn groups(definition: &str, elements: &[Vec<Value>]) -> Value {
    let elements: Vec<Value> = elements
        .iter()
        .map(|children| json!({"children": children}))
        .collect();
    json!({"@odata.type": format!("{KIND}GroupSettingCollectionInstance"),
        "settingDefinitionId": definition, "groupSettingCollectionValue": elements})
}

fn fields(instances: &[Value]) -> Value {
    settings(instances).fields.value()
}

fn settings(instances: &[Value]) -> Values {
    let mut values = ValuesBuilder::default();
    for (at, instance) in instances.iter().enumerate() {
        values.add_setting(&json!({"id": at.to_string(), "settingInstance": instance}));
    }
    values.finish()
}

#[test]
fn settings_stand_under_their_definitions_and_children_below_their_parents() {
    let instances = [
        choice("bitlocker", "bitlocker_1", &[simple("length", &json!(8))]),
        json!({"settingDefinitionId": "servers", "simpleSettingCollectionValue":
            [{"value": "b"}, {"value": "a"}]}),
        json!({"settingDefinitionId": "boxes", "choiceSettingCollectionValue":
            [{"value": "boxes_2", "children": []},
             {"value": "boxes_1", "children": [choice("more", "more_0", &[])]}]}),
        json!({"settingDefinitionId": "group", "groupSettingValue":
            {"children": [simple("a/b~c", &json!("text"))]}}),
        groups("none", &[]),
        json!({"settingDefinitionId": "new", "@odata.type": "#new", "futureValue": {"x": 1}}),
    ];
    assert_eq!(
        fields(&instances),
        json!({
            "/settings/bitlocker": "bitlocker_1",
            "/settings/bitlocker/length": 8,
            "/settings/servers": ["b", "a"],
            "/settings/boxes": ["boxes_1", "boxes_2"],
            "/settings/boxes/boxes_1/more": "more_0",
            "/settings/group/a~1b~0c": "text",
            "/settings/none": [],
            "/settings/new": {"futureValue": {"x": 1}},
        })
    );
}

#[test]
fn elements_are_known_by_their_names_and_an_edit_of_one_is_a_change_of_that_setting() {
    let rules = |action: &str| {
        let rule = |name: &str, action: &str| {
            vec![
                simple("rule_{name}_name", &json!(name)),
                choice("rule_{name}_action", action, &[]),
            ]
        };
        groups("rule", &[rule("Web", "allow"), rule("Mail/In", action)])
    };
    assert_eq!(
        fields(&[rules("block")]),
        json!({
            "/settings/rule/Web/rule_{name}_name": "Web",
            "/settings/rule/Web/rule_{name}_action": "allow",
            "/settings/rule/Mail~1In/rule_{name}_name": "Mail/In",
            "/settings/rule/Mail~1In/rule_{name}_action": "block",
        })
    );
    let only = groups("one", &[vec![simple("x", &json!(1))]]);
    assert_eq!(fields(&[only]), json!({"/settings/one/x": 1}));
}

#[test]
fn elements_without_names_are_known_by_what_they_say_and_each_counts() {
    let element = |x: i32| vec![simple("x", &json!(x))];
    let one = fields(&[groups("g", &[element(1), element(2)])]);
    assert_eq!(one.as_object().unwrap().len(), 2);
    let more = fields(&[groups("g", &[element(2), element(3), element(1)])]);
    let (one, more) = (one.as_object().unwrap(), more.as_object().unwrap());
    assert!(one.iter().all(|(key, value)| more.get(key) == Some(value)));
    let twice = fields(&[groups("g", &[element(1), element(1)])]);
    assert_eq!(twice.as_object().unwrap().len(), 2);
}

#[test]
fn two_elements_of_one_name_and_a_secret_that_was_edited_keep_their_places() {
    let element = |secret: &str, x: i32| {
        vec![
            simple("g_name", &json!("same")),
            simple("secret", &json!(secret)),
            simple("x", &json!(x)),
        ]
    };
    let at = |mark: &str| {
        let mark = format!("{REDACTED} at {mark}");
        fields(&[groups("g", &[element(&mark, 1), element(&mark, 2)])])
    };
    let (one, other) = (at("1"), at("2"));
    let keys = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(&one).len(), 6);
    assert_eq!(keys(&one), keys(&other));
    assert_ne!(one, other);
}

#[test]
fn a_setting_that_comes_twice_is_one_and_two_values_of_it_are_both_kept() {
    let (a, b) = (simple("s", &json!("a")), simple("s", &json!("b")));
    assert_eq!(fields(&[a.clone(), a.clone()]), json!({"/settings/s": "a"}));
    let both = settings(&[a.clone(), b.clone()]);
    assert_eq!(both, settings(&[b, a]));
    assert_eq!(
        both.fields.value()["/settings/s"].as_array().map(Vec::len),
        Some(2)
    );
}

#[test]
fn templates_intents_messages_items_and_scripts_have_keys_of_their_own() {
    let mut values = ValuesBuilder::default();
    values.add_definition_value(&json!({
        "id": "v", "enabled": false, "configurationType": "policy",
        "definition": {"id": "D1", "displayName": "BitLocker", "categoryPath": "\\W",
            "classType": "machine"},
        "presentationValues": [
            {"@odata.type": "#microsoft.graph.groupPolicyPresentationValueDecimal", "id": "p",
                "value": 7, "presentation": {"id": "P1", "label": "Length:"}},
            {"@odata.type": "#microsoft.graph.groupPolicyPresentationValueList", "id": "q",
                "values": [{"name": "b", "value": "1"}], "presentation": {"label": "Hosts"}},
        ],
    }));
    let mut setting =
        json!({"id": "s", "definitionId": "i1", "valueJson": "{\"a\": {\"b\": [1]}}"});
    parse_value_json(&mut setting);
    values.add_intent_setting(&setting);
    let mut odd = json!({"definitionId": "i2", "valueJson": "{"});
    parse_value_json(&mut odd);
    values.add_intent_setting(&odd);
    values.add_message(&json!({"id": "t_en-us", "locale": "en-US", "subject": "s",
        "messageTemplate": "m", "isDefault": true, "lastModifiedDateTime": "t"}));
    values.add_item(
        &json!({"@odata.type": "#k", "id": "0", "payloadId": "app", "status": "success",
        "displayName": "App", "lastModifiedDateTime": "t", "intent": "required",
        "settings": {"x": 1}}),
    );
    values.add_script("scriptContent", STANDARD_ABC);
    values.add_script("other", "not base64!");
    let fields = values.finish().fields.value();
    let sha = |key: &str| fields[key]["sha256"].as_str().unwrap().to_owned();
    assert_eq!(
        sha("/scriptContent"),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    assert_eq!(
        fields,
        json!({
            "/definitionValues/D1/enabled": false,
            "/definitionValues/D1/configurationType": "policy",
            "/definitionValues/D1/displayName": "BitLocker",
            "/definitionValues/D1/categoryPath": "\\W",
            "/definitionValues/D1/classType": "machine",
            "/definitionValues/D1/presentations/P1/label": "Length:",
            "/definitionValues/D1/presentations/P1/value": 7,
            "/definitionValues/D1/presentations/Hosts/label": "Hosts",
            "/definitionValues/D1/presentations/Hosts/value": [{"name": "b", "value": "1"}],
            "/settings/i1/a/b": [1],
            "/settings/i2": "{",
            "/localizedNotificationMessages/en-us/subject": "s",
            "/localizedNotificationMessages/en-us/messageTemplate": "m",
            "/localizedNotificationMessages/en-us/isDefault": true,
            "/items/app/@odata.type": "#k",
            "/items/app/intent": "required",
            "/items/app/settings/x": 1,
            "/scriptContent": {"sha256": sha("/scriptContent"), "length": 3},
            "/other": {"sha256": sha("/other"), "length": 11},
        })
    );
}

/// `abc`.
const STANDARD_ABC: &str = "YWJj";

#[test]
fn values_beyond_the_limit_are_one_digest_and_a_change_among_them_shows() {
    let many = |last: usize| {
        let mut values = ValuesBuilder::default();
        for n in 0..=MOST_VALUES {
            let value = if n == MOST_VALUES { last } else { n };
            values.add_intent_setting(&json!({"definitionId": format!("d{n:06}"), "value": value}));
        }
        values.finish()
    };
    let one = many(0);
    assert_eq!(
        one.fields.value().as_object().unwrap().len(),
        MOST_VALUES + 1
    );
    assert_ne!(one.hash, many(1).hash);
}

fn instances() -> impl Strategy<Value = Value> {
    let definition = || "[a-c]_(name|x)";
    let leaf = prop_oneof![
        (definition(), "[a-b]{0,2}").prop_map(|(id, text)| simple(&id, &json!(text))),
        (definition(), 0..3).prop_map(|(id, number)| simple(&id, &json!(number))),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let several = || prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            (definition(), "[a-b]", several())
                .prop_map(|(id, value, children)| choice(&id, &value, &children)),
            (definition(), prop::collection::vec(several(), 0..4))
                .prop_map(|(id, elements)| groups(&id, &elements)),
            (
                definition(),
                prop::collection::vec(("[a-b]", several()), 0..3)
            )
                .prop_map(|(id, choices)| {
                    let choices: Vec<Value> = choices
                        .iter()
                        .map(|(value, children)| json!({"value": value, "children": children}))
                        .collect();
                    json!({"settingDefinitionId": id, "choiceSettingCollectionValue": choices})
                }),
        ]
    })
}

/// The same with every list turned whose order says nothing.
fn turned(value: &Value) -> Value {
    match value {
        Value::Array(values) => values.iter().rev().map(turned).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), turned(value)))
            .collect(),
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn no_order_of_settings_children_or_elements_makes_a_difference(
        all in prop::collection::vec(instances(), 0..5)
    ) {
        let turned: Vec<Value> = all.iter().rev().map(turned).collect();
        prop_assert_eq!(settings(&all), settings(&turned));
    }

    #[test]
    fn the_hash_differs_exactly_when_a_field_does(
        one in prop::collection::vec(instances(), 0..3), other in prop::collection::vec(instances(), 0..3)
    ) {
        let (one, other) = (settings(&one), settings(&other));
        prop_assert_eq!(one.fields == other.fields, one.hash == other.hash);
    }
}
