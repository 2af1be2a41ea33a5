//! The installation as a whole, for its operators.

pub(crate) mod queue_control;
pub(crate) mod queues;
pub(crate) mod workers;
