//! Payloads of groups, filters and the rest.

use serde_json::{Value, json};

use super::{Rng, Row};

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
pub(super) fn assignment_filter(row: &Row<'_>, rng: &mut Rng) -> Value {
    let payloads: Vec<Value> = (0..row.object.counted % 5)
        .map(|number| {
            json!({
                "payloadId": format!("00000000-0000-4000-8000-{number:012}"),
                "payloadType": "deviceConfiguration",
                "groupId": "00000000-0000-0000-0000-000000000000",
                "assignmentFilterType": "include",
            })
        })
        .collect();
    json!({
        "platform": rng.pick(&["windows10AndLater", "iOS", "androidForWork", "macOS"]),
        "rule": format!("(device.osVersion -startsWith \"10.0.{}\")", rng.below(30_000)),
        "assignmentFilterManagementType": rng.pick(&["devices", "apps"]),
        "payloads": payloads,
    })
}

/// What holds for one other tenant. It has no `id`.
pub(super) fn partner_tenant(row: &Row<'_>, rng: &mut Rng) -> Value {
    json!({
        "tenantId": row.id(),
        "isServiceProvider": rng.percent(20),
        "isInMultiTenantOrganization": false,
        "inboundTrust": {"isMfaAccepted": rng.percent(50)},
        "b2bCollaborationInbound": null,
        "b2bCollaborationOutbound": null,
    })
}

/// What a collection without a payload of its own has: a few members of plausible kinds.
pub(super) fn plain(row: &Row<'_>, rng: &mut Rng) -> Value {
    json!({
        "state": rng.pick(&["enabled", "disabled"]),
        "configuredItems": rng.below(50),
        "settings": {
            "secureByDefault": rng.percent(50),
            "deviceComplianceCheckinThresholdDays": 30 + row.object.nested,
        },
    })
}
