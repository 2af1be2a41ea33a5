//! Query strings, read parameter by parameter. Several values are several times the parameter;
//! parameters that nobody asks for are refused, so that a misspelt filter is not silently none.

mod words;

use std::convert::Infallible;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use chrono::{DateTime, Utc};
use url::form_urlencoded;

pub(crate) use words::{
    AuditActionWord, CategoryWord, OneOf, PolicyTypeWord, Words, ascending, category, policy_type,
    word,
};

use crate::problem::{FieldProblem, Problem};

/// Parameters at most.
const MAX_PARAMETERS: usize = 400;
/// Characters of an unknown name that a refusal repeats.
const MAX_SHOWN: usize = 100;

/// The parameters of a request, and what was found wrong with them so far.
pub(crate) struct QueryReader {
    path: String,
    pairs: Vec<(String, String)>,
    asked_for: Vec<&'static str>,
    errors: Vec<FieldProblem>,
    refusal: Option<Problem>,
}

impl FromRequest for QueryReader {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::new(request.path(), request.query_string())))
    }
}

impl QueryReader {
    fn new(path: &str, query: &str) -> Self {
        Self {
            path: path.to_owned(),
            pairs: form_urlencoded::parse(query.as_bytes())
                .take(MAX_PARAMETERS + 1)
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
            asked_for: Vec::new(),
            errors: badly_encoded(query),
            refusal: None,
        }
    }

    /// The path that was asked for.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// All parameters as they came.
    pub(crate) fn pairs(&self) -> &[(String, String)] {
        &self.pairs
    }

    /// Whether a parameter was given, whatever its value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(given, _)| given == name)
    }

    /// Every value of a parameter that may be repeated, at most `max` of them.
    pub(crate) fn many<T>(
        &mut self,
        name: &'static str,
        max: usize,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        let values = self.take(name);
        if values.len() > max {
            self.refuse(name, "too_many", format!("At most {max} values."));
            return Vec::new();
        }
        let parsed: Result<Vec<T>, String> = values.iter().map(|value| parse(value)).collect();
        parsed.unwrap_or_else(|detail| {
            self.refuse(name, "invalid_value", detail);
            Vec::new()
        })
    }

    /// The value of a parameter that is given once or not at all.
    pub(crate) fn one<T>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.many(name, 1, parse).pop()
    }

    /// Notes that a parameter is not acceptable.
    pub(crate) fn refuse(&mut self, name: &'static str, code: &'static str, detail: String) {
        self.errors
            .push(FieldProblem::in_parameter(name, code, detail));
    }

    /// Notes a refusal that is a problem of its own kind.
    pub(crate) fn refuse_with(&mut self, problem: Problem) {
        self.refusal = Some(problem);
    }

    /// Says what was wrong, parameters that nobody asked for included.
    pub(crate) fn finish(mut self) -> Result<(), Problem> {
        if self.pairs.len() > MAX_PARAMETERS {
            self.refuse(
                "",
                "too_many",
                format!("At most {MAX_PARAMETERS} parameters."),
            );
        }
        for (name, _) in &self.pairs {
            if !self.asked_for.contains(&name.as_str()) && self.errors.len() < MAX_PARAMETERS {
                let shown: String = name.chars().take(MAX_SHOWN).collect();
                let detail = "This parameter is not known.";
                self.errors.push(FieldProblem::in_parameter(
                    shown,
                    "unknown_parameter",
                    detail,
                ));
            }
        }
        match (self.errors.is_empty(), self.refusal) {
            (false, _) => Err(Problem::invalid(self.errors)),
            (true, Some(problem)) => Err(problem),
            (true, None) => Ok(()),
        }
    }

    fn take(&mut self, name: &'static str) -> Vec<String> {
        self.asked_for.push(name);
        self.pairs
            .iter()
            .filter(|(given, _)| given == name)
            .map(|(_, value)| value.clone())
            .collect()
    }
}

