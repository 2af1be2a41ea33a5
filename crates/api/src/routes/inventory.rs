//! What was found in a tenant.

pub(super) mod changes;
pub(super) mod export;
pub(super) mod items;
pub(crate) mod links;
pub(super) mod settings;
pub(super) mod summary;
pub(super) mod sync_runs;
pub(super) mod versions;
