//! Runs of every kind. The database alone answers: neither Redis nor Microsoft Graph is asked.

pub(super) mod active;
pub(super) mod detail;
pub(super) mod list;
pub(super) mod results;
