//! Schedules of tenants.

use atlas_domain::schedule as domain;
use atlas_domain::schedule::{ScheduleRequest, SkipReason, StopReason};
use atlas_store::{LastFired, ScheduleView};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::example::{self, Example, links, moment};
use crate::links::{Links, RunLinks};

/// When a tenant is synced by itself.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Schedule {
    /// The time of each day. Present when there is no `cron`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 5, pattern = "^[0-2][0-9]:[0-5][0-9]$")]
    time: Option<String>,
    /// The cron expression. Present when there is no `time`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    cron: Option<String>,
    /// The time zone of both.
    #[schema(max_length = 64)]
    zone: &'static str,
    /// Up to so many minutes later: the part that the tenant waits is the same each time.
    #[schema(minimum = 0, maximum = 720)]
    jitter_minutes: u16,
    /// What happens to times that passed while no worker ran.
    catch_up: CatchUp,
    /// Who set it. Its runs have this user as their initiator.
    set_by: ScheduleSetter,
    /// When it was set.
    set_at: DateTime<Utc>,
    /// The next times at which a run is due, with the tenant's part of the jitter. Empty once the
    /// schedule stopped.
    #[schema(max_items = 3)]
    next_due: Vec<DateTime<Utc>>,
    /// When it last started or joined a run.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_fired: Option<ScheduleFiring>,
    /// The last time at which it started none, unless it fired since.
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<ScheduleSkip>,
    /// Present when it fires no more until somebody sets it again.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<ScheduleStop>,
}

/// What happens to times of a schedule that passed while no worker ran.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CatchUp {
    /// They are left out.
    None,
    /// One run is started for the latest of them.
    Latest,
}

/// The user who set a schedule.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScheduleSetter {
    /// The user's identifier.
    id: Uuid,
    /// The user's name.
    #[schema(max_length = 256)]
    display: String,
}

/// A run that a schedule started or joined.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScheduleFiring {
    /// The time for which it was.
    due_at: DateTime<Utc>,
    /// When a worker started or joined it.
    fired_at: DateTime<Utc>,
    /// Identifier of the run, as long as the run is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    operation_run_id: Option<Uuid>,
    /// Addresses of the run, as long as it is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    links: Option<RunLinks>,
}

/// A time at which a schedule started no run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScheduleSkip {
    /// The time.
    due_at: DateTime<Utc>,
    /// `missed` when no worker ran, `tenant_disabled` or `tenant_not_connected`. New reasons may be
    /// added.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    reason: &'static str,
}

/// The end of a schedule.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ScheduleStop {
    /// When it stopped.
    stopped_at: DateTime<Utc>,
    /// `setter_left`, `setter_disabled` or `setter_not_permitted`: why the user who set it may not sync
    /// the tenant any more. New reasons may be added.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    reason: &'static str,
}

impl Schedule {
    pub(crate) fn new(view: ScheduleView, links: &Links) -> Self {
        let schedule = &view.schedule;
        let request = ScheduleRequest::from(schedule);
        Self {
            time: request.time,
            cron: request.cron,
            zone: schedule.zone().name(),
            jitter_minutes: schedule.jitter_minutes(),
            catch_up: schedule.catch_up().into(),
            set_by: ScheduleSetter {
                id: view.set_by.into_uuid(),
                display: view.set_by_name,
            },
            set_at: view.set_at,
            next_due: view.next_due,
            last_fired: view.last_fired.map(|fired| ScheduleFiring {
                due_at: fired.due_at,
                fired_at: fired.at,
                operation_run_id: fired.run.map(atlas_domain::ids::RunId::into_uuid),
                links: fired.run.map(|run| links.run(run)),
            }),
            skipped: view.skipped.map(|(due_at, reason)| ScheduleSkip {
                due_at,
                reason: SkipReason::as_str(reason),
            }),
            stopped: view.stopped.map(|(stopped_at, reason)| ScheduleStop {
                stopped_at,
                reason: StopReason::as_str(reason),
            }),
        }
    }
}

impl From<domain::CatchUp> for CatchUp {
    fn from(catch_up: domain::CatchUp) -> Self {
        match catch_up {
            domain::CatchUp::None => Self::None,
            domain::CatchUp::Latest => Self::Latest,
        }
    }
}

impl Example for Schedule {
    fn example() -> Self {
        let request = ScheduleRequest {
            time: Some("02:30".to_owned()),
            zone: Some("Europe/Berlin".to_owned()),
            jitter_minutes: Some(60),
            ..ScheduleRequest::default()
        };
        let schedule = request.resolve().expect("the example is valid");
        let yesterday = moment() - TimeDelta::days(1);
        let due_at = schedule.due_times(example::TENANT, yesterday).next();
        let next_due = schedule.due_times(example::TENANT, moment());
        let next_due = next_due.take(3).collect();
        let view = ScheduleView {
            set_by: example::USER,
            set_by_name: example::USER_NAME.to_owned(),
            set_at: moment() - TimeDelta::days(30),
            next_due,
            last_fired: due_at.map(|due_at| LastFired {
                due_at,
                at: due_at + TimeDelta::seconds(4),
                run: Some(example::RUN),
            }),
            skipped: None,
            stopped: None,
            schedule,
        };
        Self::new(view, &links())
    }
}
