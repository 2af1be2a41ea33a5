//! Role assignments of Intune.

use atlas_domain::inventory::link::{LinkKind, TargetKind};
use serde_json::Value;

use super::gathered::{Gathered, Qualifier, array, qualify, scoped_by};

/// Scopes that are words and not groups.
const EVERYTHING: [(&str, &[&str]); 3] = [
    ("allDevices", &["all_devices"]),
    ("allLicensedUsers", &["all_users"]),
    ("allDevicesAndLicensedUsers", &["all_devices", "all_users"]),
];

/// A role assignment as it is read by itself, with its role definition. A role that Microsoft
/// supplies is no item of a tenant's inventory: the link says so by `built_in`.
pub(crate) fn of_assignment(assignment: &Value, found: &mut Gathered) {
    if let Some(role) = assignment.get("roleDefinition") {
        let mut qualifier = Qualifier::new();
        let built_in = role
            .get("isBuiltIn")
            .or_else(|| role.get("isBuiltInRoleDefinition"));
        if built_in == Some(&Value::Bool(true)) {
            qualify(&mut qualifier, "built_in", built_in);
            qualify(&mut qualifier, "name", role.get("displayName"));
        }
        found.add_with(
            LinkKind::GrantsRole,
            TargetKind::RoleDefinition,
            role.get("id"),
            qualifier,
        );
    }
    for member in array(assignment.get("members")) {
        found.add_group(LinkKind::HasMember, Some(member), Qualifier::new());
    }
    // Older and newer names of the same; links that occur twice count once.
    for member in ["resourceScopes", "scopeMembers"] {
        for scope in array(assignment.get(member)) {
            found.add_group(LinkKind::HasScope, Some(scope), Qualifier::new());
        }
    }
    let scope = assignment.get("scopeType").and_then(Value::as_str);
    let everything = EVERYTHING.iter().find(|(word, _)| Some(*word) == scope);
    for word in everything.map(|(_, words)| *words).unwrap_or_default() {
        found.add_id(
            LinkKind::HasScope,
            TargetKind::VirtualGroup,
            word,
            Qualifier::new(),
        );
    }
    scoped_by(assignment.get("roleScopeTags"), found);
}
