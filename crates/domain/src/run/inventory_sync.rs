//! What runs of kind `inventory_sync` count, and how far they are: in policy types and items.

use super::members::{CountMembers, ProgressMembers};
use super::phase::ProgressPhase;
use crate::inventory::{TypeResult, TypeStatus};

/// What an inventory sync did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InventoryCounts {
    /// Types that were read to their end.
    pub types_succeeded: u32,
    pub types_failed: u32,
    /// Types that cannot be read here and were left out with a reason.
    pub types_skipped: u32,
    /// Types that were read to their end, but not all of their assignments or links.
    pub types_incomplete: u32,
    pub items_seen: u64,
    /// Items seen for the first time.
    pub items_created: u64,
    /// Items whose content differs from the last time.
    pub items_changed: u64,
    /// Items whose assignments differ from the last time.
    pub items_reassigned: u64,
    /// Items that were there before and are no longer.
    pub items_missing: u64,
    /// Items that had been missing and are there again.
    pub items_back: u64,
}

/// How far an inventory sync is. Numbers never go back within an attempt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InventoryProgress {
    pub phase: ProgressPhase,
    /// Types read to their end.
    pub completed: u32,
    /// Types that failed.
    pub failed: u32,
    /// Types left out with a reason.
    pub skipped: u32,
    /// Types asked for.
    pub total: u32,
    /// Items stored so far, also those of lists that are not yet read to their end.
    pub items_seen: u64,
}

impl InventoryCounts {
    /// Adds what was done for one type. A type that was not read to its end counts as failed.
    pub const fn add(&mut self, result: &TypeResult) {
        match result.status {
            TypeStatus::Succeeded => self.types_succeeded += 1,
            TypeStatus::Skipped => self.types_skipped += 1,
            TypeStatus::Incomplete => self.types_incomplete += 1,
            TypeStatus::Failed | TypeStatus::Pending => self.types_failed += 1,
        }
        self.items_seen += result.seen;
        self.items_created += result.created;
        self.items_changed += result.changed;
        self.items_reassigned += result.reassigned;
        self.items_missing += result.missing;
        self.items_back += result.back;
    }

    /// One or two sentences for a notification.
    pub(super) fn summary(&self) -> String {
        let mut text = format!(
            "{} items seen: {} new, {} changed, {} missing.",
            self.items_seen, self.items_created, self.items_changed, self.items_missing
        );
        if self.types_failed > 0 {
            text.push_str(&format!(" {} policy types failed.", self.types_failed));
        }
        text
    }
}

impl InventoryProgress {
    /// Adds that one type has its result.
    pub const fn add(&mut self, result: &TypeResult) {
        match result.status {
            TypeStatus::Succeeded | TypeStatus::Incomplete => self.completed += 1,
            TypeStatus::Skipped => self.skipped += 1,
            TypeStatus::Failed | TypeStatus::Pending => self.failed += 1,
        }
    }
}

impl From<CountMembers> for InventoryCounts {
    fn from(members: CountMembers) -> Self {
        Self {
            types_succeeded: members.types_succeeded,
            types_failed: members.types_failed,
            types_skipped: members.types_skipped,
            types_incomplete: members.types_incomplete,
            items_seen: members.items_seen,
            items_created: members.items_created,
            items_changed: members.items_changed,
            items_reassigned: members.items_reassigned,
            items_missing: members.items_missing,
            items_back: members.items_back,
        }
    }
}

impl From<InventoryCounts> for CountMembers {
    fn from(counts: InventoryCounts) -> Self {
        Self {
            types_succeeded: counts.types_succeeded,
            types_failed: counts.types_failed,
            types_skipped: counts.types_skipped,
            types_incomplete: counts.types_incomplete,
            items_seen: counts.items_seen,
            items_created: counts.items_created,
            items_changed: counts.items_changed,
            items_reassigned: counts.items_reassigned,
            items_missing: counts.items_missing,
            items_back: counts.items_back,
        }
    }
}

impl From<ProgressMembers> for InventoryProgress {
    fn from(members: ProgressMembers) -> Self {
        Self {
            phase: members.phase,
            completed: members.completed,
            failed: members.failed,
            skipped: members.skipped,
            total: members.total,
            items_seen: members.items_seen,
        }
    }
}

impl From<InventoryProgress> for ProgressMembers {
    fn from(progress: InventoryProgress) -> Self {
        Self {
            phase: progress.phase,
            completed: progress.completed,
            failed: progress.failed,
            skipped: progress.skipped,
            total: progress.total,
            items_seen: progress.items_seen,
        }
    }
}
