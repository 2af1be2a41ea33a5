//! Settings: what policies were made from, and what their settings refer to.

use std::collections::{BTreeMap, BTreeSet};

use atlas_domain::guid::fold_guids;
use atlas_domain::inventory::link::{LinkKind, TargetKind};
use serde_json::Value;

use super::gathered::{Gathered, LONGEST_ID, Qualifier, kind_of};

/// References from policies to reusable settings that are remembered.
const MOST_REFERENCES: usize = 100_000;

pub(super) fn of_policy(policy: &Value, found: &mut Gathered) {
    found.add(
        LinkKind::BasedOnTemplate,
        TargetKind::ConfigurationPolicyTemplate,
        policy.pointer("/templateReference/templateId"),
    );
}

pub(super) fn of_intent(intent: &Value, found: &mut Gathered) {
    found.add(
        LinkKind::BasedOnTemplate,
        TargetKind::DeviceManagementTemplate,
        intent.get("templateId"),
    );
}

/// The reusable settings that a setting refers to, however deep. JSON that can be parsed is not so
/// deep that this could not return.
pub(crate) fn of_setting(setting: &Value, found: &mut Gathered) {
    match setting {
        Value::Object(members) => {
            if kind_of(setting).ends_with("ReferenceSettingValue") {
                found.add(
                    LinkKind::UsesReusableSetting,
                    TargetKind::ReusablePolicySetting,
                    members.get("value"),
                );
            }
            members.values().for_each(|value| of_setting(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| of_setting(value, found)),
        _ => {}
    }
}

/// The type of definition files that are not Microsoft's own.
const UPLOADED: &str = "#microsoft.graph.groupPolicyUploadedDefinitionFile";

/// The definition file that a value of an administrative template belongs to. Microsoft's own
/// definitions come from no uploaded file. A file that has been deleted since is on no list of uploaded
/// ones; that it was one says its type, which is given where it is not the declared one.
pub(crate) fn of_definition_value(
    value: &Value,
    uploaded: &BTreeSet<String>,
    found: &mut Gathered,
) {
    let Some(file) = value.pointer("/definition/definitionFile") else {
        return;
    };
    let says_so = file.get("@odata.type").and_then(Value::as_str) == Some(UPLOADED);
    if let Some(id) = file.get("id").and_then(Value::as_str)
        && (says_so || uploaded.contains(fold_guids(id).as_ref()))
    {
        found.add_id(
            LinkKind::UsesAdmx,
            TargetKind::GroupPolicyDefinitionFile,
            id,
            Qualifier::new(),
        );
    }
}

/// Which policies refer to which reusable settings, read from the settings' side: one request for
/// each of them and not for each policy.
#[derive(Debug, Default)]
pub(crate) struct References {
    by_policy: BTreeMap<String, Vec<String>>,
    count: usize,
    /// Whether there were more than are remembered, or some that cannot be.
    pub(crate) cut: bool,
}

impl References {
    /// Takes up that `policy` refers to the setting.
    pub(crate) fn add(&mut self, policy: &Value, setting: &str) {
        let Some(id) = policy.get("id").and_then(Value::as_str) else {
            return;
        };
        if self.count >= MOST_REFERENCES || id.len() > LONGEST_ID {
            self.cut = true;
            return;
        }
        self.count += 1;
        let policy = fold_guids(id).into_owned();
        let settings = self.by_policy.entry(policy).or_default();
        settings.push(setting.to_owned());
    }

    /// The links of one policy, by its external id.
    pub(crate) fn of(&self, policy: &str, found: &mut Gathered) {
        for setting in self.by_policy.get(policy).into_iter().flatten() {
            found.add_id(
                LinkKind::UsesReusableSetting,
                TargetKind::ReusablePolicySetting,
                setting,
                Qualifier::new(),
            );
        }
    }
}
