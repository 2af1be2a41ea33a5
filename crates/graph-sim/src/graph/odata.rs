//! The query options that the simulator understands. It refuses the others, as a service would
//! that does not know them.

use serde_json::{Map, Value};

use super::errors;
use super::filter::Filter;
use crate::answer::{Answer, Ids};
use crate::content::Expand;

/// The options of a request.
#[derive(Debug, Default)]
pub(super) struct Query {
    pub(super) top: Option<usize>,
    pub(super) filter: Option<Filter>,
    pub(super) search: Option<Filter>,
    pub(super) count: bool,
    /// As it was sent, decoded. Only lists of audit events have an order.
    pub(super) order_by: Option<String>,
    select: Vec<String>,
    pub(super) expand: Vec<Expand>,
    /// As it was sent, still encoded.
    pub(super) skip_token: Option<String>,
    /// The rest of the query, as it was sent.
    pub(super) rest: String,
}

/// Undoes percent-encoding in a query once: a plus is a space. What is no UTF-8 afterwards is
/// replaced.
pub(super) fn decode(text: &str) -> String {
    unescape(&text.replace('+', "%20"))
}

/// Undoes percent-encoding in a segment of a path once, where a plus is a plus.
pub(super) fn decode_segment(text: &str) -> String {
    unescape(text)
}

fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match escaped {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

impl Query {
    pub(super) fn parse(raw: &str, ids: &Ids) -> Result<Self, Box<Answer>> {
        let query = Self::parse_ordered(raw, ids)?;
        match query.order_by {
            Some(_) => {
                let message = "The query parameter '$orderby' is not supported.";
                Err(errors::bad_request(message, ids).into())
            }
            None => Ok(query),
        }
    }

    /// For a list that has an order.
    pub(super) fn parse_ordered(raw: &str, ids: &Ids) -> Result<Self, Box<Answer>> {
        let mut query = Self::default();
        let mut rest = Vec::new();
        for part in raw.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let name = decode(name);
            if name == "$skiptoken" {
                query.skip_token = Some(value.to_owned());
                continue;
            }
            rest.push(part);
            query.take(&name, &decode(value), ids)?;
        }
        query.rest = rest.join("&");
        Ok(query)
    }

    fn take(&mut self, name: &str, value: &str, ids: &Ids) -> Result<(), Box<Answer>> {
        let invalid = || {
            let message = format!("Invalid value '{value}' for $query option '{name}' found.");
            errors::bad_request(&message, ids)
        };
        match name {
            "$top" => {
                let top: usize = value.parse().map_err(|_| invalid())?;
                if top == 0 {
                    return Err(invalid().into());
                }
                self.top = Some(top);
            }
            "$select" => self.select = split(value),
            "$expand" => self.expand = expand(value).ok_or_else(invalid)?,
            "$filter" => self.filter = Some(Filter::parse(value).ok_or_else(invalid)?),
            "$search" => self.search = Some(Filter::search(value).ok_or_else(invalid)?),
            "$orderby" => self.order_by = Some(value.to_owned()),
            "$count" => self.count = value == "true",
            other if other.starts_with('$') => {
                let message = format!("The query parameter '{other}' is not supported.");
                return Err(errors::bad_request(&message, ids).into());
            }
            // Graph ignores parameters that are not OData's.
            _ => {}
        }
        Ok(())
    }

    /// The members that were selected, the id, annotations and what was expanded.
    pub(super) fn select(&self, mut body: Map<String, Value>) -> Map<String, Value> {
        if !self.select.is_empty() && !self.select.iter().any(|one| one == "*") {
            body.retain(|name, _| {
                name == "id"
                    || name.contains('@')
                    || self.select.iter().any(|one| one == name)
                    || self.expand.iter().any(|one| one.name == *name)
            });
        }
        body
    }
}

fn split(list: &str) -> Vec<String> {
    list.split(',')
        .map(|one| one.trim().to_owned())
        .filter(|one| !one.is_empty())
        .collect()
}

/// Reads a `$expand`: names with commas between them, each perhaps with options in parentheses, of
/// which `$expand` is understood and `$select` is not followed.
fn expand(text: &str) -> Option<Vec<Expand>> {
    apart(text, ',')?
        .into_iter()
        .map(|one| {
            let Some((name, options)) = one.split_once('(') else {
                return plain(one, Vec::new());
            };
            let mut inner = Vec::new();
            for option in apart(options.strip_suffix(')')?, ';')? {
                let (option, value) = option.split_once('=')?;
                match option.trim() {
                    "$expand" => inner = expand(value)?,
                    "$select" => {}
                    _ => return None,
                }
            }
            plain(name, inner)
        })
        .collect()
}

fn plain(name: &str, inner: Vec<Expand>) -> Option<Expand> {
    let name = name.trim();
    let word = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric());
    word.then(|| Expand {
        name: name.to_owned(),
        inner,
    })
}

/// Cuts at a separator that stands in no parentheses; `None` when those do not match.
fn apart(text: &str, separator: char) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1)?,
            _ if character == separator && depth == 0 => {
                parts.push(&text[start..at]);
                start = at + character.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    (depth == 0).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expansions_nest() {
        let leaf = |name: &str| Expand {
            name: name.to_owned(),
            inner: Vec::new(),
        };
        let rule = Expand {
            inner: vec![leaf("b"), leaf("c")],
            ..leaf("a")
        };
        assert_eq!(
            expand("a($select=x,y;$expand=b,c),d"),
            Some(vec![rule, leaf("d")])
        );
        for bad in ["", "a(", "a)", "a(b)", "a,,b", "a($expand=)"] {
            assert_eq!(expand(bad), None, "{bad}");
        }
    }

    #[test]
    fn percent_encoding_is_undone_once_and_broken_escapes_stay() {
        assert_eq!(decode("%255B"), "%5B");
        assert_eq!(decode("a%20b+c"), "a b c");
        assert_eq!(decode_segment("a%2Fb+c%3D"), "a/b+c=");
        assert_eq!(decode("%zz%e"), "%zz%e");
        assert_eq!(decode("%C3%A4"), "ä");
        assert_eq!(decode("%ä"), "%ä");
    }
}
