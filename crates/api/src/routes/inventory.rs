//! What was found in a tenant.

pub(super) mod items;
pub(super) mod summary;
pub(super) mod sync_runs;
