//! Policy sets.

use atlas_domain::inventory::link::{LinkKind, TargetKind};
use serde_json::Value;

use super::gathered::{Gathered, Qualifier, kind_of, qualify};

/// Kinds of items, without the `PolicySetItem` that ends their names, and what they hold.
const ITEMS: [(&str, TargetKind); 13] = [
    ("mobileApp", TargetKind::MobileApp),
    ("deviceConfiguration", TargetKind::DeviceConfiguration),
    (
        "deviceManagementConfigurationPolicy",
        TargetKind::ConfigurationPolicy,
    ),
    ("deviceCompliancePolicy", TargetKind::CompliancePolicy),
    ("managedAppProtection", TargetKind::ManagedAppProtection),
    (
        "mdmWindowsInformationProtectionPolicy",
        TargetKind::ManagedAppProtection,
    ),
    (
        "targetedManagedAppConfiguration",
        TargetKind::TargetedManagedAppConfiguration,
    ),
    (
        "managedDeviceMobileAppConfiguration",
        TargetKind::MobileAppConfiguration,
    ),
    (
        "enrollmentRestrictionsConfiguration",
        TargetKind::EnrollmentConfiguration,
    ),
    (
        "windows10EnrollmentCompletionPageConfiguration",
        TargetKind::EnrollmentConfiguration,
    ),
    (
        "windowsAutopilotDeploymentProfile",
        TargetKind::AutopilotProfile,
    ),
    ("deviceManagementScript", TargetKind::DeviceManagementScript),
    (
        "iosLobAppProvisioningConfiguration",
        TargetKind::IosAppProvisioning,
    ),
];

/// What a policy set bundles.
pub(crate) fn of_items(items: &[Value], found: &mut Gathered) {
    for item in items {
        let word = kind_of(item).trim_end_matches("PolicySetItem");
        let known = ITEMS.iter().find(|(known, _)| *known == word);
        let mut qualifier = Qualifier::new();
        qualify(&mut qualifier, "intent", item.get("intent"));
        let target = known.map_or_else(
            || {
                qualify(
                    &mut qualifier,
                    "target_type",
                    Some(&Value::from(kind_of(item))),
                );
                TargetKind::Other
            },
            |(_, target)| *target,
        );
        found.add_with(LinkKind::Contains, target, item.get("payloadId"), qualifier);
    }
}
