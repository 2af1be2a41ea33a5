//! The console: the built files of `console/`, embedded. A client of the API like any other; nothing
//! here knows what it shows.

use std::sync::LazyLock;

use actix_web::http::header::{self, HeaderMap};
use actix_web::{HttpRequest, HttpResponse, get, web};

use crate::answer::{entity_tag, is_among};
use crate::fallback::not_allowed;
use crate::problem::Problem;

/// Everything comes from the API itself: no inline script or style, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// The page at every address of the console that is not a file.
const PAGE: &str = "index.html";
/// Files whose names change with their content.
const HASHED: &str = "assets/";
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const REVALIDATED: &str = "public, no-cache";

/// A file of `console/dist`.
struct BuiltFile {
    /// Below `/console/`.
    path: &'static str,
    plain: &'static [u8],
    gzip: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/console_files.rs"));

/// Entity tags of the files in their order. Each is of the plain bytes; compressed ones have a tag of
/// their own.
static TAGS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let tags = FILES.iter().map(|file| entity_tag(file.plain));
    tags.collect()
});

/// Registers the console's addresses.
pub(super) fn register(config: &mut web::ServiceConfig) {
    config.service(console_root).service(
        web::resource("/console/{path:.*}")
            .route(web::get().to(console))
            .default_service(web::to(refuse_method)),
    );
}

/// The files are addressed relative to a directory.
#[get("/console")]
async fn console_root() -> HttpResponse {
    HttpResponse::PermanentRedirect()
        .insert_header((header::LOCATION, "console/"))
        .finish()
}

async fn refuse_method() -> Result<HttpResponse, Problem> {
    Err(not_allowed("GET, HEAD"))
}

async fn console(path: web::Path<String>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let index = find(&path).ok_or_else(Problem::not_found)?;
    let (file, plain_tag) = (&FILES[index], &TAGS[index]);
    let compressed = accepts_gzip(request.headers());
    let tag = if compressed {
        format!("{}-gzip\"", plain_tag.trim_end_matches('"'))
    } else {
        plain_tag.clone()
    };
    let kept = if file.path.starts_with(HASHED) {
        FOR_EVER
    } else {
        REVALIDATED
    };
    let known = is_among(&tag, request.headers());
    let mut response = if known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header((header::ETAG, tag.as_str()))
        .insert_header((header::CACHE_CONTROL, kept))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::VARY, "Accept-Encoding"));
    if known {
        return Ok(response.finish());
    }
    response.insert_header((header::CONTENT_TYPE, media_type(file.path)));
    if compressed {
        response.insert_header((header::CONTENT_ENCODING, "gzip"));
        return Ok(response.body(file.gzip));
    }
    Ok(response.body(file.plain))
}

/// The file at the address, or the page, which knows its own addresses. A file that is not there,
/// such as one of an earlier version, is not found.
fn find(path: &str) -> Option<usize> {
    let at = |wanted: &str| FILES.iter().position(|file| file.path == wanted);
    if path.starts_with(HASHED) {
        return at(path);
    }
    at(path).or_else(|| at(PAGE))
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Whether `Accept-Encoding` names gzip without refusing it.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let encodings = headers
        .get_all(header::ACCEPT_ENCODING)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    for encoding in encodings {
        let (name, weight) = encoding.split_once(';').unwrap_or((encoding, ""));
        if matches!(name.trim(), "gzip" | "*") {
            let weight = weight.trim().trim_start_matches("q=");
            return !weight.parse::<f32>().is_ok_and(|weight| weight <= 0.0);
        }
    }
    false
}
