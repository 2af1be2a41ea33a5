//! The console: embedded files with the headers that browsers need. What it shows is tested in
//! `console/`.

use reqwest::{Method, StatusCode};

use crate::harness::{Api, Reply, Stage};

/// What the first page may load of compressed script, in bytes.
const SCRIPT_LIMIT: usize = 200_000;

#[tokio::test]
async fn the_console_is_one_page_at_every_address_of_its_own() {
    let stage = Stage::set().await;
    let moved = stage.get("/console").await;
    assert_eq!(moved.status, StatusCode::PERMANENT_REDIRECT);
    assert_eq!(moved.header("location"), "console/");
    let page = read(&stage.api, "/console/").await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page.header("cache-control"), "public, no-cache");
    for deep in ["/console/runs", "/console/tenants/a/items/b?version=2"] {
        assert_eq!(read(&stage.api, deep).await.text, page.text, "{deep}");
    }
    let tag = page.header("etag").to_owned();
    let request = stage.api.request(Method::GET, "/console/runs");
    let again = stage.api.send(request.header("if-none-match", tag)).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    assert!(again.text.is_empty());
}

#[tokio::test]
async fn the_console_runs_no_inline_script_and_loads_nothing_foreign() {
    let stage = Stage::set().await;
    let page = read(&stage.api, "/console/").await;
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"));
    assert!(!policy.contains("unsafe"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!page.text.contains("<style"), "{}", page.text);
    for script in page.text.split("<script").skip(1) {
        assert!(
            script.contains("src=\"/console/assets/") && script.contains("></script>"),
            "{script}"
        );
    }
    for place in ["src=\"", "href=\""] {
        for address in page.text.split(place).skip(1) {
            assert!(address.starts_with("/console/"), "{address}");
        }
    }
}

#[tokio::test]
async fn files_named_by_their_content_are_kept_for_ever_and_have_their_types() {
    let stage = Stage::set().await;
    let page = read(&stage.api, "/console/").await;
    for (ending, media) in [
        (".js", "text/javascript; charset=utf-8"),
        (".css", "text/css; charset=utf-8"),
    ] {
        let files = assets(&page.text, ending);
        assert!(!files.is_empty(), "no {ending} in {}", page.text);
        for file in files {
            let reply = read(&stage.api, &file).await;
            assert_eq!(reply.header("content-type"), media, "{file}");
            assert!(reply.header("cache-control").contains("immutable"));
        }
    }
    let icon = read(&stage.api, "/console/icon.svg").await;
    assert_eq!(icon.header("content-type"), "image/svg+xml");
    assert_eq!(icon.header("cache-control"), "public, no-cache");
    let gone = stage.get("/console/assets/index-of-another-build.js").await;
    gone.is_problem(404, "not_found");
    let request = stage.api.request(Method::POST, "/console/runs");
    let refused = stage.api.send(request).await;
    refused.is_problem(405, "method_not_allowed");
    assert_eq!(refused.header("allow"), "GET, HEAD");
}

#[tokio::test]
async fn the_first_page_loads_little_script_and_as_gzip_where_that_is_accepted() {
    let stage = Stage::set().await;
    let page = read(&stage.api, "/console/").await;
    let plain = reqwest::Client::builder().no_gzip().build().unwrap();
    let fetch = async |file: &str, encodings: &str| {
        let request = plain.get(format!("{}{file}", stage.api.base));
        let request = request.header("accept-encoding", encodings);
        request.send().await.unwrap()
    };
    let mut loaded = 0;
    for file in assets(&page.text, ".js") {
        let whole = fetch(&file, "br, gzip;q=0").await;
        assert!(!whole.headers().contains_key("content-encoding"));
        let reply = fetch(&file, "br, gzip").await;
        assert_eq!(reply.headers()["content-encoding"], "gzip", "{file}");
        let varies = reply.headers().get_all("vary");
        assert!(varies.iter().any(|value| value == "Accept-Encoding"));
        assert_ne!(reply.headers()["etag"], whole.headers()["etag"]);
        loaded += reply.bytes().await.unwrap().len();
    }
    assert!(loaded > 0);
    assert!(loaded < SCRIPT_LIMIT, "{loaded} bytes of script");
}

/// As a browser asks for it: without a token.
async fn read(api: &Api, path: &str) -> Reply {
    let reply = api.send(api.request(Method::GET, path)).await;
    assert_eq!(reply.status, StatusCode::OK, "{path}");
    reply
}

/// The addresses of the hashed files that the page names.
fn assets(page: &str, ending: &str) -> Vec<String> {
    page.split('"')
        .filter(|text| text.starts_with("/console/assets/") && text.ends_with(ending))
        .map(str::to_owned)
        .collect()
}
