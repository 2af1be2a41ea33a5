//! Cursors of the log of events. One continues every list of events, whatever its filters, and every
//! stream, and webhooks carry it. It is opaque to callers, and no secret: it holds a position of the log.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{EventPlace, RunEventPlace};

/// What a cursor of this shape begins with; those of other lists begin with a number.
const SHAPE: &str = "event";
/// What a cursor begins with that continues with what is older.
const BEFORE: &str = "before_event";

/// Bytes of a cursor that is read at most; those that are made are shorter.
const MAX_LENGTH: usize = 8192;

/// A place from which a list of events continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventCursor(RunEventPlace);

impl EventCursor {
    /// After an event of the log.
    #[must_use]
    pub const fn of_log(place: EventPlace) -> Self {
        Self(RunEventPlace {
            place,
            sequence: None,
        })
    }

    /// After an event of a run, whose list goes on also when the log does not have the event any more.
    #[must_use]
    pub const fn of_run(place: RunEventPlace) -> Self {
        Self(place)
    }

    /// In the log.
    #[must_use]
    pub const fn place(self) -> EventPlace {
        self.0.place
    }

    /// Among the events of a run.
    #[must_use]
    pub const fn run_place(self) -> RunEventPlace {
        self.0
    }

    /// Reads one from a request.
    ///
    /// # Errors
    /// A sentence for the caller.
    pub fn parse(text: &str) -> Result<Self, String> {
        match Self::read(text)? {
            (SHAPE, cursor) => Ok(cursor),
            _ => Err(
                "This cursor continues lists of events that are newest first, and nothing else."
                    .to_owned(),
            ),
        }
    }

    /// Reads one of a list that is newest first.
    ///
    /// # Errors
    /// A sentence for the caller.
    pub fn parse_before(text: &str) -> Result<Self, String> {
        match Self::read(text)? {
            (BEFORE, cursor) => Ok(cursor),
            _ => Err(
                "This cursor continues lists of events that are oldest first, and streams."
                    .to_owned(),
            ),
        }
    }

    /// Its shape, and the place.
    fn read(text: &str) -> Result<(&'static str, Self), String> {
        let refused = || "Not a cursor of a list of events.".to_owned();
        if text.len() > MAX_LENGTH {
            return Err(refused());
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| refused())?;
        let (shape, position, mark, sequence): (String, i64, i64, Option<i32>) =
            serde_json::from_slice(&bytes).map_err(|_| refused())?;
        let shape = [SHAPE, BEFORE].into_iter().find(|known| *known == shape);
        let shape = shape.ok_or_else(refused)?;
        if position < 0 || sequence.is_some_and(|sequence| sequence < 0) {
            return Err(refused());
        }
        let place = RunEventPlace {
            place: EventPlace { position, mark },
            sequence,
        };
        Ok((shape, Self(place)))
    }

    /// The same place, for what is older.
    #[must_use]
    pub fn before(self) -> String {
        self.encode(BEFORE)
    }

    fn encode(self, shape: &str) -> String {
        let RunEventPlace { place, sequence } = self.0;
        let text = serde_json::json!([shape, place.position, place.mark, sequence]).to_string();
        URL_SAFE_NO_PAD.encode(text)
    }
}

impl fmt::Display for EventCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.encode(SHAPE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_the_way_and_garbage_is_refused() {
        let place = EventPlace {
            position: 7,
            mark: i64::MIN,
        };
        let of_run = EventCursor::of_run(RunEventPlace {
            place,
            sequence: Some(3),
        });
        for cursor in [EventCursor::of_log(place), of_run] {
            assert_eq!(EventCursor::parse(&cursor.to_string()), Ok(cursor));
            assert_eq!(EventCursor::parse_before(&cursor.before()), Ok(cursor));
            assert!(EventCursor::parse(&cursor.before()).is_err());
            assert!(EventCursor::parse_before(&cursor.to_string()).is_err());
        }
        let negative = URL_SAFE_NO_PAD.encode(r#"["event",-1,0,null]"#);
        let other = URL_SAFE_NO_PAD.encode(r#"["other",1,0,null]"#);
        for garbage in ["", "x", "WzFd", &"A".repeat(9000), &negative, &other] {
            assert!(EventCursor::parse(garbage).is_err(), "{garbage}");
            assert!(EventCursor::parse_before(garbage).is_err(), "{garbage}");
        }
    }
}
