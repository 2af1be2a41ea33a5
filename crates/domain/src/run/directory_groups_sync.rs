//! What runs of kind `directory_groups_sync` count, and how far they are: one list of groups.

use super::inventory_sync::{InventoryCounts, InventoryProgress};
use super::phase::ProgressPhase;

/// What a sync of groups did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GroupCounts {
    /// Groups that were read.
    pub seen: u64,
    /// Groups that were not known before.
    pub created: u64,
    /// Groups of which something differs from the last time.
    pub changed: u64,
    /// Groups that were there before and are no longer.
    pub missing: u64,
    /// Groups that had been missing and are there again.
    pub back: u64,
}

/// How far a sync of groups is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GroupsProgress {
    pub phase: ProgressPhase,
    /// Whether the list was read to its end.
    pub read_to_end: bool,
    /// Groups stored so far.
    pub seen: u64,
}

impl GroupCounts {
    /// A sentence for a notification.
    pub(super) fn summary(&self) -> String {
        format!(
            "{} groups seen: {} new, {} changed, {} missing.",
            self.seen, self.created, self.changed, self.missing
        )
    }
}

impl From<InventoryCounts> for GroupCounts {
    fn from(members: InventoryCounts) -> Self {
        Self {
            seen: members.items_seen,
            created: members.items_created,
            changed: members.items_changed,
            missing: members.items_missing,
            back: members.items_back,
        }
    }
}

impl From<GroupCounts> for InventoryCounts {
    fn from(counts: GroupCounts) -> Self {
        Self {
            items_seen: counts.seen,
            items_created: counts.created,
            items_changed: counts.changed,
            items_missing: counts.missing,
            items_back: counts.back,
            ..Self::default()
        }
    }
}

impl From<InventoryProgress> for GroupsProgress {
    fn from(members: InventoryProgress) -> Self {
        Self {
            phase: members.phase,
            read_to_end: members.completed > 0,
            seen: members.items_seen,
        }
    }
}

impl From<GroupsProgress> for InventoryProgress {
    fn from(progress: GroupsProgress) -> Self {
        Self {
            phase: progress.phase,
            completed: u32::from(progress.read_to_end),
            failed: 0,
            skipped: 0,
            total: 1,
            items_seen: progress.seen,
        }
    }
}
