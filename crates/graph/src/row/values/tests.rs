//! That no secret is among values, and when values are known, carried or lacking.

use atlas_domain::policy_types::registry;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::collections::collections;
use crate::known_values::KnownValues;

const KIND: &str = "#microsoft.graph.deviceManagementConfiguration";
const SECRET: &str = "SECRET";

fn collection(key: &str) -> &'static Collection {
    let key = registry().find(key).unwrap();
    collections().iter().find(|one| one.key() == key).unwrap()
}

fn reading(key: &str, row: &Value) -> ValuesReading {
    ValuesReading::of(collection(key).values.unwrap(), row)
}

fn policy(settings: &[Value]) -> Value {
    json!({"id": "p", "lastModifiedDateTime": "t1", "settingCount": settings.len(),
        "settings": settings})
}

fn setting(id: usize, value: u32) -> Value {
    json!({"id": id.to_string(), "settingInstance": {"settingDefinitionId": format!("d{id}"),
        "simpleSettingValue": {"value": value}}})
}

fn fields(key: &str, rows: &[Value]) -> Value {
    let mut reading = reading(key, &json!({"version": 3}));
    rows.iter().for_each(|row| reading.add(row.clone()));
    reading.finish().unwrap().fields.value()
}

#[test]
fn settings_that_a_row_carries_are_its_values_when_all_came() {
    let context = RowContext {
        with_settings: true,
        ..RowContext::default()
    };
    let take = |mut row: Value| {
        let policies = collection("settingsCatalogPolicy");
        let (values, mark) = RowValues::take(policies, context, "p", &mut row);
        assert!(mark.mark.is_some() && !mark.stood && row.get("settings").is_none());
        values
    };
    let whole = policy(&[setting(0, 1), setting(1, 2)]);
    let RowValues::Read(values) = take(whole.clone()) else {
        panic!("all came");
    };
    let expected = json!({"/settings/d0": 1, "/settings/d1": 2});
    assert_eq!(values.fields.value(), expected);

    let mut cut = whole.clone();
    cut["settings@odata.nextLink"] = json!("https://x");
    let mut fewer = whole.clone();
    fewer["settingCount"] = json!(3);
    let mut without = whole;
    without.as_object_mut().unwrap().remove("settings");
    for row in [cut, fewer, without] {
        assert!(take(row).is_lacking());
    }
}

#[test]
fn values_are_lacking_unless_they_are_stored_and_the_row_is_as_it_was() {
    let policies = collection("settingsCatalogPolicy");
    let mut row = policy(&[]);
    let mark = mark_of_row(&row).unwrap();
    let mut known = KnownValues::default();
    known.add(policies.key(), "p", mark, 0);
    let mut take = |id: &str, known: &KnownValues| {
        let context = RowContext {
            known: Some(known),
            ..RowContext::default()
        };
        let (values, mark) = RowValues::take(policies, context, id, &mut row);
        (values, mark.stood)
    };
    assert!(matches!(take("p", &known), (RowValues::Known, true)));
    assert!(matches!(take("q", &known), (RowValues::Lacking(_), false)));
    known.verify_all();
    assert!(matches!(take("p", &known), (RowValues::Lacking(_), true)));
    let context = RowContext {
        known: Some(&known),
        ..RowContext::default()
    };
    row["lastModifiedDateTime"] = json!("t2");
    let (values, mark) = RowValues::take(policies, context, "p", &mut row);
    assert!(values.is_lacking() && !mark.stood);

    let messages = collection("notificationMessageTemplate");
    let mut row = json!({"id": "p", "lastModifiedDateTime": "t1"});
    let mut known = KnownValues::default();
    known.add(messages.key(), "p", mark_of_row(&row).unwrap(), 0);
    let context = RowContext {
        known: Some(&known),
        ..RowContext::default()
    };
    assert!(
        RowValues::take(messages, context, "p", &mut row)
            .0
            .is_lacking()
    );
}

#[test]
fn as_many_settings_as_the_policy_says_and_each_once() {
    let of = |count: u32, ids: &[usize]| {
        let mut reading = reading("compliancePolicyV2", &json!({"settingCount": count}));
        ids.iter().for_each(|id| reading.add(setting(*id, 1)));
        reading.finish().map(|_| ())
    };
    assert_eq!(of(2, &[0, 1]), Ok(()));
    assert_eq!(of(2, &[0, 1, 0]), Ok(()));
    assert!(of(2, &[0]).is_err());
    assert!(of(2, &[0, 0]).is_err());
    assert!(of(2, &[0, 1, 2]).is_err());
}

#[test]
fn an_edited_secret_shows_by_the_services_name_for_it_and_others_by_the_objects_version() {
    let secret = |value: &str, state: &str| {
        json!({"settingInstance": {"settingDefinitionId": "s_token", "simpleSettingValue": {
            "@odata.type": format!("{KIND}SecretSettingValue"), "value": value,
            "valueState": state}}})
    };
    let kept = |value: &str, state: &str| {
        fields("settingsCatalogPolicy", &[secret(value, state)])["/settings/s_token"].clone()
    };
    assert_eq!(kept(SECRET, "notEncrypted"), "withheld at 3");
    let token = kept(SECRET, TOKEN);
    assert!(token.as_str().unwrap().starts_with("withheld, "), "{token}");
    assert_eq!(token, kept(SECRET, TOKEN));
    assert_ne!(token, kept("OTHER", TOKEN));
}

