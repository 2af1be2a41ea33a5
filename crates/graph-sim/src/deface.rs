//! Finished answers, made worse.

mod rows;

use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::answer::{Answer, Delivery, Ids};
use crate::faults::Effect;
use crate::graph::errors;

/// The most that is compressed, in bytes.
const MOST_BLANKS: usize = 1024 * 1024 * 1024;
/// The bytes of U+FEFF.
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];
/// Names of the members that hold a body's rows: those of lists and of batches.
const ROWS: [&str; 2] = ["value", "responses"];
const LINKS: [&str; 2] = ["@odata.nextLink", "@odata.deltaLink"];

/// Does to an answer what an effect says that asks for no other answer.
pub(crate) fn deface(mut answer: Answer, effect: Option<&Effect>, ids: &Ids) -> Answer {
    let Some(effect) = effect else { return answer };
    if answer.status == 200
        && let Ok(mut body) = serde_json::from_slice::<Value>(&answer.body)
        && (change(&mut body, effect, ids) || rows::spoil(&mut body, effect))
    {
        answer.body = body.to_string().into_bytes();
        answer.verbatim = rows::spoil_text(&mut answer.body, effect);
    }
    match effect {
        Effect::TruncatedJson => answer.body.truncate(answer.body.len() / 2),
        Effect::ConnectionReset => answer.delivery = Delivery::Reset,
        Effect::WrongContentType => answer.content_type = "text/plain; charset=utf-8",
        Effect::ByteOrderMark => {
            answer.body.splice(0..0, BYTE_ORDER_MARK);
        }
        Effect::Gzip | Effect::DamagedGzip => {
            if let Some(mut compressed) = compress(&answer.body) {
                if *effect == Effect::DamagedGzip {
                    damage(&mut compressed);
                }
                answer.body = compressed;
                answer.headers.push(("Content-Encoding", "gzip".to_owned()));
            }
        }
        Effect::SlowBody {
            pieces,
            milliseconds,
        } => {
            answer.delivery = Delivery::Slow {
                pieces: *pieces,
                pause: Duration::from_millis(*milliseconds),
            };
        }
        _ => {}
    }
    answer
}

/// Turns over all bits from the middle on.
fn damage(compressed: &mut [u8]) {
    let middle = compressed.len() / 2;
    compressed[middle..]
        .iter_mut()
        .for_each(|byte| *byte = !*byte);
}

/// So many blanks, compressed; of the same size as before, without the work.
pub(crate) fn compressed_blanks(bytes: usize) -> Vec<u8> {
    static LAST: Mutex<(usize, Vec<u8>)> = Mutex::new((0, Vec::new()));
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if last.0 != bytes {
        *last = (bytes, compress_blanks(bytes));
    }
    last.1.clone()
}

fn compress_blanks(bytes: usize) -> Vec<u8> {
    let blanks = [b' '; 64 * 1024];
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let mut left = bytes.min(MOST_BLANKS);
    while left > 0 {
        let piece = &blanks[..left.min(blanks.len())];
        if encoder.write_all(piece).is_err() {
            break;
        }
        left -= piece.len();
    }
    encoder.finish().unwrap_or_default()
}

fn compress(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

/// Changes what is not one row's. Returns whether the effect is one of those.
fn change(body: &mut Value, effect: &Effect, ids: &Ids) -> bool {
    match effect {
        Effect::InStreamError { rows } => break_off(body, *rows, ids),
        Effect::EmptyNextLink => {
            if body["value"].is_array() && body.get(LINKS[0]).is_none() {
                body[LINKS[0]] = json!("");
            }
        }
        Effect::ObjectWithoutId => {
            if let Value::Object(members) = body
                && !ROWS.iter().any(|name| members.contains_key(*name))
            {
                members.remove("id");
            }
        }
        Effect::LifetimeAsText => {
            if let Some(seconds) = body.get("expires_in").and_then(Value::as_u64) {
                body["expires_in"] = json!(seconds.to_string());
            }
        }
        Effect::OtherCase => capitalise(body),
        _ => return false,
    }
    true
}

/// Leaves the first rows, if there are rows, and puts an error beside them.
fn break_off(body: &mut Value, most: usize, ids: &Ids) {
    let Value::Object(members) = body else { return };
    for name in ROWS {
        if let Some(Value::Array(rows)) = members.get_mut(name) {
            rows.truncate(most);
        }
    }
    for link in LINKS {
        members.remove(link);
    }
    let failed = serde_json::from_slice(&errors::failed_in_stream(ids).body);
    if let Ok(Value::Object(error)) = failed {
        members.extend(error);
    }
}

/// Puts GUIDs in upper case, alone and as parts of ids, but for those in links and in sentences.
fn capitalise(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some(capitals) = with_capitals(text) {
                *text = capitals;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(capitalise),
        Value::Object(members) => members
            .iter_mut()
            .filter(|(name, _)| !name.contains('@'))
            .for_each(|(_, value)| capitalise(value)),
        _ => {}
    }
}

/// The text with its GUIDs in upper case, if it has some and is no sentence.
fn with_capitals(text: &str) -> Option<String> {
    const LENGTH: usize = 36;
    if text.contains(char::is_whitespace) {
        return None;
    }
    let mut capitals = text.to_owned();
    let (mut at, mut found) = (0, false);
    while let Some(rest) = text.get(at..) {
        if rest.len() < LENGTH {
            break;
        }
        let guid = rest
            .get(..LENGTH)
            .filter(|part| uuid::Uuid::try_parse(part).is_ok());
        if let Some(guid) = guid {
            capitals.replace_range(at..at + LENGTH, &guid.to_ascii_uppercase());
            found = true;
            at += LENGTH;
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    found.then_some(capitals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_are_found_inside_of_other_text() {
        let guid = "abcdefab-2222-4333-8444-555555555555";
        let capitals = guid.to_ascii_uppercase();
        assert_eq!(
            with_capitals(&format!("T_{guid}_{guid}é")),
            Some(format!("T_{capitals}_{capitals}é"))
        );
        assert_eq!(with_capitals("é_abcdefab-2222-4333-8444-55555555555"), None);
        assert_eq!(with_capitals(&format!("see {guid}")), None);
        assert_eq!(with_capitals(""), None);
    }
}
