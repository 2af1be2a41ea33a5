//! User information in URLs: `http://user:password@host`, as settings of proxies and repositories
//! carry it, alone or within a longer text.
//!
//! RFC 3986, section 3.2: an authority begins after `//` and ends before the next `/`, `?` or `#`;
//! its part before `@` is user information. Some passwords have an `@` in them, so the last one
//! counts.

use std::borrow::Cow;

use serde_json::Value;

/// What user information is replaced by.
const REDACTED: &str = "redacted";

/// The text with the user information of every URL in it replaced by a fixed word.
///
/// The database redacts in the same way: see the migration `fold_guids`.
pub(crate) fn redact(text: &str) -> Cow<'_, str> {
    let mut redacted = String::new();
    let mut kept = 0;
    let mut from = 0;
    while let Some(found) = text[from..].find("//") {
        let start = from + found + 2;
        let rest = &text[start..];
        let authority = &rest[..rest.find(ends_authority).unwrap_or(rest.len())];
        match authority.rfind('@') {
            Some(at) if at > 0 => {
                redacted.push_str(&text[kept..start]);
                redacted.push_str(REDACTED);
                kept = start + at;
                from = kept;
            }
            // The second slash may be the first of the next two.
            _ => from = start - 1,
        }
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    redacted.push_str(&text[kept..]);
    Cow::Owned(redacted)
}

const fn ends_authority(one: char) -> bool {
    matches!(one, '/' | '?' | '#') || one.is_ascii_whitespace()
}

/// Whether a string anywhere in the value has user information that is not redacted.
pub(crate) fn is_in(value: &Value) -> bool {
    match value {
        Value::String(text) => redact(text) != text.as_str(),
        Value::Array(values) => values.iter().any(is_in),
        Value::Object(members) => members.values().any(is_in),
        _ => false,
    }
}

/// Redacts every string in the value.
pub(crate) fn redact_in(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(redacted) = redact(text) {
                *text = redacted;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(redact_in),
        Value::Object(members) => members.values_mut().for_each(redact_in),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn user_information_is_replaced_wherever_a_url_stands() {
        for (text, redacted) in [
            ("http://user:pw@host", "http://redacted@host"),
            (
                "http://user:pw@host:8080/a?b#c",
                "http://redacted@host:8080/a?b#c",
            ),
            ("https://token@host/x", "https://redacted@host/x"),
            ("//user:pw@host", "//redacted@host"),
            ("http://DOMAIN\\user:p@ss@host/", "http://redacted@host/"),
            ("http://us%3Aer:p%40w@[::1]:80", "http://redacted@[::1]:80"),
            ("file:///a ///user:pw@host", "file:///a ///redacted@host"),
            (
                "use http://a:b@c or\nhttps://d:e@f?x=y@z.",
                "use http://redacted@c or\nhttps://redacted@f?x=y@z.",
            ),
            (
                "PROXY=http://a:b@c;https://é:ü@f",
                "PROXY=http://redacted@c;https://redacted@f",
            ),
        ] {
            assert_eq!(redact(text), redacted);
        }
    }

    #[test]
    fn what_is_no_user_information_stays() {
        for text in [
            "",
            "https://host/path/user@example.com",
            "https://host?mail=user@example.com",
            "https://host#user@example.com",
            "https://host for user@example.com",
            "https://host\tuser@example.com",
            "user@example.com",
            "mailto:user@example.com",
            "https://@host",
            "a // b@c",
            "////",
        ] {
            assert!(
                matches!(redact(text), Cow::Borrowed(same) if same == text),
                "{text}"
            );
        }
    }

    #[test]
    fn strings_are_redacted_at_any_depth_and_names_of_members_are_not() {
        let mut value = json!({"a": [{"//x:y@z": "http://u:p@h", "n": 1}, ["//u@h"]]});
        assert!(is_in(&value));
        redact_in(&mut value);
        assert_eq!(
            value,
            json!({"a": [{"//x:y@z": "http://redacted@h", "n": 1}, ["//redacted@h"]]})
        );
        assert!(!is_in(&value));
    }

    proptest! {
        #[test]
        fn nothing_of_a_secret_is_left_and_all_around_it_is(
            before in "[a-z :;,=(\"'é]{0,6}", user in "[a-zA-Z0-9:@%.\\\\é]{1,8}",
            after in "(/[a-z@/?# ]{0,6})?",
        ) {
            let text = format!("{before}http://{user}@host{after}");
            let expected = format!("{before}http://redacted@host{after}");
            let redacted = redact(&text);
            prop_assert!(redacted.starts_with(&expected[..expected.len() - after.len()]));
            prop_assert_eq!(redact(&redacted), redacted.as_ref());
        }
    }
}
