//! Who operates the installation as a whole. It is no role in a tenant: an operator sees queues and
//! workers, and of tenants only those with a membership.

use super::permit::{Grant, Permit, permit_by_mark};
use super::{Permission, PermissionDenied};

/// [`Permission::CanOperateInstallation`] as a type.
#[derive(Debug)]
pub struct OperateInstallation;

impl Grant for OperateInstallation {
    const PERMISSION: Permission = Permission::CanOperateInstallation;
}

/// The proof that a user may look at the installation as a whole. [`can_operate_installation`] is
/// its only maker.
pub type OperatorPermit = Permit<OperateInstallation, ()>;

/// Whether a user with this mark may look at queues and workers; the permit says yes.
///
/// # Errors
/// [`PermissionDenied`] when the user has not been made an operator.
pub const fn can_operate_installation(
    is_operator: bool,
) -> Result<OperatorPermit, PermissionDenied> {
    permit_by_mark(is_operator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_operator_gets_a_permit() {
        assert!(can_operate_installation(true).is_ok());
        let refused = can_operate_installation(false).unwrap_err();
        assert_eq!(refused.permission.as_str(), "can_operate_installation");
    }
}
