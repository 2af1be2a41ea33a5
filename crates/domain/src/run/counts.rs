//! What runs did, in numbers: typed by kind here, and with the same members for every kind in rows
//! and answers.

use serde::{Deserialize, Serialize};

use super::directory_groups_sync::GroupCounts;
use super::inventory_sync::InventoryCounts;
use super::kind::OperationKind;

/// What a run did. Final values, written in the transaction that ends the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(into = "CountMembers")]
pub enum RunCounts {
    /// Of `inventory_sync`.
    InventorySync(InventoryCounts),
    /// Of `directory_groups_sync`.
    DirectoryGroupsSync(GroupCounts),
}

/// Counts as rows and answers carry them. Every kind has all members, 0 where it counts no such
/// thing: programs before version 0.2.0 read the counts of any kind like this, and so do clients.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the members are those of InventoryCounts")]
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

impl RunCounts {
    /// A run of this kind that did nothing.
    #[must_use]
    pub fn none(kind: OperationKind) -> Self {
        Self::from_members(kind, CountMembers::default())
    }

    /// The counts of a run of this kind that these members stand for.
    #[must_use]
    pub fn from_members(kind: OperationKind, members: CountMembers) -> Self {
        match kind {
            OperationKind::InventorySync => InventoryCounts::from(members).into(),
            OperationKind::DirectoryGroupsSync => GroupCounts {
                seen: members.items_seen,
                created: members.items_created,
                changed: members.items_changed,
                missing: members.items_missing,
                back: members.items_back,
            }
            .into(),
        }
    }

    /// What a notification says of them.
    #[must_use]
    pub fn summary(&self) -> String {
        match self {
            Self::InventorySync(counts) => counts.summary(),
            Self::DirectoryGroupsSync(counts) => counts.summary(),
        }
    }
}

impl From<InventoryCounts> for RunCounts {
    fn from(counts: InventoryCounts) -> Self {
        Self::InventorySync(counts)
    }
}

impl From<GroupCounts> for RunCounts {
    fn from(counts: GroupCounts) -> Self {
        Self::DirectoryGroupsSync(counts)
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

impl From<RunCounts> for CountMembers {
    fn from(counts: RunCounts) -> Self {
        match counts {
            RunCounts::InventorySync(counts) => Self {
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
            },
            RunCounts::DirectoryGroupsSync(counts) => Self {
                items_seen: counts.seen,
                items_created: counts.created,
                items_changed: counts.changed,
                items_missing: counts.missing,
                items_back: counts.back,
                ..Self::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_every_kind_survive_their_members() {
        let members: CountMembers = serde_json::from_str(
            r#"{"types_succeeded": 1, "types_failed": 2, "types_skipped": 3, "types_incomplete": 4,
            "items_seen": 5, "items_created": 6, "items_changed": 7, "items_reassigned": 8,
            "items_missing": 9, "items_back": 10}"#,
        )
        .unwrap();
        let inventory = RunCounts::from_members(OperationKind::InventorySync, members);
        assert_eq!(CountMembers::from(inventory), members);
        let groups = RunCounts::from_members(OperationKind::DirectoryGroupsSync, members);
        let expected = CountMembers {
            types_succeeded: 0,
            types_failed: 0,
            types_skipped: 0,
            types_incomplete: 0,
            items_reassigned: 0,
            ..members
        };
        assert_eq!(CountMembers::from(groups), expected);
    }

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
