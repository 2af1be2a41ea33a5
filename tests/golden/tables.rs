//! Scenarios, and the tables after them.

mod administration;
mod lifecycle;
mod syncs;
mod troubles;

pub(crate) use lifecycle::every_transition;
