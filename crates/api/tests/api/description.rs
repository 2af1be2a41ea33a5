//! The description and the pages for people.

use reqwest::StatusCode;
use serde_json::Value;

use crate::harness::{Reply, Stage};

/// Everything that a page could load or send to elsewhere. Links that a person follows, and names
/// of XML namespaces, load nothing.
fn loads_nothing_foreign(page: &Reply, base: &str) {
    for part in ["src=\"", "href=\"", "url("] {
        for rest in page.text.split(part).skip(1) {
            let target = rest.split(['"', ')']).next().unwrap_or_default();
            let foreign =
                target.starts_with("//") || (target.contains("://") && !target.starts_with(base));
            assert!(!foreign, "{target}");
        }
    }
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") || policy.contains("default-src 'self'"));
    assert!(!policy.contains("http"), "{policy}");
}

#[tokio::test]
async fn the_document_that_is_served_is_the_one_that_is_printed() {
    let stage = Stage::set().await;
    let served = stage.get("/openapi.json").await;
    let printed: Value = serde_json::from_str(&atlas_api::document()).unwrap();
    assert_eq!(served.body, printed);
    assert!(served.header("cache-control").contains("public"));
    assert_eq!(atlas_api::document(), atlas_api::document());
    assert!(atlas_api::document().ends_with("}\n"));
}

#[test]
fn the_committed_document_is_that_of_the_code() {
    let committed = include_str!("../../../../openapi/tenantatlas.json");
    let same = committed == atlas_api::document();
    assert!(
        same,
        "openapi/tenantatlas.json is out of date; run: cargo xtask openapi"
    );
}

#[test]
fn the_committed_document_of_deliveries_is_that_of_the_code() {
    let committed = include_str!("../../../../openapi/webhooks.json");
    let same = committed == atlas_api::deliveries_document();
    assert!(
        same,
        "openapi/webhooks.json is out of date; run: cargo xtask openapi"
    );
}

#[tokio::test]
async fn the_docs_come_from_this_server_alone() {
    let stage = Stage::set().await;
    let moved = stage.get("/docs").await;
    assert_eq!(moved.status, StatusCode::PERMANENT_REDIRECT);
    assert_eq!(moved.header("location"), "docs/");
    let page = stage.get("/docs/").await;
    assert_eq!(page.status, StatusCode::OK);
    loads_nothing_foreign(&page, &stage.api.base);
    for file in [
        "swagger-initializer.js",
        "swagger-ui-bundle.js",
        "swagger-ui.css",
    ] {
        let reply = stage.get(&format!("/docs/{file}")).await;
        assert_eq!(reply.status, StatusCode::OK, "{file}");
        assert!(reply.header("content-security-policy").contains("'self'"));
    }
    let settings = stage.get("/docs/swagger-initializer.js").await;
    assert!(
        settings.text.contains("../openapi.json"),
        "{}",
        settings.text
    );
}

#[tokio::test]
async fn every_problem_type_has_a_page_at_its_address() {
    let stage = Stage::set().await;
    let index = stage.get("/problems").await;
    loads_nothing_foreign(&index, &stage.api.base);
    let slugs: Vec<&str> = index
        .text
        .split("href=\"problems/")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(slugs.len() >= 15, "{slugs:?}");
    for slug in slugs {
        let page = stage.get(&format!("/problems/{slug}")).await;
        assert_eq!(page.status, StatusCode::OK, "{slug}");
        assert!(page.text.contains(&slug.replace('-', "_")), "{slug}");
        loads_nothing_foreign(&page, &stage.api.base);
    }
}

#[tokio::test]
async fn the_page_of_a_run_runs_only_its_own_script_and_has_what_it_shows() {
    let stage = Stage::set().await;
    let run = stage.synced(1).await;
    let page = stage.get(&format!("/view/operation-runs/{run}")).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.header("content-type").starts_with("text/html"));
    loads_nothing_foreign(&page, &stage.api.base);
    for id in ["token", "open", "status", "outcome", "progress", "results"] {
        assert!(page.text.contains(&format!("id=\"{id}\"")), "{id}");
    }
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("script-src 'sha256-") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert!(!page.text.contains("localStorage") && !page.text.contains("cookie"));
    stage
        .get("/view/operation-runs/nonsense")
        .await
        .is_problem(404, "not_found");
}
