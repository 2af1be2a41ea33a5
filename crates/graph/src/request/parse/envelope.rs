//! What stands around the rows of a page.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::cut;
use super::row::{RawRow, Row};
use crate::error::ERROR_IN_SUCCESS;

const NO_PAGE: &str = "it is not a page of JSON";
const NOTHING: &str = "it is an object that says nothing";
const TOO_MANY_ROWS: &str = "it has more rows than a page can have";

/// Services send a thousand rows at most. What has a hundred times as many is no page, and would need
/// more memory than its bytes.
const MOST_ROWS: usize = 100_000;

/// A page whose rows are not read yet.
#[derive(Debug)]
pub(crate) struct Envelope<'a> {
    pub(crate) rows: Vec<RawRow<'a>>,
    /// Leads to the next page. An empty link is none: some services end their lists with one.
    pub(crate) next: Option<String>,
    /// Leads to later changes.
    pub(crate) delta_link: Option<String>,
}

/// The body without the byte order mark that may stand before it: it is no JSON.
pub(crate) fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body)
}

/// Opens the body of a page. Every page of a list goes through here.
///
/// A byte order mark is passed over. Text that is not Unicode, or not JSON, damages the row that
/// it is in and no other. A body that reports an error is refused, also when there are rows beside
/// it: those may be the first of many.
///
/// # Errors
/// What is wrong with the body, in a few fixed words.
pub(crate) fn open(body: &[u8]) -> Result<Envelope<'_>, &'static str> {
    let body = without_mark(body);
    let page = serde_json::from_slice(body)
        .ok()
        .or_else(|| Page::cut(body))
        .ok_or(NO_PAGE)?;
    if page.error.is_some() {
        return Err(ERROR_IN_SUCCESS);
    }
    let rows = page.rows.ok_or(NO_PAGE)?;
    if rows.len() > MOST_ROWS {
        return Err(TOO_MANY_ROWS);
    }
    let link = |link: Option<Cow<'_, str>>| link.map(Cow::into_owned).filter(|one| !one.is_empty());
    Ok(Envelope {
        rows,
        next: link(page.next),
        delta_link: link(page.delta_link),
    })
}

/// Reads the body of one object.
///
/// # Errors
/// What is wrong with the body, in a few fixed words.
pub(crate) fn open_object(body: &[u8]) -> Result<Row, &'static str> {
    let row = RawRow::of(without_mark(body)).read();
    let row = row.map_err(|_| "it is not an object of JSON")?;
    // An object may have a property of this name; Graph's errors have at least one of these two.
    match row.value.get("error") {
        Some(Value::Object(error))
            if ["code", "message"].iter().any(|n| error.contains_key(*n)) =>
        {
            Err(ERROR_IN_SUCCESS)
        }
        _ if says_nothing(&row.value) => Err(NOTHING),
        _ => Ok(row),
    }
}

/// Whether an object has no member of its own: annotations, an empty list, or what proxies and
/// services put around an error in forms of their own.
fn says_nothing(object: &Value) -> bool {
    const ERRORS: [&str; 5] = ["error", "odata.error", "message", "code", "innererror"];
    object.as_object().is_some_and(|members| {
        members.iter().all(|(name, value)| {
            name.contains('@')
                || ERRORS.contains(&name.to_ascii_lowercase().as_str())
                || name == "value" && value.as_array().is_some_and(Vec::is_empty)
        })
    })
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow, default, rename = "value", deserialize_with = "rows")]
    rows: Option<Vec<RawRow<'a>>>,
    #[serde(borrow, default, rename = "@odata.nextLink")]
    next: Option<Cow<'a, str>>,
    #[serde(borrow, default, rename = "@odata.deltaLink")]
    delta_link: Option<Cow<'a, str>>,
    #[serde(default)]
    error: Option<IgnoredAny>,
}

fn rows<'de: 'a, 'a, D: serde::Deserializer<'de>>(
    from: D,
) -> Result<Option<Vec<RawRow<'a>>>, D::Error> {
    struct Rows;

    impl<'de> Visitor<'de> for Rows {
        type Value = Option<Vec<RawRow<'de>>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("rows")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Self::Value, A::Error> {
            let mut rows = Vec::new();
            while let Some(row) = all.next_element::<&'de RawValue>()? {
                // One more than there may be says that there are too many.
                if rows.len() <= MOST_ROWS {
                    rows.push(RawRow::from(row));
                }
            }
            Ok(Some(rows))
        }
    }

    from.deserialize_any(Rows)
}

impl<'a> Page<'a> {
    /// Cuts a body that serde refuses.
    fn cut(body: &'a [u8]) -> Option<Self> {
        let mut page = Self {
            rows: None,
            next: None,
            delta_link: None,
            error: None,
        };
        for (key, value) in cut::members(body)? {
            match key {
                b"value" if page.rows.is_some() => return None,
                b"value" => {
                    let rows = cut::elements(value, MOST_ROWS + 1)?;
                    page.rows = Some(rows.into_iter().map(RawRow::of).collect());
                }
                b"@odata.nextLink" => page.next = serde_json::from_slice(value).ok()?,
                b"@odata.deltaLink" => page.delta_link = serde_json::from_slice(value).ok()?,
                b"error" if value != b"null" => page.error = Some(IgnoredAny),
                _ => {}
            }
        }
        Some(page)
    }
}
