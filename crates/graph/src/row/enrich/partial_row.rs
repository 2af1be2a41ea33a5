//! A row of which some parts are still to be read.

use atlas_domain::inventory::values::Values;

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
    /// Its values, once they were read.
    pub(super) values: Option<Values>,
    pub(super) error: Option<GraphError>,
    /// Why its values could not be read.
    pub(super) values_error: Option<GraphError>,
    /// Whether the links that are read besides are not all known, so that none are stored.
    pub(super) related_failed: bool,
}

impl PartialRow {
    pub(super) fn new(observed: ObservedRow) -> Self {
        Self {
            observed,
            assignments: None,
            related: Gathered::default(),
            values: None,
            error: None,
            values_error: None,
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
        if read.is_values(self.observed.collection) {
            self.values_error.get_or_insert_with(|| error.clone());
        }
        if read.is_only_values(self.observed.collection) {
            return;
        }
        self.error.get_or_insert(error);
    }

    /// Bytes of what was read and waits.
    pub(super) fn bytes(&self) -> usize {
        let assignments = self.assignments.as_ref().map_or(0, String::len);
        let values = self.values.as_ref();
        assignments + values.map_or(0, |values| values.fields.as_str().len())
    }

    /// Takes back what a read brought.
    pub(super) fn take_back(&mut self, read: &FurtherRead) {
        if read.is_values(self.observed.collection) {
            self.values = None;
        }
        if matches!(read, FurtherRead::Assignments | FurtherRead::Item) {
            self.assignments = None;
        }
    }
}