/// Refuses the parameters whose names or values are not percent-encoded UTF-8: decoded all the same, they
/// would be other texts than those that were meant.
fn badly_encoded(query: &str) -> Vec<FieldProblem> {
    let bad = query.split('&').take(MAX_PARAMETERS);
    let bad = bad.filter(|pair| !is_well_encoded(pair));
    bad.map(|pair| {
        let decoded = form_urlencoded::parse(pair.as_bytes()).next();
        let name = decoded.map_or_else(String::new, |(name, _)| name.into_owned());
        let shown: String = name.chars().take(MAX_SHOWN).collect();
        let detail = "Must be percent-encoded UTF-8.";
        FieldProblem::in_parameter(shown, "invalid_value", detail)
    })
    .collect()
}

/// Whether each `%` begins the two digits of a byte, and all bytes together are UTF-8.
fn is_well_encoded(text: &str) -> bool {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let Some((digits, rest)) = part.split_at_checked(2) else {
            return false;
        };
        // A number may have a sign, a byte has none.
        let is_plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        match u8::from_str_radix(digits, 16) {
            Ok(byte) if is_plain => bytes.push(byte),
            _ => return false,
        }
        bytes.extend_from_slice(rest.as_bytes());
    }
    std::str::from_utf8(&bytes).is_ok()
}

/// A UUID in its usual spelling.
pub(crate) fn id<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    let refused = || "Must be a UUID.".to_owned();
    if text.len() != 36 {
        return Err(refused());
    }
    text.parse().map_err(|_| refused())
}

/// A moment, RFC 3339 with an offset.
pub(crate) fn moment(text: &str) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(text)
        .map(|moment| moment.with_timezone(&Utc))
        .map_err(|_| "Must be a time such as 2026-01-31T12:00:00Z.".to_owned())
}

/// A moment, RFC 3339 with an offset, that is not in the future.
pub(crate) fn past_moment(now: DateTime<Utc>) -> impl Fn(&str) -> Result<DateTime<Utc>, String> {
    move |text| {
        let given = moment(text)?;
        if given > now {
            return Err("Must not be in the future.".to_owned());
        }
        Ok(given)
    }
}

/// `true` or `false`.
pub(crate) fn flag(text: &str) -> Result<bool, String> {
    text.parse()
        .map_err(|_| "Must be true or false.".to_owned())
}

/// Text to search or compare with, of 1 to `max` characters and without control characters, which
/// PostgreSQL cannot hold (NUL) or nobody can see.
pub(crate) fn text(max: usize) -> impl Fn(&str) -> Result<String, String> {
    move |text| {
        let length = text.chars().count();
        if length == 0 || length > max || text.chars().any(char::is_control) {
            return Err(format!("Must be 1 to {max} printable characters."));
        }
        Ok(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(query: &str) -> String {
        let mut reader = QueryReader::new("/x", query);
        let _: Option<bool> = reader.one("missing", flag);
        let _: Vec<String> = reader.many("policy_type", 2, text(5));
        format!("{:?}", reader.finish().unwrap_err())
    }

    #[test]
    fn what_is_misspelt_repeated_or_malformed_is_refused_by_name() {
        assert!(refused("mising=true").contains(r#"Parameter("mising")"#));
        assert!(refused("missing=true&missing=true").contains("too_many"));
        assert!(refused("missing=yes").contains("true or false"));
        assert!(refused("policy_type=%00").contains("printable"));
        assert!(refused("policy_type=a&policy_type=b&policy_type=c").contains("too_many"));
    }

    #[test]
    fn what_is_not_percent_encoded_text_is_refused_by_name() {
        for bad in [
            "missing=%",
            "missing=%4",
            "missing=%zz",
            "missing=%+1",
            "missing=%ff",
            "missing=%é",
        ] {
            let refused = refused(bad);
            assert!(refused.contains(r#"Parameter("missing")"#), "{refused}");
            assert!(refused.contains("percent-encoded"), "{refused}");
        }
        assert!(refused("%ff=1").contains("percent-encoded"));
        let mut reader = QueryReader::new("/x", "policy_type=100%25+%C3%A9");
        assert_eq!(reader.many("policy_type", 2, text(9)), ["100% é"]);
        reader.finish().unwrap();
    }

    #[test]
    fn repeated_values_are_several() {
        let mut reader = QueryReader::new("/x", "policy_type=a&policy_type=b%20c");
        assert_eq!(reader.many("policy_type", 2, text(5)), ["a", "b c"]);
        reader.finish().unwrap();
    }
}
