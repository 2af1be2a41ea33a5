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

/// What it holds: several kinds, all of them over a few sets.
pub(super) fn items(row: &Row<'_>, links: &mut Links) -> Vec<Value> {
    let mut rng = row.rng(Purpose::Navigation);
    let serial = usize::try_from(row.object.serial).unwrap_or(0);
    (0..7)
        .map(|number| {
            let (kind, target_kind, place) = ITEMS[(serial * 7 + number) % ITEMS.len()];
            let payload = if place == places::APPS {
                row.one_app(&mut rng)
            } else {
                row.one_in(place, &mut rng)
            };
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
