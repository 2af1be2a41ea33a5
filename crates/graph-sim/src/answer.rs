//! An answer before it is put on the wire.

use std::time::{Duration, SystemTime};

use actix_web::http::header::HttpDate;
use serde_json::Value;

use crate::retry_after::RetryAfter;

/// What Graph calls its JSON.
const GRAPH_JSON: &str = "application/json;odata.metadata=minimal;odata.streaming=true;\
                          IEEE754Compatible=false;charset=utf-8";

/// Random bits, for tokens and request ids. They are not from the seed: two runs differ in them.
#[allow(
    clippy::disallowed_methods,
    reason = "tokens and request ids do not decide what tenants hold"
)]
pub(crate) fn random_bits() -> u128 {
    rand::random()
}

/// A random GUID, made of [`random_bits`].
pub(crate) fn random_guid() -> String {
    uuid::Builder::from_random_bytes(random_bits().to_be_bytes())
        .into_uuid()
        .to_string()
}

/// The ids that tie a request to its answer.
#[derive(Debug, Clone)]
pub(crate) struct Ids {
    pub(crate) request: String,
    pub(crate) client_request: Option<String>,
}

/// How the body goes out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// At once and whole.
    #[default]
    Whole,
    /// The connection ends in the middle of the body.
    Reset,
    /// The beginning of a page, and then row after row until the caller hangs up.
    Endless,
    /// In so many pieces with a pause before each.
    Slow { pieces: usize, pause: Duration },
}

/// An answer before it is put on the wire.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// How many rows were read for it; latency grows with them.
    pub(crate) rows: usize,
    pub(crate) delivery: Delivery,
    /// The body is JSON that strict programs refuse; in a batch it stands as it is all the same.
    pub(crate) verbatim: bool,
    /// How long the answer asked the caller to wait, whether or not the caller can see it.
    pub(crate) wait: Option<Duration>,
}

impl Answer {
    pub(crate) fn new(status: u16, content_type: &'static str, body: Vec<u8>) -> Self {
        Self {
            status,
            body,
            content_type,
            headers: Vec::new(),
            rows: 0,
            delivery: Delivery::Whole,
            verbatim: false,
            wait: None,
        }
    }

    /// JSON as Graph sends it.
    pub(crate) fn graph_json(status: u16, body: &Value) -> Self {
        Self::new(status, GRAPH_JSON, body.to_string().into_bytes())
    }

    /// JSON as others send it.
    pub(crate) fn plain_json(status: u16, body: &Value) -> Self {
        Self::new(
            status,
            "application/json; charset=utf-8",
            body.to_string().into_bytes(),
        )
    }

    pub(crate) fn retry_after(mut self, wait: RetryAfter) -> Self {
        self.wait = wait.length();
        let value = match wait {
            RetryAfter::Absent | RetryAfter::InMessage(_) => return self,
            RetryAfter::Seconds(seconds) => seconds.to_string(),
            RetryAfter::Decimal(seconds) => format!("{seconds:.3}"),
            RetryAfter::HttpDate(seconds) => {
                let date = SystemTime::now() + Duration::from_secs(u64::from(seconds));
                HttpDate::from(date).to_string()
            }
        };
        self.headers.push(("Retry-After", value));
        self
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(one, _)| *one == name)
            .map(|(_, value)| value.as_str())
    }
}
