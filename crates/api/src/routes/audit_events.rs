//! The audit log of a tenant.

use actix_web::{get, web};
use atlas_domain::audit::{AuditAction, AuditOutcome};
use atlas_domain::ids::AuditEventId;
use atlas_store::AuditFilter;
use chrono::{DateTime, Utc};

use crate::answer::Answer;
use crate::example::{self, Example};
use crate::extract::query::{AuditActionWord, OneOf, QueryReader, id, moment, word};
use crate::extract::tenant_scope::TenantScope;
use crate::paging::{Page, Paging};
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::audit::AuditEvent;

/// Actions that may be named at most.
const MAX_ACTIONS: usize = 50;

type AuditOutcomeWord = OneOf<AuditOutcome>;

/// List audit events
///
/// Lists actions in the tenant and denied attempts, newest first. The audit log is append-only.
#[utoipa::path(
    tag = "audit",
    params(
        (
            "action" = inline(Option<Vec<AuditActionWord>>), Query,
            description = "Only these actions, such as operation_run.started.",
            max_items = 50, example = json!([AuditAction::RunStarted.as_str()]),
        ),
        (
            "actor" = Option<Uuid>, Query,
            description = "Only actions of this user.",
            example = json!(example::USER),
        ),
        (
            "outcome" = inline(Option<AuditOutcomeWord>), Query,
            description = "Only actions with this outcome.",
            example = json!(AuditOutcome::Failed.as_str()),
        ),
        (
            "occurred_after" = Option<DateTime<Utc>>, Query,
            description = "Only actions after this time.",
            example = "2026-05-01T00:00:00Z",
        ),
        (
            "occurred_before" = Option<DateTime<Utc>>, Query,
            description = "Only actions before this time.",
            example = "2026-06-01T00:00:00Z",
        ),
    ),
    responses((
        status = 200,
        description = "A page of events.",
        body = Page<AuditEvent>,
        example = Page::<AuditEvent>::example,
    )),
)]
#[get("/tenants/{tenant_id}/audit-events")]
pub(crate) async fn list_audit_events(
    scope: TenantScope,
    mut query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<Page<AuditEvent>>, Problem> {
    let filter = AuditFilter {
        action: query.many("action", MAX_ACTIONS, word),
        actor: query.one("actor", id),
        outcome: query.one("outcome", word),
        occurred_after: query.one("occurred_after", moment),
        occurred_before: query.one("occurred_before", moment),
    };
    let paging = Paging::<DateTime<Utc>, AuditEventId>::read(&mut query);
    query.finish()?;
    let tenant = scope.tenant_id();
    let events = state
        .store
        .audit_events(tenant, &filter, paging.request())
        .await?;
    Ok(paging.page(
        &state.links,
        events,
        |event| (event.occurred_at, event.id),
        AuditEvent::from,
    ))
}
