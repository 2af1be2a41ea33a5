//! Payloads of groups, filters and the rest.

use serde_json::{Value, json};

use super::configuration::merge;
use super::{Rng, Row};
use crate::collections::Kind;

/// A group.
pub(super) fn group(row: &Row<'_>, rng: &mut Rng) -> Value {
    let dynamic = rng.percent(40);
    let unified = rng.percent(15);
    let mut types = Vec::new();
    if dynamic {
        types.push("DynamicMembership");
    }
    if unified {
        types.push("Unified");
    }
    json!({
        "groupTypes": types,
        "securityEnabled": !unified,
        "mailEnabled": unified,
        "mailNickname": format!("group{}", row.object.serial),
        "membershipRule": dynamic.then_some("(device.deviceOSType -eq \"Windows\")"),
        "membershipRuleProcessingState": dynamic.then_some("On"),
        "visibility": rng.percent(50).then_some("Private"),
        "isAssignableToRole": null,
        "onPremisesSyncEnabled": rng.percent(30).then_some(true),
    })
}

/// The tenant itself.
pub(super) fn organization(rng: &mut Rng) -> Value {
    json!({
        "tenantType": "AAD",
        "countryLetterCode": "DE",
        "mobileDeviceManagementAuthority": "intune",
        "verifiedDomains": [{
            "name": format!("contoso{}.onmicrosoft.com", rng.below(1_000)),
            "isDefault": true,
            "isInitial": true,
        }],
    })
}

/// A filter for assignments.
pub(super) fn assignment_filter(rng: &mut Rng) -> Value {
    json!({
        "platform": rng.pick(&["windows10AndLater", "iOS", "androidForWork", "macOS"]),
        "rule": format!("(device.osVersion -startsWith \"10.0.{}\")", rng.below(30_000)),
        "assignmentFilterManagementType": rng.pick(&["devices", "apps"]),
        "payloads": [],
    })
}

/// A template of a message to users.
pub(super) fn notification_template(row: &Row<'_>, rng: &mut Rng) -> Value {
    json!({
        "defaultLocale": "en-US",
        "brandingOptions": "includeCompanyLogo,includeCompanyName",
        "localizedNotificationMessages": rng.percent(50).then(|| json!([{
            "id": format!("{}_en-us", row.id()),
            "locale": "en-us",
            "subject": "Your device needs attention",
            "messageTemplate": "Please update it.",
            "isDefault": true,
        }])),
    })
}

/// What a collection without a payload of its own has: a few members of plausible kinds.
pub(super) fn plain(row: &Row<'_>, rng: &mut Rng) -> Value {
    let mut members = json!({
        "state": rng.pick(&["enabled", "disabled"]),
        "configuredItems": rng.below(50),
    });
    if row.collection.kind() == Kind::Singleton {
        merge(
            &mut members,
            json!({"settings": {
                "secureByDefault": rng.percent(50),
                "deviceComplianceCheckinThresholdDays": 30,
            }}),
        );
    }
    members
}
