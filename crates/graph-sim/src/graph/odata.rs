//! The query options that the simulator understands. It refuses the others, as a service would
//! that does not know them.

use serde_json::{Map, Value};

use super::errors;
use super::filter::Filter;
use crate::answer::{Answer, Ids};

/// The options of a request.
#[derive(Debug, Default)]
pub(super) struct Query {
    pub(super) top: Option<usize>,
    pub(super) filter: Option<Filter>,
    pub(super) search: Option<Filter>,
    pub(super) count: bool,
    select: Vec<String>,
    expand: Vec<String>,
    /// As it was sent, still encoded.
    pub(super) skip_token: Option<String>,
    /// The rest of the query, as it was sent.
    pub(super) rest: String,
}

/// Undoes percent-encoding once. What is no UTF-8 afterwards is replaced.
pub(super) fn decode(text: &str) -> String {
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
                decoded.push(if bytes[at] == b'+' { b' ' } else { bytes[at] });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

impl Query {
    pub(super) fn parse(raw: &str, ids: &Ids) -> Result<Self, Box<Answer>> {
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
            "$expand" => self.expand = split(value),
            "$filter" => self.filter = Some(Filter::parse(value).ok_or_else(invalid)?),
            "$search" => self.search = Some(Filter::search(value).ok_or_else(invalid)?),
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

    pub(super) fn expands(&self, property: &str) -> bool {
        self.expanded().any(|one| one == property)
    }

    /// The properties to expand, without what is asked of them.
    pub(super) fn expanded(&self) -> impl Iterator<Item = &str> {
        self.expand
            .iter()
            .map(|one| one.split('(').next().unwrap_or(one))
    }

    /// The members that were selected, the id, annotations and what was expanded.
    pub(super) fn select(&self, mut body: Map<String, Value>) -> Map<String, Value> {
        if !self.select.is_empty() && !self.select.iter().any(|one| one == "*") {
            body.retain(|name, _| {
                name == "id"
                    || name.contains('@')
                    || self.select.iter().any(|one| one == name)
                    || self.expands(name)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoding_is_undone_once_and_broken_escapes_stay() {
        assert_eq!(decode("%255B"), "%5B");
        assert_eq!(decode("a%20b+c"), "a b c");
        assert_eq!(decode("%zz%e"), "%zz%e");
        assert_eq!(decode("%C3%A4"), "ä");
        assert_eq!(decode("%ä"), "%ä");
    }
}
