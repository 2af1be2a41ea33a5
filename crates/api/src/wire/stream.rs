//! What streams begin with, and tickets for them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::example::{Example, moment};
use crate::wire::event::{Event, example_cursor};
use crate::wire::run::{OperationRun, Status};

/// The ticket of the document's examples.
pub(crate) const EXAMPLE_TICKET: &str = "tst_7Hq2mVx9LrT4wKp1ZsNc8YbDfGjE3aU0aB1c";

/// The state with which a stream begins.
#[derive(Debug, Serialize)]
pub(crate) struct StreamSnapshot {
    /// The active runs of the stream or, of a run, the run itself. Without `selection`.
    pub(crate) operation_runs: Vec<OperationRun>,
    /// Whether there are more active runs than that.
    pub(crate) has_more: bool,
    /// Of the caller's stream: number of unread notifications, at most 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unread_notifications: Option<i64>,
}

/// A ticket for a stream.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StreamTicket {
    /// The ticket: send it as `ticket` in the query of a stream, once.
    #[schema(max_length = 64, pattern = "^tst_[0-9A-Za-z]{36}$")]
    pub(crate) ticket: String,
    /// When it stops being valid.
    pub(crate) expires_at: DateTime<Utc>,
}

impl StreamSnapshot {
    /// Whether all of its runs have ended.
    pub(crate) fn is_complete(&self) -> bool {
        let mut runs = self.operation_runs.iter();
        runs.all(|run| run.status == Status::Completed)
    }
}

/// The beginning of a stream.
pub(crate) fn example() -> String {
    let event = json!(Event::example());
    let cursor = example_cursor();
    format!(
        "event: snapshot\nid: {cursor}\nretry: 3000\n\
         data: {{\"operation_runs\":[],\"has_more\":false}}\n\nid: {cursor}\ndata: {event}\n\n"
    )
}

impl Example for StreamTicket {
    fn example() -> Self {
        Self {
            ticket: EXAMPLE_TICKET.to_owned(),
            expires_at: moment(),
        }
    }
}
