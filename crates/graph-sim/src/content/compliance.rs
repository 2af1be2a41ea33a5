//! Payloads of compliance policies.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::assignments::NO_ID;
use super::identity::Purpose;
use super::{Links, Rng, Row, catalog, places};

/// A compliance policy.
pub(super) fn policy(row: &Row<'_>, rng: &mut Rng, links: &mut Links) -> Value {
    let scripted = row.short_type() == "windows10CompliancePolicy" && rng.percent(40);
    let script = scripted.then(|| {
        let id = row.one_in(places::COMPLIANCE_SCRIPTS, rng);
        json!({
            "deviceComplianceScriptId": links.one("uses_compliance_script", "compliance_script", id),
            "rulesContent": STANDARD.encode(r#"{"Rules":[]}"#),
        })
    });
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
        "validOperatingSystemBuildRanges": [{
            "@odata.type": "microsoft.graph.operatingSystemVersionRange",
            "description": "Supported builds",
            "lowestVersion": format!("10.0.{}", 19_041 + row.object.nested),
            "highestVersion": "10.0.99999",
        }],
        "deviceCompliancePolicyScript": script,
    })
}

/// A compliance policy of the settings catalog.
pub(super) fn linux_policy(row: &Row<'_>) -> Value {
    json!({
        "platforms": "linux",
        "technologies": "linuxMdm",
        "settingCount": catalog::setting_count(row),
        "creationSource": null,
    })
}

/// What happens to devices that do not comply.
pub(super) fn scheduled_actions(row: &Row<'_>, inner: bool, links: &mut Links) -> Vec<Value> {
    let mut rng = row.rng(Purpose::Navigation);
    let mut rule = json!({"id": rng.guid(), "ruleName": "PasswordRequired"});
    if inner {
        let block = action(&mut rng, "block", &json!(NO_ID), &json!([]));
        let mut actions = vec![block];
        if rng.percent(60) {
            let template = row.one_in(places::MESSAGE_TEMPLATES, &mut rng);
            let template = links.one("notifies_with", "notification_message_template", template);
            let copies: Vec<String> = (0..rng.below(3))
                .map(|_| row.one_in(places::GROUPS, &mut rng))
                .collect();
            let copies = links.all("notifies_cc", "group", &copies);
            actions.push(action(&mut rng, "notification", &template, &copies));
        }
        rule["scheduledActionConfigurations"] = Value::Array(actions);
    }
    vec![rule]
}

fn action(rng: &mut Rng, kind: &str, template: &Value, copies: &Value) -> Value {
    json!({
        "id": rng.guid(),
        "gracePeriodHours": 24 * rng.below(8),
        "actionType": kind,
        "notificationTemplateId": template,
        "notificationMessageCCList": copies,
    })
}
