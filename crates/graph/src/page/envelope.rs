//! What stands around the rows of a page.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

use super::cut;
use super::row::{RawRow, Row};
use crate::request::ERROR_IN_SUCCESS;

const NO_PAGE: &str = "it is not a page of JSON";

/// A page whose rows are not read yet.
#[derive(Debug)]
pub(crate) struct Envelope<'a> {
    pub(crate) rows: Vec<RawRow<'a>>,
    /// Leads to the next page. An empty link is none: some services end their lists with one.
    pub(crate) next: Option<String>,
    /// Leads to later changes.
    pub(crate) delta_link: Option<String>,
}

/// Opens the body of a page. Every page of a list goes through here.
///
/// A byte order mark is passed over. Text that is not Unicode, or not JSON, costs the row that it
/// stands in and no other. A body that reports an error is refused, also when there are rows beside
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
    let link = |link: Option<Cow<'_, str>>| link.map(Cow::into_owned).filter(|one| !one.is_empty());
    Ok(Envelope {
        rows: page.rows.ok_or(NO_PAGE)?,
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
        _ => Ok(row),
    }
}

/// The body without the byte order mark that may stand before it.
pub(crate) fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body)
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
    let rows: Option<Vec<&'a RawValue>> = Deserialize::deserialize(from)?;
    Ok(rows.map(|rows| rows.into_iter().map(RawRow::from).collect()))
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
                    let rows = cut::elements(value)?;
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
