//! Counts and progress as rows and answers carry them: with the same members for every kind of run.

use serde::{Deserialize, Serialize};

use super::phase::ProgressPhase;

/// Counts as rows and answers carry them. Every kind has all members, 0 where it counts no such
/// thing: programs before version 0.2.0 read the counts of any kind like this, and so do clients.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountMembers {
    pub types_succeeded: u32,
    pub types_failed: u32,
    pub types_skipped: u32,
    #[serde(default)]
    pub types_incomplete: u32,
    pub items_seen: u64,
    pub items_created: u64,
    pub items_changed: u64,
    #[serde(default)]
    pub items_reassigned: u64,
    pub items_missing: u64,
    #[serde(default)]
    pub items_back: u64,
}

/// Progress as rows and answers carry it: in parts of the work, which are policy types or, for kinds
/// without them, lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgressMembers {
    /// What the run is at.
    pub phase: ProgressPhase,
    /// Parts that were read to their end.
    pub completed: u32,
    /// Parts that failed.
    pub failed: u32,
    /// Parts left out with a reason.
    pub skipped: u32,
    /// Parts that there are.
    pub total: u32,
    /// Objects stored so far.
    pub items_seen: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_that_older_versions_did_not_write_are_zero() {
        let json = r#"{"types_succeeded": 1, "types_failed": 0, "types_skipped": 0,
            "items_seen": 5, "items_created": 0, "items_changed": 0, "items_missing": 0}"#;
        let members: CountMembers = serde_json::from_str(json).unwrap();
        assert_eq!(
            (
                members.types_incomplete,
                members.items_reassigned,
                members.items_back
            ),
            (0, 0, 0)
        );
    }
}
