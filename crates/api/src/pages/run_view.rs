//! The page of one run. It asks for a token, keeps it in memory only, and reads the run and its
//! results from the API like any other caller.

use std::sync::LazyLock;

use actix_web::{HttpRequest, HttpResponse, get};
use atlas_domain::ids::RunId;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::page;
use crate::extract::path::path_id;
use crate::problem::Problem;

const STYLE: &str = include_str!("run_view/run_view.css");
const SCRIPT: &str = include_str!("run_view/run_view.js");
const HTML: &str = include_str!("run_view/run_view.html");

/// The page, the same for every run, and the policy that lets only its own script run.
static PAGE: LazyLock<(String, String)> = LazyLock::new(|| {
    let html = HTML
        .replace("/*style*/", STYLE)
        .replace("/*script*/", SCRIPT);
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        source(SCRIPT),
        source(STYLE),
    );
    (html, policy)
});

fn source(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

#[get("/view/operation-runs/{run_id}")]
pub(super) async fn run_view(request: HttpRequest) -> Result<HttpResponse, Problem> {
    // Whether there is such a run is shown to those who may know.
    let _: RunId = path_id(&request, "run_id")?;
    let (html, policy) = &*PAGE;
    Ok(page(policy, html.clone()))
}
