//! The policies that administrative templates define, which are the same in all tenants.

use serde_json::{Value, json};

use crate::content::Rng;

const POLICIES: [(&str, &str); 12] = [
    (
        "Require additional authentication at startup",
        "\\Windows Components\\BitLocker Drive Encryption\\Operating System Drives",
    ),
    (
        "Choose drive encryption method and cipher strength",
        "\\Windows Components\\BitLocker Drive Encryption",
    ),
    (
        "Turn off Autoplay",
        "\\Windows Components\\AutoPlay Policies",
    ),
    (
        "Configure Automatic Updates",
        "\\Windows Components\\Windows Update",
    ),
    (
        "Configure the home page URL",
        "\\Microsoft Edge\\Startup, home page and new tab page",
    ),
    ("Proxy settings", "\\Google\\Google Chrome\\Proxy server"),
    ("Enable screen saver", "\\Control Panel\\Personalization"),
    (
        "Allow Basic authentication",
        "\\Windows Components\\Windows Remote Management (WinRM)\\WinRM Service",
    ),
    ("Maximum PIN length", "\\System\\PIN Complexity"),
    (
        "Turn on Script Execution",
        "\\Windows Components\\Windows PowerShell",
    ),
    (
        "Silently move Windows known folders to OneDrive",
        "\\OneDrive",
    ),
    (
        "Block macros from running in Office files from the Internet",
        "\\Microsoft Word 2016\\Word Options\\Security\\Trust Center",
    ),
];

/// A policy of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PolicyDefinition(usize);

impl PolicyDefinition {
    pub(super) const COUNT: usize = 240;
    /// From one policy of a profile to the next, so that neighbours are not of one kind.
    pub(super) const STEP: usize = 7;

    pub(super) fn at(number: usize) -> Self {
        Self(number % Self::COUNT)
    }

    /// Which kinds of presentations it has.
    pub(super) fn layout(self) -> usize {
        self.0 % 5
    }

    fn seeded(self, purpose: u64) -> Rng {
        Rng::from_parts(&[0xad_713, purpose, u64::try_from(self.0).unwrap_or(0)])
    }

    pub(super) fn id(self) -> String {
        self.seeded(1).guid()
    }

    /// The id of one of its presentations.
    pub(super) fn presentation_id(self, number: usize) -> String {
        self.seeded(2 + u64::try_from(number).unwrap_or(0)).guid()
    }

    /// Every policy is there for the machine and for the user, under one name.
    pub(super) fn json(self, uploaded: bool) -> Value {
        let (name, category) = POLICIES[self.0 / 2 % POLICIES.len()];
        let display_name = match self.0 / 2 / POLICIES.len() {
            0 => name.to_owned(),
            series => format!("{name} ({series})"),
        };
        json!({
            "id": self.id(),
            "displayName": display_name,
            "explainText": format!("This policy setting is about: {name}."),
            "categoryPath": category,
            "groupPolicyCategoryId": Rng::from_text(category, 1).guid(),
            "classType": if self.0.is_multiple_of(2) { "machine" } else { "user" },
            "policyType": if uploaded { "admxIngested" } else { "admxBacked" },
            "supportedOn": "At least Windows Vista",
            "hasRelatedDefinitions": false,
            "minDeviceCspVersion": "5.0",
            "minUserCspVersion": "5.0",
            "version": "1.0",
            "lastModifiedDateTime": "2021-02-24T00:11:21.6203744Z",
        })
    }
}
