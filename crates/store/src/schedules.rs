//! When tenants are synced by themselves: schedules as members set and see them, and as workers fire
//! them.
//!
//! | module | subject |
//! | --- | --- |
//! | `due` | schedules whose time has come: starting a run, skipping a time, stopping |
//! | `row` | a schedule's columns |

mod due;
mod row;

pub use due::Fired;

use atlas_domain::access::Role;
use atlas_domain::access::schedule::SchedulePermit;
use atlas_domain::audit::AuditAction;
use atlas_domain::ids::{RequestId, RunId, TenantId, UserId};
use atlas_domain::schedule::{Schedule, ScheduleRequest, SkipReason, StopReason};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use crate::access::role_names;
use crate::audit::Origin;
use crate::error::StoreError;
use crate::pool::Store;
use crate::runs::to_json;
use crate::schema::{tenant_schedules as schedules, users};
use crate::statement::{CountRow, row, statement};
#[cfg(test)]
use crate::statement::{Info, Statement};
use row::{StoredSchedule, parse_word};

/// How many due times a schedule is shown with.
const SHOWN: usize = 3;

/// A tenant's schedule as its members see it.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleView {
    pub schedule: Schedule,
    /// Who set it.
    pub set_by: UserId,
    pub set_by_name: String,
    pub set_at: DateTime<Utc>,
    /// The next times at which it fires; none once it stopped.
    pub next_due: Vec<DateTime<Utc>>,
    /// When it last started or joined a run.
    pub last_fired: Option<LastFired>,
    /// The time at which it last started none, and why; absent when it fired since.
    pub skipped: Option<(DateTime<Utc>, SkipReason)>,
    /// Since when it does not fire any more, and why.
    pub stopped: Option<(DateTime<Utc>, StopReason)>,
}

/// When a schedule last started or joined a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastFired {
    pub due_at: DateTime<Utc>,
    pub at: DateTime<Utc>,
    /// The run, as long as retention keeps it.
    pub run: Option<RunId>,
}

/// Why a schedule was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleChangeError {
    /// The membership ended, or its role changed, since the permit was given.
    #[error("the member may not set the tenant's schedule any more")]
    NotPermitted,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Queryable)]
struct Row {
    time_of_day: Option<String>,
    cron: Option<String>,
    zone: String,
    jitter_minutes: i32,
    catch_up: String,
    set_by: Uuid,
    set_by_name: String,
    set_at: DateTime<Utc>,
    next_due_at: Option<DateTime<Utc>>,
    last_due_at: Option<DateTime<Utc>>,
    last_fired_at: Option<DateTime<Utc>>,
    last_run_id: Option<Uuid>,
    skipped_due_at: Option<DateTime<Utc>>,
    skip_reason: Option<String>,
    stopped_at: Option<DateTime<Utc>>,
    stop_reason: Option<String>,
}

statement! {
    struct Clock {}
    file: "schedules/clock",
    row: NowRow,
}

row! {
    struct NowRow {
        now: DateTime<Utc>,
    }
}

statement! {
    struct Set<'a> {
        tenant: Uuid,
        user: Uuid,
        roles: &'a [&'static str],
        time_of_day: Option<String>,
        cron: Option<String>,
        zone: &'static str,
        jitter_minutes: i32,
        catch_up: &'static str,
        next: Option<DateTime<Utc>>,
        audit: Uuid,
        request: Uuid,
        request_name: Option<String>,
        address: Option<String>,
        user_agent: Option<String>,
        detail: Value,
    }
    file: "schedules/set",
    row: CountRow,
    pieces: ["schedules/pieces/permitted"],
    constants: [action = AuditAction::ScheduleSet.as_str()],
}

statement! {
    struct Remove<'a> {
        tenant: Uuid,
        user: Uuid,
        roles: &'a [&'static str],
        audit: Uuid,
        request: Uuid,
        request_name: Option<String>,
        address: Option<String>,
        user_agent: Option<String>,
    }
    file: "schedules/remove",
    row: CountRow,
    pieces: ["schedules/pieces/permitted"],
    constants: [action = AuditAction::ScheduleRemoved.as_str()],
}

