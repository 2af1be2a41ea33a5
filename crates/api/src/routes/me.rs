//! The caller.

pub(super) mod notifications;
pub(super) mod profile;
