//! Who may start runs before those of others.

use super::permit::{Grant, Permit, RoleGrant, permit_by_role};
use super::{Membership, Permission, PermissionDenied, Role};

/// [`Permission::CanSetPriority`] as a type.
#[derive(Debug)]
pub struct SetPriority;

impl Grant for SetPriority {
    const PERMISSION: Permission = Permission::CanSetPriority;
}

impl RoleGrant for SetPriority {
    const ROLES: &'static [Role] = Role::that_may_prioritize();
}

/// The proof that a member may start a run with a high priority. [`can_set_priority`] is its only maker.
pub type PriorityPermit = Permit<SetPriority>;

/// Whether the member may start runs of the tenant before those of others; the permit says yes.
///
/// # Errors
/// [`PermissionDenied`] when the role is `operator` or `readonly`.
pub const fn can_set_priority(membership: &Membership) -> Result<PriorityPermit, PermissionDenied> {
    permit_by_role(membership)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::ids::{TenantId, UserId};

    #[test]
    fn owners_and_managers_may_and_others_may_not() {
        for role in Role::ALL {
            let permit = can_set_priority(&Membership {
                tenant_id: TenantId::from_uuid(Uuid::from_u128(1)),
                user_id: UserId::from_uuid(Uuid::from_u128(2)),
                role,
            });
            let may = matches!(role, Role::Owner | Role::Manager);
            assert_eq!(permit.is_ok(), may, "{role}");
        }
    }
}
