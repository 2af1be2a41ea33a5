//! When a tenant is synced by itself.

pub mod cron;
mod firing;
#[cfg(test)]
mod tests;
mod zone;

pub use firing::{DueSchedule, Firing, Setter, SkipReason, StopReason};
pub use zone::Zone;

use std::iter;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ids::TenantId;
use crate::selection::FieldError;
use crate::words::words;
use cron::CronExpression;

/// The priority of runs that a schedule starts: what people start goes first.
pub const PRIORITY: i16 = -10;

/// Two times of a schedule are at least so far apart, as clocks in its zone show them.
pub const SHORTEST_INTERVAL: TimeDelta = TimeDelta::minutes(15);

/// The largest jitter, in minutes.
pub const MOST_JITTER: u16 = 720;

/// The longest name of a zone that is looked at, in characters.
pub const LONGEST_ZONE: usize = 64;

/// Due times are looked for within so many days. Three leap days are always among them.
const HORIZON_DAYS: usize = 40 * 366;

words! {
    /// What happens when a due time passed while no worker ran.
    pub enum CatchUp: "way to catch up" {
        /// Nothing: the schedule goes on with its next time.
        None = "none",
        /// One run is started for the latest of these times.
        Latest = "latest",
    }
}

/// A schedule as a caller writes it: either `time` or `cron`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleRequest {
    /// A time of each day, as `02:30`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// A [`CronExpression`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,
    /// The IANA name of the zone in which both are meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Up to so many minutes later, the same for a tenant each time; absent means 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter_minutes: Option<i64>,
    /// Absent means [`CatchUp::Latest`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catch_up: Option<CatchUp>,
}

/// A valid schedule: it fires again and again, and not too often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    timing: Timing,
    zone: Zone,
    jitter_minutes: u16,
    catch_up: CatchUp,
}

/// At which times clocks in the zone show when it fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Timing {
    /// Every day at this time.
    Daily(NaiveTime),
    Cron(CronExpression),
}

impl ScheduleRequest {
    /// Checks every member.
    ///
    /// # Errors
    /// Every bad member.
    pub fn resolve(&self) -> Result<Schedule, Vec<FieldError>> {
        let mut errors = Vec::new();
        let timing = collect(self.timing(), &mut errors);
        let zone = collect(self.zone(), &mut errors);
        let jitter_minutes = collect(self.jitter_minutes(), &mut errors);
        match (timing, zone, jitter_minutes) {
            (Some(timing), Some(zone), Some(jitter_minutes)) => Ok(Schedule {
                timing,
                zone,
                jitter_minutes,
                catch_up: self.catch_up.unwrap_or(CatchUp::Latest),
            }),
            _ => Err(errors),
        }
    }

    fn timing(&self) -> Result<Timing, FieldError> {
        match (&self.time, &self.cron) {
            (Some(time), None) => {
                let parsed = (time.len() == 5).then(|| NaiveTime::parse_from_str(time, "%H:%M"));
                let time = parsed.and_then(Result::ok).ok_or_else(|| {
                    bad("/time", "bad_time", "Must be a time of the day, as 02:30.")
                })?;
                Ok(Timing::Daily(time))
            }
            (None, Some(cron)) => timing_of(cron),
            (Some(_), Some(_)) => Err(bad(
                "/cron",
                "time_and_cron",
                "A schedule has a time or a cron expression, not both.",
            )),
            (None, None) => Err(bad(
                "",
                "missing",
                "A schedule needs a time or a cron expression.",
            )),
        }
    }

    fn zone(&self) -> Result<Zone, FieldError> {
        let Some(name) = &self.zone else {
            let detail = "A schedule needs the name of a time zone, as Europe/Berlin.";
            return Err(bad("/zone", "missing", detail));
        };
        Zone::named(name).ok_or_else(|| {
            let detail =
                "Must be a name of the IANA time zone database, as Europe/Berlin; case counts.";
            bad("/zone", "unknown_zone", detail)
        })
    }

    fn jitter_minutes(&self) -> Result<u16, FieldError> {
        let given = self.jitter_minutes.unwrap_or(0);
        let fitting = u16::try_from(given).ok();
        fitting
            .filter(|&minutes| minutes <= MOST_JITTER)
            .ok_or_else(|| {
                let detail = format!("Must be from 0 to {MOST_JITTER} minutes.");
                bad("/jitter_minutes", "out_of_range", detail)
            })
    }
}

fn timing_of(cron: &str) -> Result<Timing, FieldError> {
    let cron = CronExpression::parse(cron)
        .map_err(|refused| bad("/cron", "bad_cron", refused.to_string()))?;
    match shortest_interval(&cron) {
        None => {
            let detail = "The expression never fires: no month that it names has such a day.";
            Err(bad("/cron", "never_fires", detail))
        }
        Some(interval) if interval < SHORTEST_INTERVAL => {
            let detail = format!(
                "The expression fires {} minutes after it fired; at least {} minutes must lie between.",
                interval.num_minutes(),
                SHORTEST_INTERVAL.num_minutes()
            );
            Err(bad("/cron", "too_often", detail))
        }
        Some(_) => Ok(Timing::Cron(cron)),
    }
}

