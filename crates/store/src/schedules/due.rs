//! Schedules whose time has come. Several workers may find the same one: each statement checks that the
//! time was not seen to, and one of them does.

use atlas_domain::access::{Role, SyncPermit};
use atlas_domain::audit::{ActorKind, AuditAction};
use atlas_domain::event::EventType;
use atlas_domain::ids::{RunId, TenantId, UserId};
use atlas_domain::notification::{self, SCHEDULE_STOPPED};
use atlas_domain::run::RunInputs;
use atlas_domain::run::identity::RunIdentity;
use atlas_domain::schedule::{self, DueSchedule, Setter, SkipReason, StopReason};
use atlas_domain::selection::Selection;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::row::StoredSchedule;
use crate::access::{parse_role, role_names};
use crate::error::StoreError;
use crate::pool::Store;
use crate::runs::TENANT_NAME;
use crate::statement::{CountRow, row, statement};
#[cfg(test)]
use crate::statement::{Info, Statement};

/// Stands for the name of who set the schedule, in texts that the database completes.
const SETTER_NAME: &str = "{setter}";

/// What became of a due time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fired {
    /// A run was recorded.
    Created(RunId),
    /// The same run was active already.
    Joined(RunId),
}

statement! {
    struct FindDue {
        most: i64,
    }
    file: "schedules/find_due",
    row: DueRow,
}

row! {
    struct DueRow {
        tenant_id: Uuid,
        time_of_day: Option<String>,
        cron: Option<String>,
        zone: String,
        jitter_minutes: i32,
        catch_up: String,
        set_by: Uuid,
        set_at: DateTime<Utc>,
        due_at: DateTime<Utc>,
        now: DateTime<Utc>,
        role: Option<String>,
        setter_disabled: bool,
        enabled: bool,
        connected: bool,
    }
}

statement! {
    struct Fire<'a> {
        tenant: Uuid,
        set_at: DateTime<Utc>,
        due: DateTime<Utc>,
        latest: DateTime<Utc>,
        next: Option<DateTime<Utc>>,
        initiator: Uuid,
        roles: &'a [&'static str],
        kind: &'static str,
        identity: &'a str,
        run: Uuid,
        lock_scope: &'static str,
        inputs: Value,
        verify: Option<&'static str>,
        retry_of: Option<Uuid>,
        priority: i16,
        notification: Uuid,
        title: String,
        body: String,
        audit: Uuid,
    }
    file: "schedules/fire",
    row: FiredRow,
    pieces: ["schedules/pieces/held", "runs/pieces/admitted"],
    constants: [
        scheduled = "true",
        actor = ActorKind::Worker.as_str(),
        started = AuditAction::RunStarted.as_str(),
        joined = AuditAction::RunJoined.as_str(),
    ],
}

row! {
    struct FiredRow {
        id: Uuid,
        created: bool,
    }
}

statement! {
    struct Skip {
        tenant: Uuid,
        set_at: DateTime<Utc>,
        due: DateTime<Utc>,
        latest: DateTime<Utc>,
        next: Option<DateTime<Utc>>,
        reason: &'static str,
    }
    file: "schedules/skip",
    row: CountRow,
    pieces: ["schedules/pieces/held"],
}

statement! {
    struct Stop<'a> {
        tenant: Uuid,
        set_at: DateTime<Utc>,
        due: DateTime<Utc>,
        reason: &'static str,
        roles: &'a [&'static str],
        title: String,
        body: String,
        audit: Uuid,
    }
    file: "schedules/stop",
    row: CountRow,
    pieces: ["schedules/pieces/held", "events/pieces/of_notices"],
    constants: [
        actor = ActorKind::Worker.as_str(),
        action = AuditAction::ScheduleStopped.as_str(),
        notice = SCHEDULE_STOPPED,
        notified = EventType::NotificationCreated.as_str(),
        event = EventType::ScheduleStopped.as_str(),
        owner = Role::Owner.as_str(),
    ],
}

