//! Many small reads in one request.

use std::collections::BTreeSet;
use std::time::Duration;

use atlas_graph::{
    GraphError, GraphErrorKind, GraphOptions, PagingRefusal, SubRequest, TenantGraph,
};
use atlas_graph_sim::{Effect, ErrorBody, FaultRule, PathMatch, RetryAfter, SimulatorOptions};
use serde_json::Value;

use crate::setup::{Setup, keys_of, quick};

const TAGS: &str = "/deviceManagement/roleScopeTags";
const CATEGORIES: &str = "/deviceManagement/deviceCategories";
const POLICIES: &str = "/deviceManagement/configurationPolicies";

type Answers = Vec<Result<Value, GraphError>>;

async fn batch(graph: &TenantGraph, requests: Vec<SubRequest>) -> Result<Answers, GraphError> {
    let answers = graph.batch("beta", requests).await?;
    Ok(answers
        .into_iter()
        .map(|answer| answer.map(|body| serde_json::from_slice(&body.bytes).unwrap()))
        .collect())
}

fn lists(paths: &[&str]) -> Vec<SubRequest> {
    paths.iter().map(|path| SubRequest::list(*path)).collect()
}

fn rows(answer: &Result<Value, GraphError>) -> usize {
    answer.as_ref().unwrap()["value"].as_array().unwrap().len()
}

fn kind(answer: &Result<Value, GraphError>) -> &GraphErrorKind {
    &answer.as_ref().unwrap_err().kind
}

/// The envelopes that were sent.
fn envelopes(setup: &Setup) -> usize {
    let sent = setup.graph_requests();
    sent.iter()
        .filter(|one| one.path.ends_with("/$batch"))
        .count()
}

/// How often `path` was asked for within envelopes.
fn asked(setup: &Setup, path: &str) -> usize {
    let path = format!("/beta{path}");
    let sent = setup.graph_requests();
    sent.iter()
        .filter(|one| one.batch.is_some() && one.path == path)
        .count()
}

fn beta(path: &str) -> PathMatch {
    PathMatch::exact(&format!("/beta{path}"))
}

#[tokio::test]
async fn fifty_reads_take_three_envelopes_and_come_back_in_their_order() {
    let setup = Setup::start().await;
    let graph = setup.graph();
    let each = [TAGS, CATEGORIES, POLICIES];
    let alone = batch(&graph, lists(&each)).await.unwrap();
    let requests: Vec<SubRequest> = (0..50)
        .map(|place| SubRequest::list(each[place % each.len()]))
        .collect();
    let before = envelopes(&setup);
    let answers = batch(&graph, requests).await.unwrap();
    assert_eq!(answers.len(), 50);
    for (place, answer) in answers.iter().enumerate() {
        let expected = alone[place % each.len()].as_ref().unwrap();
        assert_eq!(
            answer.as_ref().unwrap()["value"],
            expected["value"],
            "{place}"
        );
    }
    assert_eq!(envelopes(&setup) - before, 3);
}

#[tokio::test]
async fn only_what_failed_is_sent_again_and_after_the_longest_wait() {
    let setup = Setup::start().await;
    let graph = setup.graph();
    graph.sign_in().await.unwrap();
    for (path, wait) in [(TAGS, 0.1), (CATEGORIES, 0.6)] {
        let retry_after = RetryAfter::Decimal(wait);
        setup.fault(FaultRule::once(
            beta(path),
            Effect::Throttled { retry_after },
        ));
    }
    let missing = FaultRule::once(beta("/deviceManagement/intents"), Effect::MissingResponse);
    setup.fault(missing);
    let all = [TAGS, POLICIES, CATEGORIES, "/deviceManagement/intents"];
    let answers = batch(&graph, lists(&all)).await.unwrap();
    assert!(answers.iter().all(|answer| rows(answer) > 0));
    assert_eq!(all.map(|path| asked(&setup, path)), [2, 1, 2, 2]);
    let sent = setup.graph_requests();
    let starts: Vec<u64> = sent
        .iter()
        .filter(|one| one.path.ends_with("/$batch"))
        .map(|one| one.started_us)
        .collect();
    assert_eq!(starts.len(), 2);
    assert!(starts[1] - starts[0] >= 600_000, "{starts:?}");
}

