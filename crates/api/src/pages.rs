//! Pages for people: the console, the description, the problem types, a run. None loads anything from
//! elsewhere.

mod console;
mod problems;
mod run_view;

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, get, web};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::openapi::Description;

/// Swagger UI brings its own scripts and styles, and sets styles from scripts.
const DOCS_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; frame-ancestors 'none'";

/// Registers every page.
pub(crate) fn register(config: &mut web::ServiceConfig) {
    config
        .configure(console::register)
        .service(openapi_document)
        .service(docs)
        .service(problems::problem_index)
        .service(problems::problem_page)
        .service(run_view::run_view)
        .service(
            web::scope("/docs")
                .wrap(
                    actix_web::middleware::DefaultHeaders::new()
                        .add((header::CONTENT_SECURITY_POLICY, DOCS_POLICY)),
                )
                .service(
                    SwaggerUi::new("/{_:.*}").config(
                        Config::new(["../openapi.json"])
                            .validator_url("none")
                            .try_it_out_enabled(true),
                    ),
                ),
        );
}

#[get("/openapi.json")]
async fn openapi_document(
    description: web::Data<Description>,
    request: HttpRequest,
) -> HttpResponse {
    let mut headers = HeaderMap::new();
    let kept = HeaderValue::from_static("public, max-age=300");
    headers.insert(header::CACHE_CONTROL, kept);
    description.served().answer(headers, &request)
}

/// The pages behind it are addressed relative to a directory.
#[get("/docs")]
async fn docs() -> HttpResponse {
    HttpResponse::PermanentRedirect()
        .insert_header((header::LOCATION, "docs/"))
        .finish()
}

/// A page with a policy that lets it load what it brings and nothing else.
fn page(policy: &str, html: String) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .body(html)
}

/// Text with the letters replaced that mean something in HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
