//! Links to further pages.

use atlas_domain::failure::FailureCode;
use atlas_graph::{GraphErrorKind, GraphOptions, PagingRefusal, SubRequest};
use atlas_graph_sim::{Effect, FaultRule, PathMatch, Simulator, SimulatorOptions};
use serde_json::json;

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
async fn a_continuation_that_died_begins_the_list_again_once() {
    for status in [400, 404, 410] {
        let setup = several_pages().await;
        let list = setup.list("settingsCatalogPolicy");
        let all = setup.read(&setup.graph(), &list).await.unwrap();
        assert!(all.pages > 3, "{}", all.pages);
        let body = r#"{"error":{"code":"Directory_ExpiredPageToken","message":"Expired."}}"#;
        let effect = || Effect::Answer {
            status,
            body: body.to_owned(),
        };
        setup.fault(FaultRule::once(policies(), effect()).nth(3));
        let again = setup.read(&setup.graph(), &list).await.unwrap();
        assert_eq!(again.observations, all.observations);
        assert!(!again.unstable);
        assert_eq!(again.pages, all.pages + 2, "two pages were read twice");

        setup.sim.clear_faults();
        setup.fault(FaultRule::once(policies(), effect()).nth(3));
        setup.fault(FaultRule::once(policies(), effect()).nth(5));
        let error = setup.read(&setup.graph(), &list).await.unwrap_err();
        assert!(
            matches!(error.kind, GraphErrorKind::PageExpired),
            "{error:?}"
        );
        assert!(error.failure(list.keys()).retryable);
    }
}

#[tokio::test]
async fn a_page_that_is_too_large_is_read_in_smaller_ones_also_in_the_middle() {
    for nth in [1, 3] {
        let setup = several_pages().await;
        let list = setup.list("settingsCatalogPolicy");
        let all = setup.read(&setup.graph(), &list).await.unwrap();
        setup.sim.clear_log();
        setup.fault(FaultRule::once(policies(), Effect::Padded { bytes: 4_000_000 }).nth(nth));
        let graph = setup.graph_with(GraphOptions {
            max_body_bytes: 3_000_000,
            ..quick()
        });
        let again = setup.read(&graph, &list).await.unwrap();
        assert_eq!(again.observations, all.observations);
        assert!(!again.unstable);
        let asked = setup.graph_requests();
        let at = usize::try_from(nth).unwrap();
        assert!(asked[at].query.contains("$top=100"), "{}", asked[at].query);
    }
}

/// A list whose size is in its query.
const UPDATES: &str = "/beta/deviceManagement/windowsFeatureUpdateProfiles";

/// A page of the rows with these numbers.
fn page(rows: std::ops::Range<usize>, next: Option<&str>) -> String {
    let rows: Vec<_> = rows
        .map(|id| json!({"id": format!("p{id}"), "displayName": "n", "assignments": []}))
        .collect();
    let mut page = json!({"value": rows});
    if let Some(next) = next {
        page["@odata.nextLink"] = json!(next);
    }
    page.to_string()
}

/// Answers the requests to a path with these pages, one after the other, the last one for good.
/// Where one is to lead on, it leads to an address of its own.
fn answers(setup: &Setup, path: &str, pages: &[(std::ops::Range<usize>, bool)]) {
    for (place, (rows, leads_on)) in pages.iter().enumerate() {
        let link = format!("{}{path}?$skiptoken={place}", setup.sim.base_url());
        let effect = Effect::Answer {
            status: 200,
            body: page(rows.clone(), leads_on.then_some(link.as_str())),
        };
        let rule = FaultRule::once(PathMatch::exact(path), effect);
        let last = place + 1 == pages.len();
        let nth = u32::try_from(place).unwrap() + 1;
        setup.fault(rule.times((!last).then_some(1)).nth(nth));
    }
}

#[tokio::test]
async fn a_list_that_ends_with_a_full_page_is_read_again_until_its_end_is_known() {
    // The pages, the objects, whether the end stays unknown, and the sizes that are asked for.
    type Case = (
        &'static str,
        Vec<(std::ops::Range<usize>, bool)>,
        usize,
        bool,
        &'static [u32],
    );
    let cases: [Case; 7] = [
        ("not full", vec![(0..199, false)], 199, false, &[200]),
        (
            "exactly one page",
            vec![(0..200, false), (0..199, true), (199..200, false)],
            200,
            false,
            &[200, 199, 199],
        ),
        (
            "cut at the first reading",
            vec![(0..200, false), (0..199, true), (199..250, false)],
            250,
            false,
            &[200, 199, 199],
        ),
        (
            "grown to a full page in between",
            vec![
                (0..200, false),
                (0..199, true),
                (199..398, false),
                (0..198, true),
                (198..396, true),
                (396..398, false),
            ],
            398,
            false,
            &[200, 199, 199, 198, 198, 198],
        ),
        (
            "cut whatever the size",
            vec![(0..200, false), (0..199, false), (0..198, false)],
            200,
            true,
            &[200, 199, 198],
        ),
        (
            "the size is ignored",
            vec![(0..200, false), (0..200, false)],
            200,
            true,
            &[200, 199],
        ),
        (
            "the second reading fails",
            vec![(0..200, false), (0..199, true), (0..199, true)],
            200,
            true,
            &[200, 199, 199],
        ),
    ];
    for (name, pages, objects, may_be_cut, sizes) in cases {
        let setup = Setup::start().await;
        let list = setup.list("windowsFeatureUpdateProfile");
        if name == "the second reading fails" {
            let refused = Effect::Forbidden { permission: None };
            setup.fault(FaultRule::once(PathMatch::exact(UPDATES), refused).nth(3));
        }
        answers(&setup, UPDATES, &pages);
        let graph = setup.graph();
        let mut reader = graph.list(&list);
        let mut ids = Vec::new();
        let mut unstable = false;
        while let Some(page) = reader.next_page().await.unwrap() {
            ids.extend(page.observations.into_iter().map(|one| one.external_id));
            unstable |= page.unstable;
        }
        assert_eq!(reader.may_be_cut(), may_be_cut, "{name}");
        assert_eq!(ids.len(), objects, "{name}: each once");
        let asked: Vec<_> = setup.graph_requests();
        assert_eq!(asked.len(), sizes.len(), "{name}");
        for (request, size) in asked.iter().zip(sizes) {
            let first = !request.query.contains("skiptoken");
            assert!(
                !first || request.query.contains(&format!("$top={size}")),
                "{name}: {}",
                request.query
            );
        }
        assert!(!unstable, "{name}");
    }
}

