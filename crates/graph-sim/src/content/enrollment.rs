//! Payloads of enrolment configurations, by their type.

use serde_json::{Value, json};

use super::{Links, Rng, Row, merge, places};

/// A configuration of enrolment.
pub(super) fn configuration(row: &Row<'_>, rng: &mut Rng, links: &mut Links) -> Value {
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
                "osMinimumVersion": match row.object.nested {
                    0 => String::new(),
                    times => format!("10.0.{times}"),
                },
                "osMaximumVersion": "",
                "blockedManufacturers": [],
                "blockedSkus": [],
            },
        }),
        "enrollmentStatusPage" => {
            let apps: Vec<String> = (0..1 + rng.below(3)).map(|_| row.one_app(rng)).collect();
            json!({
                "deviceEnrollmentConfigurationType":
                    "windows10EnrollmentCompletionPageConfiguration",
                "showInstallationProgress": true,
                "blockDeviceSetupRetryByUser": rng.percent(50),
                "installProgressTimeoutInMinutes": 60,
                "selectedMobileAppIds": links.all("blocks_on_app", "mobile_app", &apps),
            })
        }
        "enrollmentNotification" => {
            let templates: Vec<String> = ["Email", "Push"]
                .iter()
                .map(|prefix| {
                    let id = row.one_in(places::MESSAGE_TEMPLATES, rng);
                    links.add("notifies_with", "notification_message_template", &id, &[]);
                    format!("{prefix}_{id}")
                })
                .collect();
            json!({
                "deviceEnrollmentConfigurationType": "enrollmentNotificationsConfiguration",
                "platformType": "windows",
                "templateType": "email",
                "notificationMessageTemplateId": super::assignments::NO_ID,
                "notificationTemplates": templates,
            })
        }
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
