//! Groups of a tenant's directory: stored ones, and those that the directory shows to the caller.

pub(crate) mod list;
pub(crate) mod resolve;
pub(crate) mod search;
