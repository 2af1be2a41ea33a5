//! What is known of a row before it is read.

use crate::known_values::KnownValues;

/// Where a row stood.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RowContext<'a> {
    /// Whether the list was asked to carry assignments.
    pub(crate) with_assignments: bool,
    /// Whether the list was asked to carry settings.
    pub(crate) with_settings: bool,
    /// Objects whose values are stored.
    pub(crate) known: Option<&'a KnownValues>,
    /// The id of the object that it stood under.
    pub(crate) parent: Option<&'a str>,
}
