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
}
