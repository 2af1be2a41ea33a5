//! Who a caller is and what a role permits.

pub mod api_token;
pub mod cancellation;
mod checked_text;
pub mod operator;
mod permit;
pub mod priority;
pub mod schedule;
pub mod stream_ticket;

pub use permit::{PermissionDenied, Permit};

use crate::ids::{TenantId, UserId};
use crate::words::words;
use permit::{Grant, RoleGrant, permit_by_role};

words! {
    /// What a member may do in a tenant, from most to least.
    #[derive(PartialOrd, Ord)]
    pub enum Role: "role" {
        /// Answers for the tenant.
        Owner = "owner",
        /// Runs the tenant and its members.
        Manager = "manager",
        /// Starts operations.
        Operator = "operator",
        /// Looks, and changes nothing.
        Readonly = "readonly",
    }
}

impl Role {
    /// The roles that may start and retry syncs: for Rust, and bound to statements.
    #[must_use]
    pub const fn that_may_sync() -> &'static [Self] {
        &[Self::Owner, Self::Manager, Self::Operator]
    }

    /// The roles that may cancel runs, whoever started them: for Rust, and bound to statements.
    #[must_use]
    pub const fn that_may_cancel() -> &'static [Self] {
        &[Self::Owner, Self::Manager, Self::Operator]
    }

    /// The roles that may set and remove schedules: for Rust, and bound to statements.
    #[must_use]
    pub const fn that_may_schedule() -> &'static [Self] {
        &[Self::Owner, Self::Manager]
    }

    /// The roles that may start runs before those of others.
    #[must_use]
    pub const fn that_may_prioritize() -> &'static [Self] {
        &[Self::Owner, Self::Manager]
    }

    /// Whether the role is one of [`Self::that_may_sync`].
    #[must_use]
    pub const fn may_sync(self) -> bool {
        self.is_one_of(Self::that_may_sync())
    }

    /// Whether the role is one of [`Self::that_may_cancel`].
    #[must_use]
    pub const fn may_cancel(self) -> bool {
        self.is_one_of(Self::that_may_cancel())
    }

    /// Whether the role is one of [`Self::that_may_schedule`].
    #[must_use]
    pub const fn may_schedule(self) -> bool {
        self.is_one_of(Self::that_may_schedule())
    }

    /// Whether the role is one of [`Self::that_may_prioritize`].
    #[must_use]
    pub const fn may_prioritize(self) -> bool {
        self.is_one_of(Self::that_may_prioritize())
    }

    const fn is_one_of(self, mut roles: &[Self]) -> bool {
        while let [first, rest @ ..] = roles {
            if *first as u8 == self as u8 {
                return true;
            }
            roles = rest;
        }
        false
    }
}

/// A user's place in a tenant. Read from the database; having one means the tenant exists for the
/// user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    pub tenant_id: TenantId,
    /// The member.
    pub user_id: UserId,
    /// What the member may do there.
    pub role: Role,
}

words! {
    /// A permission as the API names it.
    pub enum Permission: "permission" {
        /// Start and retry syncs of a tenant.
        CanSyncTenant = "can_sync_tenant",
        /// Cancel runs of a tenant.
        CanCancelRun = "can_cancel_run",
        /// Set and remove the schedule of a tenant.
        CanSetSchedule = "can_set_schedule",
        /// Start runs of a tenant before those of others.
        CanSetPriority = "can_set_priority",
        /// Look at the queues and workers of the installation, and pause and resume queues.
        CanOperateInstallation = "can_operate_installation",
    }
}

/// [`Permission::CanSyncTenant`] as a type.
#[derive(Debug)]
pub struct SyncTenant;

impl Grant for SyncTenant {
    const PERMISSION: Permission = Permission::CanSyncTenant;
}

impl RoleGrant for SyncTenant {
    const ROLES: &'static [Role] = Role::that_may_sync();
}

/// The proof that a member may start an operation on a tenant. [`can_sync_tenant`] is its only
/// maker; admission takes it by value and takes tenant and initiator from it.
pub type SyncPermit = Permit<SyncTenant>;

/// Whether the member may start and retry syncs of the tenant; the permit says yes.
///
/// # Errors
/// [`PermissionDenied`] when the role is `readonly`.
pub const fn can_sync_tenant(membership: &Membership) -> Result<SyncPermit, PermissionDenied> {
    permit_by_role(membership)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn owners_managers_and_operators_get_a_permit_for_their_own_tenant_and_readonly_gets_none() {
        let tenant_id = TenantId::from_uuid(Uuid::from_u128(1));
        let user_id = UserId::from_uuid(Uuid::from_u128(2));
        for role in Role::ALL {
            let permit = can_sync_tenant(&Membership {
                tenant_id,
                user_id,
                role,
            });
            match role {
                Role::Readonly => assert_eq!(
                    permit.unwrap_err(),
                    PermissionDenied {
                        permission: Permission::CanSyncTenant,
                        role: Some(role)
                    }
                ),
                _ => {
                    let permit = permit.unwrap();
                    assert_eq!((permit.tenant_id(), permit.user_id()), (tenant_id, user_id));
                }
            }
        }
    }
}
