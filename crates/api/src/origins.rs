//! Origins whose pages may call the API, as a setting names them.

use url::{Origin, Url};

/// Reads an origin as a browser sends it in `Origin`; the API compares it byte by byte, so that
/// anything else would never match. Nothing stays nothing.
///
/// # Errors
/// What to write instead, with the setting's name.
pub(crate) fn origin(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(String::new());
    }
    // A sandboxed page of anybody is "null".
    if text.contains('*') || text == "null" {
        return Err(advice("name each origin, as in https://app.example"));
    }
    let with_scheme = if text.contains("://") {
        text.to_owned()
    } else {
        format!("https://{text}")
    };
    match as_sent(&with_scheme) {
        Some(sent) if sent == text => Ok(sent),
        Some(sent) => Err(advice(&format!("write {sent}"))),
        None => Err(advice("write scheme and host, as in https://app.example")),
    }
}

fn advice(what: &str) -> String {
    format!("ATLAS_CORS_ORIGINS holds origins exactly as browsers send them: {what}")
}

/// Scheme, host, and the port unless it is the scheme's own. Schemes that browsers do not know, such
/// as an app's, have origins of the same form.
fn as_sent(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let host = url.host_str().filter(|host| !host.is_empty())?;
    Some(match url.origin() {
        origin @ Origin::Tuple(..) => origin.ascii_serialization(),
        Origin::Opaque(_) => {
            let port = url.port().map(|port| format!(":{port}"));
            format!("{}://{host}{}", url.scheme(), port.unwrap_or_default())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::origin;

    #[test]
    fn origins_are_taken_as_browsers_send_them() {
        for text in [
            "https://a.example",
            "http://localhost:3000",
            "http://[::1]:5173",
            "https://xn--bcher-kva.example",
            "capacitor://localhost",
            "",
        ] {
            assert_eq!(origin(text), Ok(text.to_owned()));
        }
        assert_eq!(
            origin(" https://a.example "),
            Ok("https://a.example".to_owned())
        );
    }

    #[test]
    fn what_would_never_match_is_refused_with_what_to_write() {
        for (text, write) in [
            ("https://a.example/", "write https://a.example"),
            ("https://a.example/path?x=1", "write https://a.example"),
            ("https://a.example:443", "write https://a.example"),
            ("https://A.Example", "write https://a.example"),
            ("https://user@a.example", "write https://a.example"),
            (
                "https://b\u{fc}cher.example",
                "write https://xn--bcher-kva.example",
            ),
            ("a.example", "write https://a.example"),
            ("a.example:8443/path", "write https://a.example:8443"),
            ("app://x/", "write app://x"),
            ("*", "name each origin, as in https://app.example"),
            (
                "https://*.a.example",
                "name each origin, as in https://app.example",
            ),
            ("null", "name each origin, as in https://app.example"),
            (
                "https://",
                "write scheme and host, as in https://app.example",
            ),
            (
                "https://a b",
                "write scheme and host, as in https://app.example",
            ),
        ] {
            let refusal = origin(text).unwrap_err();
            assert!(refusal.starts_with("ATLAS_CORS_ORIGINS "), "{refusal}");
            assert!(refusal.ends_with(write), "{text}: {refusal}");
        }
    }
}
