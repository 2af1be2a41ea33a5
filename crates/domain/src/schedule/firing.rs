//! What becomes of a schedule whose time has come.

use chrono::{DateTime, TimeDelta, Utc};

use super::{CatchUp, Schedule};
use crate::access::{Membership, Role, SyncPermit, can_sync_tenant};
use crate::ids::{TenantId, UserId};
use crate::words::words;

/// A due time that nobody saw to for so long is missed. Workers look every few seconds.
const MISSED_AFTER: TimeDelta = TimeDelta::minutes(15);

words! {
    /// Why no run was started at a due time.
    pub enum SkipReason: "reason of a skipped time" {
        /// No worker ran, and the schedule does not catch up.
        Missed = "missed",
        TenantDisabled = "tenant_disabled",
        /// The tenant has no credentials.
        TenantNotConnected = "tenant_not_connected",
    }
}

words! {
    /// Why a schedule fires no more until somebody sets it again.
    pub enum StopReason: "reason of a stopped schedule" {
        /// Who set it is no member of the tenant any more.
        SetterLeft = "setter_left",
        /// Who set it was disabled.
        SetterDisabled = "setter_disabled",
        /// The role of who set it does not permit syncs any more.
        SetterNotPermitted = "setter_not_permitted",
    }
}

/// Who set a schedule, as the database has it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setter {
    pub user_id: UserId,
    /// The role in the tenant; none for who left it.
    pub role: Option<Role>,
    pub disabled: bool,
}

/// A schedule whose next time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueSchedule {
    pub tenant_id: TenantId,
    pub schedule: Schedule,
    /// When it was set: distinguishes this setting from later ones.
    pub set_at: DateTime<Utc>,
    /// The time that has come.
    pub due_at: DateTime<Utc>,
    /// The database's clock.
    pub now: DateTime<Utc>,
    pub setter: Setter,
    /// Whether the tenant may be synced.
    pub enabled: bool,
    /// Whether the tenant has credentials.
    pub connected: bool,
}

/// What is to be done. In each case the schedule goes on, unless it stops.
#[derive(Debug)]
pub enum Firing {
    /// A run is started, or an active one joined, on behalf of who set the schedule.
    Start(SyncPermit),
    Skip(SkipReason),
    Stop(StopReason),
}

impl DueSchedule {
    /// What is to be done.
    #[must_use]
    pub fn firing(&self) -> Firing {
        let permit = match self.permit() {
            Ok(permit) => permit,
            Err(reason) => return Firing::Stop(reason),
        };
        if !self.enabled {
            Firing::Skip(SkipReason::TenantDisabled)
        } else if !self.connected {
            Firing::Skip(SkipReason::TenantNotConnected)
        } else if self.is_missed() && self.schedule.catch_up() == CatchUp::None {
            Firing::Skip(SkipReason::Missed)
        } else {
            Firing::Start(permit)
        }
    }

    /// The latest due time that has come: that of the run.
    #[must_use]
    pub fn latest_due(&self) -> DateTime<Utc> {
        let schedule = &self.schedule;
        schedule.latest_due(self.tenant_id, self.due_at, self.now)
    }

    /// The next due time.
    #[must_use]
    pub fn next_due(&self) -> Option<DateTime<Utc>> {
        self.schedule.due_times(self.tenant_id, self.now).next()
    }

    fn is_missed(&self) -> bool {
        self.now - self.latest_due() > MISSED_AFTER
    }

    fn permit(&self) -> Result<SyncPermit, StopReason> {
        let role = self.setter.role.ok_or(StopReason::SetterLeft)?;
        if self.setter.disabled {
            return Err(StopReason::SetterDisabled);
        }
        let membership = Membership {
            tenant_id: self.tenant_id,
            user_id: self.setter.user_id,
            role,
        };
        can_sync_tenant(&membership).map_err(|_| StopReason::SetterNotPermitted)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::schedule::ScheduleRequest;

    /// Every hour, whose time came so many minutes ago.
    fn due(minutes_ago: i64, catch_up: CatchUp) -> DueSchedule {
        let request = ScheduleRequest {
            cron: Some("0 * * * *".to_owned()),
            zone: Some("Etc/UTC".to_owned()),
            catch_up: Some(catch_up),
            ..ScheduleRequest::default()
        };
        let due_at: DateTime<Utc> = "2026-11-30T02:00:00Z".parse().unwrap();
        DueSchedule {
            tenant_id: TenantId::from_uuid(Uuid::from_u128(1)),
            schedule: request.resolve().unwrap(),
            set_at: due_at - TimeDelta::days(1),
            due_at,
            now: due_at + TimeDelta::minutes(minutes_ago),
            setter: Setter {
                user_id: UserId::from_uuid(Uuid::from_u128(2)),
                role: Some(Role::Manager),
                disabled: false,
            },
            enabled: true,
            connected: true,
        }
    }

    #[test]
    fn a_due_time_starts_a_run_on_behalf_of_who_set_the_schedule() {
        let due = due(1, CatchUp::None);
        let Firing::Start(permit) = due.firing() else {
            panic!("{:?}", due.firing());
        };
        assert_eq!(permit.user_id(), due.setter.user_id);
        assert_eq!(permit.tenant_id(), due.tenant_id);
        assert_eq!(due.next_due(), Some(due.due_at + TimeDelta::hours(1)));
    }

    #[test]
    fn missed_times_are_skipped_or_made_up_for_once() {
        let none = due(45, CatchUp::None);
        assert!(matches!(none.firing(), Firing::Skip(SkipReason::Missed)));
        let latest = due(165, CatchUp::Latest);
        assert!(matches!(latest.firing(), Firing::Start(_)));
        assert_eq!(latest.latest_due(), latest.due_at + TimeDelta::hours(2));
        assert_eq!(latest.next_due(), Some(latest.due_at + TimeDelta::hours(3)));
    }

    #[test]
    fn a_time_that_has_just_come_is_not_missed_although_earlier_ones_were() {
        assert!(matches!(due(125, CatchUp::None).firing(), Firing::Start(_)));
    }

    #[test]
    fn a_schedule_stops_when_who_set_it_may_not_sync_any_more() {
        let setter = due(1, CatchUp::None).setter;
        for (setter, expected) in [
            (
                Setter {
                    role: None,
                    disabled: true,
                    ..setter
                },
                StopReason::SetterLeft,
            ),
            (
                Setter {
                    disabled: true,
                    ..setter
                },
                StopReason::SetterDisabled,
            ),
            (
                Setter {
                    role: Some(Role::Readonly),
                    ..setter
                },
                StopReason::SetterNotPermitted,
            ),
        ] {
            let due = DueSchedule {
                setter,
                enabled: false,
                ..due(1, CatchUp::None)
            };
            assert!(matches!(due.firing(), Firing::Stop(reason) if reason == expected));
        }
    }

    #[test]
    fn a_tenant_that_cannot_be_synced_is_skipped() {
        let disabled = DueSchedule {
            enabled: false,
            ..due(1, CatchUp::Latest)
        };
        let reason = SkipReason::TenantDisabled;
        assert!(matches!(disabled.firing(), Firing::Skip(found) if found == reason));
        let bare = DueSchedule {
            connected: false,
            ..due(1, CatchUp::Latest)
        };
        let reason = SkipReason::TenantNotConnected;
        assert!(matches!(bare.firing(), Firing::Skip(found) if found == reason));
    }
}
