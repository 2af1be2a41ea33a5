//! Time zones by their IANA names, from the database that is compiled in.

use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use chrono_tz::{GapInfo, Tz};

/// A time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(Tz);

impl Zone {
    /// The zone of an IANA name such as `Europe/Berlin`, whose case counts; `None` when it is none.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        name.parse().ok().map(Self)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// What clocks in the zone show.
    #[must_use]
    pub fn local(self, time: DateTime<Utc>) -> NaiveDateTime {
        time.with_timezone(&self.0).naive_local()
    }

    /// When clocks in the zone first show the time; where they skip it, the first moment after the
    /// gap. `None` far outside the years that calendars have.
    #[must_use]
    pub fn first_moment(self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        let shown = self.0.from_local_datetime(&local).earliest();
        let moment = shown.or_else(|| GapInfo::new(&local, &self.0)?.end)?;
        Some(moment.to_utc())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(zone: &str, local: &str) -> String {
        let moment = Zone::named(zone)
            .unwrap()
            .first_moment(local.parse().unwrap());
        moment.unwrap().format("%FT%RZ").to_string()
    }

    #[test]
    fn a_time_that_is_skipped_becomes_the_first_moment_after_the_gap() {
        for (zone, local, expected) in [
            ("Europe/Berlin", "2026-03-29T02:30:00", "2026-03-29T01:00Z"),
            (
                "America/New_York",
                "2026-03-08T02:00:00",
                "2026-03-08T07:00Z",
            ),
            // Half an hour, from 02:00 to 02:30.
            (
                "Australia/Lord_Howe",
                "2026-10-04T02:15:00",
                "2026-10-03T15:30Z",
            ),
            // A whole day was skipped.
            ("Pacific/Apia", "2011-12-30T12:00:00", "2011-12-30T10:00Z"),
        ] {
            assert_eq!(first(zone, local), expected, "{zone}");
        }
    }

    #[test]
    fn a_time_that_is_shown_twice_is_the_first_of_the_two() {
        for (zone, local, expected) in [
            ("Europe/Berlin", "2026-10-25T02:30:00", "2026-10-25T00:30Z"),
            (
                "America/New_York",
                "2026-11-01T01:30:00",
                "2026-11-01T05:30Z",
            ),
            (
                "Australia/Lord_Howe",
                "2026-04-05T01:45:00",
                "2026-04-04T14:45Z",
            ),
        ] {
            assert_eq!(first(zone, local), expected, "{zone}");
        }
    }

    #[test]
    fn names_are_those_of_the_iana_database() {
        assert!(Zone::named("Etc/UTC").is_some());
        for name in ["", "Berlin", "europe/berlin", "CEST", "+02:00", "Mars/Base"] {
            assert!(Zone::named(name).is_none(), "{name}");
        }
    }
}
