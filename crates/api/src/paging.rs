//! Lists in pages. A cursor names the last row of a page or the first one by its sort key and id, so that
//! rows that come or go meanwhile neither repeat nor hide others.

use std::str::FromStr;

use actix_web::http::header;
use atlas_domain::inventory::link::LinkTarget;
use atlas_store::{GroupPlace, PageRequest, Place};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use sha2::{Digest, Sha256};
use url::form_urlencoded;
use utoipa::ToSchema;

use crate::answer::Answer;
use crate::example::{self, Example};
use crate::extract::query::{QueryReader, moment};
use crate::links::Links;
use crate::problem::{Problem, ProblemKind};

/// Rows on a page unless asked otherwise.
pub(crate) const DEFAULT_LIMIT: u16 = 50;
/// Rows on a page at most.
pub(crate) const MAX_LIMIT: u16 = 200;
/// The longest cursor that is read, in bytes.
pub(crate) const MAX_CURSOR: usize = 8192;
/// What a cursor begins with whose page is after the row.
const AFTER: u8 = 1;
/// What a cursor begins with whose page is before the row.
const BEFORE: u8 = 2;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The entries, in the list's order.
    #[schema(max_items = 200)]
    pub(crate) items: Vec<T>,
    /// Cursor of the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 8192, pattern = "^[A-Za-z0-9_-]+$")]
    pub(crate) next_cursor: Option<String>,
    /// Cursor of the previous page. Absent on the first page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 8192, pattern = "^[A-Za-z0-9_-]+$")]
    pub(crate) previous_cursor: Option<String>,
}

impl<T: Example> Example for Page<T> {
    fn example() -> Self {
        Self::of(T::example())
    }
}

impl<T> Page<T> {
    /// An example: a page with one entry, and more to come.
    pub(crate) fn of(entry: T) -> Self {
        Self {
            items: vec![entry],
            next_cursor: Some(example::CURSOR.to_owned()),
            previous_cursor: None,
        }
    }
}

/// A value that a list is sorted by.
pub(crate) trait SortKey: Sized {
    fn to_text(&self) -> String;
    fn from_text(text: &str) -> Option<Self>;
}

impl SortKey for String {
    fn to_text(&self) -> String {
        self.clone()
    }

    fn from_text(text: &str) -> Option<Self> {
        (!text.contains('\0')).then(|| text.to_owned())
    }
}

/// Of a list that is sorted by id alone.
impl SortKey for () {
    fn to_text(&self) -> String {
        String::new()
    }

    fn from_text(text: &str) -> Option<Self> {
        text.is_empty().then_some(())
    }
}

impl SortKey for GroupPlace {
    fn to_text(&self) -> String {
        format!("{} {}", self.rank, self.name_key)
    }

    fn from_text(text: &str) -> Option<Self> {
        let (rank, name_key) = text.split_once(' ')?;
        Some(Self {
            rank: rank.parse().ok().filter(|rank| (0..=2).contains(rank))?,
            name_key: String::from_text(name_key)?,
        })
    }
}

impl SortKey for LinkTarget {
    fn to_text(&self) -> String {
        format!("{} {}", self.kind, self.id)
    }

    fn from_text(text: &str) -> Option<Self> {
        let (kind, id) = text.split_once(' ')?;
        Some(Self {
            kind: kind.parse().ok()?,
            id: String::from_text(id)?,
        })
    }
}

impl SortKey for DateTime<Utc> {
    fn to_text(&self) -> String {
        // PostgreSQL keeps microseconds.
        self.to_rfc3339_opts(SecondsFormat::Micros, true)
    }

    fn from_text(text: &str) -> Option<Self> {
        moment(text).ok()
    }
}

/// Which page of which list is asked for.
pub(crate) struct Paging<S, I> {
    limit: u16,
    place: Place<(S, I)>,
    fingerprint: String,
    path: String,
    pairs: Vec<(String, String)>,
}

impl<S: SortKey + Clone, I: FromStr + ToString + Copy> Paging<S, I> {
    /// Reads `limit` and `cursor`; what is wrong with them is noted in the reader.
    pub(crate) fn read(query: &mut QueryReader) -> Self {
        let limit = read_limit(query);
        let fingerprint = fingerprint(query);
        let cursor = query.one("cursor", |text| {
            decode(text).ok_or_else(|| "Not a cursor of this API.".to_owned())
        });
        let place = match cursor {
            Some((of, place)) if of == fingerprint => place,
            Some(_) => {
                query.refuse_with(cursor_mismatch());
                Place::First
            }
            None => Place::First,
        };
        Self {
            limit: limit.unwrap_or(DEFAULT_LIMIT),
            place,
            fingerprint,
            path: query.path().to_owned(),
            pairs: query.pairs().to_vec(),
        }
    }

    /// What to ask the store for: one row more than is shown reveals whether there is another page in the
    /// direction in which this one is read.
    pub(crate) fn request(&self) -> PageRequest<(S, I)> {
        PageRequest {
            limit: i64::from(self.limit) + 1,
            place: self.place.clone(),
        }
    }

    /// The page that the store's rows make.
    pub(crate) fn page<R, T: Serialize>(
        self,
        links: &Links,
        rows: Vec<R>,
        key: impl Fn(&R) -> (S, I),
        show: impl Fn(R) -> T,
    ) -> Answer<Page<T>> {
        self.page_with(links, rows, key, show, |page| page)
    }

