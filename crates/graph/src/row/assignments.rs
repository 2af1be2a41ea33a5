//! The assignments of an object, in its observation.

use atlas_domain::inventory::content::{
    assignments_hash, assignments_of, former_assignments_of, has_former_form,
};
use atlas_domain::inventory::link::{LinkSet, LinkSource};
use atlas_domain::inventory::{JsonText, Observation};
use serde_json::Value;

use crate::row::links;

/// All assignments of an object, without secrets.
pub(crate) struct RowAssignments<'a> {
    pub(crate) assignments: &'a [Value],
    /// What versions before would have kept of them, where that may be something else.
    pub(crate) former: Option<&'a [Value]>,
}

/// Puts the assignments into an observation. Returns whether some of their links were left out.
pub(crate) fn set_assignments(
    observation: &mut Observation,
    read: &RowAssignments<'_>,
    dependencies: bool,
) -> bool {
    let assignments = assignments_of(read.assignments);
    let hash = assignments_hash(&assignments);
    observation.assignment_count = Some(i32::try_from(assignments.len()).unwrap_or(i32::MAX));
    observation.assignments_hash = Some(hash);
    if read.former.is_some() || read.assignments.iter().any(has_former_form) {
        let former = former_assignments_of(read.former.unwrap_or(read.assignments));
        observation.former_assignments_hash =
            Some(assignments_hash(&former)).filter(|former| *former != hash);
    }
    let mut cut = false;
    if dependencies {
        let found = links::assignments::of(observation.policy_type, &assignments);
        cut = found.cut;
        let set = LinkSet::new(LinkSource::Assignments, found.links);
        observation.links.push(set);
    }
    observation.assignments = Some(JsonText::of(&assignments));
    cut
}
