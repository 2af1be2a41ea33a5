//! The JSON around the reads of a batch.

use std::collections::HashMap;

use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::request::http::Reply;
use crate::request::parse::{cut, without_mark};
use crate::request::refusal::Usage;

/// So many reads fit into one envelope.
pub(crate) const LARGEST: usize = 20;

/// So many answers are looked at: there should be one for each read.
const MOST_ANSWERS: usize = 5 * LARGEST;
/// Longer headers are not looked at: small values need many times their bytes.
const LONGEST_HEADERS: usize = 64 * 1024;

/// The answer of one read.
pub(super) struct SubReply {
    /// What it reports about the limit.
    pub(super) usage: Usage,
    /// A success, or an answer with any other status.
    pub(super) answer: Result<Success, Reply>,
}

/// A success, whose body is a part of the envelope's.
pub(super) struct Success {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Writes the envelope. A read's id is its place, from zero.
pub(super) fn write<'a>(urls: impl Iterator<Item = &'a str>) -> Bytes {
    #[derive(Serialize)]
    struct Read<'a> {
        id: String,
        method: &'static str,
        url: &'a str,
        headers: Headers,
    }

    #[derive(Serialize)]
    struct Headers {
        accept: &'static str,
        prefer: &'static str,
    }

    #[derive(Serialize)]
    struct Envelope<'a> {
        requests: Vec<Read<'a>>,
    }

    let requests = urls
        .enumerate()
        .map(|(place, url)| Read {
            id: place.to_string(),
            method: "GET",
            url,
            // Those of the envelope are not handed on.
            headers: Headers {
                accept: "application/json",
                prefer: "include-unknown-enum-members",
            },
        })
        .collect();
    let text = serde_json::to_vec(&Envelope { requests });
    Bytes::from(text.expect("strings can be written as JSON"))
}

/// Reads the answers of `count` reads and puts them in the order of the reads. Those that the
/// envelope leaves out, answers twice or gives no usable status are `None`. What is wrong with one
/// answer's text costs none of the others.
pub(super) fn read(body: &Bytes, count: usize) -> Result<Vec<Option<SubReply>>, &'static str> {
    let answers = answers(without_mark(body)).ok_or("it is not the answer of a batch")?;
    let mut replies: Vec<Option<SubReply>> = Vec::new();
    replies.resize_with(count, || None);
    let mut seen = vec![false; count];
    for raw in answers {
        let Some((place, reply)) = read_one(body, raw) else {
            continue;
        };
        let Some(answered) = seen.get_mut(place) else {
            continue;
        };
        replies[place] = (!*answered).then_some(reply).flatten();
        *answered = true;
    }
    Ok(replies)
}

/// The answers as they stand in the body.
fn answers(body: &[u8]) -> Option<Vec<&[u8]>> {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow)]
        responses: &'a RawValue,
    }

    if let Ok(Envelope { responses }) = serde_json::from_slice(body) {
        return cut::elements(bytes(responses), MOST_ANSWERS);
    }
    let members = cut::members(body)?;
    let (_, answers) = members.into_iter().find(|(key, _)| *key == b"responses")?;
    cut::elements(answers, MOST_ANSWERS)
}

fn bytes(text: &RawValue) -> &[u8] {
    text.get().as_bytes()
}

/// One answer, whose body is not read yet.
#[derive(Default)]
struct Answer<'a> {
    id: String,
    status: Option<u16>,
    headers: Option<HashMap<String, Value>>,
    body: &'a [u8],
}

impl<'a> Answer<'a> {
    fn read(raw: &'a [u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Whole<'a> {
            id: String,
            #[serde(default)]
            status: Option<u16>,
            #[serde(borrow, default)]
            headers: Option<&'a RawValue>,
            #[serde(borrow, default)]
            body: Option<&'a RawValue>,
        }

        if let Ok(whole) = serde_json::from_slice::<Whole<'a>>(raw) {
            return Some(Self {
                id: whole.id,
                status: whole.status,
                headers: whole.headers.and_then(|text| headers(bytes(text))),
                body: whole.body.map(bytes).unwrap_or_default(),
            });
        }
        let mut answer = Self::default();
        for (key, value) in cut::members(raw)? {
            match key {
                b"id" => answer.id = serde_json::from_slice(value).ok()?,
                b"status" => answer.status = serde_json::from_slice(value).ok()?,
                b"headers" => answer.headers = headers(value),
                b"body" => answer.body = value,
                _ => {}
            }
        }
        Some(answer)
    }
}

fn headers(text: &[u8]) -> Option<HashMap<String, Value>> {
    let text = Some(text).filter(|text| text.len() <= LONGEST_HEADERS)?;
    serde_json::from_slice(text).ok()
}

/// The place that an answer belongs to, and the answer, if it is one.
fn read_one(body: &Bytes, raw: &[u8]) -> Option<(usize, Option<SubReply>)> {
    let answer = Answer::read(raw)?;
    let place = answer.id.parse().ok()?;
    let status = answer
        .status
        .and_then(|status| StatusCode::from_u16(status).ok());
    let own = body.slice_ref(answer.body);
    let headers = header_map(answer.headers.unwrap_or_default());
    let reply = status.map(|status| SubReply {
        usage: Usage::read(&headers),
        answer: if status.is_success() {
            Ok(Success {
                status,
                headers,
                body: own,
            })
        } else {
            Err(Reply {
                status,
                headers,
                body: own.to_vec(),
            })
        },
    });
    Some((place, reply))
}

/// Headers in whatever case they came; what cannot be a header is left out.
fn header_map(headers: HashMap<String, Value>) -> HeaderMap {
    headers
        .into_iter()
        .filter_map(|(name, value)| {
            let text = match value {
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            Some((name, HeaderValue::from_str(&text).ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_wrong_in_one_answer_costs_none_of_the_others() {
        let body = Bytes::from_static(
            b"\xEF\xBB\xBF{\"responses\": [{\"id\": \"1\", \"status\": 200, \"body\": {\"x\": \"\xE9\"}},
                {\"id\": \"0\", \"status\": 200, \"headers\": {\"request-id\": \"a\"}, \"body\": {\"y\": 1}},
                {\"id\": \"2\", \"status\": 200, \"body\": {\"z\": NaN}}, 7]}",
        );
        let replies = read(&body, 4).unwrap();
        let bodies: Vec<_> = replies
            .iter()
            .map(|reply| match reply.as_ref().map(|reply| &reply.answer) {
                Some(Ok(success)) => Some(&success.body[..]),
                _ => None,
            })
            .collect();
        assert_eq!(
            bodies,
            [
                Some(&b"{\"y\": 1}"[..]),
                Some(b"{\"x\": \"\xE9\"}"),
                Some(b"{\"z\": NaN}"),
                None
            ]
        );
    }

    #[test]
    fn what_is_cut_off_is_no_answer_of_a_batch() {
        for body in [
            "",
            "{}",
            "{\"responses\": null}",
            "{\"responses\": [{\"id\": \"0\"",
        ] {
            assert!(
                read(&Bytes::from_static(body.as_bytes()), 1).is_err(),
                "{body}"
            );
        }
    }
}
