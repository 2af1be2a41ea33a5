//! A row of which some parts are still to be read.

use crate::error::GraphError;
use crate::row::further_read::FurtherRead;
use crate::row::links::gathered::Gathered;
use crate::row::observe::ObservedRow;

/// A row while it is completed. `error` is the first one that a read ended with.
#[derive(Debug)]
pub(super) struct PartialRow {
    pub(super) observed: ObservedRow,
    /// A list in JSON: as values, those of a page would take many times as much memory.
    pub(super) assignments: Option<String>,
    pub(super) related: Gathered,
    pub(super) error: Option<GraphError>,
    /// Whether the links that are read besides are not all known, so that none are stored.
    pub(super) related_failed: bool,
}

impl PartialRow {
    pub(super) fn new(observed: ObservedRow) -> Self {
        Self {
            observed,
            assignments: None,
            related: Gathered::default(),
            error: None,
            related_failed: false,
        }
    }

    /// Leaves what the read would have brought as it was known before.
    pub(super) fn leave_unknown(&mut self, read: &FurtherRead) {
        self.related_failed |= read.is_related(self.observed.collection);
    }

    /// As [`Self::leave_unknown`], which is a failure.
    pub(super) fn fail(&mut self, read: &FurtherRead, error: GraphError) {
        self.leave_unknown(read);
        self.error.get_or_insert(error);
    }
}
