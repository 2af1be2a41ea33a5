//! Payloads of Intune's roles.

use serde_json::{Value, json};

use super::identity::Purpose;
use super::{Links, Rng, Row, places};

/// A role.
pub(super) fn definition(row: &Row<'_>, rng: &mut Rng) -> Value {
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
pub(super) fn assignment(row: &Row<'_>, rng: &mut Rng, links: &mut Links) -> Value {
    let groups = |rng: &mut Rng| -> Vec<String> {
        (0..1 + rng.below(2))
            .map(|_| row.one_in(places::GROUPS, rng))
            .collect()
    };
    let members = groups(rng);
    let (scope_type, scopes) = match rng.below(4) {
        0 => {
            links.add("has_scope", "virtual_group", "all_devices", &[]);
            ("allDevices", Vec::new())
        }
        1 => {
            links.add("has_scope", "virtual_group", "all_users", &[]);
            ("allLicensedUsers", Vec::new())
        }
        _ => ("resourceScope", groups(rng)),
    };
    json!({
        "members": links.all("has_member", "group", &members),
        "scopeType": scope_type,
        "scopeMembers": links.all("has_scope", "group", &scopes),
        "resourceScopes": scopes,
    })
}

/// The role that such an assignment grants: one of Microsoft's, which most do, or one of the
/// tenant's own.
pub(super) fn granted(row: &Row<'_>, links: &mut Links) -> Value {
    let mut rng = row.rng(Purpose::Navigation);
    let own = row.one_in(places::ROLES, &mut rng);
    let first = row.count_of(places::ROLES);
    let supplied = row
        .other(places::ROLES, first + rng.below(7))
        .filter(|role| role.object.built_in && rng.percent(60));
    json!({
        "id": links.one("grants_role", "role_definition", supplied.as_ref().map_or(own, Row::id)),
        "displayName": "A role",
        "isBuiltIn": supplied.is_some(),
    })
}
