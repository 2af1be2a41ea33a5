//! Runs of every kind. The database alone answers what is read; only a retry needs Redis, to ring.

pub(super) mod active;
pub(super) mod cancel;
pub(super) mod detail;
pub(super) mod list;
pub(super) mod results;
pub(super) mod retry;

use atlas_domain::access::{Membership, PermissionDenied};
use atlas_domain::audit::{ActorKind, AuditAction, AuditOutcome};
use atlas_store::{NewAuditEvent, SeenRun};
use chrono::{DateTime, Utc};
use serde_json::json;

use crate::context::RequestContext;
use crate::extract::actor::Actor;
use crate::links::Links;
use crate::problem::{Problem, ProblemKind};
use crate::state::AppState;
use crate::wire::run::OperationRun;

/// What the caller is in the run's tenant.
const fn membership(actor: &Actor, seen: &SeenRun) -> Membership {
    Membership {
        tenant_id: seen.run.tenant_id,
        user_id: actor.user_id(),
        role: seen.role,
    }
}

/// Records that the caller's role did not permit something with the run.
async fn record_denial(
    state: &AppState,
    seen: &SeenRun,
    actor: &Actor,
    context: &RequestContext,
    action: AuditAction,
    denied: PermissionDenied,
) -> Result<(), Problem> {
    let event = NewAuditEvent {
        tenant: Some(seen.run.tenant_id),
        actor_kind: ActorKind::User,
        actor: Some(actor.user_id().into_uuid()),
        action,
        target_kind: "operation_run",
        target_id: seen.run.id.to_string(),
        outcome: AuditOutcome::Denied,
        request_id: Some(context.id),
        detail: Some(json!({"role": denied.role.as_str()})),
    };
    Ok(state.store.record_audit(event).await?)
}

/// A refusal because of what the run is, which shows the run.
fn run_problem(
    kind: ProblemKind,
    detail: &str,
    seen: SeenRun,
    links: &Links,
    now: DateTime<Utc>,
) -> Problem {
    let run = OperationRun::new(seen, links, now);
    Problem::new(kind, detail).with("run", json!(run))
}
