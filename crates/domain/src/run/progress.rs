//! How far runs are: typed by kind here, and with the same members for every kind in rows and
//! answers.

use serde::{Deserialize, Serialize};

use super::directory_groups_sync::GroupsProgress;
use super::inventory_sync::InventoryProgress;
use super::kind::OperationKind;
use super::phase::ProgressPhase;

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(into = "ProgressMembers")]
pub enum Progress {
    /// Of `inventory_sync`.
    InventorySync(InventoryProgress),
    /// Of `directory_groups_sync`.
    DirectoryGroupsSync(GroupsProgress),
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
    pub fn from_members(kind: OperationKind, members: ProgressMembers) -> Self {
        match kind {
            OperationKind::InventorySync => InventoryProgress {
                phase: members.phase,
                completed: members.completed,
                failed: members.failed,
                skipped: members.skipped,
                total: members.total,
                items_seen: members.items_seen,
            }
            .into(),
            OperationKind::DirectoryGroupsSync => GroupsProgress {
                phase: members.phase,
                read_to_end: members.completed > 0,
                seen: members.items_seen,
            }
            .into(),
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

impl From<Progress> for ProgressMembers {
    fn from(progress: Progress) -> Self {
        match progress {
            Progress::InventorySync(progress) => Self {
                phase: progress.phase,
                completed: progress.completed,
                failed: progress.failed,
                skipped: progress.skipped,
                total: progress.total,
                items_seen: progress.items_seen,
            },
            Progress::DirectoryGroupsSync(progress) => Self {
                phase: progress.phase,
                completed: u32::from(progress.read_to_end),
                failed: 0,
                skipped: 0,
                total: 1,
                items_seen: progress.seen,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_of_every_kind_survives_its_members() {
        let members = ProgressMembers {
            phase: ProgressPhase::Collecting,
            completed: 1,
            failed: 2,
            skipped: 3,
            total: 8,
            items_seen: 5,
        };
        let inventory = Progress::from_members(OperationKind::InventorySync, members);
        assert_eq!(ProgressMembers::from(inventory), members);
        let groups = Progress::from_members(OperationKind::DirectoryGroupsSync, members);
        let one_list = ProgressMembers {
            failed: 0,
            skipped: 0,
            total: 1,
            ..members
        };
        assert_eq!(ProgressMembers::from(groups), one_list);
    }
}