impl Store {
    /// Schedules whose time has come, those first that came first, at most so many. A row that this
    /// version cannot read is an error of its own.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn due_schedules(
        &self,
        most: u32,
    ) -> Result<Vec<Result<DueSchedule, StoreError>>, StoreError> {
        let most = i64::from(most);
        let rows = self.fetch_all(&FindDue { most }).await?;
        Ok(rows.into_iter().map(DueRow::into_due).collect())
    }

    /// Starts a run of everything on behalf of the permit's user, or joins the active one, and moves the
    /// schedule on. `None` when the due time was seen to, or that user may not sync any more.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed then.
    #[allow(clippy::needless_pass_by_value, reason = "a permit is spent")]
    pub async fn fire_schedule(
        &self,
        permit: SyncPermit,
        due: &DueSchedule,
    ) -> Result<Option<Fired>, StoreError> {
        let inputs = RunInputs::InventorySync(Selection::everything());
        let kind = inputs.kind();
        let message = notification::queued(kind, TENANT_NAME);
        let (stored, verify) = inputs.to_stored();
        let row = self
            .fetch_optional(&Fire {
                tenant: permit.tenant_id().into_uuid(),
                set_at: due.set_at,
                due: due.due_at,
                latest: due.latest_due(),
                next: due.next_due(),
                initiator: permit.user_id().into_uuid(),
                roles: &role_names(Role::that_may_sync()),
                kind: kind.as_str(),
                identity: RunIdentity::of(permit.tenant_id(), &inputs).as_str(),
                run: self.mint(),
                lock_scope: kind.lock_scope(),
                inputs: stored,
                verify,
                retry_of: None,
                priority: schedule::PRIORITY,
                notification: self.mint(),
                title: message.title,
                body: message.body,
                audit: self.mint(),
            })
            .await?;
        Ok(row.map(|row| {
            let run = RunId::from_uuid(row.id);
            if row.created {
                Fired::Created(run)
            } else {
                Fired::Joined(run)
            }
        }))
    }

    /// Moves a schedule on without a run. False when the due time was seen to.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed then.
    pub async fn skip_schedule(
        &self,
        due: &DueSchedule,
        reason: SkipReason,
    ) -> Result<bool, StoreError> {
        let skip = Skip {
            tenant: due.tenant_id.into_uuid(),
            set_at: due.set_at,
            due: due.due_at,
            latest: due.latest_due(),
            next: due.next_due(),
            reason: reason.as_str(),
        };
        Ok(self.fetch_one(&skip).await?.count > 0)
    }

    /// Stops a schedule, and notifies the tenant's owners. False when the due time was seen to, or who
    /// set the schedule may sync after all.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was changed then.
    pub async fn stop_schedule(
        &self,
        due: &DueSchedule,
        reason: StopReason,
    ) -> Result<bool, StoreError> {
        let message = notification::schedule_stopped(TENANT_NAME, SETTER_NAME, reason);
        let stop = Stop {
            tenant: due.tenant_id.into_uuid(),
            set_at: due.set_at,
            due: due.due_at,
            reason: reason.as_str(),
            roles: &role_names(Role::that_may_sync()),
            title: message.title,
            body: message.body,
            audit: self.mint(),
        };
        Ok(self.fetch_one(&stop).await?.count > 0)
    }
}

impl DueRow {
    fn into_due(self) -> Result<DueSchedule, StoreError> {
        let role = self.role.as_deref().map(parse_role).transpose()?;
        let schedule = StoredSchedule {
            time_of_day: self.time_of_day,
            cron: self.cron,
            zone: self.zone,
            jitter_minutes: self.jitter_minutes,
            catch_up: self.catch_up,
        };
        Ok(DueSchedule {
            tenant_id: TenantId::from_uuid(self.tenant_id),
            schedule: schedule.into_schedule()?,
            set_at: self.set_at,
            due_at: self.due_at,
            now: self.now,
            setter: Setter {
                user_id: UserId::from_uuid(self.set_by),
                role,
                disabled: self.setter_disabled,
            },
            enabled: self.enabled,
            connected: self.connected,
        })
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] = &[
    <FindDue as Statement>::INFO,
    <Fire<'_> as Statement>::INFO,
    <Skip as Statement>::INFO,
    <Stop<'_> as Statement>::INFO,
];
