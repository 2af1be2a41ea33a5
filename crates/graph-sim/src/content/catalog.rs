//! Payloads of the settings catalog, of its legacy forerunners, and of what they lean on.

use serde_json::{Value, json};

use super::identity::Purpose;
use super::row::Expand;
use super::{Links, Rng, Row, merge, places};
use crate::collections::index_of;

const DEFINITION: &str = "#microsoft.graph.deviceManagementConfiguration";

/// A policy of the settings catalog.
pub(super) fn policy(row: &Row<'_>, rng: &mut Rng, links: &mut Links) -> Value {
    let family = row.template_family();
    let (template_id, template_name) = if family == "none" {
        (json!(""), Value::Null)
    } else {
        let id = row.one_in(places::CONFIGURATION_TEMPLATES, rng);
        (
            links.one("based_on_template", "configuration_policy_template", id),
            json!(format!("Template {family}")),
        )
    };
    let (platforms, technologies) = match family {
        "deviceConfigurationScripts" => ("linux", "linuxMdm"),
        "enrollmentConfiguration" => ("windows10", "enrollment"),
        "appQuietTime" => ("android,iOS", "mobileApplicationManagement"),
        _ => {
            let platform = rng.pick(&["windows10", "macOS", "iOS"]);
            (platform, "mdm,microsoftSense")
        }
    };
    let priority = rng.percent(5).then(|| 1 + rng.below(9));
    let priority = match row.object.nested {
        0 => priority,
        times => Some(10 + usize::from(times)),
    };
    json!({
        "platforms": platforms,
        "technologies": technologies,
        "settingCount": setting_count(row),
        "creationSource": rng.percent(20).then_some("Portal"),
        "priorityMetaData": priority.map(|priority| json!({"priority": priority})),
        "disableEntraGroupPolicyAssignment": false,
        "templateReference": {
            "templateId": template_id,
            "templateFamily": family,
            "templateDisplayName": template_name,
            "templateDisplayVersion": (family != "none").then_some("Version 1"),
        },
    })
}

/// How many settings a policy has.
pub(super) fn setting_count(row: &Row<'_>) -> usize {
    1 + row.rng(Purpose::Settings).below(60)
}

/// The reusable setting that a policy refers to, if it does.
fn reusable(row: &Row<'_>) -> Option<String> {
    let serial = usize::try_from(row.object.serial).unwrap_or(0);
    (serial % 9 == 4).then(|| {
        let mut rng = row.rng(Purpose::Navigation);
        row.id_in(
            places::REUSABLE_SETTINGS,
            rng.below(row.count_of(places::REUSABLE_SETTINGS)),
        )
    })
}

/// The settings of a policy. Some hold secrets; the last may refer to a reusable setting.
pub(super) fn settings(row: &Row<'_>, links: &mut Links) -> Vec<Value> {
    let mut rng = row.rng(Purpose::Settings);
    let count = setting_count(row);
    rng.next();
    let reusable = reusable(row);
    (0..count)
        .map(|number| {
            let mut own = Rng::from_parts(&[rng.next(), u64::try_from(number).unwrap_or(0)]);
            let instance = match &reusable {
                Some(id) if number + 1 == count => reference(&links.one(
                    "uses_reusable_setting",
                    "reusable_policy_setting",
                    id.clone(),
                )),
                _ => setting(row, number, &mut own),
            };
            json!({"id": number.to_string(), "settingInstance": instance})
        })
        .collect()
}

/// A group of settings with a reference deep inside it, as firewall rules have it.
fn reference(id: &Value) -> Value {
    json!({
        "@odata.type": format!("{DEFINITION}GroupSettingCollectionInstance"),
        "settingDefinitionId": "vendor_msft_firewall_mdmstore_firewallrules_{firewallrulename}",
        "settingInstanceTemplateReference": null,
        "groupSettingCollectionValue": [{
            "children": [{
                "@odata.type": format!("{DEFINITION}SimpleSettingCollectionInstance"),
                "settingDefinitionId": "vendor_msft_firewall_mdmstore_dynamickeywords",
                "simpleSettingCollectionValue": [{
                    "@odata.type": format!("{DEFINITION}ReferenceSettingValue"),
                    "value": id,
                    "note": "",
                }],
            }],
        }],
    })
}

