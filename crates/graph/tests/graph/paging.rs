//! Links to further pages.

use atlas_domain::failure::FailureCode;
use atlas_graph::{GraphErrorKind, GraphOptions, PagingRefusal};
use atlas_graph_sim::{Effect, FaultRule, PathMatch, Simulator, SimulatorOptions};

use crate::setup::{Setup, quick};

const POLICIES: &str = "/beta/deviceManagement/configurationPolicies";

fn policies() -> PathMatch {
    PathMatch::exact(POLICIES)
}

/// A tenant whose configuration policies fill several pages.
async fn several_pages() -> Setup {
    Setup::with(SimulatorOptions {
        max_page_size: Some(7),
        ..Setup::options()
    })
    .await
}

#[tokio::test]
async fn links_come_back_to_the_service_byte_for_byte() {
    let setup = several_pages().await;
    let list = setup.list("settingsCatalogPolicy");
    let read = setup.read(&setup.graph(), &list).await.unwrap();
    assert!(read.pages > 1, "one page shows nothing");
    let followed: Vec<_> = setup
        .graph_requests()
        .into_iter()
        .filter(|one| one.query.contains("skiptoken"))
        .collect();
    assert_eq!(followed.len(), usize::try_from(read.pages - 1).unwrap());
    for one in followed {
        assert!(
            one.query.contains("%255B"),
            "still encoded twice: {}",
            one.query
        );
        assert_eq!(one.status, Some(200));
    }
}

#[tokio::test]
async fn a_link_to_another_host_is_refused_and_gets_nothing() {
    let setup = several_pages().await;
    let elsewhere = Simulator::start(SimulatorOptions::default()).await;
    let origin = elsewhere.base_url().to_owned();
    setup.fault(FaultRule::once(
        policies(),
        Effect::ForeignNextLink { origin },
    ));
    let list = setup.list("settingsCatalogPolicy");
    let mut reader = setup.graph().list(&list);
    assert!(
        reader.next_page().await.unwrap().is_some(),
        "the page itself is good"
    );
    for _ in 0..2 {
        let error = reader.next_page().await.unwrap_err();
        assert_eq!(error.kind, GraphErrorKind::Paging(PagingRefusal::Foreign));
        assert_eq!(error.failure(list.keys()).code, FailureCode::PAGING_REFUSED);
    }
    assert!(elsewhere.log().is_empty(), "the token stayed here");
}

#[tokio::test]
async fn a_link_that_repeats_itself_ends_the_walk() {
    let setup = several_pages().await;
    setup.fault(FaultRule::always(policies(), Effect::RepeatedNextLink));
    let list = setup.list("settingsCatalogPolicy");
    let error = setup.read(&setup.graph(), &list).await.unwrap_err();
    assert_eq!(error.kind, GraphErrorKind::Paging(PagingRefusal::Repeated));
    assert!(setup.graph_requests().len() <= 2);
}

#[tokio::test]
async fn an_empty_page_is_not_the_end() {
    let setup = several_pages().await;
    let list = setup.list("settingsCatalogPolicy");
    let all = setup.read(&setup.graph(), &list).await.unwrap();
    setup.fault(FaultRule::once(policies(), Effect::EmptyPage).nth(2));
    let again = setup.read(&setup.graph(), &list).await.unwrap();
    assert_eq!(again.pages, all.pages + 1);
    assert_eq!(again.observations, all.observations);
}

#[tokio::test]
async fn an_object_seen_twice_makes_the_list_unstable() {
    let setup = several_pages().await;
    setup.fault(FaultRule::once(policies(), Effect::RepeatedRow).nth(2));
    let list = setup.list_of(&crate::setup::keys_of(POLICIES));
    let read = setup.read(&setup.graph(), &list).await.unwrap();
    assert!(read.unstable);
}

#[tokio::test]
async fn a_list_has_no_more_pages_than_allowed() {
    let setup = several_pages().await;
    let list = setup.list("settingsCatalogPolicy");
    let graph = setup.graph_with(GraphOptions {
        max_pages: 1,
        ..quick()
    });
    let error = setup.read(&graph, &list).await.unwrap_err();
    assert_eq!(
        error.kind,
        GraphErrorKind::Paging(PagingRefusal::TooManyPages)
    );
    assert_eq!(setup.graph_requests().len(), 1);
}

#[tokio::test]
async fn a_continuation_that_died_is_no_end_and_may_be_tried_again() {
    for status in [400, 410] {
        let setup = several_pages().await;
        let body = r#"{"error":{"code":"BadRequest","message":"Skip token is expired."}}"#;
        let effect = Effect::Answer {
            status,
            body: body.to_owned(),
        };
        setup.fault(FaultRule::once(policies(), effect).nth(2));
        let list = setup.list("settingsCatalogPolicy");
        let error = setup.read(&setup.graph(), &list).await.unwrap_err();
        assert!(
            matches!(error.kind, GraphErrorKind::PageExpired),
            "{error:?}"
        );
        assert!(error.failure(list.keys()).retryable);
    }
}

#[tokio::test]
async fn a_failed_page_can_be_asked_for_again() {
    let setup = several_pages().await;
    let list = setup.list("settingsCatalogPolicy");
    let all = setup.read(&setup.graph(), &list).await.unwrap();
    let refused = Effect::Forbidden { permission: None };
    setup.fault(FaultRule::once(policies(), refused).nth(2));
    let mut reader = setup.graph().list(&list);
    let mut seen = reader.next_page().await.unwrap().unwrap().observations;
    assert!(reader.next_page().await.is_err());
    while let Some(page) = reader.next_page().await.unwrap() {
        seen.extend(page.observations);
    }
    assert_eq!(seen, all.observations);
}
