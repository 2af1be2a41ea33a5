//! Who may set and remove the schedule of a tenant.

use super::permit::{Grant, Permit, RoleGrant, permit_by_role};
use super::{Membership, Permission, PermissionDenied, Role};

/// [`Permission::CanSetSchedule`] as a type.
#[derive(Debug)]
pub struct SetSchedule;

impl Grant for SetSchedule {
    const PERMISSION: Permission = Permission::CanSetSchedule;
}

impl RoleGrant for SetSchedule {
    const ROLES: &'static [Role] = Role::that_may_schedule();
}

/// The proof that a member may set and remove the schedule of a tenant. [`can_set_schedule`] is its only
/// maker; both take it by value, and take tenant and user from it.
pub type SchedulePermit = Permit<SetSchedule>;

/// Whether the member may set and remove the schedule of the tenant; the permit says yes.
///
/// # Errors
/// [`PermissionDenied`] when the role is neither `owner` nor `manager`.
pub const fn can_set_schedule(membership: &Membership) -> Result<SchedulePermit, PermissionDenied> {
    permit_by_role(membership)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::ids::{TenantId, UserId};

    #[test]
    fn owners_and_managers_may_set_the_schedule_of_their_own_tenant() {
        for role in Role::ALL {
            let membership = Membership {
                tenant_id: TenantId::from_uuid(Uuid::from_u128(1)),
                user_id: UserId::from_uuid(Uuid::from_u128(2)),
                role,
            };
            match (role, can_set_schedule(&membership)) {
                (Role::Owner | Role::Manager, Ok(permit)) => assert_eq!(
                    (permit.tenant_id(), permit.user_id()),
                    (membership.tenant_id, membership.user_id)
                ),
                (Role::Operator | Role::Readonly, Err(refused)) => assert_eq!(
                    (refused.permission, refused.role),
                    (Permission::CanSetSchedule, Some(role))
                ),
                (role, decided) => panic!("{role}: {decided:?}"),
            }
        }
    }
}
