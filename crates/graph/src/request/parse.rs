//! Taking a response body apart.
//!
//! A page's rows are cut out of the body as text first and read one at a time, so that a page of a
//! thousand large policies is never in memory as a tree. What is wrong with one row costs that row.

pub(crate) mod cut;
mod envelope;
mod row;
mod weight;

use std::borrow::Cow;

use atlas_domain::failure::{RowDefect, RowProblem};
use serde::Deserialize;
use serde_json::Value;

pub(crate) use envelope::{open, open_object, without_mark};
pub(crate) use row::{LARGEST_REPAIR, RawRow, Row};

/// Reads an object that was requested by itself. One that cannot be read as it was sent is an error,
/// because it could refer to another object, or to none.
pub(crate) fn object(body: &[u8]) -> Result<Value, &'static str> {
    whole(open_object(body)?).map_err(|_| "it has values that cannot be read as they were sent")
}

/// Passes each row of a page to `take`, one at a time, and returns how many there are. Rows that
/// cannot be read as they were sent are refused with their page, for the reason that [`object`] has.
pub(crate) fn each(body: &[u8], take: &mut impl FnMut(Value)) -> Result<usize, &'static str> {
    let page = open(body)?;
    for row in &page.rows {
        let row = row.read().and_then(whole);
        take(row.map_err(|_| "a row cannot be read as it was sent")?);
    }
    Ok(page.rows.len())
}

/// Whether the tree of this text has room in memory.
pub(crate) fn is_readable(text: &str) -> bool {
    weight::admit(text.as_bytes()).is_ok()
}

/// Passes the elements of a list of JSON to `take`; nothing when it is not readable.
pub(crate) fn with_elements<T>(text: &str, take: impl FnOnce(Vec<Value>) -> T) -> Option<T> {
    let _alone = weight::admit(text.as_bytes()).ok()?;
    serde_json::from_str(text).ok().map(take)
}

fn whole(row: Row) -> Result<Value, RowDefect> {
    row.defect.map_or(Ok(row.value), Err)
}

/// A problem of the row at `place`, from 0.
pub(crate) fn problem(place: usize, id: Option<String>, defect: RowDefect) -> RowProblem {
    RowProblem {
        position: u64::try_from(place).ok().map(|place| place + 1),
        id,
        defect,
    }
}

/// What distinguishes a row from the others of its list: its id, or all of it when it has none.
pub(crate) fn mark<'a>(row: &'a RawRow<'_>) -> Cow<'a, str> {
    #[derive(Deserialize)]
    struct Id<'a> {
        #[serde(borrow)]
        id: Cow<'a, str>,
    }

    serde_json::from_str::<Id<'_>>(row.text()).map_or(Cow::Borrowed(row.text()), |row| row.id)
}

/// Whether an object has a link to the rest of what was expanded on it.
pub(crate) fn leads_on(object: &Value, link: &str) -> bool {
    object
        .get(link)
        .is_some_and(|link| !link.is_null() && link.as_str() != Some(""))
}
