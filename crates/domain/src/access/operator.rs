//! Who operates the installation as a whole. It is no role in a tenant: an operator sees queues and
//! workers, and of tenants only those with a membership.

use super::Permission;

/// The caller is no operator of the installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the user does not operate the installation")]
pub struct NotOperator {
    /// What would have been needed.
    pub permission: Permission,
}

/// The proof that a user may look at the installation as a whole. [`can_operate_installation`] is
/// its only maker.
#[derive(Debug)]
#[must_use = "the proof is there to be shown to what it protects"]
pub struct OperatorPermit(());

/// Whether a user with this mark may look at queues and workers; the permit says yes.
///
/// # Errors
/// [`NotOperator`] when the user has not been made an operator.
pub const fn can_operate_installation(is_operator: bool) -> Result<OperatorPermit, NotOperator> {
    if is_operator {
        Ok(OperatorPermit(()))
    } else {
        Err(NotOperator {
            permission: Permission::CanOperateInstallation,
        })
    }
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
