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
        Permission::CanSetSchedule => {
            "Your role in this tenant does not permit you to set or remove its schedule."
        }
        Permission::CanSetPriority => {
            "Your role in this tenant does not permit you to set the priority of a run."
        }
        Permission::CanOperateInstallation => {
            "Only operators of the installation may see and control its queues and workers."
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
        Permission::CanSetSchedule => (
            "ScheduleForbidden",
            "Your role does not permit you to set or remove schedules.",
        ),
        Permission::CanSetPriority => (
            "PriorityForbidden",
            "Your role does not permit you to set priorities.",
        ),
        Permission::CanOperateInstallation => (
            "OperatorsOnly",
            "You are not an operator of the installation.",
        ),
    };
    Refusal::new(component, description).with(not_permitted(permission))
}

/// What a request is about: something of a tenant that the caller belongs to.
pub(crate) trait MemberScope {
    /// The caller's place in the tenant.
    fn membership(&self) -> Membership;

    /// The kind and the identifier of what the request is about, as the audit log records them.
    fn target(&self) -> (&'static str, String);

    /// The caller's place as it is now, where [`Self::membership`] may be older than the request. Refused
    /// when there is none any more.
    async fn now(&self, _state: &AppState) -> Result<Membership, Problem> {
        Ok(self.membership())
    }

    /// The permit that `decide` gives the caller. A refusal is recorded as `denied`.
    async fn permit<P>(
        &self,
        decide: impl Fn(&Membership) -> Result<P, PermissionDenied>,
        denied: AuditAction,
        state: &AppState,
        context: &RequestContext,
    ) -> Result<P, Problem> {
        match decide(&self.membership()) {
            Ok(permit) => Ok(permit),
            Err(_) => self.permit_now(decide, denied, state, context).await,
        }
    }

    /// The same by the caller's place as it is now, for what is not checked again.
    async fn permit_now<P>(
        &self,
        decide: impl Fn(&Membership) -> Result<P, PermissionDenied>,
        denied: AuditAction,
        state: &AppState,
        context: &RequestContext,
    ) -> Result<P, Problem> {
        let member = self.now(state).await?;
        match decide(&member) {
            Ok(permit) => Ok(permit),
            Err(refusal) => {
                let target = self.target();
                Err(deny(member, target, refusal.permission, denied, state, context).await?)
            }
        }
    }
}

/// Records a refusal as `denied`, and returns it.
pub(crate) async fn deny(
    member: Membership,
    target: (&'static str, String),
    permission: Permission,
    denied: AuditAction,
    state: &AppState,
    context: &RequestContext,
) -> Result<Problem, Problem> {
    let event = denial(member, target, denied, context);
    state.store.record_audit(event).await?;
    Ok(not_permitted(permission))
}

fn denial(
    member: Membership,
    (target_kind, target_id): (&'static str, String),
    action: AuditAction,
    context: &RequestContext,
) -> NewAuditEvent {
    NewAuditEvent {
        tenant: Some(member.tenant_id),
        actor_kind: ActorKind::User,
        actor: Some(member.user_id.into_uuid()),
        action,
        target_kind,
        target_id,
        outcome: AuditOutcome::Denied,
        request_id: Some(context.id),
        origin: context.origin.clone(),
        detail: Some(json!({"role": member.role.as_str()})),
    }
}
