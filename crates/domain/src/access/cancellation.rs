//! Who may ask for a run to stop.

use super::{Membership, Permission, PermissionDenied, Role};
use crate::ids::{TenantId, UserId};

/// The proof that a member may cancel runs of a tenant. [`can_cancel_run`] is its only maker; the
/// cancellation takes it by value and takes tenant and requester from it.
#[derive(Debug)]
#[must_use = "a permit is there to be spent on a cancellation"]
pub struct CancelPermit {
    tenant_id: TenantId,
    user_id: UserId,
    role: Role,
}

impl CancelPermit {
    /// The tenant whose runs may be cancelled.
    #[must_use]
    pub const fn tenant_id(&self) -> TenantId {
        self.tenant_id
    }

    /// Who may, and so who the requester is.
    #[must_use]
    pub const fn user_id(&self) -> UserId {
        self.user_id
    }

    /// The role that it was given for.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }
}

/// Whether the member may cancel runs of the tenant, whoever started them; the permit says yes.
///
/// # Errors
/// [`PermissionDenied`] when the role is `readonly`.
pub const fn can_cancel_run(membership: &Membership) -> Result<CancelPermit, PermissionDenied> {
    if membership.role.may_cancel() {
        Ok(CancelPermit {
            tenant_id: membership.tenant_id,
            user_id: membership.user_id,
            role: membership.role,
        })
    } else {
        Err(PermissionDenied {
            permission: Permission::CanCancelRun,
            role: membership.role,
        })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

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
                role: Role::Readonly
            }
        );
    }
}
