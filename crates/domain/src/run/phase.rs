//! The phases of a run's work, the same for every kind.

use crate::words::words;

words! {
    /// What a running run is at.
    #[derive(Default)]
    pub enum ProgressPhase: "phase" {
        /// Signing in and planning which lists to read.
        #[default]
        Planning = "planning",
        /// Reading lists and storing what they hold.
        Collecting = "collecting",
        /// Marking what is gone, and adding up.
        Finishing = "finishing",
    }
}

impl ProgressPhase {
    /// Position among [`ProgressPhase::ALL`], from 1.
    #[must_use]
    pub const fn index(self) -> u32 {
        self as u32 + 1
    }
}
