//! Streams of events (server-sent events): of a tenant, of the caller, of a run. The log is what they
//! stream, so that any process continues any of them (docs/adr/0018-streams.md).
//!
//! | module | subject |
//! | --- | --- |
//! | `hub` | who follows what in this process |
//! | `reader` | the one reader of the log and of progress, and the check of the callers' access |
//! | `feed` | what one caller is sent |
//! | `progress` | what has changed since a caller was last shown the progress of a run |
//! | `snapshot` | the state with which a stream begins |
//! | `frame` | messages as they are written |

mod feed;
mod frame;
pub(crate) mod hub;
mod progress;
mod reader;
mod snapshot;

pub(crate) use feed::{Feed, stopping, too_many};
pub(crate) use hub::Topic;
pub(crate) use reader::{Reader, check_access, hear};