#[tokio::test]
async fn what_was_seen_before_a_list_was_begun_again_and_not_after_makes_it_unstable() {
    let setup = Setup::start().await;
    let list = setup.list("windowsFeatureUpdateProfile");
    answers(
        &setup,
        UPDATES,
        &[(0..200, false), (1..200, true), (200..201, false)],
    );
    let read = setup.read(&setup.graph(), &list).await.unwrap();
    assert_eq!(read.observations.len(), 201);
    assert!(read.unstable, "p0 was passed over, and so may others be");
}

#[tokio::test]
async fn lists_that_bring_nothing_new_end_after_a_few_pages() {
    let setup = Setup::start().await;
    let turning: Vec<_> = std::iter::repeat_n((0..2, true), 30).collect();
    answers(&setup, UPDATES, &turning);
    let list = setup.list("windowsFeatureUpdateProfile");
    let graph = setup.graph();
    let mut reader = graph.list(&list);
    let error = loop {
        match reader.next_page().await {
            Ok(page) => assert!(page.is_some()),
            Err(error) => break error,
        }
    };
    assert_eq!(
        error.kind,
        GraphErrorKind::Paging(PagingRefusal::NoProgress)
    );
    assert!(!error.failure(list.keys()).retryable);
    assert_eq!(
        setup.graph_requests().len(),
        6,
        "one new page, five without news"
    );

    // What no wanted type claims is news, too.
    setup.sim.clear_faults();
    setup.sim.clear_log();
    let others: Vec<_> = (0..30).map(|at| (at..at + 1, at < 29)).collect();
    answers(&setup, POLICIES, &others);
    let list = setup.list("endpointSecurityFirewall");
    let read = setup.read(&setup.graph(), &list).await.unwrap();
    assert_eq!((read.pages, read.observations.len()), (30, 0));
}

#[tokio::test]
async fn groups_that_bring_nothing_new_end_after_a_few_pages() {
    let setup = Setup::start().await;
    let path = "/v1.0/groups/delta";
    for turn in 1..=30_u32 {
        let link = format!("{}{path}?$skiptoken={turn}", setup.sim.base_url());
        let group = json!({"id": "00000000-0000-4000-8000-000000000001", "displayName": "A"});
        let body = json!({"@odata.nextLink": link, "value": [group]}).to_string();
        let effect = Effect::Answer { status: 200, body };
        setup.fault(FaultRule::once(PathMatch::exact(path), effect).nth(turn));
    }
    let mut reader = setup.graph().groups(None);
    let error = loop {
        match reader.next_page().await {
            Ok(page) => assert!(page.is_some()),
            Err(error) => break error,
        }
    };
    assert_eq!(
        error.kind,
        GraphErrorKind::Paging(PagingRefusal::NoProgress)
    );
    assert!(reader.delta_link().is_none());
    assert_eq!(setup.graph_requests().len(), 6);
}

#[tokio::test]
async fn what_belongs_to_an_object_ends_when_its_pages_bring_nothing_new() {
    let setup = Setup::start().await;
    let path = "/beta/deviceManagement/x/1/assignments";
    let turning: Vec<_> = std::iter::repeat_n((0..2, true), 30).collect();
    answers(&setup, path, &turning);
    let graph = setup.graph();
    let first = SubRequest::list("/deviceManagement/x/1/assignments");
    let mut first = graph.batch("beta", vec![first]).await.unwrap();
    let mut pages = graph.pages("beta", first.remove(0).unwrap());
    let error = loop {
        match pages.next_page().await {
            Ok(page) => assert!(page.is_some()),
            Err(error) => break error,
        }
    };
    assert_eq!(
        error.kind,
        GraphErrorKind::Paging(PagingRefusal::NoProgress)
    );
    let asked = setup.graph_requests();
    assert_eq!(asked.iter().filter(|one| one.path == path).count(), 6);
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
