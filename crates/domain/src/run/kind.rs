//! The kinds of run, and of each its inputs, counts and progress. A new kind is a file like
//! [`inventory_sync`](super::inventory_sync) and a variant of each enum here.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value};

use super::directory_groups_sync::{GroupCounts, GroupsProgress};
use super::inventory_sync::{InventoryCounts, InventoryProgress};
use crate::inventory::verification::Verify;
use crate::selection::{InvalidStoredSelection, Selection};
use crate::words::words;

words! {
    /// What sort of work a run is.
    pub enum OperationKind: "kind of run" {
        /// Reads a tenant's policies from Microsoft Graph and stores what it saw.
        InventorySync = "inventory_sync",
        /// Brings what is stored of the tenant directory's groups up to date.
        DirectoryGroupsSync = "directory_groups_sync",
    }
}

impl OperationKind {
    /// The name for people, as a notification says it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::InventorySync => "Inventory sync",
            Self::DirectoryGroupsSync => "Directory groups sync",
        }
    }

    /// What excludes each other within a tenant: of the runs that share a scope, one runs at a time.
    #[must_use]
    pub const fn lock_scope(self) -> &'static str {
        match self {
            Self::InventorySync => "inventory",
            Self::DirectoryGroupsSync => "directory_groups",
        }
    }
}

/// A kind together with what it was asked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunInputs {
    /// Which policy types to read.
    InventorySync(Selection),
    /// Nothing is chosen: all groups of the directory.
    DirectoryGroupsSync,
}

impl RunInputs {
    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> OperationKind {
        match self {
            Self::InventorySync(_) => OperationKind::InventorySync,
            Self::DirectoryGroupsSync => OperationKind::DirectoryGroupsSync,
        }
    }

    /// What was selected, where the kind has a selection.
    #[must_use]
    pub const fn selection(&self) -> Option<&Selection> {
        match self {
            Self::InventorySync(selection) => Some(selection),
            Self::DirectoryGroupsSync => None,
        }
    }

    /// JSON text that is the same for every way to ask for the same work.
    #[must_use]
    pub fn normal_form(&self) -> Cow<'static, str> {
        match self {
            Self::InventorySync(selection) => selection.normal_form(),
            Self::DirectoryGroupsSync => Cow::Borrowed("{}"),
        }
    }

    /// What rows keep of them, and beside it the word of [`Verify`]: see [`Selection::to_stored`].
    #[must_use]
    pub fn to_stored(&self) -> (Value, Option<&'static str>) {
        match self {
            Self::InventorySync(selection) => {
                let verify = selection.verify().map(Verify::as_str);
                (selection.to_stored(), verify)
            }
            Self::DirectoryGroupsSync => (Value::Object(Map::new()), None),
        }
    }

    /// Reads inputs back from a row.
    ///
    /// # Errors
    /// [`InvalidStoredSelection`] when they were written by a version with other policy types or words.
    pub fn from_stored(
        kind: OperationKind,
        value: &Value,
        verify: Option<&str>,
    ) -> Result<Self, InvalidStoredSelection> {
        match kind {
            OperationKind::InventorySync => {
                Selection::from_stored(value, verify).map(Self::InventorySync)
            }
            OperationKind::DirectoryGroupsSync => Ok(Self::DirectoryGroupsSync),
        }
    }
}

/// What a run did. Final values, written in the transaction that ends the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(into = "InventoryCounts")]
pub enum RunCounts {
    /// Of `inventory_sync`.
    InventorySync(InventoryCounts),
    /// Of `directory_groups_sync`.
    DirectoryGroupsSync(GroupCounts),
}

impl RunCounts {
    /// A run of this kind that did nothing.
    #[must_use]
    pub fn none(kind: OperationKind) -> Self {
        Self::from_members(kind, InventoryCounts::default())
    }

    /// The counts of a run of this kind that these members stand for.
    #[must_use]
    pub fn from_members(kind: OperationKind, members: InventoryCounts) -> Self {
        match kind {
            OperationKind::InventorySync => Self::InventorySync(members),
            OperationKind::DirectoryGroupsSync => Self::DirectoryGroupsSync(members.into()),
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

impl From<RunCounts> for InventoryCounts {
    fn from(counts: RunCounts) -> Self {
        match counts {
            RunCounts::InventorySync(counts) => counts,
            RunCounts::DirectoryGroupsSync(counts) => counts.into(),
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

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(into = "InventoryProgress")]
pub enum Progress {
    /// Of `inventory_sync`.
    InventorySync(InventoryProgress),
    /// Of `directory_groups_sync`.
    DirectoryGroupsSync(GroupsProgress),
}

impl Progress {
    /// A run of this kind that has just begun.
    #[must_use]
    pub fn begin(kind: OperationKind) -> Self {
        match kind {
            OperationKind::InventorySync => InventoryProgress::default().into(),
            OperationKind::DirectoryGroupsSync => GroupsProgress::default().into(),
        }
    }

    /// The progress of a run of this kind that these members stand for.
    #[must_use]
    pub fn from_members(kind: OperationKind, members: InventoryProgress) -> Self {
        match kind {
            OperationKind::InventorySync => Self::InventorySync(members),
            OperationKind::DirectoryGroupsSync => Self::DirectoryGroupsSync(members.into()),
        }
    }
}

impl From<Progress> for InventoryProgress {
    fn from(progress: Progress) -> Self {
        match progress {
            Progress::InventorySync(progress) => progress,
            Progress::DirectoryGroupsSync(progress) => progress.into(),
        }
    }
}

impl From<InventoryProgress> for Progress {
    fn from(progress: InventoryProgress) -> Self {
        Self::InventorySync(progress)
    }
}

impl From<GroupsProgress> for Progress {
    fn from(progress: GroupsProgress) -> Self {
        Self::DirectoryGroupsSync(progress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::ProgressPhase;

    #[test]
    fn counts_of_every_kind_survive_their_members() {
        let members: InventoryCounts = serde_json::from_str(
            r#"{"types_succeeded": 1, "types_failed": 2, "types_skipped": 3, "types_incomplete": 4,
            "items_seen": 5, "items_created": 6, "items_changed": 7, "items_reassigned": 8,
            "items_missing": 9, "items_back": 10, "values_read": 11, "values_verified": 12}"#,
        )
        .unwrap();
        let inventory = RunCounts::from_members(OperationKind::InventorySync, members);
        assert_eq!(InventoryCounts::from(inventory), members);
        let groups = RunCounts::from_members(OperationKind::DirectoryGroupsSync, members);
        let expected = InventoryCounts {
            types_succeeded: 0,
            types_failed: 0,
            types_skipped: 0,
            types_incomplete: 0,
            items_reassigned: 0,
            values_read: 0,
            values_verified: 0,
            ..members
        };
        assert_eq!(InventoryCounts::from(groups), expected);
    }

    #[test]
    fn progress_of_every_kind_survives_its_members() {
        let members = InventoryProgress {
            phase: ProgressPhase::Collecting,
            completed: 1,
            failed: 2,
            skipped: 3,
            total: 8,
            items_seen: 5,
        };
        let inventory = Progress::from_members(OperationKind::InventorySync, members);
        assert_eq!(InventoryProgress::from(inventory), members);
        let groups = Progress::from_members(OperationKind::DirectoryGroupsSync, members);
        let one_list = InventoryProgress {
            failed: 0,
            skipped: 0,
            total: 1,
            ..members
        };
        assert_eq!(InventoryProgress::from(groups), one_list);
    }
}
