//! Messages of a stream as they are written (HTML, section 9.2).

use std::fmt::Write as _;
use std::time::Duration;

use actix_web::web::Bytes;
use serde::Serialize;
use serde_json::json;

/// What keeps a connection open over which nothing is sent.
pub(crate) const HEARTBEAT: Bytes = Bytes::from_static(b":\n\n");

/// Why a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EndReason {
    /// The process stops; another one continues the stream.
    Shutdown,
    /// The caller's token is not valid any more, or the caller left the tenant.
    AccessEnded,
    /// The run has ended, and everything about it was sent.
    RunEnded,
    /// The database does not answer.
    Unavailable,
}

/// A message.
#[derive(Debug, Default)]
pub(crate) struct Frame(String);

impl Frame {
    /// A message with a name. Events of the log have none.
    pub(crate) fn named(name: &str) -> Self {
        Self(format!("event: {name}\n"))
    }

    /// The same message, after which the stream continues from here.
    pub(crate) fn id(mut self, cursor: impl std::fmt::Display) -> Self {
        let _ = writeln!(self.0, "id: {cursor}");
        self
    }

    /// The same message, with how long to wait before connecting again.
    pub(crate) fn retry(mut self, pause: Duration) -> Self {
        let _ = writeln!(self.0, "retry: {}", pause.as_millis());
        self
    }

    /// The message with its data. JSON has no line ends outside of texts, where they are escaped.
    pub(crate) fn data(mut self, data: &impl Serialize) -> serde_json::Result<Bytes> {
        let data = serde_json::to_string(data)?;
        let _ = write!(self.0, "data: {data}\n\n");
        Ok(self.0.into())
    }

    /// The last message of a stream.
    pub(crate) fn end(reason: EndReason, retry: Duration) -> Bytes {
        let frame = Self::named("end").retry(retry);
        frame.data(&json!({ "reason": reason })).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_a_block_of_lines_and_text_cannot_break_out_of_it() {
        let frame = Frame::named("snapshot")
            .id("abc")
            .retry(Duration::from_secs(3));
        let written = frame.data(&json!({"a": "one\n\ndata: two\r"})).unwrap();
        assert_eq!(
            written,
            "event: snapshot\nid: abc\nretry: 3000\ndata: {\"a\":\"one\\n\\ndata: two\\r\"}\n\n"
        );
        let end = Frame::end(EndReason::AccessEnded, Duration::from_millis(5));
        assert_eq!(
            end,
            "event: end\nretry: 5\ndata: {\"reason\":\"access_ended\"}\n\n"
        );
    }
}