impl Store {
    /// Sets the tenant's schedule in place of the one before, on behalf of the permit's user. Checks the
    /// membership again.
    ///
    /// # Errors
    /// [`ScheduleChangeError`]; nothing was changed then.
    #[allow(clippy::needless_pass_by_value, reason = "a permit is spent")]
    pub async fn set_schedule(
        &self,
        permit: SchedulePermit,
        schedule: &Schedule,
        request: RequestId,
        origin: Origin,
    ) -> Result<(), ScheduleChangeError> {
        let now = self.fetch_one(&Clock {}).await?.now;
        let stored = StoredSchedule::from(schedule);
        let set = Set {
            tenant: permit.tenant_id().into_uuid(),
            user: permit.user_id().into_uuid(),
            roles: &role_names(Role::that_may_schedule()),
            time_of_day: stored.time_of_day,
            cron: stored.cron,
            zone: schedule.zone().name(),
            jitter_minutes: stored.jitter_minutes,
            catch_up: schedule.catch_up().as_str(),
            next: schedule.due_times(permit.tenant_id(), now).next(),
            audit: self.mint(),
            request: request.into_uuid(),
            request_name: origin.request_name,
            address: origin.address,
            user_agent: origin.user_agent,
            detail: to_json(&ScheduleRequest::from(schedule)),
        };
        done(&self.fetch_one(&set).await?)
    }

    /// Removes the tenant's schedule, if it has one. Checks the membership again.
    ///
    /// # Errors
    /// [`ScheduleChangeError`]; nothing was changed then.
    #[allow(clippy::needless_pass_by_value, reason = "a permit is spent")]
    pub async fn remove_schedule(
        &self,
        permit: SchedulePermit,
        request: RequestId,
        origin: Origin,
    ) -> Result<(), ScheduleChangeError> {
        let remove = Remove {
            tenant: permit.tenant_id().into_uuid(),
            user: permit.user_id().into_uuid(),
            roles: &role_names(Role::that_may_schedule()),
            audit: self.mint(),
            request: request.into_uuid(),
            request_name: origin.request_name,
            address: origin.address,
            user_agent: origin.user_agent,
        };
        done(&self.fetch_one(&remove).await?)
    }

    /// The tenant's schedule, if it has one.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn schedule(&self, tenant: TenantId) -> Result<Option<ScheduleView>, StoreError> {
        let query = schedules::table
            .find(tenant.into_uuid())
            .inner_join(users::table)
            .select((
                schedules::time_of_day,
                schedules::cron,
                schedules::zone,
                schedules::jitter_minutes,
                schedules::catch_up,
                schedules::set_by,
                users::display_name,
                schedules::set_at,
                schedules::next_due_at,
                schedules::last_due_at,
                schedules::last_fired_at,
                schedules::last_run_id,
                schedules::skipped_due_at,
                schedules::skip_reason,
                schedules::stopped_at,
                schedules::stop_reason,
            ));
        let row: Option<Row> = self
            .read(async |connection| query.first(connection).await.optional())
            .await?;
        row.map(|row| row.into_view(tenant)).transpose()
    }
}

/// Whether the member was still permitted.
const fn done(row: &CountRow) -> Result<(), ScheduleChangeError> {
    match row.count {
        0 => Err(ScheduleChangeError::NotPermitted),
        _ => Ok(()),
    }
}

impl Row {
    fn into_view(self, tenant: TenantId) -> Result<ScheduleView, StoreError> {
        let schedule = StoredSchedule {
            time_of_day: self.time_of_day,
            cron: self.cron,
            zone: self.zone,
            jitter_minutes: self.jitter_minutes,
            catch_up: self.catch_up,
        }
        .into_schedule()?;
        let following = self.next_due_at.map(|next| {
            let later = schedule.due_times(tenant, next);
            std::iter::once(next).chain(later).take(SHOWN).collect()
        });
        let last_fired = self.last_due_at.zip(self.last_fired_at);
        Ok(ScheduleView {
            next_due: following.unwrap_or_default(),
            schedule,
            set_by: UserId::from_uuid(self.set_by),
            set_by_name: self.set_by_name,
            set_at: self.set_at,
            last_fired: last_fired.map(|(due_at, at)| LastFired {
                due_at,
                at,
                run: self.last_run_id.map(RunId::from_uuid),
            }),
            skipped: dated(
                "reason of a skipped time",
                self.skipped_due_at,
                self.skip_reason,
            )?,
            stopped: dated("reason of a stop", self.stopped_at, self.stop_reason)?,
        })
    }
}

fn dated<T: std::str::FromStr<Err = atlas_domain::words::UnknownWord>>(
    what: &'static str,
    at: Option<DateTime<Utc>>,
    word: Option<String>,
) -> Result<Option<(DateTime<Utc>, T)>, StoreError> {
    at.zip(word)
        .map(|(at, word)| Ok((at, parse_word(what, &word)?)))
        .transpose()
}

#[cfg(test)]
pub(crate) fn statements() -> Vec<Info> {
    let own = &[
        <Clock as Statement>::INFO,
        <Set<'_> as Statement>::INFO,
        <Remove<'_> as Statement>::INFO,
    ];
    [own, due::STATEMENTS].concat()
}
