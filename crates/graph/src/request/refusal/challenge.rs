//! What the refusal of a token says about the one that is wanted.
//!
//! Source: Microsoft identity platform, "Claims challenges, claims requests and client
//! capabilities".

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};
use serde_json::Value;

/// Longer claims are none.
const LONGEST: usize = 8 * 1024;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// The claims of a challenge for insufficient ones, as JSON. They are handed to the token endpoint
/// as they are.
pub(super) fn claims(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(WWW_AUTHENTICATE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .filter(|text| text.contains("insufficient_claims"))
        .find_map(|text| decode(parameter(text, "claims")?))
}

/// A parameter's text, between its quotes.
fn parameter<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.match_indices(name).find_map(|(place, _)| {
        let alone = text[..place].ends_with([' ', ',']);
        let value = text[place + name.len()..].trim_start().strip_prefix('=')?;
        let value = value.trim_start().strip_prefix('"')?;
        let (value, _) = value.split_once('"')?;
        alone.then_some(value)
    })
}

fn decode(text: &str) -> Option<String> {
    if text.len() > LONGEST {
        return None;
    }
    let bytes = [&alphabet::STANDARD, &alphabet::URL_SAFE]
        .into_iter()
        .find_map(|alphabet| GeneralPurpose::new(alphabet, LENIENT).decode(text).ok())?;
    let json = String::from_utf8(bytes).ok()?;
    serde_json::from_str::<Value>(&json)
        .is_ok_and(|value| value.is_object())
        .then_some(json)
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn claims_of(text: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Negotiate"));
        headers.append(WWW_AUTHENTICATE, HeaderValue::from_str(text).unwrap());
        claims(&headers)
    }

    #[test]
    fn claims_are_found_in_a_challenge_and_nowhere_else() {
        let json = r#"{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}"#;
        let encoded = "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxNjA0MTA2NjUxIn19fQ==";
        let challenge = |claims: &str| {
            format!(
                "Bearer realm=\"\", authorization_uri=\"https://login.example/claims\", \
                 error=\"insufficient_claims\", claims=\"{claims}\""
            )
        };
        assert_eq!(claims_of(&challenge(encoded)).as_deref(), Some(json));
        let unpadded = challenge(encoded.trim_end_matches('='));
        assert_eq!(claims_of(&unpadded).as_deref(), Some(json));
        let expired = challenge(encoded).replace("insufficient_claims", "invalid_token");
        for text in [
            expired.as_str(),
            &challenge(""),
            &challenge("%%%"),
            &challenge("W10="),
            &challenge(&"A".repeat(LONGEST + 1)),
            "Bearer error=\"insufficient_claims\"",
            "Bearer error=\"insufficient_claims\", claims=\"e30",
            "",
        ] {
            assert_eq!(claims_of(text), None, "{text}");
        }
    }
}
