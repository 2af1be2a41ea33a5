//! The catalogue of setting definitions, which is the same in all tenants.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::content::Rng;

const PREFIX: &str = "#microsoft.graph.deviceManagementConfiguration";
/// Settings of the catalogue that policies can hold, without those inside of others.
pub(super) const SETTINGS: usize = 6_000;
/// One setting in so many was retired: policies still hold it, and the catalogue does not know it.
const RETIRED: (usize, usize) = (97, 13);
/// The group of settings in which a reference to a reusable setting stands, and the setting in it.
pub(super) const FIREWALL_RULE: &str =
    "vendor_msft_firewall_mdmstore_firewallrules_{firewallrulename}";
pub(super) const DYNAMIC_KEYWORDS: &str = "vendor_msft_firewall_mdmstore_dynamickeywords";

/// What a setting holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SettingKind {
    Integer,
    /// One of three options.
    Choice,
    /// On or off.
    Switch,
    /// On or off, with further settings when it is on.
    Parent,
    Text,
    Texts,
    /// Several of the same settings.
    Group,
    Secret,
    Choices,
    /// An address, some with a password inside.
    Address,
}

/// A setting of the catalogue that policies hold directly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Setting(pub(super) usize);

/// The settings inside of a setting: what their ids end in, their names and kinds.
const INSIDE_PARENT: [(&str, &str, SettingKind); 3] = [
    ("_message", "Message", SettingKind::Text),
    ("_level", "Level", SettingKind::Parent),
    ("_level_limit", "Limit", SettingKind::Integer),
];
const INSIDE_GROUP: [(&str, &str, SettingKind); 4] = [
    ("_name", "Name", SettingKind::Text),
    ("_action", "Action", SettingKind::Switch),
    ("_port", "Port", SettingKind::Integer),
    ("_token", "Token", SettingKind::Secret),
];

impl Setting {
    pub(super) fn kind(self) -> SettingKind {
        match self.0 % 10 {
            0 => SettingKind::Integer,
            1 => SettingKind::Choice,
            2 => SettingKind::Parent,
            3 => SettingKind::Text,
            4 => SettingKind::Texts,
            5 => SettingKind::Group,
            6 => SettingKind::Secret,
            7 => SettingKind::Choices,
            8 => SettingKind::Address,
            _ => SettingKind::Switch,
        }
    }

    pub(super) fn id(self) -> String {
        match self.0 {
            9 => "device_vendor_msft_bitlocker_requiredeviceencryption".to_owned(),
            19 => "device_vendor_msft_policy_config_defender_allowrealtimemonitoring".to_owned(),
            number => {
                let area = number % 9;
                let rest = match self.kind() {
                    SettingKind::Group => "_{entryname}",
                    _ => "",
                };
                format!("device_vendor_msft_policy_config_area{area}_setting{number}{rest}")
            }
        }
    }

    fn name(self) -> String {
        match self.0 {
            9 => "Require Device Encryption".to_owned(),
            19 => "Allow Realtime Monitoring".to_owned(),
            number => format!("Setting {number} of area {}", number % 9),
        }
    }

    fn is_retired(self) -> bool {
        self.0 % RETIRED.0 == RETIRED.1
    }

    /// The definitions of the setting and of those inside of it.
    fn definitions(self) -> Vec<Definition> {
        let id = self.id();
        let inside: &[(&str, &str, SettingKind)] = match self.kind() {
            SettingKind::Parent => &INSIDE_PARENT,
            SettingKind::Group => &INSIDE_GROUP,
            _ => &[],
        };
        let of = |id: String, name: String, kind| Definition {
            id,
            name,
            kind,
            root: self.id(),
            area: self.0 % 9,
        };
        let own = of(id.clone(), self.name(), self.kind());
        let inside = inside
            .iter()
            .map(|(ending, name, kind)| of(format!("{id}{ending}"), (*name).to_owned(), *kind));
        std::iter::once(own).chain(inside).collect()
    }
}

/// What the catalogue says of one id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Definition {
    pub(crate) id: String,
    pub(crate) name: String,
    kind: SettingKind,
    root: String,
    area: usize,
}

static CATALOGUE: LazyLock<Vec<Definition>> = LazyLock::new(|| {
    let firewall = |id: &str, name: &str, kind| Definition {
        id: id.to_owned(),
        name: name.to_owned(),
        kind,
        root: FIREWALL_RULE.to_owned(),
        area: 9,
    };
    (0..SETTINGS)
        .map(Setting)
        .filter(|setting| !setting.is_retired())
        .flat_map(Setting::definitions)
        .chain([
            firewall(FIREWALL_RULE, "Firewall Rules", SettingKind::Group),
            firewall(DYNAMIC_KEYWORDS, "Dynamic Keywords", SettingKind::Texts),
        ])
        .collect()
});

