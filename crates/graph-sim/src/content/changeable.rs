//! Which objects can be changed in which way, and what differs between two states of one.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::row::View;
use super::{Links, Row};
use crate::collections::Shape;

/// Members that change by themselves or with other objects, and are no change of the object.
const COUNTED: [&str; 10] = [
    "deployedAppCount",
    "usedLicenseCount",
    "lastSyncDateTime",
    "lastSuccessfulSyncDateTime",
    "syncedDeviceCount",
    "payloads",
    "isAssigned",
    "dependentAppCount",
    "supersedingAppCount",
    "supersededAppCount",
];
/// Members whose values are secrets or may hold some.
const SECRETS: [&str; 7] = [
    "preSharedKey",
    "payload",
    "omaSettings",
    "scriptContent",
    "detectionScriptContent",
    "remediationScriptContent",
    "token",
];

/// One member of an object that differs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Difference {
    pub(crate) old: Value,
    pub(crate) new: Value,
    /// The values are not to be known.
    pub(crate) secret: bool,
    /// The time or the version of the object, which every change moves.
    pub(crate) bookkeeping: bool,
}

/// Differences by JSON pointer. Objects are taken apart, arrays are not.
pub(crate) type Fields = BTreeMap<String, Difference>;

impl Row<'_> {
    /// Whether a value deep inside can be changed.
    pub(crate) fn has_nested(&self) -> bool {
        match self.collection.shape {
            Shape::ConfigurationPolicy
            | Shape::DeviceConfiguration
            | Shape::CompliancePolicy
            | Shape::ConditionalAccess
            | Shape::Plain => true,
            Shape::Enrollment => self.key() == "enrollmentPlatformRestriction",
            Shape::MobileApp => self.short_type() == "win32LobApp",
            _ => false,
        }
    }

    /// Whether it has a description that can be changed. The root of Intune, of which only the
    /// settings are of interest, has none.
    pub(crate) fn has_description(&self) -> bool {
        self.key() != "deviceManagementSettings"
    }

    /// Whether it holds a secret that can be changed.
    pub(crate) fn has_secret(&self) -> bool {
        match self.collection.shape {
            Shape::Script | Shape::HealthScript | Shape::VppToken => true,
            Shape::DeviceConfiguration => [
                "iosWiFiConfiguration",
                "macOSWiFiConfiguration",
                "macOSCustomConfiguration",
                "windows10CustomConfiguration",
            ]
            .contains(&self.short_type()),
            _ => false,
        }
    }

    /// Whether it has counts or times that move by themselves.
    pub(crate) fn has_counts(&self) -> bool {
        match self.collection.shape {
            Shape::AssignmentFilter
            | Shape::ManagedAppPolicy
            | Shape::VppToken
            | Shape::DepToken => true,
            Shape::MobileApp => ["iosVppApp", "macOsVppApp"].contains(&self.short_type()),
            _ => false,
        }
    }
}

/// What differs between two states of an object, without counts.
pub(crate) fn differences(old: &Row<'_>, new: &Row<'_>) -> Fields {
    let view = View {
        item: true,
        v1: new.collection.version() == "v1.0",
        unknown_members: true,
        expand: &[],
    };
    let flat = |row: &Row<'_>| {
        let mut flat = BTreeMap::new();
        flatten("", row.body(view, &mut Links::ignored()), &mut flat);
        flat
    };
    let (old, new_members) = (flat(old), flat(new));
    let bookkeeping = [
        &new.collection.modified_property,
        &new.collection.version_property,
    ];
    old.keys()
        .chain(new_members.keys())
        .filter(|pointer| old.get(*pointer) != new_members.get(*pointer))
        .filter(|pointer| !COUNTED.iter().any(|name| names(pointer, name)))
        .map(|pointer| {
            let value =
                |from: &BTreeMap<String, Value>| from.get(pointer).cloned().unwrap_or(Value::Null);
            let difference = Difference {
                old: value(&old),
                new: value(&new_members),
                secret: SECRETS.iter().any(|name| names(pointer, name)),
                bookkeeping: bookkeeping
                    .iter()
                    .any(|name| name.as_ref().is_some_and(|name| names(pointer, name))),
            };
            (pointer.clone(), difference)
        })
        .collect()
}

/// Whether a pointer is to this member of the object itself.
fn names(pointer: &str, name: &str) -> bool {
    pointer.strip_prefix('/') == Some(name)
}

fn flatten(prefix: &str, members: Map<String, Value>, into: &mut BTreeMap<String, Value>) {
    for (name, value) in members {
        let name = name.replace('~', "~0").replace('/', "~1");
        let pointer = format!("{prefix}/{name}");
        match value {
            Value::Object(inner) if !inner.is_empty() => flatten(&pointer, inner, into),
            other => {
                into.insert(pointer, other);
            }
        }
    }
}
