//! Who may ask for a run to stop.

use super::permit::{Grant, Permit, RoleGrant, permit_by_role};
use super::{Membership, Permission, PermissionDenied, Role};

/// [`Permission::CanCancelRun`] as a type.
#[derive(Debug)]
pub struct CancelRun;

impl Grant for CancelRun {
    const PERMISSION: Permission = Permission::CanCancelRun;
}

impl RoleGrant for CancelRun {
    const ROLES: &'static [Role] = Role::that_may_cancel();
}

/// The proof that a member may cancel runs of a tenant. [`can_cancel_run`] is its only maker; the
/// cancellation takes it by value and takes tenant and requester from it.
pub type CancelPermit = Permit<CancelRun>;

/// Whether the member may cancel runs of the tenant, whoever started them; the permit says yes.
///
/// # Errors
/// [`PermissionDenied`] when the role is `readonly`.
pub const fn can_cancel_run(membership: &Membership) -> Result<CancelPermit, PermissionDenied> {
    permit_by_role(membership)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::ids::{TenantId, UserId};

    #[test]
    fn everybody_but_readonly_may_cancel_in_the_own_tenant() {
        let tenant_id = TenantId::from_uuid(Uuid::from_u128(1));
        let user_id = UserId::from_uuid(Uuid::from_u128(2));
        let permit = |role| {
            can_cancel_run(&Membership {
                tenant_id,
                user_id,
                role,
            })
        };
        for role in [Role::Owner, Role::Manager, Role::Operator] {
            let permit = permit(role).unwrap();
            assert_eq!(
                (permit.tenant_id(), permit.user_id(), permit.role()),
                (tenant_id, user_id, role)
            );
        }
        assert_eq!(
            permit(Role::Readonly).unwrap_err(),
            PermissionDenied {
                permission: Permission::CanCancelRun,
                role: Some(Role::Readonly)
            }
        );
    }
}
