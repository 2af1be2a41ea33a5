//! The JSON around the reads of a batch.

use std::collections::HashMap;

use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::http::Reply;
use crate::upstream::Usage;

/// The answer of one read.
pub(super) struct SubReply {
    /// What it tells about the limit.
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
/// envelope leaves out, tells twice or gives no usable status are `None`.
pub(super) fn read(body: &Bytes, count: usize) -> Result<Vec<Option<SubReply>>, &'static str> {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow)]
        responses: Vec<&'a RawValue>,
    }

    let envelope: Envelope<'_> =
        serde_json::from_slice(body).map_err(|_| "it is not the answer of a batch")?;
    let mut replies: Vec<Option<SubReply>> = Vec::new();
    replies.resize_with(count, || None);
    let mut seen = vec![false; count];
    for raw in envelope.responses {
        let Some((place, reply)) = read_one(body, raw) else {
            continue;
        };
        let Some(told) = seen.get_mut(place) else {
            continue;
        };
        replies[place] = (!*told).then_some(reply).flatten();
        *told = true;
    }
    Ok(replies)
}

/// The place that an answer belongs to, and the answer, if it is one.
fn read_one(body: &Bytes, raw: &RawValue) -> Option<(usize, Option<SubReply>)> {
    #[derive(Deserialize)]
    struct Answer<'a> {
        id: String,
        #[serde(default)]
        status: Option<u16>,
        #[serde(default)]
        headers: Option<HashMap<String, Value>>,
        #[serde(borrow, default)]
        body: Option<&'a RawValue>,
    }

    let answer: Answer<'_> = serde_json::from_str(raw.get()).ok()?;
    let place = answer.id.parse().ok()?;
    let status = answer
        .status
        .and_then(|status| StatusCode::from_u16(status).ok());
    let own = answer
        .body
        .map(|text| body.slice_ref(text.get().as_bytes()))
        .unwrap_or_default();
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
