//! Edits of values under an object, as payloads look at them.

use super::Row;
use crate::directory::Edit;

/// The part that takes a value out and puts it in again.
pub(super) const REMOVED: usize = 7;

/// The edits of the values under one object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edits<'a> {
    made: &'a [Edit],
    trial: Option<Edit>,
}

/// The edits of one value, by its place among those of the object.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlaceEdits<'a> {
    edits: Edits<'a>,
    place: usize,
}

impl<'a> Row<'a> {
    pub(super) fn edits(&self) -> Edits<'a> {
        Edits {
            made: self.directory.edits(self.index(), self.object.serial),
            trial: self.trial,
        }
    }
}

impl<'a> Edits<'a> {
    pub(super) fn at(self, place: usize) -> PlaceEdits<'a> {
        PlaceEdits { edits: self, place }
    }
}

impl PlaceEdits<'_> {
    /// How often a part was edited.
    pub(super) fn of(self, part: usize) -> usize {
        let wanted = Edit::of(self.place, part);
        let made = self.edits.made.iter().chain(self.edits.trial.as_ref());
        made.filter(|edit| **edit == wanted).count()
    }

    pub(super) fn is_removed(self) -> bool {
        self.of(REMOVED) % 2 == 1
    }
}
