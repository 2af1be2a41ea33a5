//! Pages, and the links from one to the next.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::odata::{Query, decode};
use super::{GraphRequest, PageFault, errors};
use crate::answer::Answer;
use crate::faults::MAX_PADDING;

/// What is paged through.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) context: String,
    pub(super) total: usize,
    pub(super) page_size: usize,
    pub(super) max_top: usize,
    /// `@odata.count` is the number of rows on this page, as Intune has it.
    pub(super) counts_pages: bool,
    /// There is no link to the rest.
    pub(super) ends_early: bool,
    /// Pages shrink to one or two rows, whatever is asked for.
    pub(super) shrinks: bool,
}

impl Listing {
    /// How many rows the page at a position holds at most.
    fn widest(&self, position: Position) -> usize {
        match position.offset % 3 {
            _ if !self.shrinks => usize::MAX,
            1 => 2,
            _ => 1,
        }
    }
}

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Position {
    offset: usize,
    /// Distinguishes pages that begin at the same row.
    turn: usize,
}

impl Position {
    /// The token, as it stands in a link: encoded twice, like the ones of Cosmos DB that leak
    /// through the real service.
    fn token(self, request: &GraphRequest<'_>, query: &Query) -> String {
        let mut hash = Sha256::new();
        let Self { offset, turn } = self;
        let what = [
            &request.seed.to_string(),
            request.tenant,
            request.path,
            &query.rest,
            &offset.to_string(),
            &turn.to_string(),
        ];
        for text in what {
            hash.update(text.as_bytes());
            hash.update([0]);
        }
        let seal: String = hash.finalize()[..12]
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect();
        let plain = json!([{"compositeToken": seal, "offset": offset, "turn": turn}]);
        encode(&encode(&format!("[cosmosdb]{plain}")))
    }

    fn read(raw: &str) -> Option<Self> {
        let plain = decode(&decode(raw));
        let parts: Value = serde_json::from_str(plain.strip_prefix("[cosmosdb]")?).ok()?;
        let number = |name: &str| usize::try_from(parts[0][name].as_u64()?).ok();
        Some(Self {
            offset: number("offset")?,
            turn: number("turn")?,
        })
    }
}

/// Percent-encodes everything but letters and digits.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// The page that the request asks for.
pub(super) fn page(
    request: &GraphRequest<'_>,
    query: &Query,
    listing: &Listing,
    row: impl Fn(usize) -> Value,
) -> Result<Answer, Box<Answer>> {
    let position = match &query.skip_token {
        None => Position { offset: 0, turn: 0 },
        // A token that came back in any other form than it was given is refused.
        Some(raw) => Position::read(raw)
            .filter(|position| position.token(request, query) == *raw)
            .ok_or_else(|| errors::bad_request("Skip token is not valid.", request.ids))?,
    };
    let top = match request.fault {
        PageFault::TopIgnored => None,
        _ => query.top,
    };
    let most = match request.fault {
        PageFault::TopClamped(rows) => rows.min(listing.max_top),
        _ => listing.max_top,
    };
    let asked = top.unwrap_or(listing.page_size).min(most);
    let largest = match request.fault {
        PageFault::Cut(None) => asked,
        PageFault::Cut(Some(rows)) => rows,
        _ => request.max_page_size.unwrap_or(usize::MAX),
    };
    let size = asked.min(largest).min(listing.widest(position)).max(1);
    let (from, to) = match request.fault {
        PageFault::Empty => (position.offset, position.offset),
        PageFault::RepeatedRow => (position.offset.saturating_sub(1), position.offset + size),
        _ => (position.offset, position.offset + size),
    };
    let (from, to) = (from.min(listing.total), to.min(listing.total));
    let rows: Vec<Value> = (from..to).map(row).collect();
    let cut = match request.fault {
        PageFault::Cut(None) => true,
        PageFault::Cut(Some(most)) => rows.len() == most,
        _ => false,
    };

    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), json!(listing.context));
    if listing.counts_pages {
        body.insert("@odata.count".to_owned(), json!(rows.len()));
    } else if query.count && query.skip_token.is_none() {
        body.insert("@odata.count".to_owned(), json!(listing.total));
    }
    if let PageFault::Padded(bytes) = request.fault {
        let padding = " ".repeat(bytes.min(MAX_PADDING));
        body.insert("@microsoft.graph.tips".to_owned(), json!(padding));
    }
    if let Some(link) = next_link(request, query, listing, position, to).filter(|_| !cut) {
        body.insert("@odata.nextLink".to_owned(), json!(link));
    }
    let count = rows.len();
    body.insert("value".to_owned(), Value::Array(rows));
    let mut answer = Answer::graph_json(200, &Value::Object(body));
    answer.rows = count;
    Ok(answer)
}

fn next_link(
    request: &GraphRequest<'_>,
    query: &Query,
    listing: &Listing,
    position: Position,
    to: usize,
) -> Option<String> {
    let GraphRequest { base, path, .. } = request;
    let link = |base: &str, next: Position| {
        let token = next.token(request, query);
        let separator = if query.rest.is_empty() { "" } else { "&" };
        format!("{base}{path}?{}{separator}$skiptoken={token}", query.rest)
    };
    let next = match request.fault {
        PageFault::LinkToItself => return Some(format!("{base}{path}?{}", request.query)),
        PageFault::Empty | PageFault::Endless => Position {
            turn: position.turn + 1,
            ..position
        },
        _ => Position {
            offset: to,
            turn: 0,
        },
    };
    match request.fault {
        PageFault::LinkElsewhere(origin) => Some(link(origin, next)),
        PageFault::Empty | PageFault::Endless => Some(link(base, next)),
        _ => (to < listing.total && !listing.ends_early).then(|| link(base, next)),
    }
}
