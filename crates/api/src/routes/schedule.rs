//! The schedule of a tenant.

use actix_web::{HttpResponse, delete, get, put, web};
use atlas_domain::access::Permission;
use atlas_domain::access::schedule::can_set_schedule;
use atlas_domain::audit::AuditAction;
use atlas_domain::ids::TenantId;
use atlas_domain::schedule::{self as domain, ScheduleRequest};
use atlas_store::ScheduleChangeError;
use serde::{Deserialize, Serialize};
use utoipa::{IntoResponses, ToSchema};

use crate::access::{self, MemberScope};
use crate::answer::Answer;
use crate::context::RequestContext;
use crate::example::Example;
use crate::extract::body::JsonBody;
use crate::extract::query::QueryReader;
use crate::extract::tenant_scope::TenantScope;
use crate::problem::{FieldProblem, Problem};
use crate::refusals::{Responses, refusals};
use crate::state::AppState;
use crate::wire::schedule::{CatchUp, Schedule};

/// When to sync: either `time` or `cron`.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = ScheduleRequest)]
pub(crate) struct ScheduleBody {
    /// A time of each day, as `02:30`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 5, pattern = "^[0-2][0-9]:[0-5][0-9]$")]
    time: Option<String>,
    /// A cron expression of five fields: minute, hour, day of month, month, day of week. Fields are `*`,
    /// numbers, ranges, steps and lists of these; months and days of the week may be their three English
    /// letters. If both day fields are restricted, a day that fits one of them is enough. At least 15
    /// minutes must lie between two times.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    cron: Option<String>,
    /// Name of the time zone in the IANA database. A time that clocks skip is due after the gap; a time
    /// that they show twice is due once.
    #[schema(max_length = 64)]
    zone: String,
    /// Spreads tenants with the same time: each is synced up to so many minutes later, the same each time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 720, default = 0)]
    jitter_minutes: Option<u16>,
    /// What happens to times that passed while no worker ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(default = "latest")]
    catch_up: Option<CatchUp>,
}

impl Example for ScheduleBody {
    fn example() -> Self {
        Self {
            time: Some("02:30".to_owned()),
            cron: None,
            zone: "Europe/Berlin".to_owned(),
            jitter_minutes: Some(60),
            catch_up: Some(CatchUp::Latest),
        }
    }
}

const MEMBERS: [&str; 5] = ["time", "cron", "zone", "jitter_minutes", "catch_up"];

/// The refusals of a change.
struct ScheduleRefusals;

impl IntoResponses for ScheduleRefusals {
    fn responses() -> Responses {
        refusals([access::refusal(Permission::CanSetSchedule)])
    }
}

fn not_changed(error: ScheduleChangeError) -> Problem {
    match error {
        ScheduleChangeError::NotPermitted => access::not_permitted(Permission::CanSetSchedule),
        ScheduleChangeError::Store(error) => error.into(),
    }
}

/// Get the schedule
///
/// Returns when the tenant is synced by itself, with the next times and the last run. The response is 404
/// if the tenant has no schedule.
#[utoipa::path(
    tag = "tenants",
    responses((
        status = 200,
        description = "The schedule.",
        body = Schedule,
        example = Schedule::example,
    )),
)]
#[get("/tenants/{tenant_id}/schedule")]
pub(crate) async fn get_schedule(
    scope: TenantScope,
    query: QueryReader,
    state: web::Data<AppState>,
) -> Result<Answer<Schedule>, Problem> {
    query.finish()?;
    read(scope.tenant_id(), &state).await
}

/// Set the schedule
///
/// Sets when the tenant is synced by itself, in place of an earlier schedule. Each due time starts an
/// inventory sync of everything, or joins the active one, on your behalf: you are the initiator of its
/// runs, and when you may not sync the tenant any more, the schedule stops and the owners of the tenant
/// are notified.
#[utoipa::path(
    tag = "tenants",
    request_body(
        content = ScheduleBody,
        description = "When to sync.",
        example = ScheduleBody::example,
    ),
    responses(
        (
            status = 200,
            description = "The schedule.",
            body = Schedule,
            example = Schedule::example,
        ),
        ScheduleRefusals,
    ),
)]
#[put("/tenants/{tenant_id}/schedule")]
pub(crate) async fn set_schedule(
    scope: TenantScope,
    body: JsonBody,
    query: QueryReader,
    context: RequestContext,
    state: web::Data<AppState>,
) -> Result<Answer<Schedule>, Problem> {
    let denied = AuditAction::ScheduleChangeDenied;
    let permit = scope
        .permit(can_set_schedule, denied, &state, &context)
        .await?;
    query.finish()?;
    let schedule = schedule(body).await?;
    let origin = context.origin.clone();
    let set = state
        .store
        .set_schedule(permit, &schedule, context.id, origin)
        .await;
    set.map_err(not_changed)?;
    read(scope.tenant_id(), &state).await
}

/// Remove the schedule
///
/// The tenant is not synced by itself any more. Runs that were started stay. The request is idempotent.
#[utoipa::path(
    tag = "tenants",
    responses(
        (status = 204, description = "The tenant has no schedule."),
        ScheduleRefusals,
    ),
)]
#[delete("/tenants/{tenant_id}/schedule")]
pub(crate) async fn remove_schedule(
    scope: TenantScope,
    query: QueryReader,
    context: RequestContext,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let denied = AuditAction::ScheduleChangeDenied;
    let permit = scope
        .permit(can_set_schedule, denied, &state, &context)
        .await?;
    query.finish()?;
    let origin = context.origin.clone();
    let removed = state.store.remove_schedule(permit, context.id, origin);
    removed.await.map_err(not_changed)?;
    Ok(HttpResponse::NoContent().finish())
}

async fn schedule(body: JsonBody) -> Result<domain::Schedule, Problem> {
    let request: Option<ScheduleRequest> = body.read(&MEMBERS).await?;
    request
        .unwrap_or_default()
        .resolve()
        .map_err(|errors| Problem::invalid(errors.into_iter().map(FieldProblem::from).collect()))
}

async fn read(tenant: TenantId, state: &AppState) -> Result<Answer<Schedule>, Problem> {
    let view = state.store.schedule(tenant).await?;
    let view = view.ok_or_else(Problem::not_found)?;
    Ok(Answer::ok(Schedule::new(view, &state.links)))
}
