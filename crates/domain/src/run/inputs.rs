//! What each kind of run is asked with.

use super::kind::OperationKind;
use crate::selection::{InvalidStoredSelection, Selection};

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