/// The shortest time between two times at which the expression fires, by the calendar alone; `None`
/// when there are no two.
fn shortest_interval(cron: &CronExpression) -> Option<TimeDelta> {
    // All combinations of date and day of the week occur within 28 years of this century.
    let days: Vec<NaiveDate> = NaiveDate::from_ymd_opt(2001, 1, 1)?
        .iter_days()
        .take(28 * 366)
        .filter(|&day| cron.fires_on(day))
        .collect();
    let times: Vec<NaiveTime> = cron.times().collect();
    let (first, last) = (*times.first()?, *times.last()?);
    let within_a_day = times.windows(2).map(|pair| pair[1] - pair[0]);
    let between_days = days
        .windows(2)
        .map(|pair| pair[1].and_time(first) - pair[0].and_time(last));
    let between_days = between_days.min()?;
    Some(
        within_a_day
            .min()
            .map_or(between_days, |shortest| shortest.min(between_days)),
    )
}

fn bad(pointer: &str, code: &'static str, detail: impl Into<String>) -> FieldError {
    FieldError {
        pointer: pointer.to_owned(),
        code,
        detail: detail.into(),
    }
}

fn collect<T>(checked: Result<T, FieldError>, errors: &mut Vec<FieldError>) -> Option<T> {
    checked.map_err(|error| errors.push(error)).ok()
}

impl Schedule {
    /// The times after `after` at which the tenant's sync is due, in order. A time that clocks in the
    /// zone skip is due at the first moment after the gap, and one that they show twice is due once,
    /// the first time.
    pub fn due_times(
        &self,
        tenant: TenantId,
        after: DateTime<Utc>,
    ) -> impl Iterator<Item = DateTime<Utc>> + '_ {
        let jitter = self.jitter(tenant);
        let begin = after - jitter;
        let days = self.zone.local(begin).date().iter_days().take(HORIZON_DAYS);
        let moments = days
            .filter(|&day| self.fires_on(day))
            .flat_map(move |day| self.times().map(move |time| day.and_time(time)))
            .filter_map(|local| self.zone.first_moment(local));
        // Several times within a gap are due at the same moment.
        let mut last = begin;
        moments
            .filter(move |&moment| {
                let is_later = moment > last;
                if is_later {
                    last = moment;
                }
                is_later
            })
            .map(move |moment| moment + jitter)
    }

    /// The latest due time up to `now`, where `due_at` is one.
    #[must_use]
    pub fn latest_due(
        &self,
        tenant: TenantId,
        due_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> DateTime<Utc> {
        let later = self.due_times(tenant, due_at);
        let passed = later.take_while(|&due_at| due_at <= now);
        iter::once(due_at).chain(passed).last().unwrap_or(due_at)
    }

    /// How much later than its times the tenant is synced: a part of the jitter that its id decides.
    #[must_use]
    pub fn jitter(&self, tenant: TenantId) -> TimeDelta {
        let spread = u64::from(self.jitter_minutes) * 60 + 1;
        let hash = Sha256::digest(tenant.into_uuid().as_bytes());
        let number = hash[..8]
            .iter()
            .fold(0, |number: u64, &byte| number << 8 | u64::from(byte));
        TimeDelta::seconds(i64::try_from(number % spread).unwrap_or(0))
    }

    /// When clocks in the zone show that it fires, without jitter.
    #[must_use]
    pub const fn timing(&self) -> &Timing {
        &self.timing
    }

    /// In which its times of day are meant.
    #[must_use]
    pub const fn zone(&self) -> Zone {
        self.zone
    }

    /// Up to so many minutes later.
    #[must_use]
    pub const fn jitter_minutes(&self) -> u16 {
        self.jitter_minutes
    }

    /// What becomes of times that were missed.
    #[must_use]
    pub const fn catch_up(&self) -> CatchUp {
        self.catch_up
    }

    fn fires_on(&self, day: NaiveDate) -> bool {
        match &self.timing {
            Timing::Daily(_) => true,
            Timing::Cron(cron) => cron.fires_on(day),
        }
    }

    fn times(&self) -> impl Iterator<Item = NaiveTime> + use<> {
        let (daily, cron) = match &self.timing {
            Timing::Daily(time) => (Some(*time), None),
            Timing::Cron(cron) => (None, Some(cron.times())),
        };
        daily.into_iter().chain(cron.into_iter().flatten())
    }
}

impl From<&Schedule> for ScheduleRequest {
    /// The schedule with all defaults filled in; it resolves to the same one.
    fn from(schedule: &Schedule) -> Self {
        let (time, cron) = match &schedule.timing {
            Timing::Daily(time) => (Some(time.format("%H:%M").to_string()), None),
            Timing::Cron(cron) => (None, Some(cron.as_str().to_owned())),
        };
        Self {
            time,
            cron,
            zone: Some(schedule.zone.name().to_owned()),
            jitter_minutes: Some(schedule.jitter_minutes.into()),
            catch_up: Some(schedule.catch_up),
        }
    }
}
