//! Payloads of device configuration: settings catalog, templates, compliance, enrolment.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Rng, Row};

/// A policy of the settings catalog.
pub(super) fn configuration_policy(row: &Row<'_>, rng: &mut Rng) -> Value {
    let family = row.template_family();
    let (template_id, template_name) = if family == "none" {
        (String::new(), Value::Null)
    } else {
        (
            format!("{}_1", rng.guid()),
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
    json!({
        "platforms": platforms,
        "technologies": technologies,
        "settingCount": row.setting_count(),
        "creationSource": rng.percent(20).then_some("Portal"),
        "priorityMetaData": rng.percent(5).then(|| json!({"priority": 1 + rng.below(9)})),
        "disableEntraGroupPolicyAssignment": false,
        "templateReference": {
            "templateId": template_id,
            "templateFamily": family,
            "templateDisplayName": template_name,
            "templateDisplayVersion": (family != "none").then_some("Version 1"),
        },
    })
}

/// One setting of such a policy. Some hold secrets.
pub(super) fn setting(rng: &mut Rng, number: usize) -> Value {
    let definition = format!(
        "device_vendor_msft_policy_config_area{}_setting{number}",
        number % 9
    );
    let mut own = Rng::from_parts(&[rng.next(), u64::try_from(number).unwrap_or(0)]);
    let instance = match own.below(4) {
        0 => json!({
            "@odata.type": "#microsoft.graph.deviceManagementConfigurationSimpleSettingInstance",
            "settingDefinitionId": definition,
            "settingInstanceTemplateReference": null,
            "simpleSettingValue": {
                "@odata.type": "#microsoft.graph.deviceManagementConfigurationIntegerSettingValue",
                "value": own.below(1_000),
            },
        }),
        1 => json!({
            "@odata.type": "#microsoft.graph.deviceManagementConfigurationSimpleSettingInstance",
            "settingDefinitionId": definition,
            "settingInstanceTemplateReference": null,
            "simpleSettingValue": {
                "@odata.type": "#microsoft.graph.deviceManagementConfigurationSecretSettingValue",
                "value": own.guid(),
                "valueState": "encryptedValueToken",
            },
        }),
        _ => json!({
            "@odata.type": "#microsoft.graph.deviceManagementConfigurationChoiceSettingInstance",
            "settingDefinitionId": definition,
            "settingInstanceTemplateReference": {"settingInstanceTemplateId": own.guid()},
            "choiceSettingValue": {
                "value": format!("{definition}_{}", own.below(3)),
                "children": [],
            },
        }),
    };
    json!({"id": number.to_string(), "settingInstance": instance})
}

/// A profile made from a template, by its type.
pub(super) fn device_configuration(row: &Row<'_>, rng: &mut Rng) -> Value {
    let mut profile = json!({
        "supportsScopeTags": true,
        "deviceManagementApplicabilityRuleOsEdition": null,
        "deviceManagementApplicabilityRuleOsVersion": null,
        "deviceManagementApplicabilityRuleDeviceMode": null,
    });
    let kind = row.odata_type().unwrap_or_default();
    let own = match kind.trim_start_matches("#microsoft.graph.") {
        "windows10CustomConfiguration" => json!({"omaSettings": oma_settings(rng)}),
        "iosWiFiConfiguration" | "macOSWiFiConfiguration" | "windows10XWifiConfiguration" => {
            json!({
                "networkName": "Office",
                "ssid": format!("corp-{}", rng.below(100)),
                "connectAutomatically": true,
                "wiFiSecurityType": "wpa2Personal",
                "preSharedKey": format!("psk-{:016x}", rng.next()),
            })
        }
        "macOSCustomConfiguration" => json!({
            "payloadName": "profile.mobileconfig",
            "payloadFileName": "profile.mobileconfig",
            "payload": STANDARD.encode(format!("<plist><string>{}</string></plist>", rng.guid())),
        }),
        "iosTrustedRootCertificate" | "windows10XTrustedRootCertificate" => json!({
            "certFileName": "root.cer",
            "trustedRootCertificate": STANDARD.encode(rng.guid()),
        }),
        "windowsUpdateForBusinessConfiguration" => json!({
            "qualityUpdatesDeferralPeriodInDays": rng.below(15),
            "featureUpdatesDeferralPeriodInDays": rng.below(120),
            "qualityUpdatesPaused": false,
            "featureUpdatesPaused": false,
            "businessReadyUpdatesOnly": "userDefined",
            "automaticUpdateMode": "autoInstallAtMaintenanceTime",
            "installationSchedule": {
                "@odata.type": "#microsoft.graph.windowsUpdateActiveHoursInstall",
                "activeHoursStart": "08:00:00.0000000",
                "activeHoursEnd": "17:00:00.0000000",
            },
        }),
        "iosUpdateConfiguration" => json!({
            "enforcedSoftwareUpdateDelayInDays": rng.below(30),
            "desiredOsVersion": "17.4.1",
            "scheduledInstallDays": [],
            "updateScheduleType": "updateOutsideOfActiveHours",
        }),
        "macOSSoftwareUpdateConfiguration" => json!({
            "criticalUpdateBehavior": "installASAP",
            "updateScheduleType": "alwaysUpdate",
            "priority": "high",
        }),
        _ => json!({
            "passwordRequired": rng.percent(70),
            "passwordMinimumLength": 4 + rng.below(10),
            "cameraBlocked": rng.percent(20),
            "cortanaBlocked": rng.percent(20),
            "storageRequireEncryption": rng.percent(80),
        }),
    };
    merge(&mut profile, own);
    profile
}

fn oma_settings(rng: &mut Rng) -> Vec<Value> {
    (0..1 + rng.below(4))
        .map(|number| {
            let encrypted = rng.percent(30);
            json!({
                "@odata.type": "#microsoft.graph.omaSettingString",
                "displayName": format!("Custom setting {number}"),
                "description": null,
                "omaUri": format!("./Device/Vendor/MSFT/Policy/Config/Custom/Setting{number}"),
                "isEncrypted": encrypted,
                "secretReferenceValueId": encrypted.then(|| rng.guid()),
                "value": if encrypted { "****".to_owned() } else { format!("password={:x}", rng.next()) },
            })
        })
        .collect()
}

/// A compliance policy.
pub(super) fn compliance_policy(rng: &mut Rng) -> Value {
    json!({
        "passwordRequired": rng.percent(90),
        "passwordMinimumLength": 6 + rng.below(8),
        "passwordRequiredType": "deviceDefault",
        "osMinimumVersion": format!("10.0.{}", 19_041 + rng.below(4_000)),
        "osMaximumVersion": null,
        "storageRequireEncryption": rng.percent(80),
        "secureBootEnabled": rng.percent(70),
        "deviceThreatProtectionEnabled": rng.percent(30),
        "deviceThreatProtectionRequiredSecurityLevel": "unavailable",
        "validOperatingSystemBuildRanges": [],
        "deviceCompliancePolicyScript": null,
    })
}

/// A profile of administrative templates.
pub(super) fn group_policy(rng: &mut Rng) -> Value {
    json!({
        "policyConfigurationIngestionType": rng.pick(&["builtIn", "custom", "mixed"]),
    })
}

/// A configuration of enrolment, by its type.
pub(super) fn enrollment(row: &Row<'_>, rng: &mut Rng) -> Value {
    let mut configuration = json!({
        "priority": rng.below(5),
        "deviceEnrollmentConfigurationType": "unknown",
    });
    let own = match row.key() {
        "enrollmentLimitRestriction" => json!({
            "deviceEnrollmentConfigurationType": "limit",
            "limit": 1 + rng.below(15),
        }),
        "enrollmentPlatformRestriction" => json!({
            "deviceEnrollmentConfigurationType": "singlePlatformRestriction",
            "platformType": "windows",
            "platformRestriction": {
                "platformBlocked": rng.percent(10),
                "personalDeviceEnrollmentBlocked": rng.percent(60),
                "osMinimumVersion": "",
                "osMaximumVersion": "",
                "blockedManufacturers": [],
                "blockedSkus": [],
            },
        }),
        "enrollmentStatusPage" => json!({
            "deviceEnrollmentConfigurationType": "windows10EnrollmentCompletionPageConfiguration",
            "showInstallationProgress": true,
            "blockDeviceSetupRetryByUser": rng.percent(50),
            "installProgressTimeoutInMinutes": 60,
            "selectedMobileAppIds": [row.id_in(crate::collections::Shape::MobileApp, 0)],
        }),
        "enrollmentNotification" => json!({
            "deviceEnrollmentConfigurationType": "enrollmentNotificationsConfiguration",
            "platformType": "windows",
            "templateType": "email",
            "notificationTemplates": [format!(
                "Email_{}",
                row.id_in(crate::collections::Shape::NotificationTemplate, 0)
            )],
        }),
        "windowsHelloForBusinessEnrollment" => json!({
            "deviceEnrollmentConfigurationType": "windowsHelloForBusiness",
            "pinMinimumLength": 6,
            "pinMaximumLength": 127,
            "state": "enabled",
        }),
        _ => json!({"state": "notConfigured"}),
    };
    merge(&mut configuration, own);
    configuration
}

/// Puts the members of one object into another.
pub(super) fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}
