//! Permissions: one refusal for each, and the entry in the audit log that all of them leave.

use atlas_domain::access::{Membership, Permission, PermissionDenied};
use atlas_domain::audit::{ActorKind, AuditAction, AuditOutcome};
use atlas_store::NewAuditEvent;
use serde_json::json;

use crate::context::RequestContext;
use crate::problem::{Problem, ProblemKind};
use crate::refusals::Refusal;
use crate::state::AppState;

/// The refusal of a caller without the permission.
pub(crate) fn not_permitted(permission: Permission) -> Problem {
    let detail = match permission {
        Permission::CanSyncTenant => "Your role in this tenant does not permit you to sync it.",
        Permission::CanCancelRun => {
            "Your role in the run's tenant does not permit you to cancel its runs."
        }
        Permission::CanOperateInstallation => {
            "Only operators of the installation may look at its queues and workers."
        }
    };
    Problem::new(ProblemKind::Forbidden, detail).with("required_permission", permission.as_str())
}

/// The same for the document.
pub(crate) fn refusal(permission: Permission) -> Refusal {
    let (component, description) = match permission {
        Permission::CanSyncTenant => ("Forbidden", "Your role does not permit you to sync."),
        Permission::CanCancelRun => (
            "CancelForbidden",
            "Your role does not permit you to cancel runs.",
        ),
        Permission::CanOperateInstallation => (
            "OperatorsOnly",
            "You are not an operator of the installation.",
        ),
    };
    Refusal::new(component, description).with(not_permitted(permission))
}

/// Something that a member tries, as the audit log records it when it is denied.
pub(crate) struct Attempt {
    /// Who tries it.
    pub(crate) member: Membership,
    /// What is recorded.
    pub(crate) denied: AuditAction,
    /// What sort of thing it is tried with.
    pub(crate) target_kind: &'static str,
    /// The identifier of that thing.
    pub(crate) target_id: String,
}

impl Attempt {
    /// The permit that `decide` gives. A refusal is recorded.
    pub(crate) async fn permit<P>(
        self,
        decide: impl Fn(&Membership) -> Result<P, PermissionDenied>,
        state: &AppState,
        context: &RequestContext,
    ) -> Result<P, Problem> {
        match decide(&self.member) {
            Ok(permit) => Ok(permit),
            Err(denied) => {
                state.store.record_audit(self.denial(context)).await?;
                Err(not_permitted(denied.permission))
            }
        }
    }

    fn denial(self, context: &RequestContext) -> NewAuditEvent {
        NewAuditEvent {
            tenant: Some(self.member.tenant_id),
            actor_kind: ActorKind::User,
            actor: Some(self.member.user_id.into_uuid()),
            action: self.denied,
            target_kind: self.target_kind,
            target_id: self.target_id,
            outcome: AuditOutcome::Denied,
            request_id: Some(context.id),
            detail: Some(json!({"role": self.member.role.as_str()})),
        }
    }
}