#[test]
fn texts_under_names_of_secrets_are_redacted_and_rules_about_them_are_not() {
    let simple = |definition: &str, value: Value| {
        json!({"settingInstance": {"settingDefinitionId": definition,
            "simpleSettingValue": {"value": value}}})
    };
    assert_eq!(
        fields(
            "settingsCatalogPolicy",
            &[
                simple("wifi_presharedkey", json!(SECRET)),
                simple("com.apple.x_token", json!(SECRET)),
                simple("lock_minimumlengthofpassword", json!(8)),
                simple("proxy_url", json!("http://u:SECRET@h")),
                json!({"settingInstance": {"settingDefinitionId": "lock_password",
                    "choiceSettingValue": {"value": "lock_password_1", "children": []}}}),
                json!({"settingInstance": {"settingDefinitionId": "vpn_passphrase",
                    "simpleSettingCollectionValue": [{"value": SECRET}]}}),
            ]
        ),
        json!({
            "/settings/wifi_presharedkey": "withheld at 3",
            "/settings/com.apple.x_token": "withheld at 3",
            "/settings/lock_minimumlengthofpassword": 8,
            "/settings/proxy_url": "http://redacted@h",
            "/settings/lock_password": "lock_password_1",
            "/settings/vpn_passphrase": ["withheld at 3"],
        })
    );
}

#[test]
fn secrets_of_intents_templates_items_and_messages_are_redacted() {
    let intents = [
        json!({"definitionId": "a_Password", "valueJson": "\"SECRET\""}),
        json!({"definitionId": "b", "valueJson": "{\"x\": [{\"preSharedKey\": \"SECRET\"}]}"}),
        json!({"definitionId": "c", "valueJson": "\"ftp://u:SECRET@h\""}),
    ];
    let box_of = |label: &str, value: &str| json!({"presentation": {"id": label, "label": label}, "value": value});
    let templates = [
        json!({"id": "v", "enabled": true, "definition": {"id": "d"},
        "presentationValues": [box_of("Proxy password:", SECRET), box_of("Length", "7"),
            {"presentation": {"id": "l", "label": "Secret"}, "values": [{"name": "n", "value": SECRET}]}]}),
    ];
    let items = [json!({"payloadId": "i", "settings": {"sharedKey": SECRET}})];
    let messages =
        [json!({"locale": "en", "messageTemplate": "https://u:SECRET@h", "subject": "s"})];
    let all = [
        fields("endpointSecurityIntent", &intents),
        fields("groupPolicyConfiguration", &templates),
        fields("policySet", &items),
        fields("notificationMessageTemplate", &messages),
    ];
    for fields in &all {
        assert!(!fields.to_string().contains(SECRET), "{fields}");
    }
    assert_eq!(
        all[1]["/definitionValues/d/presentations/Length/value"],
        "7"
    );
}

#[test]
fn a_script_is_its_hash_and_length_and_an_edit_shows() {
    let script = |body: &str| {
        fields(
            "deviceHealthScript",
            &[json!({"id": "s", "detectionScriptContent": body, "remediationScriptContent": ""})],
        )
    };
    let one = script("U0VDUkVU");
    assert_eq!(one["/detectionScriptContent"]["length"], 6);
    assert_eq!(one.as_object().unwrap().len(), 1);
    assert_ne!(one, script("U0VDUkVV"));
}

/// Instances with secrets at any depth, in every form that the catalog has for them.
fn instances() -> impl Strategy<Value = Value> {
    let secret = |state: &'static str| {
        json!({"@odata.type": format!("{KIND}SecretSettingValue"), "value": SECRET,
            "valueState": state})
    };
    let leaf = prop_oneof![
        Just(json!({"settingDefinitionId": "a", "simpleSettingValue": secret(TOKEN)})),
        Just(json!({"settingDefinitionId": "b", "simpleSettingValue": secret("notEncrypted")})),
        Just(
            json!({"settingDefinitionId": "c", "simpleSettingCollectionValue":
            [secret(TOKEN), secret("notEncrypted")]})
        ),
        Just(json!({"settingDefinitionId": "d_password", "simpleSettingValue": {"value": SECRET}})),
        Just(json!({"settingDefinitionId": "e", "simpleSettingValue":
            {"value": "see http://u:SECRET@h and more"}})),
        Just(
            json!({"settingDefinitionId": "f_name", "simpleSettingValue": secret("notEncrypted")})
        ),
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        let several = || prop::collection::vec(inner.clone(), 0..3);
        prop_oneof![
            several().prop_map(|children| json!({"settingDefinitionId": "g",
                "choiceSettingValue": {"value": "g_1", "children": children}})),
            prop::collection::vec(several(), 0..3).prop_map(|elements| {
                let elements: Vec<Value> = elements
                    .iter()
                    .map(|children| json!({"children": children}))
                    .collect();
                json!({"settingDefinitionId": "h", "groupSettingCollectionValue": elements})
            }),
            inner
                .clone()
                .prop_map(|one| json!({"settingDefinitionId": "i", "newValue": [one]})),
        ]
    })
}

proptest! {
    #[test]
    fn no_secret_survives_at_any_depth(instances in prop::collection::vec(instances(), 1..4)) {
        let rows: Vec<Value> = instances
            .into_iter()
            .map(|instance| json!({"settingInstance": instance}))
            .collect();
        let fields = fields("settingsCatalogPolicy", &rows).to_string();
        prop_assert!(!fields.contains(SECRET), "{}", fields);
    }
}
