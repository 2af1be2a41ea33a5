//! Payloads of intents, the forerunners of the settings catalog in endpoint security.

use serde_json::{Value, json};

use super::edits::PlaceEdits;
use super::identity::Purpose;
use super::{Links, Rng, Row, places};

/// What an intent can set, and what kind of value that is.
const SETTINGS: [(&str, Kind); 12] = [
    (
        "deviceConfiguration--windows10EndpointProtectionConfiguration_bitLockerEncryptDevice",
        Kind::Switch,
    ),
    (
        "deviceConfiguration--windows10EndpointProtectionConfiguration_bitLockerSystemDrivePolicy",
        Kind::Complex,
    ),
    (
        "deviceConfiguration--windows10GeneralConfiguration_defenderBlockOnAccessProtection",
        Kind::Switch,
    ),
    (
        "deviceConfiguration--windows10GeneralConfiguration_defenderCloudBlockLevel",
        Kind::Word,
    ),
    (
        "deviceConfiguration--windows10GeneralConfiguration_defenderDaysBeforeDeletingMalware",
        Kind::Number,
    ),
    (
        "deviceConfiguration--windows10GeneralConfiguration_defenderFileExtensionsToExclude",
        Kind::Words,
    ),
    (
        "deviceConfiguration--windows10EndpointProtectionConfiguration_firewallProfileDomain",
        Kind::Complex,
    ),
    (
        "deviceConfiguration--windows10EndpointProtectionConfiguration_xboxServicesLiveGameSaveServiceStartupMode",
        Kind::Word,
    ),
    (
        "deviceConfiguration--windows10GeneralConfiguration_edgeProxyAddress",
        Kind::Address,
    ),
    ("admx--credssp_AllowEncryptionOracle", Kind::Word),
    (
        "deviceConfiguration--windows10EndpointProtectionConfiguration_localSecurityOptionsMachineInactivityLimit",
        Kind::Number,
    ),
    (
        "deviceConfiguration--windows10GeneralConfiguration_passwordRequired",
        Kind::Switch,
    ),
];

#[derive(Debug, Clone, Copy)]
enum Kind {
    Switch,
    Number,
    Word,
    Words,
    /// An object in the JSON.
    Complex,
    /// With a password inside.
    Address,
}

/// An intent.
pub(super) fn intent(row: &Row<'_>, rng: &mut Rng, links: &mut Links) -> Value {
    let template = row.one_in(places::INTENT_TEMPLATES, rng);
    json!({
        "isMigratingToConfigurationPolicy": false,
        "templateId": links.one("based_on_template", "device_management_template", template),
    })
}

/// How many settings an intent has.
pub(super) fn setting_count(row: &Row<'_>) -> usize {
    4 + row.rng(Purpose::Values).below(SETTINGS.len() - 3)
}

/// Its settings.
pub(super) fn settings(row: &Row<'_>) -> Vec<Value> {
    let count = setting_count(row);
    let mut rng = row.rng(Purpose::Values);
    rng.next();
    let first = usize::try_from(row.object.serial).unwrap_or(0);
    let edits = row.edits();
    (0..count)
        .map(|place| {
            let (definition, kind) = SETTINGS[(first + place) % SETTINGS.len()];
            let id = rng.guid();
            let default = rng.below(3);
            let mut own = Rng::from_parts(&[rng.next()]);
            let (sort, value) = value(row, kind, &mut own, edits.at(place));
            let mut setting = json!({
                "@odata.type": format!("#microsoft.graph.deviceManagement{sort}SettingInstance"),
                "id": id,
                "definitionId": definition,
                "valueJson": value.to_string(),
            });
            match sort {
                "Complex" => {}
                _ => setting["value"] = value,
            }
            // Is not there always.
            match default {
                0 => {}
                other => setting["isDefaultValue"] = json!(other == 1),
            }
            setting
        })
        .collect()
}

fn value(row: &Row<'_>, kind: Kind, own: &mut Rng, edits: PlaceEdits<'_>) -> (&'static str, Value) {
    let times = edits.of(0);
    let number = own.below(100);
    match kind {
        Kind::Switch => ("Boolean", json!((number + times) % 2 == 1)),
        Kind::Number => ("Integer", json!(number + 100 * times)),
        Kind::Word => {
            let words = ["notConfigured", "high", "highPlus", "zeroTolerance"];
            ("String", json!(words[(number + times) % words.len()]))
        }
        Kind::Words => {
            let mut words: Vec<String> =
                (0..1 + number % 3).map(|one| format!("ext{one}")).collect();
            words.extend((times > 0).then(|| format!("added{times}")));
            ("Collection", json!(words))
        }
        Kind::Complex => (
            "Complex",
            json!({
                "startupAuthenticationRequired": (number + times) % 2 == 1,
                "minimumPinLength": 6 + times,
                "recoveryOptions": {"blockDataRecoveryAgent": number.is_multiple_of(2)},
                "prebootRecoveryMessage": null,
            }),
        ),
        Kind::Address => ("String", json!(row.proxy_url(&format!("/intent{times}")))),
    }
}
