//! Payloads of policy sets.

use serde_json::{Value, json};

use super::identity::Purpose;
use super::{Links, Row, places};

/// What a set can hold: the type of the item without `PolicySetItem`, what it is of, and where
/// that is.
const ITEMS: [(&str, &str, &str); 13] = [
    ("mobileApp", "mobile_app", places::APPS),
    (
        "deviceConfiguration",
        "device_configuration",
        places::PROFILES,
    ),
    (
        "deviceManagementConfigurationPolicy",
        "configuration_policy",
        places::CONFIGURATION_POLICIES,
    ),
    (
        "deviceCompliancePolicy",
        "compliance_policy",
        places::COMPLIANCE_POLICIES,
    ),
    (
        "managedAppProtection",
        "managed_app_protection",
        places::MANAGED_APP_PROTECTIONS,
    ),
    (
        "targetedManagedAppConfiguration",
        "targeted_managed_app_configuration",
        places::MANAGED_APP_CONFIGURATIONS,
    ),
    (
        "managedDeviceMobileAppConfiguration",
        "mobile_app_configuration",
        places::APP_CONFIGURATIONS,
    ),
    (
        "enrollmentRestrictionsConfiguration",
        "enrollment_configuration",
        places::ENROLLMENT,
    ),
    (
        "windows10EnrollmentCompletionPageConfiguration",
        "enrollment_configuration",
        places::ENROLLMENT,
    ),
    (
        "windowsAutopilotDeploymentProfile",
        "autopilot_profile",
        places::AUTOPILOT,
    ),
    (
        "deviceManagementScript",
        "device_management_script",
        places::SCRIPTS,
    ),
    (
        "iosLobAppProvisioningConfiguration",
        "ios_app_provisioning",
        places::APP_PROVISIONING,
    ),
    (
        "mdmWindowsInformationProtectionPolicy",
        "managed_app_protection",
        places::MDM_WIP_POLICIES,
    ),
];

/// A policy set.
pub(super) fn policy_set() -> Value {
    json!({
        "status": "success",
        "errorCode": "noError",
        "guidedDeploymentTags": [],
    })
}

/// How many things a set holds.
pub(super) const ITEM_COUNT: usize = 7;

/// What it holds: several kinds, all of them over a few sets. An edit puts another object in.
pub(super) fn items(row: &Row<'_>, links: &mut Links) -> Vec<Value> {
    let mut rng = row.rng(Purpose::Navigation);
    let serial = usize::try_from(row.object.serial).unwrap_or(0);
    let edits = row.edits();
    (0..ITEM_COUNT)
        .map(|number| {
            let (kind, target_kind, place) = ITEMS[(serial * 7 + number) % ITEMS.len()];
            let mut payload = if place == places::APPS {
                row.one_app(&mut rng)
            } else {
                row.one_in(place, &mut rng)
            };
            let times = edits.at(number).of(0);
            if times > 0 {
                payload = another(row, place, &payload, times);
            }
            let odata_type = format!("#microsoft.graph.{kind}PolicySetItem");
            json!({
                "@odata.type": odata_type,
                "id": rng.guid(),
                "payloadId": links.one("contains", target_kind, payload),
                "itemType": odata_type,
                "displayName": format!("Item {number}"),
                "status": "success",
                "errorCode": "noError",
                "guidedDeploymentTags": [],
            })
        })
        .collect()
}

/// Another object of the same collection, where it has several.
fn another(row: &Row<'_>, place: &str, payload: &str, times: usize) -> String {
    let count = row.count_of(place).max(1);
    let first = (0..count)
        .find(|serial| row.id_in(place, *serial) == payload)
        .unwrap_or(0);
    row.id_in(place, (first + times) % count)
}
