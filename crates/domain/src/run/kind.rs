//! The kinds of run.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What sort of work a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperationKind {
    /// Reads a tenant's policies from Microsoft Graph and stores what it saw.
    InventorySync,
    /// Brings what is stored of the tenant directory's groups up to date.
    DirectoryGroupsSync,
}

impl OperationKind {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::InventorySync, Self::DirectoryGroupsSync];

    /// The word used in rows and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InventorySync => "inventory_sync",
            Self::DirectoryGroupsSync => "directory_groups_sync",
        }
    }

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

impl fmt::Display for OperationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word names no kind of this version.
#[derive(Debug, thiserror::Error)]
#[error("unknown operation kind")]
pub struct UnknownKind;

impl FromStr for OperationKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(UnknownKind)
    }
}
