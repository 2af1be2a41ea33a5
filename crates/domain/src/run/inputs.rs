//! The kinds of operation and what each is asked with.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::selection::{InvalidStoredSelection, Selection};

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

    /// What a run of it counts, in the plural, as a notification says it.
    #[must_use]
    pub const fn objects(self) -> &'static str {
        match self {
            Self::InventorySync => "items",
            Self::DirectoryGroupsSync => "groups",
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
    pub fn normal_form(&self) -> String {
        match self {
            Self::InventorySync(selection) => selection.normal_form(),
            Self::DirectoryGroupsSync => "{}".to_owned(),
        }
    }

    /// Reads inputs back from a row.
    ///
    /// # Errors
    /// [`InvalidStoredSelection`] when they were written by a version with other policy types.
    pub fn from_stored(
        kind: OperationKind,
        value: &serde_json::Value,
    ) -> Result<Self, InvalidStoredSelection> {
        match kind {
            OperationKind::InventorySync => Selection::from_stored(value).map(Self::InventorySync),
            OperationKind::DirectoryGroupsSync => Ok(Self::DirectoryGroupsSync),
        }
    }
}