#[tokio::test]
async fn each_read_has_its_own_refusal() {
    let setup = Setup::start().await;
    let graph = setup.graph();
    let forbidden = Effect::Forbidden { permission: None };
    setup.fault(FaultRule::always(beta(TAGS), forbidden));
    setup.fault(FaultRule::always(beta(CATEGORIES), Effect::MissingResponse));
    let broken = Effect::ServerError {
        status: 500,
        body: ErrorBody::NestedJson,
        retry_after: RetryAfter::Absent,
    };
    setup.fault(FaultRule::always(beta("/deviceManagement/intents"), broken));
    let answers = batch(
        &graph,
        vec![
            SubRequest::list(TAGS),
            SubRequest::list(CATEGORIES),
            SubRequest::list("/deviceManagement/intents"),
            SubRequest::list("/deviceManagement/nonsense"),
            SubRequest::list(POLICIES),
        ],
    )
    .await
    .unwrap();
    assert!(matches!(
        kind(&answers[0]),
        GraphErrorKind::PermissionMissing
    ));
    assert!(matches!(
        kind(&answers[1]),
        GraphErrorKind::InvalidResponse { .. }
    ));
    assert!(matches!(
        kind(&answers[2]),
        GraphErrorKind::Unavailable { status: 500, .. }
    ));
    assert!(matches!(
        kind(&answers[3]),
        GraphErrorKind::CollectionNotFound
    ));
    assert!(rows(&answers[4]) > 0);
    assert_eq!(asked(&setup, TAGS), 1);
    assert_eq!(asked(&setup, "/deviceManagement/intents"), 3);
    assert_eq!(asked(&setup, CATEGORIES), 6);
}

#[tokio::test]
async fn an_envelope_that_fails_is_sent_again_as_any_request() {
    for effect in [
        Effect::Throttled {
            retry_after: RetryAfter::Decimal(0.05),
        },
        Effect::ServerError {
            status: 503,
            body: ErrorBody::Empty,
            retry_after: RetryAfter::Absent,
        },
        Effect::TruncatedJson,
        Effect::ConnectionReset,
        Effect::HtmlPage,
        Effect::Unauthorized,
    ] {
        let setup = Setup::start().await;
        setup.fault(FaultRule::once(beta("/$batch"), effect.clone()));
        let answers = batch(&setup.graph(), lists(&[TAGS])).await.unwrap();
        assert!(rows(&answers[0]) > 0, "{effect:?}");
        assert_eq!(envelopes(&setup), 2, "{effect:?}");
    }
}

#[tokio::test]
async fn a_token_that_one_read_refuses_is_renewed_once() {
    let setup = Setup::start().await;
    setup.fault(FaultRule::once(beta(TAGS), Effect::Unauthorized));
    let answers = batch(&setup.graph(), lists(&[TAGS, CATEGORIES]))
        .await
        .unwrap();
    assert!(answers.iter().all(|answer| rows(answer) > 0));
    assert_eq!(setup.token_requests().len(), 2);

    setup.fault(FaultRule::always(beta(TAGS), Effect::Unauthorized));
    let answers = batch(&setup.graph(), lists(&[TAGS, CATEGORIES]))
        .await
        .unwrap();
    assert_eq!(*kind(&answers[0]), GraphErrorKind::EndpointRefused);
    assert!(rows(&answers[1]) > 0, "the others are read");
    assert_eq!(setup.token_requests().len(), 3);
}

#[tokio::test]
async fn what_is_throttled_for_too_long_is_reported_with_the_wait() {
    let setup = Setup::start().await;
    let retry_after = RetryAfter::Seconds(600);
    setup.fault(FaultRule::once(
        beta(TAGS),
        Effect::Throttled { retry_after },
    ));
    let answers = batch(&setup.graph(), lists(&[TAGS, CATEGORIES]))
        .await
        .unwrap();
    let wait = answers[0].as_ref().unwrap_err().retry_after().unwrap();
    assert!(wait > Duration::from_secs(590), "{wait:?}");
    assert!(rows(&answers[1]) > 0);
    assert_eq!(envelopes(&setup), 1);
}

