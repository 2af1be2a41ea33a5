//! The worker: claims runs, reads tenants from Microsoft Graph, and sweeps.
//!
//! A process has a number of slots. A message from Redis, or a sweep, makes a free slot look: it
//! claims due runs from PostgreSQL, in PostgreSQL's order, until none is due. Each run is executed
//! under a lease that a heartbeat renews; whatever it writes is refused once the lease is somebody
//! else's. Any number of processes may do this side by side.

mod announcements;
pub mod dispatcher;
pub mod execution;
pub mod graph_traffic;
pub mod health;
pub mod interrupt;
pub mod keys;
mod last_reason;
pub mod observation;
pub mod options;
pub mod presence;
pub mod process;
pub mod progress;
pub mod redis_state;
mod schedules;
pub mod service;
pub mod services;
pub mod sign_in;
pub mod sweeps;
pub mod turns;
mod wait;
pub mod webhooks;