fn setting(row: &Row<'_>, number: usize, own: &mut Rng) -> Value {
    let definition = format!(
        "device_vendor_msft_policy_config_area{}_setting{number}",
        number % 9
    );
    match own.below(4) {
        0 => json!({
            "@odata.type": format!("{DEFINITION}SimpleSettingInstance"),
            "settingDefinitionId": definition,
            "settingInstanceTemplateReference": null,
            "simpleSettingValue": {
                "@odata.type": format!("{DEFINITION}IntegerSettingValue"),
                "value": own.below(1_000),
            },
        }),
        1 => json!({
            "@odata.type": format!("{DEFINITION}SimpleSettingInstance"),
            "settingDefinitionId": definition,
            "settingInstanceTemplateReference": null,
            "simpleSettingValue": {
                "@odata.type": format!("{DEFINITION}SecretSettingValue"),
                "value": format!("{:016x}", row.secret(own)),
                "valueState": "encryptedValueToken",
            },
        }),
        _ => json!({
            "@odata.type": format!("{DEFINITION}ChoiceSettingInstance"),
            "settingDefinitionId": definition,
            "settingInstanceTemplateReference": {"settingInstanceTemplateId": own.guid()},
            "choiceSettingValue": {
                "value": format!("{definition}_{}", own.below(3)),
                "children": [],
            },
        }),
    }
}

/// A reusable setting. Lists leave its contents out.
pub(super) fn reusable_setting(rng: &mut Rng) -> Value {
    json!({
        "settingDefinitionId": "vendor_msft_firewall_mdmstore_dynamickeywords_addresses_{id}",
        "referencingConfigurationPolicyCount": 0,
        "settingCount": 1 + rng.below(9),
    })
}

/// The policies whose settings refer to a reusable setting: the same links, read backwards.
pub(super) fn referring_policies(row: &Row<'_>) -> Vec<Value> {
    let id = row.id();
    let index = index_of(places::CONFIGURATION_POLICIES);
    row.directory.sets[index]
        .iter()
        .map(|object| Row::new(row.directory, index, object))
        .filter(|policy| reusable(policy).as_ref() == Some(&id))
        .map(|policy| json!({"id": policy.id(), "name": policy.name()}))
        .collect()
}

/// A legacy policy of endpoint security.
pub(super) fn intent(row: &Row<'_>, rng: &mut Rng, links: &mut Links) -> Value {
    let template = row.one_in(places::INTENT_TEMPLATES, rng);
    json!({
        "isMigratingToConfigurationPolicy": false,
        "templateId": links.one("based_on_template", "device_management_template", template),
    })
}

/// A profile of administrative templates.
pub(super) fn group_policy(rng: &mut Rng) -> Value {
    json!({
        "policyConfigurationIngestionType": rng.pick(&["builtIn", "custom", "mixed"]),
    })
}

/// The values of such a profile. Definitions of uploaded files lead to the file.
pub(super) fn definition_values(row: &Row<'_>, expand: &[Expand], links: &mut Links) -> Vec<Value> {
    let definition = expand.iter().find(|one| one.name == "definition");
    let with_file =
        definition.is_some_and(|one| one.inner.iter().any(|one| one.name == "definitionFile"));
    let mut rng = row.rng(Purpose::Navigation);
    (0..1 + rng.below(6))
        .map(|number| {
            let mut value = json!({
                "id": rng.guid(),
                "enabled": rng.percent(80),
                "configurationType": "policy",
            });
            let uploaded = number == 0 && rng.percent(60);
            let id = rng.guid();
            let file = uploaded.then(|| row.one_in(places::DEFINITION_FILES, &mut rng));
            if definition.is_some() {
                value["definition"] = json!({
                    "id": id,
                    "displayName": format!("Policy {number}"),
                    "categoryPath": "\\Windows Components",
                    "classType": "machine",
                });
            }
            if with_file {
                let file = file.map(|file| {
                    json!({
                        "@odata.type": "#microsoft.graph.groupPolicyUploadedDefinitionFile",
                        "id": links.one("uses_admx", "group_policy_definition_file", file),
                        "fileName": "contoso.admx",
                    })
                });
                merge(&mut value["definition"], json!({"definitionFile": file}));
            }
            value
        })
        .collect()
}
