//! Payloads of the settings catalog and of what it leans on.

mod definitions;
mod instances;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::identity::Purpose;
use super::row::Expand;
use super::{Links, Rng, Row, places};
use crate::collections::index_of;
pub(crate) use definitions::{Definition, catalogue, definition};
use definitions::{SETTINGS, Setting};

/// Policies begin with one of so many settings, so that several policies hold the same ones.
const MOST_USED: usize = 400;

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
    let edits = row.edits();
    let there = (0..places_of(row)).filter(|place| !edits.at(*place).is_removed());
    there.count()
}

/// How many settings a policy has or had.
pub(super) fn places_of(row: &Row<'_>) -> usize {
    let own = 1 + row.rng(Purpose::Settings).below(60);
    let wanted = row.directory.settings.unwrap_or(own);
    wanted.clamp(1, SETTINGS)
}

/// Where a setting with this id stands or stood.
pub(super) fn place_of(row: &Row<'_>, id: &str) -> Option<usize> {
    (0..places_of(row)).find(|place| setting_at(row, *place).id() == id)
}

/// The setting at a place: many policies hold the first ones of the catalogue.
fn setting_at(row: &Row<'_>, place: usize) -> Setting {
    let first = row.rng(Purpose::Values).below(MOST_USED);
    Setting((first + place) % SETTINGS)
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
pub(super) fn settings(row: &Row<'_>, expand: &[Expand], links: &mut Links) -> Vec<Value> {
    let mut rng = row.rng(Purpose::Settings);
    let count = places_of(row);
    rng.next();
    let first = setting_at(row, 0).0;
    let reusable = reusable(row);
    let edits = row.edits();
    let definitions = expand.iter().any(|one| one.name == "settingDefinitions");
    let mut settings = Vec::with_capacity(count);
    for place in 0..count {
        let mut own = Rng::from_parts(&[rng.next(), u64::try_from(place).unwrap_or(0)]);
        let edits = edits.at(place);
        if edits.is_removed() {
            continue;
        }
        let instance = match &reusable {
            Some(id) if place + 1 == count => instances::reference(&links.one(
                "uses_reusable_setting",
                "reusable_policy_setting",
                id.clone(),
            )),
            _ => instances::instance(Setting((first + place) % SETTINGS), &mut own, edits),
        };
        let mut setting = json!({"id": settings.len().to_string()});
        if definitions {
            setting["settingDefinitions"] = definitions_of(&instance);
        }
        setting["settingInstance"] = instance;
        settings.push(setting);
    }
    settings
}

/// The definitions of a setting and of all settings inside of it that the catalogue knows.
pub(super) fn definitions_of(instance: &Value) -> Value {
    let mut ids = BTreeSet::new();
    ids_in(instance, &mut ids);
    let known = ids.into_iter().filter_map(definition);
    known.map(Definition::json).collect()
}

fn ids_in<'a>(value: &'a Value, ids: &mut BTreeSet<&'a str>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| ids_in(value, ids)),
        Value::Object(members) => {
            for (name, value) in members {
                match value.as_str() {
                    Some(id) if name == "settingDefinitionId" => {
                        ids.insert(id);
                    }
                    _ => ids_in(value, ids),
                }
            }
        }
        _ => {}
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
