//! JSON on its way into the database, as the text that it is.

use std::borrow::Cow;
use std::error::Error;

use atlas_domain::inventory::JsonText;
use bytes::{BufMut as _, BytesMut};
use tokio_postgres::types::{IsNull, ToSql, Type, accepts, to_sql_checked};

/// How JSON writes the character NUL, which PostgreSQL's `jsonb` cannot hold.
const NUL: &str = r"\u0000";
/// What stands in its place: the replacement character.
const REPLACEMENT: &str = r"\ufffd";

/// The version of the format in which `jsonb` is received (PostgreSQL, `jsonb_recv`).
const FORMAT: u8 = 1;

/// JSON that `jsonb` can hold, sent without being taken apart.
#[derive(Debug)]
pub(super) struct StoredJson<'a>(Cow<'a, str>);

impl<'a> StoredJson<'a> {
    pub(super) fn of(json: &'a JsonText) -> Self {
        Self(without_nul(json.as_str()))
    }
}

impl ToSql for StoredJson<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_u8(FORMAT);
        out.put_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    accepts!(JSONB);

    to_sql_checked!();
}

/// A backslash begins an escape of at least two characters, so that one that is written for itself
/// is never taken for the beginning of another.
fn without_nul(json: &str) -> Cow<'_, str> {
    if !json.contains(NUL) {
        return Cow::Borrowed(json);
    }
    let mut text = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        text.push_str(before);
        let taken = if escape.starts_with(NUL) {
            text.push_str(REPLACEMENT);
            NUL.len()
        } else {
            let second = escape.chars().nth(1).map_or(0, char::len_utf8);
            text.push_str(&escape[..1 + second]);
            1 + second
        };
        rest = &escape[taken..];
    }
    text.push_str(rest);
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    proptest! {
        #[test]
        fn every_nul_is_replaced_and_nothing_else(name in "[\\\\a0u\u{0}\u{1F600}\"]{0,12}",
            text in "[\\\\a0u\u{0}\u{1F600}\"]{0,12}") {
            let value = |replace: &dyn Fn(&str) -> String| json!({replace(&name): [replace(&text)]});
            let written = JsonText::of(&value(&str::to_owned));
            let stored: Value = serde_json::from_str(&StoredJson::of(&written).0).unwrap();
            let expected = value(&|text: &str| text.replace('\0', "\u{fffd}"));
            prop_assert_eq!(stored, expected);
        }
    }
}
