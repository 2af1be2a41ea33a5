//! gzip of answers that are long enough to gain from it. An export, which is written as it is read, is
//! compressed by a middleware of its own.

use std::io::Write as _;

use actix_web::http::header::{self, HeaderMap};
use flate2::Compression;
use flate2::write::GzEncoder;

/// Answers shorter than this fit into a packet, compressed or not.
const FROM: usize = 1024;

/// The body in gzip, when the caller takes it so and it is long enough.
pub(crate) fn compressed(body: &[u8], request: &HeaderMap) -> Option<Vec<u8>> {
    if body.len() < FROM || !is_accepted(request) {
        return None;
    }
    gzip(body, Compression::fast())
}

/// For a body that is written once and sent often.
pub(crate) fn compressed_well(body: &[u8]) -> Option<Vec<u8>> {
    gzip(body, Compression::best())
}

fn gzip(body: &[u8], level: Compression) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), level);
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

/// Whether `Accept-Encoding` takes gzip (RFC 9110, section 12.5.3).
pub(crate) fn is_accepted(request: &HeaderMap) -> bool {
    let choices = request
        .get_all(header::ACCEPT_ENCODING)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|choice| {
            let mut parts = choice.split(';').map(str::trim);
            let coding = parts.next()?;
            let is_refused = parts.any(|part| {
                let weight = part.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok());
                weight == Some(0.0)
            });
            Some((coding, !is_refused))
        });
    let mut any = false;
    for (coding, is_accepted) in choices {
        match coding {
            "gzip" | "x-gzip" => return is_accepted,
            "*" => any = is_accepted,
            _ => {}
        }
    }
    any
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use actix_web::http::header::HeaderValue;

    use super::*;

    fn accepting(value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
        headers
    }

    #[test]
    fn gzip_is_used_for_those_who_take_it() {
        for yes in [
            "gzip",
            "br, gzip;q=0.5",
            "*",
            "deflate, x-gzip",
            "*;q=0, gzip",
        ] {
            assert!(is_accepted(&accepting(yes)), "{yes}");
        }
        for no in ["", "br", "gzip;q=0", "*;q=0", "identity", "gzip;q=0, *"] {
            assert!(!is_accepted(&accepting(no)), "{no}");
        }
        assert!(!is_accepted(&HeaderMap::new()));
    }

    #[test]
    fn what_is_compressed_is_read_as_it_was_and_short_bodies_stay() {
        let body = "a policy, ".repeat(200);
        let small = compressed(body.as_bytes(), &accepting("gzip")).unwrap();
        assert!(small.len() < body.len() / 4, "{}", small.len());
        let mut read = String::new();
        let mut decoder = flate2::read::GzDecoder::new(&small[..]);
        decoder.read_to_string(&mut read).unwrap();
        assert_eq!(read, body);
        assert!(compressed(&body.as_bytes()[..FROM - 1], &accepting("gzip")).is_none());
        assert!(compressed(body.as_bytes(), &accepting("br")).is_none());
    }
}
