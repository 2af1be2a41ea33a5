//! The caller.

pub(super) mod notifications;
pub(super) mod profile;
pub(super) mod stream_tickets;
