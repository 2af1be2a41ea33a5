//! A page for each problem type: what it means and what to do.

use std::fmt::Write as _;

use actix_web::{HttpRequest, HttpResponse, get};

use super::{escaped, page};
use crate::problem::{Problem, ProblemKind};

const POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

#[get("/problems")]
pub(super) async fn problem_index() -> HttpResponse {
    let mut list = String::new();
    for kind in ProblemKind::ALL {
        let _ = write!(
            list,
            "<li><a href=\"problems/{slug}\">{slug}</a> ({status}): {title}</li>",
            slug = kind.slug(),
            status = kind.status().as_u16(),
            title = escaped(kind.title()),
        );
    }
    page(POLICY, html("Problem types", &format!("<ul>{list}</ul>")))
}

#[get("/problems/{slug}")]
pub(super) async fn problem_page(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let kind = request
        .match_info()
        .get("slug")
        .and_then(ProblemKind::find)
        .ok_or_else(Problem::not_found)?;
    let body = format!(
        "<p>{advice}</p><dl><dt>Status</dt><dd>{status}</dd><dt>Code</dt><dd>{code}</dd></dl>\
         <p><a href=\"../problems\">All problem types</a></p>",
        advice = escaped(kind.advice()),
        status = kind.status().as_u16(),
        code = kind.code(),
    );
    Ok(page(POLICY, html(kind.title(), &body)))
}

fn html(title: &str, body: &str) -> String {
    let title = escaped(title);
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title></head>\
         <body><main><h1>{title}</h1>{body}</main></body></html>\n"
    )
}
