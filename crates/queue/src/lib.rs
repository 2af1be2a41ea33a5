//! Redis, through apalis-redis: the doorbell of the workers, never the queue.
//!
//! A message says "look, perhaps at this run". PostgreSQL holds the runs and decides who gets them;
//! Redis may lose a message, deliver it twice, late or never, and it costs only time. This is the
//! only crate that knows apalis-redis, and it uses little of it. The tests in `tests/queue` check the
//! behaviour that it relies on, because release 1.0.0 has defects (each is named where it is
//! avoided).

mod config;
mod doorbell;
mod examination;
mod fault;
mod link;
mod listener;
mod mend;
mod message;
mod notices;
mod tick;

pub use config::{QueueOptions, QueueSetupError};
pub use doorbell::{Doorbell, Rung};
pub use examination::{ExaminationError, examine};
pub use fault::{RedisFault, RedisFaultKind};
pub use listener::{Listener, ListenerError, ListenerFaults, ListenerOptions};
pub use message::Message;
