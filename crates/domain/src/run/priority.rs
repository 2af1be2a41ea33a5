//! Which of the runs that wait goes first.

use crate::words::words;

words! {
    /// How urgent a start is.
    #[derive(Default)]
    pub enum Priority: "priority" {
        /// In the order of tenants and times.
        #[default]
        Normal = "normal",
        /// Before all that is normal.
        High = "high",
    }
}

words! {
    /// How urgent a run is.
    pub enum RunPriority: "priority" {
        /// After all that people start: schedules start runs with it.
        Low = "low",
        /// In the order of tenants and times.
        Normal = "normal",
        /// Before all that is normal.
        High = "high",
    }
}

impl RunPriority {
    /// Of what a row holds.
    #[must_use]
    pub const fn of_value(value: i16) -> Self {
        if value < Priority::Normal.value() {
            Self::Low
        } else if value < Priority::High.value() {
            Self::Normal
        } else {
            Self::High
        }
    }
}

impl Priority {
    /// What rows hold: greater goes first. Schedules start runs with less than all of these.
    #[must_use]
    pub const fn value(self) -> i16 {
        match self {
            Self::Normal => 0,
            Self::High => 10,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule;

    #[test]
    fn what_people_start_goes_before_what_schedules_start() {
        assert!(Priority::High.value() > Priority::Normal.value());
        assert!(Priority::Normal.value() > schedule::PRIORITY);
    }

    #[test]
    fn a_run_has_the_word_that_it_was_started_with() {
        for priority in Priority::ALL {
            let of_run = RunPriority::of_value(priority.value());
            assert_eq!(of_run.as_str(), priority.as_str());
        }
        let scheduled = RunPriority::of_value(schedule::PRIORITY);
        assert_eq!(scheduled, RunPriority::Low);
    }
}
