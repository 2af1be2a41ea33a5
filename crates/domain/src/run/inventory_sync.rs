//! What runs of kind `inventory_sync` count, and how far they are: in policy types and items.

use serde::{Deserialize, Serialize};

use super::phase::ProgressPhase;
use crate::inventory::{TypeResult, TypeStatus};

/// What an inventory sync did. Rows and answers carry the counts of every kind with these members, 0
/// where the kind counts no such thing: programs before version 0.2.0 read any counts like this, and
/// so do clients.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InventoryCounts {
    /// Types that were read to their end.
    pub types_succeeded: u32,
    pub types_failed: u32,
    /// Types that cannot be read here and were left out with a reason.
    pub types_skipped: u32,
    /// Types that were read to their end, but not all of their assignments or links.
    #[serde(default)]
    pub types_incomplete: u32,
    pub items_seen: u64,
    /// Items seen for the first time.
    pub items_created: u64,
    /// Items whose content differs from the last time.
    pub items_changed: u64,
    /// Items whose assignments differ from the last time.
    #[serde(default)]
    pub items_reassigned: u64,
    /// Items that were there before and are no longer.
    pub items_missing: u64,
    /// Items that had been missing and are there again.
    #[serde(default)]
    pub items_back: u64,
    /// Items whose values were read because they are new or moved, or because nothing shows whether
    /// they moved.
    #[serde(default)]
    pub values_read: u64,
    /// Items whose values were read although nothing moved.
    #[serde(default)]
    pub values_verified: u64,
}

/// How far an inventory sync is. Numbers never go back within an attempt. Rows and answers carry the
/// progress of every kind with these members: a kind without policy types counts its lists instead.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
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
        self.values_read += result.values_read;
        self.values_verified += result.values_verified;
    }

    /// One or two sentences for a notification.
    pub(super) fn summary(&self) -> String {
        let mut text = format!(
            "{} items seen: {} new, {} changed, {} missing.",
            self.items_seen, self.items_created, self.items_changed, self.items_missing
        );
        match self.types_failed {
            0 => {}
            1 => text.push_str(" 1 policy type failed."),
            several => text.push_str(&format!(" {several} policy types failed.")),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_that_older_versions_did_not_write_are_zero() {
        let json = r#"{"types_succeeded": 1, "types_failed": 0, "types_skipped": 0,
            "items_seen": 5, "items_created": 0, "items_changed": 0, "items_missing": 0}"#;
        let counts: InventoryCounts = serde_json::from_str(json).unwrap();
        let expected = InventoryCounts {
            types_succeeded: 1,
            items_seen: 5,
            ..InventoryCounts::default()
        };
        assert_eq!(counts, expected);
    }
}