static BY_ID: LazyLock<HashMap<&'static str, &'static Definition>> = LazyLock::new(|| {
    let all = CATALOGUE.iter();
    all.map(|one| (one.id.as_str(), one)).collect()
});

/// All definitions, in the order of the list.
pub(crate) fn catalogue() -> &'static [Definition] {
    &CATALOGUE
}

/// The definition with this id, unless it was retired.
pub(crate) fn definition(id: &str) -> Option<&'static Definition> {
    BY_ID.get(id).copied()
}

impl Definition {
    /// How many options there are to choose from.
    pub(super) fn option_count(kind: SettingKind) -> usize {
        match kind {
            SettingKind::Switch | SettingKind::Parent => 2,
            SettingKind::Choice => 3,
            SettingKind::Choices => 4,
            _ => 0,
        }
    }

    fn option_name(&self, number: usize) -> String {
        match (self.kind, number) {
            (SettingKind::Switch | SettingKind::Parent, 0) => "Disabled".to_owned(),
            (SettingKind::Switch | SettingKind::Parent, _) => "Enabled".to_owned(),
            _ => format!("Option {number} of {}", self.name),
        }
    }

    fn sort(&self) -> &'static str {
        match self.kind {
            SettingKind::Switch | SettingKind::Parent | SettingKind::Choice => {
                "ChoiceSettingDefinition"
            }
            SettingKind::Choices => "ChoiceSettingCollectionDefinition",
            SettingKind::Texts => "SimpleSettingCollectionDefinition",
            SettingKind::Group => "SettingGroupCollectionDefinition",
            _ => "SimpleSettingDefinition",
        }
    }

    /// The definition as Graph gives it.
    pub(crate) fn json(&self) -> Value {
        let mut seeded = Rng::from_text(&self.id, 0);
        let options: Vec<Value> = (0..Self::option_count(self.kind))
            .map(|number| {
                json!({
                    "itemId": format!("{}_{number}", self.id),
                    "name": self.option_name(number),
                    "displayName": self.option_name(number),
                    "description": null,
                    "helpText": null,
                    "optionValue": {
                        "@odata.type": format!("{PREFIX}IntegerSettingValue"),
                        "settingValueTemplateReference": null,
                        "value": number,
                    },
                    "dependentOn": [],
                    "dependedOnBy": [],
                })
            })
            .collect();
        let mut json = json!({
            "@odata.type": format!("{PREFIX}{}", self.sort()),
            "id": self.id,
            "name": self.name.replace(' ', ""),
            "displayName": self.name,
            "description": format!("What \"{}\" does to a device.", self.name),
            "helpText": null,
            "infoUrls": ["https://learn.microsoft.com/windows/client-management/mdm/"],
            "keywords": [self.name, format!("area {}", self.area)],
            "baseUri": "./Device/Vendor/MSFT/Policy",
            "offsetUri": format!("/Config/Area{}/{}", self.area, self.name.replace(' ', "")),
            "rootDefinitionId": self.root,
            "categoryId": Rng::from_parts(&[0x0ca7, u64::try_from(self.area).unwrap_or(0)]).guid(),
            "settingUsage": "configuration",
            "uxBehavior": "default",
            "visibility": "settingsCatalog,template",
            "version": seeded.next().to_string(),
            "accessTypes": "add,delete,get,replace",
            "riskLevel": "low",
            "referredSettingInformationList": [],
            "applicability": {
                "@odata.type": format!("{PREFIX}WindowsSettingApplicability"),
                "platform": "windows10",
                "technologies": "mdm",
                "deviceMode": "none",
                "description": null,
            },
            "occurrence": {"minDeviceOccurrence": 0, "maxDeviceOccurrence": 1},
        });
        if !options.is_empty() {
            json["defaultOptionId"] = json!(format!("{}_0", self.id));
            json["options"] = Value::Array(options);
        }
        json
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code ends at the first surprise")]

    use super::*;

    #[test]
    fn every_definition_is_found_by_its_id_and_retired_ones_are_not() {
        assert_eq!(BY_ID.len(), catalogue().len(), "ids are unique");
        let retired = Setting(RETIRED.1);
        assert_eq!(definition(&retired.id()), None);
        let bitlocker = definition(&Setting(9).id()).unwrap().json();
        assert_eq!(bitlocker["displayName"], "Require Device Encryption");
        assert_eq!(bitlocker["options"][1]["displayName"], "Enabled");
        for part in INSIDE_GROUP {
            let id = format!("{}{}", Setting(5).id(), part.0);
            assert_eq!(definition(&id).unwrap().root, Setting(5).id());
        }
    }
}
