//! GUIDs inside identifiers.
//!
//! Microsoft Graph writes one GUID now in upper and now in lower case, alone (`<guid>`) and as a part
//! of an identifier (`T_<guid>`, `<guid>_<guid>`), and means the same object. Here they are in lower
//! case. Other parts of identifiers are compared as they are: in base64 the case says something.

use std::borrow::Cow;

/// Characters of a GUID, with its hyphens.
const LENGTH: usize = 36;
/// Where the hyphens stand.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

/// The identifier with every GUID in it in lower case. What has a letter or a digit directly before
/// or after it is no GUID, but a part of something longer.
///
/// The database folds in the same way: see the migration `fold_guids`.
#[must_use]
pub fn fold_guids(id: &str) -> Cow<'_, str> {
    let in_upper_case = |at: usize| {
        let guid = &id.as_bytes()[at..at + LENGTH];
        guid.iter().any(u8::is_ascii_uppercase)
    };
    if !places(id).any(in_upper_case) {
        return Cow::Borrowed(id);
    }
    let mut folded = id.to_owned();
    for at in places(id) {
        folded[at..at + LENGTH].make_ascii_lowercase();
    }
    Cow::Owned(folded)
}

/// Whether the text is one GUID and nothing else.
#[must_use]
pub fn is_guid(text: &str) -> bool {
    text.len() == LENGTH && begins_with_guid(text.as_bytes())
}

/// Whether a value is an identifier with a GUID in it, and not a text that mentions one: letters,
/// digits, `_`, `-` and `/` (as in `/administrativeUnits/<guid>`) only.
#[must_use]
pub fn is_identifier_with_guid(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'/'))
        && places(text).next().is_some()
}

/// Where GUIDs begin, in bytes.
fn places(text: &str) -> impl Iterator<Item = usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at + LENGTH <= bytes.len() {
            let begins = at == 0 || !bytes[at - 1].is_ascii_alphanumeric();
            let end = at + LENGTH;
            let ends = bytes
                .get(end)
                .is_none_or(|byte| !byte.is_ascii_alphanumeric());
            if begins && ends && begins_with_guid(&bytes[at..]) {
                let place = at;
                at = end;
                return Some(place);
            }
            at += 1;
        }
        None
    })
}

fn begins_with_guid(bytes: &[u8]) -> bool {
    bytes[..LENGTH].iter().enumerate().all(|(at, byte)| {
        if HYPHENS.contains(&at) {
            *byte == b'-'
        } else {
            byte.is_ascii_hexdigit()
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GUID: &str = "0A1b2C3d-4E5f-6A7b-8C9d-0E1F2a3B4c5D";
    const FOLDED: &str = "0a1b2c3d-4e5f-6a7b-8c9d-0e1f2a3b4c5d";

    #[test]
    fn guids_are_folded_wherever_they_stand_in_an_identifier() {
        for (before, after) in [
            ("", ""),
            ("T_", ""),
            ("", "_Windows10EnrollmentCompletionPage"),
            ("Email_", "_A"),
            ("{", "}"),
            ("é", "é"),
        ] {
            let id = format!("{before}{GUID}{after}");
            assert_eq!(fold_guids(&id), format!("{before}{FOLDED}{after}"));
        }
        let two = format!("{GUID}_{GUID}");
        assert_eq!(fold_guids(&two), format!("{FOLDED}_{FOLDED}"));
    }

    #[test]
    fn what_is_no_guid_keeps_its_case() {
        for id in [
            "",
            "authorizationPolicy",
            "YWJjQUJD=",
            "com.Example.App",
            "0A1B2C3D4E5F6A7B8C9D0E1F2A3B4C5D",
            &format!("x{GUID}"),
            &format!("{GUID}0"),
            &GUID[1..],
            &GUID.replace('-', "_"),
        ] {
            assert!(
                matches!(fold_guids(id), Cow::Borrowed(same) if same == id),
                "{id}"
            );
        }
    }

    #[test]
    fn a_text_that_mentions_a_guid_is_no_identifier() {
        assert!(is_identifier_with_guid(GUID) && is_identifier_with_guid(&format!("T_{GUID}")));
        assert!(is_identifier_with_guid(&format!(
            "/administrativeUnits/{GUID}"
        )));
        assert!(is_guid(GUID) && !is_guid(&format!("T_{GUID}")));
        for text in [&format!("See {GUID}"), &format!("{{{GUID}}}"), "T_1", ""] {
            assert!(!is_identifier_with_guid(text), "{text}");
        }
    }

    /// Texts with GUIDs, with what looks like one, and with what it may touch.
    fn texts() -> impl Strategy<Value = String> {
        let guid = "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";
        let part = prop_oneof![guid, "[0-9a-gA-G_é-]{0,9}", "[ -~]{0,3}"];
        prop::collection::vec(part, 0..5).prop_map(|parts| parts.concat())
    }

    proptest! {
        #[test]
        fn folding_changes_nothing_but_case_and_is_done_once(text in texts()) {
            let folded = fold_guids(&text).into_owned();
            prop_assert!(folded.eq_ignore_ascii_case(&text));
            prop_assert!(matches!(fold_guids(&folded), Cow::Borrowed(_)));
        }

        #[test]
        fn identifiers_that_differ_in_the_case_of_guids_only_are_the_same(
            guid in "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
            before in "([A-Za-z]{1,3}_)?", after in "(_[A-Za-z0-9]{1,3})?",
        ) {
            let of = |guid: &str| fold_guids(&format!("{before}{guid}{after}")).into_owned();
            prop_assert_eq!(of(&guid), of(&guid.to_ascii_uppercase()));
            prop_assert_eq!(of(&guid), format!("{before}{}{after}", guid.to_ascii_lowercase()));
        }
    }
}