#[tokio::test]
async fn a_first_page_of_a_batch_is_walked_to_the_end_of_its_list() {
    let setup = Setup::with(SimulatorOptions {
        size: 300,
        max_page_size: Some(10),
        ..Setup::options()
    })
    .await;
    let graph = setup.graph();
    let first = graph.batch("beta", lists(&[POLICIES])).await.unwrap();
    let first = first.into_iter().next().unwrap().unwrap();
    let mut pages = graph.pages("beta", first.clone());
    let mut ids = BTreeSet::new();
    let mut seen = 0;
    while let Some(body) = pages.next_page().await.unwrap() {
        let page: Value = serde_json::from_slice(&body.bytes).unwrap();
        let rows = page["value"].as_array().unwrap();
        ids.extend(rows.iter().map(|row| row["id"].to_string()));
        seen += 1;
    }
    let key = setup.sim.answer_key(&setup.directory);
    let expected: usize = keys_of(&format!("/beta{POLICIES}"))
        .iter()
        .map(|one| key[one.as_str()].len())
        .sum();
    assert_eq!(ids.len(), expected);
    assert!(seen > 1);

    let looped = FaultRule::always(beta(POLICIES), Effect::RepeatedNextLink);
    setup.fault(looped);
    let mut pages = graph.pages("beta", first);
    let refusal = loop {
        match pages.next_page().await {
            Ok(page) => assert!(page.is_some()),
            Err(error) => break error,
        }
    };
    assert_eq!(
        refusal.kind,
        GraphErrorKind::Paging(PagingRefusal::Repeated)
    );
    assert_eq!(pages.next_page().await.unwrap_err(), refusal, "it stays");
}

#[tokio::test]
async fn a_link_of_a_batch_that_leads_elsewhere_is_not_followed() {
    let setup = Setup::start().await;
    let foreign = Effect::ForeignNextLink {
        origin: "http://127.0.0.1:9".to_owned(),
    };
    setup.fault(FaultRule::always(beta(POLICIES), foreign));
    let graph = setup.graph();
    let first = graph.batch("beta", lists(&[POLICIES])).await.unwrap();
    let mut pages = graph.pages("beta", first.into_iter().next().unwrap().unwrap());
    assert!(pages.next_page().await.unwrap().is_some());
    assert_eq!(
        pages.next_page().await.unwrap_err().kind,
        GraphErrorKind::Paging(PagingRefusal::Foreign)
    );
}

#[tokio::test]
async fn an_object_that_was_deleted_is_distinguished_from_a_route_that_is_not_there() {
    let setup = Setup::start().await;
    let body = r#"{"error": {"code": "ResourceNotFound", "message": "no such object"}}"#;
    let gone = Effect::Answer {
        status: 404,
        body: body.to_owned(),
    };
    let path = format!("{TAGS}/7");
    setup.fault(FaultRule::always(beta(&path), gone));
    let requests = vec![SubRequest::object(&path), SubRequest::list(&path)];
    let answers = batch(&setup.graph(), requests).await.unwrap();
    assert!(matches!(kind(&answers[0]), GraphErrorKind::ObjectNotFound));
    assert!(matches!(
        kind(&answers[1]),
        GraphErrorKind::CollectionNotFound
    ));
}

#[tokio::test]
async fn an_envelope_larger_than_the_limit_is_cut_into_smaller_ones() {
    let setup = Setup::start().await;
    let padded = Effect::Padded {
        bytes: 4 * 1024 * 1024,
    };
    setup.fault(FaultRule::always(beta(TAGS), padded));
    let graph = setup.graph_with(GraphOptions {
        max_body_bytes: 1024 * 1024,
        ..quick()
    });
    let answers = batch(&graph, lists(&[TAGS, CATEGORIES])).await.unwrap();
    assert_eq!(*kind(&answers[0]), GraphErrorKind::TooLarge);
    assert!(rows(&answers[1]) > 0, "by itself it is not too large");
}
