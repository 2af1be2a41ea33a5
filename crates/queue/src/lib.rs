//! Redis, through apalis-redis: the doorbell of the workers, never the queue.
//!
//! A message says "look, perhaps at this run". PostgreSQL holds the runs and decides who gets them;
//! Redis may lose a message, deliver it twice, late or never, and it costs only time. This is the
//! only crate that knows apalis-redis, and it leans on little of it: what it does lean on is held
//! by the tests in `tests/queue`, because release 1.0.0 has traps (each is named where it is
//! avoided).

mod config;
mod doorbell;
mod listener;
mod mend;
mod message;
mod tick;

pub use config::{QueueOptions, QueueSetupError};
pub use doorbell::{Doorbell, RingError, Rung};
pub use listener::{Listener, ListenerError, ListenerOptions};
pub use message::Message;
