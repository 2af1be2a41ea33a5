//! What was done in a tenant, and by whom.

use actix_web::{get, web};
use atlas_domain::audit::AuditOutcome;
use atlas_domain::ids::AuditEventId;
use atlas_store::AuditFilter;
use chrono::{DateTime, Utc};

use crate::answer::Answer;
use crate::extract::query::{QueryReader, id, moment, text, word};
use crate::extract::tenant_scope::TenantScope;
use crate::paging::{Page, Paging};
use crate::problem::Problem;
use crate::state::AppState;
use crate::wire::audit::AuditEvent;

/// Actions that may be named at most.
const MAX_ACTIONS: usize = 50;
/// The longest name of an action.
const MAX_WORD: usize = 128;

/// List audit events
///
/// What was done in the tenant, by whom, and what was refused; newest first. The log is append-only.
#[utoipa::path(
    tag = "audit",
    params(
        ("action" = Option<Vec<String>>, Query, description = "Only these actions, such as operation_run.started."),
        ("actor" = Option<Uuid>, Query, description = "Only what this user did."),
        ("outcome" = Option<String>, Query, description = "Only what ended so: allowed, denied or failed."),
        ("occurred_after" = Option<DateTime<Utc>>, Query, description = "Only what was done later than this."),
        ("occurred_before" = Option<DateTime<Utc>>, Query, description = "Only what was done earlier than this."),
    ),
    responses((status = 200, description = "A page of events.", body = Page<AuditEvent>)),
)]
#[get("/tenants/{tenant_id}/audit-events")]
pub(crate) async fn list_audit_events(
    scope: TenantScope,
    mut query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<Page<AuditEvent>>, Problem> {
    let filter = AuditFilter {
        action: query.many("action", MAX_ACTIONS, text(MAX_WORD)),
        actor: query.one("actor", id),
        outcome: query.one("outcome", word(&AuditOutcome::ALL, AuditOutcome::as_str)),
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
