//! Reading as much of an answer as the delivery log keeps.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use reqwest::Response;
use reqwest::header::{CONTENT_ENCODING, RETRY_AFTER};

use crate::attempt::Answer;

/// Most bytes of [`Answer::excerpt`].
const EXCERPT_BYTES: usize = 1024;

/// Reads the answer to a delivery of the moment `at`. Of the body at most `max_bytes` are read, and
/// one chunk.
pub(super) async fn read(response: Response, max_bytes: usize, at: DateTime<Utc>) -> Answer {
    let status = response.status().as_u16();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| retry_after(value.to_str().ok()?, at));
    let is_compressed = response.headers().contains_key(CONTENT_ENCODING);
    let start = start_of_body(response, max_bytes).await;
    let excerpt = if is_compressed {
        String::new()
    } else {
        excerpt(&start)
    };
    Answer {
        status,
        retry_after,
        excerpt,
    }
}

/// Reads the body, so that its connection can be used again, unless it is too long; keeps its start.
/// A body that breaks off or does not end in time is no failure: the status has come.
async fn start_of_body(mut response: Response, max_bytes: usize) -> Vec<u8> {
    let mut start = Vec::new();
    let mut read = 0;
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = EXCERPT_BYTES - start.len();
        start.extend_from_slice(&chunk[..chunk.len().min(room)]);
        read += chunk.len();
        if read > max_bytes {
            break;
        }
    }
    start
}

/// The start of a body as one line of text.
fn excerpt(start: &[u8]) -> String {
    let text = String::from_utf8_lossy(start);
    let mut line: String = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !changes_direction(*c))
        .collect();
    // What replaces invalid bytes is longer than they are.
    line.truncate(line.floor_char_boundary(EXCERPT_BYTES));
    line
}

/// Whether the character makes a text read otherwise than it is written (UAX 9, "Explicit directional
/// formatting characters").
const fn changes_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Reads `Retry-After`: seconds, or a date of RFC 9110 section 5.6.7, counted from `now`. A moment
/// that has passed is zero; anything else is `None`.
fn retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let moment = httpdate::parse_http_date(text).ok()?;
    let wait = moment.duration_since(SystemTime::from(now));
    Some(wait.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_excerpt_is_one_line_without_what_a_terminal_or_a_database_trips_over() {
        for (body, line) in [
            ("ok", "ok"),
            ("{\n\t\"a\": 1\r\n}", "{  \"a\": 1  }"),
            ("a\0b\u{1b}[31mc\u{7f}\u{9b}d", "ab[31mcd"),
            ("a\u{202e}b\u{2066}c\u{200f}", "abc"),
            ("größer €", "größer €"),
        ] {
            assert_eq!(excerpt(body.as_bytes()), line);
        }
        assert_eq!(excerpt(b"a\xffb"), "a\u{fffd}b");
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let now = DateTime::parse_from_rfc3339("1994-11-06T08:49:30Z").unwrap();
        let read = |text| retry_after(text, now.to_utc());
        for (text, seconds) in [
            ("0", 0),
            ("120", 120),
            ("18446744073709551615", u64::MAX),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 7),
            ("Sunday, 06-Nov-94 08:49:37 GMT", 7),
            ("Sun Nov  6 08:49:37 1994", 7),
            ("Sun, 06 Nov 1994 08:00:00 GMT", 0),
        ] {
            assert_eq!(read(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "-1", "1.5", "soon", "18446744073709551616"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_body_has_an_excerpt_of_limited_length(
            body in proptest::collection::vec(any::<u8>(), 0..=EXCERPT_BYTES),
        ) {
            let line = excerpt(&body);
            prop_assert!(line.len() <= EXCERPT_BYTES);
            prop_assert!(!line.chars().any(char::is_control));
        }
    }
}
