//! Payloads of Entra's policies and of Intune's roles.

use serde_json::{Value, json};

use super::{Rng, Row};
use crate::collections::Shape;

/// A conditional access policy.
pub(super) fn conditional_access(row: &Row<'_>, rng: &mut Rng) -> Value {
    let groups = usize::try_from(row.facts.groups).unwrap_or(1);
    json!({
        "templateId": rng.percent(20).then(|| rng.guid()),
        "state": rng.pick(&["enabled", "disabled", "enabledForReportingButNotEnforced"]),
        "conditions": {
            "userRiskLevels": [],
            "signInRiskLevels": if rng.percent(20) { vec!["high"] } else { Vec::new() },
            "servicePrincipalRiskLevels": [],
            "clientAppTypes": ["all"],
            "platforms": rng.percent(30).then(|| json!({
                "includePlatforms": ["all"],
                "excludePlatforms": ["linux"],
            })),
            "locations": rng.percent(40).then(|| json!({
                "includeLocations": ["All"],
                "excludeLocations": [row.id_in(Shape::NamedLocation, 0)],
            })),
            "times": null,
            "devices": null,
            "clientApplications": null,
            "applications": {
                "includeApplications": ["All"],
                "excludeApplications": [],
                "includeUserActions": [],
                "includeAuthenticationContextClassReferences": [],
                "applicationFilter": null,
            },
            "users": {
                "includeUsers": ["All"],
                "excludeUsers": [],
                "includeGroups": [],
                "excludeGroups": [row.id_in(Shape::Group, rng.below(groups))],
                "includeRoles": [],
                "excludeRoles": [],
                "includeGuestsOrExternalUsers": null,
            },
        },
        "grantControls": {
            "operator": "OR",
            "builtInControls": [rng.pick(&["mfa", "block", "compliantDevice"])],
            "customAuthenticationFactors": [],
            "termsOfUse": [],
            "authenticationStrength": null,
        },
        "sessionControls": null,
    })
}

/// A named location, by its type.
pub(super) fn named_location(row: &Row<'_>, rng: &mut Rng) -> Value {
    let countries = row
        .odata_type()
        .is_some_and(|kind| kind.ends_with("countryNamedLocation"));
    if countries {
        json!({
            "countriesAndRegions": ["DE", "CH"],
            "includeUnknownCountriesAndRegions": rng.percent(20),
            "countryLookupMethod": "clientIpAddress",
        })
    } else {
        json!({
            "isTrusted": rng.percent(60),
            "ipRanges": [{
                "@odata.type": "#microsoft.graph.iPv4CidrRange",
                "cidrAddress": format!("192.0.2.{}/32", rng.below(256)),
            }],
        })
    }
}

/// A role.
pub(super) fn role_definition(row: &Row<'_>, rng: &mut Rng) -> Value {
    json!({
        "isBuiltIn": row.object.built_in,
        "isBuiltInRoleDefinition": row.object.built_in,
        "rolePermissions": [{"resourceActions": [{
            "allowedResourceActions": ["Microsoft.Intune_Organization_Read"],
            "notAllowedResourceActions": if rng.percent(10) {
                vec!["Microsoft.Intune_Organization_Delete"]
            } else {
                Vec::new()
            },
        }]}],
    })
}

/// Who has a role over what.
pub(super) fn role_assignment(row: &Row<'_>, rng: &mut Rng) -> Value {
    let groups = usize::try_from(row.facts.groups).unwrap_or(1);
    json!({
        "scopeMembers": [row.id_in(Shape::Group, rng.below(groups))],
        "members": [row.id_in(Shape::Group, rng.below(groups))],
        "scopeType": "resourceScope",
        "resourceScopes": [],
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
