//! Proofs that a caller has a permission. A permit has private fields and is not `Clone`: what needs the
//! permission takes one, and only the function that decides about the permission makes one.

use std::marker::PhantomData;

use super::{Membership, Permission, Role};
use crate::ids::{TenantId, UserId};

/// The caller does not have the permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the caller does not have the permission {}", permission.as_str())]
pub struct PermissionDenied {
    /// What would have been needed.
    pub permission: Permission,
    /// What the caller is in the tenant, for permissions that come with a role there.
    pub role: Option<Role>,
}

/// The proof that a caller has the permission `P`, in one tenant unless `S` says otherwise.
#[derive(Debug)]
#[must_use = "a permit is there to be spent on what it permits"]
pub struct Permit<P, S = Membership> {
    scope: S,
    permission: PhantomData<P>,
}

impl<P> Permit<P> {
    /// The tenant that it holds for.
    #[must_use]
    pub const fn tenant_id(&self) -> TenantId {
        self.scope.tenant_id
    }

    /// Who may.
    #[must_use]
    pub const fn user_id(&self) -> UserId {
        self.scope.user_id
    }

    /// The role that it was given for.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.scope.role
    }
}

/// A permission, as a type: the permit of one is no permit of another.
pub(super) trait Grant {
    /// Its name.
    const PERMISSION: Permission;
}

/// A permission that comes with a role in a tenant.
pub(super) trait RoleGrant: Grant {
    /// The roles that carry it.
    const ROLES: &'static [Role];
}

/// The permit of a member whose role carries the permission.
pub(super) const fn permit_by_role<P: RoleGrant>(
    membership: &Membership,
) -> Result<Permit<P>, PermissionDenied> {
    if membership.role.is_one_of(P::ROLES) {
        Ok(Permit {
            scope: *membership,
            permission: PhantomData,
        })
    } else {
        Err(PermissionDenied {
            permission: P::PERMISSION,
            role: Some(membership.role),
        })
    }
}

/// The permit of a caller to whom the permission was given for the whole installation.
pub(super) const fn permit_by_mark<P: Grant>(
    is_given: bool,
) -> Result<Permit<P, ()>, PermissionDenied> {
    if is_given {
        Ok(Permit {
            scope: (),
            permission: PhantomData,
        })
    } else {
        Err(PermissionDenied {
            permission: P::PERMISSION,
            role: None,
        })
    }
}
