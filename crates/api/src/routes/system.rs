//! The installation as a whole, for its operators.

pub(crate) mod queues;
pub(crate) mod workers;
