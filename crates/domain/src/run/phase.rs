//! The phases of a run's work, the same for every kind.

use serde::{Deserialize, Serialize};

/// What a running run is at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProgressPhase {
    /// Signing in and planning which lists to read.
    #[default]
    Planning,
    /// Reading lists and storing what they hold.
    Collecting,
    /// Marking what is gone, and adding up.
    Finishing,
}

impl ProgressPhase {
    /// Every phase, in order.
    pub const ALL: [Self; 3] = [Self::Planning, Self::Collecting, Self::Finishing];

    /// Position among [`ProgressPhase::ALL`], from 1.
    #[must_use]
    pub const fn index(self) -> u32 {
        match self {
            Self::Planning => 1,
            Self::Collecting => 2,
            Self::Finishing => 3,
        }
    }
}
