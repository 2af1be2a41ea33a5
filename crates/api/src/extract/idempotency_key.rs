//! The header `Idempotency-Key`, by which a start that is repeated is recognised.

use std::convert::Infallible;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use atlas_domain::hex::hex;
use atlas_domain::ids::RunId;
use atlas_domain::run::identity::RunIdentity;
use atlas_store::StartKey;
use sha2::{Digest, Sha256};

use crate::problem::{Problem, ProblemKind};

/// The header's name.
const HEADER: &str = "idempotency-key";
/// The longest key, in characters.
pub(crate) const MAX_KEY: usize = 255;

/// The caller's key, which nobody has read yet.
pub(crate) struct IdempotencyKey(HttpRequest);

impl FromRequest for IdempotencyKey {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(request.clone())))
    }
}

impl IdempotencyKey {
    /// The key, if there is one.
    pub(crate) fn read(&self) -> Result<Option<String>, Problem> {
        let mut sent = self.0.headers().get_all(HEADER);
        match (sent.next(), sent.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => {
                let key = value.to_str().ok().and_then(parse);
                key.map(Some).ok_or_else(not_acceptable)
            }
            (Some(_), Some(_)) => Err(not_acceptable()),
        }
    }
}

/// The key of a start. It belongs to what is asked for: this identity, with this priority, as a
/// repetition of this run.
pub(crate) fn start_key(
    key: String,
    identity: &RunIdentity,
    retry_of: Option<RunId>,
    priority: i16,
) -> StartKey {
    let retry_of = retry_of.map(|run| run.to_string()).unwrap_or_default();
    let asked = format!("{identity} {retry_of} {priority}");
    StartKey {
        key,
        request_hash: hex(&Sha256::digest(asked)),
    }
}

/// Printable ASCII; the quotes of a structured field are no part of the key.
fn parse(value: &str) -> Option<String> {
    let value = value.trim();
    let bare = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(value);
    let is_plain = bare
        .bytes()
        .all(|byte| (b' '..=b'~').contains(&byte) && byte != b'"');
    ((1..=MAX_KEY).contains(&bare.len()) && is_plain).then(|| bare.to_owned())
}

/// The header holds no key.
pub(crate) fn not_acceptable() -> Problem {
    Problem::new(
        ProblemKind::IdempotencyKeyInvalid,
        format!("The header Idempotency-Key must be one value of 1 to {MAX_KEY} printable ASCII characters."),
    )
    .with("header", "Idempotency-Key")
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn keys_are_short_and_printable_and_quotes_are_left_off() {
        assert_eq!(parse("a b-7").as_deref(), Some("a b-7"));
        assert_eq!(
            parse(r#""8e03978e-40d5""#).as_deref(),
            Some("8e03978e-40d5")
        );
        assert_eq!(parse(&"k".repeat(255)).unwrap().len(), 255);
        for bad in ["", "  ", r#""""#, "a\"b", "tab\tin it", &"k".repeat(256)] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
