//! The log of events. What happens is written by the transaction that it reports, without a position:
//! an event of a run, or a pending event where no other row says it. Positions are given after commit,
//! by whoever reads next, so that whoever has read up to a position has read all before it
//! (docs/adr/0015-one-event-log.md).
//!
//! | module | subject |
//! | --- | --- |
//! | `cursor` | a place in the log as text |
//! | `numbering` | giving positions to what was committed |
//! | `pages` | the log of a tenant, of a user, or of several, in order |
//! | `of_run` | the events of one run, for as long as the run is kept |

mod cursor;
mod numbering;
mod of_run;
mod pages;

use atlas_domain::ids::{EventId, RunId, TenantId};
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::error::StoreError;

pub(crate) use numbering::lock_log;

pub use cursor::EventCursor;
pub use of_run::{RunEventPage, RunEventPlace, RunEventView};
pub use pages::{EventFilter, EventPage, EventTopics, EventsFrom, FollowedEvent};

/// A place in the log, from which a reader goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventPlace {
    /// Of the last event that was read; 0 is before the first.
    pub position: i64,
    /// Of the numbering that gave the position. Another one has the same position in another history of
    /// the database, as after a restore.
    pub mark: i64,
}

/// An event as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct EventView {
    pub id: EventId,
    /// Where a reader goes on after it.
    pub place: EventPlace,
    /// A word of [`atlas_domain::event::EventType`], or one of a later version.
    pub event_type: String,
    pub occurred_at: DateTime<Utc>,
    pub tenant_id: TenantId,
    /// The run that it is about, if it is about one.
    pub run_id: Option<RunId>,
    /// What the type says of it.
    pub data: Value,
}

/// Why the log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// The place is not of this log: events after it were deleted as too old, or the database was
    /// restored to an earlier state. The reader has to begin anew.
    #[error("the log does not go on from this place")]
    Gone,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[cfg(test)]
pub(crate) fn statements() -> Vec<crate::statement::Info> {
    [numbering::STATEMENTS, of_run::STATEMENTS].concat()
}