    /// Likewise, with something around it.
    pub(crate) fn page_with<R, T, W: Serialize>(
        self,
        links: &Links,
        mut rows: Vec<R>,
        key: impl Fn(&R) -> (S, I),
        show: impl Fn(R) -> T,
        wrap: impl FnOnce(Page<T>) -> W,
    ) -> Answer<W> {
        let further = rows.len().saturating_sub(self.limit.into());
        // The row beside a page is on its other side.
        let (has_previous, has_next) = match self.place {
            Place::First => (false, further > 0),
            Place::After(_) => (true, further > 0),
            Place::Before(_) => (further > 0, true),
        };
        match self.place {
            Place::First | Place::After(_) => rows.truncate(self.limit.into()),
            Place::Before(_) => drop(rows.drain(..further)),
        }
        let cursor = |side, row| encode(side, &self.fingerprint, &key(row));
        let first = rows.first().filter(|_| has_previous);
        let last = rows.last().filter(|_| has_next);
        let previous_cursor = first.map(|row| cursor(BEFORE, row));
        let next_cursor = last.map(|row| cursor(AFTER, row));
        let beside = [("next", &next_cursor), ("prev", &previous_cursor)];
        let beside = beside.into_iter().filter_map(|(relation, cursor)| {
            let address = page_address(&self.path, self.pairs.iter(), links, cursor.as_ref()?);
            Some(format!("<{address}>; rel=\"{relation}\""))
        });
        let beside = beside.collect::<Vec<_>>().join(", ");
        let answer = Answer::ok(wrap(Page {
            items: rows.into_iter().map(show).collect(),
            next_cursor,
            previous_cursor,
        }));
        if beside.is_empty() {
            return answer;
        }
        answer.header(header::LINK, &beside)
    }
}

/// Reads how many rows a page has at most; what is wrong with it is noted in the reader.
pub(crate) fn read_limit(query: &mut QueryReader) -> Option<u16> {
    query.one("limit", |text| match text.parse() {
        Ok(limit @ 1..=MAX_LIMIT) => Ok(limit),
        _ => Err(format!("Must be a whole number from 1 to {MAX_LIMIT}.")),
    })
}

/// The address of another page, with the parameters of this one.
pub(crate) fn page_address<'a>(
    path: &str,
    pairs: impl Iterator<Item = &'a (String, String)>,
    links: &Links,
    cursor: &str,
) -> String {
    let kept = pairs.filter(|(name, _)| name != "cursor");
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(kept)
        .append_pair("cursor", cursor)
        .finish();
    links.absolute(&format!("{path}?{query}"))
}

pub(crate) fn cursor_mismatch() -> Problem {
    Problem::new(
        ProblemKind::CursorMismatch,
        "The cursor comes from a list with other filters.",
    )
}

/// Distinguishes lists: by path and filters, whatever the order of the filters.
fn fingerprint(query: &QueryReader) -> String {
    let mut filters: Vec<_> = query
        .pairs()
        .iter()
        .filter(|(name, _)| name != "cursor" && name != "limit")
        .collect();
    filters.sort_unstable();
    let text = serde_json::json!([query.path(), filters]).to_string();
    URL_SAFE_NO_PAD.encode(&Sha256::digest(text)[..9])
}

/// A cursor of the page on one side of a row.
fn encode<S: SortKey, I: ToString>(side: u8, fingerprint: &str, (key, id): &(S, I)) -> String {
    let text = serde_json::json!([side, fingerprint, key.to_text(), id.to_string()]).to_string();
    URL_SAFE_NO_PAD.encode(text)
}

fn decode<S: SortKey, I: FromStr>(cursor: &str) -> Option<(String, Place<(S, I)>)> {
    if cursor.len() > MAX_CURSOR {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (side, fingerprint, key, id): (u8, String, String, String) =
        serde_json::from_slice(&bytes).ok()?;
    let row = (S::from_text(&key)?, id.parse().ok()?);
    let place = match side {
        AFTER => Place::After(row),
        BEFORE => Place::Before(row),
        _ => return None,
    };
    Some((fingerprint, place))
}

#[cfg(test)]
mod tests {
    use atlas_domain::inventory::link::TargetKind;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_cursor_survives_the_way_and_garbage_is_refused() {
        let id = Uuid::from_u128(7);
        let row = ("näme / 1".to_owned(), id);
        let read = |side| decode::<String, Uuid>(&encode(side, "f", &row));
        let place = |place| Some(("f".to_owned(), place));
        assert_eq!(read(AFTER), place(Place::After(row.clone())));
        assert_eq!(read(BEFORE), place(Place::Before(row.clone())));
        assert_eq!(read(3), None);
        let cursor = encode(AFTER, "f", &row);
        assert!(decode::<DateTime<Utc>, Uuid>(&cursor).is_none());
        assert!(decode::<LinkTarget, Uuid>(&cursor).is_none());
        let target = LinkTarget {
            kind: TargetKind::Special,
            id: "All of them".to_owned(),
        };
        let cursor = encode(AFTER, "f", &(target.clone(), id));
        let place = Place::After((target, id));
        assert_eq!(decode(&cursor), Some(("f".to_owned(), place)));
        let null = ("a\0b".to_owned(), "id".to_owned());
        for garbage in [
            "",
            "x",
            "WzFd",
            &"A".repeat(9000),
            &encode(AFTER, "f", &null),
        ] {
            assert_eq!(decode::<String, Uuid>(garbage), None, "{garbage}");
        }
    }
}
