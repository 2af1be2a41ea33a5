//! A schedule's columns.

use std::str::FromStr;

use atlas_domain::schedule::{Schedule, ScheduleRequest};
use atlas_domain::words::UnknownWord;

use crate::error::StoreError;

/// A schedule as it is stored.
pub(super) struct StoredSchedule {
    pub(super) time_of_day: Option<String>,
    pub(super) cron: Option<String>,
    pub(super) zone: String,
    pub(super) jitter_minutes: i32,
    pub(super) catch_up: String,
}

impl From<&Schedule> for StoredSchedule {
    fn from(schedule: &Schedule) -> Self {
        let request = ScheduleRequest::from(schedule);
        Self {
            time_of_day: request.time,
            cron: request.cron,
            zone: schedule.zone().name().to_owned(),
            jitter_minutes: schedule.jitter_minutes().into(),
            catch_up: schedule.catch_up().as_str().to_owned(),
        }
    }
}

impl StoredSchedule {
    pub(super) fn into_schedule(self) -> Result<Schedule, StoreError> {
        let request = ScheduleRequest {
            time: self.time_of_day,
            cron: self.cron,
            zone: Some(self.zone),
            jitter_minutes: Some(self.jitter_minutes.into()),
            catch_up: Some(parse_word("way to catch up", &self.catch_up)?),
        };
        request.resolve().map_err(|errors| {
            let details: Vec<String> = errors.into_iter().map(|error| error.detail).collect();
            StoreError::corrupt("schedule", details.join(" "))
        })
    }
}

pub(super) fn parse_word<T: FromStr<Err = UnknownWord>>(
    what: &'static str,
    word: &str,
) -> Result<T, StoreError> {
    word.parse()
        .map_err(|error: UnknownWord| StoreError::corrupt(what, error))
}
