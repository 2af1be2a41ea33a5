//! Answers that differ from attempt to attempt, and what is waited for between them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, Instant};

use atlas_domain::failure::FailureCode;
use atlas_domain::policy_types::registry;
use atlas_graph::{GraphErrorKind, GraphOptions, SubRequest, plan};
use atlas_graph_sim::{Effect, ErrorBody, FaultRule, PathMatch, RetryAfter};
use serde_json::json;

use crate::setup::{Setup, quick};

const TAGS: &str = "/beta/deviceManagement/roleScopeTags";
const CATEGORIES: &str = "/beta/deviceManagement/deviceCategories";
const UPDATES: &str = "/beta/deviceManagement/windowsFeatureUpdateProfiles";
const SCRIPTS: &str = "/beta/deviceManagement/deviceComplianceScripts";

/// The answer to the request with this number.
fn answer(setup: &Setup, path: &str, nth: u32, status: u16, body: &str) {
    let body = body.to_owned();
    let rule = FaultRule::once(PathMatch::exact(path), Effect::Answer { status, body });
    setup.fault(rule.nth(nth));
}

fn throttled() -> Effect {
    Effect::Throttled {
        retry_after: RetryAfter::Decimal(0.01),
    }
}

fn broken(status: u16) -> Effect {
    Effect::ServerError {
        status,
        body: ErrorBody::Empty,
        retry_after: RetryAfter::Absent,
    }
}

#[tokio::test]
async fn waiting_uses_up_no_attempt_of_what_gets_few() {
    for first in [throttled(), broken(503)] {
        for then in [broken(500), Effect::TruncatedJson] {
            let setup = Setup::start().await;
            let path = PathMatch::exact(TAGS);
            setup.fault(FaultRule::once(path.clone(), first.clone()).times(Some(2)));
            setup.fault(FaultRule::once(path, then.clone()).nth(3));
            let list = setup.list("roleScopeTag");
            let read = setup.read(&setup.graph(), &list).await;
            assert!(
                read.is_ok(),
                "{first:?} twice, then {then:?}: {:?}",
                read.err()
            );
            assert_eq!(setup.graph_requests().len(), 4);
        }
    }
}

#[tokio::test]
async fn waiting_uses_up_no_attempt_of_a_part_of_a_batch_and_no_renewal() {
    for (times, then) in [(2, broken(500)), (1, Effect::Unauthorized)] {
        let setup = Setup::start().await;
        let path = PathMatch::exact(TAGS);
        setup.fault(FaultRule::once(path.clone(), throttled()).times(Some(times)));
        setup.fault(FaultRule::once(path, then.clone()).nth(times + 1));
        let reads = vec![SubRequest::list("/deviceManagement/roleScopeTags")];
        let answers = setup.graph().batch("beta", reads).await.unwrap();
        assert!(
            answers[0].is_ok(),
            "{then:?}: {:?}",
            answers[0].as_ref().err()
        );
    }
}

#[tokio::test]
async fn parts_that_are_too_large_together_are_asked_for_apart() {
    let setup = Setup::start().await;
    for path in [TAGS, CATEGORIES] {
        let padded = Effect::Padded { bytes: 700_000 };
        setup.fault(FaultRule::always(PathMatch::exact(path), padded));
    }
    let graph = setup.graph_with(GraphOptions {
        max_body_bytes: 1024 * 1024,
        ..quick()
    });
    let reads = [
        "/deviceManagement/roleScopeTags",
        "/deviceManagement/deviceCategories",
    ];
    let reads = reads.map(SubRequest::list).to_vec();
    for answer in graph.batch("beta", reads).await.unwrap() {
        assert!(answer.is_ok(), "{:?}", answer.err());
    }
}

/// Rows, of which one may be damaged.
fn page(rows: Range<usize>, damaged: bool, next: Option<&str>) -> String {
    let name = |id: usize| if id == 7 && damaged { "DAMAGED" } else { "n" };
    let rows: Vec<_> = rows
        .map(|id| json!({"id": format!("p{id}"), "displayName": name(id), "assignments": []}))
        .collect();
    let mut page = json!({"value": rows});
    if let Some(next) = next {
        page["@odata.nextLink"] = json!(next);
    }
    page.to_string().replace("DAMAGED", "x\\ud83d")
}

#[tokio::test]
async fn a_row_that_was_damaged_in_one_reading_only_is_given_out_undamaged() {
    let setup = Setup::start().await;
    let next = format!("{}{UPDATES}?$skiptoken=x", setup.sim.base_url());
    answer(&setup, UPDATES, 3, 200, &page(199..200, false, None));
    answer(&setup, UPDATES, 2, 200, &page(0..199, false, Some(&next)));
    answer(&setup, UPDATES, 1, 200, &page(0..200, true, None));
    let graph = setup.graph();
    let mut reader = graph.list(&setup.list("windowsFeatureUpdateProfile"));
    let mut names = BTreeMap::new();
    while let Some(page) = reader.next_page().await.unwrap() {
        let observations = page.observations.into_iter();
        names.extend(observations.map(|one| (one.external_id, one.name)));
    }
    assert!(!reader.may_be_cut() && reader.row_problems().is_empty());
    assert_eq!(names.len(), 200);
    assert!(names.values().all(|name| name == "n"));
}

#[tokio::test]
async fn rows_in_doubt_are_named_when_the_end_cannot_be_confirmed() {
    let setup = Setup::start().await;
    answer(&setup, UPDATES, 1, 200, &page(0..200, true, None));
    let refused = Effect::Forbidden { permission: None };
    setup.fault(FaultRule::once(PathMatch::exact(UPDATES), refused).nth(2));
    let graph = setup.graph();
    let list = setup.list("windowsFeatureUpdateProfile");
    let mut reader = graph.list(&list);
    while reader.next_page().await.unwrap().is_some() {}
    assert!(reader.may_be_cut());
    let rows = &reader.row_problems()[&list.keys()[0]];
    assert_eq!((rows.count, rows.first[0].position), (1, Some(8)));
}

#[tokio::test]
async fn assignments_whose_next_page_expired_are_read_once_more() {
    let setup = Setup::start().await;
    let key = registry().find("deviceComplianceScript").unwrap();
    let list = plan(&[key], true).lists.remove(0);
    let row = r#"{"value": [{"id": "s1", "displayName": "n"}]}"#;
    answer(&setup, SCRIPTS, 1, 200, row);
    let own = format!("{SCRIPTS}/s1/assignments");
    let next = format!("{}{own}?$skiptoken=x", setup.sim.base_url());
    let first = json!({"@odata.nextLink": next, "value": [{"id": "a1", "target": {}}]}).to_string();
    let expired = r#"{"error": {"code": "Directory_ExpiredPageToken", "message": ""}}"#;
    let last = r#"{"value": [{"id": "a2", "target": {"groupId": "g"}}]}"#;
    answer(&setup, &own, 1, 200, &first);
    answer(&setup, &own, 2, 400, expired);
    answer(&setup, &own, 3, 200, &first);
    answer(&setup, &own, 4, 200, last);
    let graph = setup.graph();
    let mut reader = graph.list(&list);
    let mut counts = Vec::new();
    while let Some(page) = reader.next_page().await.unwrap() {
        counts.extend(page.observations.iter().map(|one| one.assignment_count));
    }
    assert!(reader.incomplete().is_empty(), "{:?}", reader.incomplete());
    assert_eq!(counts, [Some(2)]);
}

#[tokio::test]
async fn a_silent_sign_in_service_is_not_waited_for_once_for_each_list() {
    let setup = Setup::start().await;
    setup.fault(FaultRule::always(PathMatch::token_endpoint(), broken(503)));
    let graph = setup.graph_with(GraphOptions {
        max_wait: Duration::from_secs(1),
        ..quick()
    });
    let begun = Instant::now();
    for key in [
        "roleScopeTag",
        "deviceCategory",
        "roleDefinition",
        "termsAndConditions",
    ] {
        let error = setup.read(&graph, &setup.list(key)).await.unwrap_err();
        assert!(matches!(error.kind, GraphErrorKind::SignIn(_)), "{error:?}");
    }
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn sign_in_answers_that_do_not_come_count_as_waiting() {
    let setup = Setup::start().await;
    let delayed = Effect::Delayed {
        milliseconds: 60_000,
    };
    setup.fault(FaultRule::always(PathMatch::token_endpoint(), delayed));
    let graph = setup.graph_with(GraphOptions {
        max_wait: Duration::from_secs(1),
        request_timeout: Duration::from_millis(500),
        ..quick()
    });
    let begun = Instant::now();
    graph.sign_in().await.unwrap_err();
    assert!(
        begun.elapsed() < Duration::from_secs(4),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn a_byte_order_mark_or_damaged_text_in_an_error_changes_nothing() {
    for (status, code, message, expected) in [
        (
            400,
            "BadRequest",
            "Request not applicable to target tenant.",
            FailureCode::INTUNE_NOT_AVAILABLE,
        ),
        (
            403,
            "AccessDenied",
            "Your tenant is not licensed for this feature.",
            FailureCode::NOT_LICENSED,
        ),
        (
            400,
            "BadRequest",
            "Resource not found for the segment 'x'.",
            FailureCode::COLLECTION_NOT_FOUND,
        ),
    ] {
        for (mark, tail) in [("", ""), ("\u{feff}", ""), ("", "\\ud83d")] {
            let setup = Setup::start().await;
            let body =
                format!(r#"{mark}{{"error": {{"code": "{code}", "message": "{message}{tail}"}}}}"#);
            answer(&setup, TAGS, 1, status, &body);
            let list = setup.list("roleScopeTag");
            let error = setup.read(&setup.graph(), &list).await.unwrap_err();
            let failure = error.failure(list.keys());
            assert_eq!(failure.code, expected, "{body}");
            assert_eq!(failure.upstream.unwrap().error_code.as_deref(), Some(code));
        }
    }
    let setup = Setup::start().await;
    let mark = FaultRule::always(PathMatch::token_endpoint(), Effect::ByteOrderMark);
    setup.fault(mark);
    setup.graph().sign_in().await.unwrap();
    let setup = Setup::start().await;
    setup.fault(FaultRule::always(
        PathMatch::token_endpoint(),
        Effect::Answer {
            status: 401,
            body: "\u{feff}{\"error\": \"invalid_client\", \"error_codes\": [7000215]}".to_owned(),
        },
    ));
    let error = setup.graph().sign_in().await.unwrap_err();
    assert_eq!(error.failure(&[]).code, FailureCode::CREDENTIALS_INVALID);
}

#[tokio::test]
async fn a_singleton_that_says_nothing_is_a_failed_answer() {
    for body in [
        "{}",
        r#"{"@odata.context": "c"}"#,
        r#"{"Message": "An error has occurred."}"#,
        r#"{"odata.error": {"code": "x", "message": {"value": "y"}}}"#,
        r#"{"error": "temporarily_unavailable"}"#,
        r#"{"error": {}}"#,
        r#"{"error": {"innerError": {}}}"#,
        r#"{"Error": {"Code": "x", "Message": "y"}}"#,
        r#"{"value": []}"#,
    ] {
        let setup = Setup::start().await;
        let path = PathMatch::exact("/v1.0/policies/authorizationPolicy");
        let body = body.to_owned();
        let text = body.clone();
        setup.fault(FaultRule::always(
            path,
            Effect::Answer { status: 200, body },
        ));
        let list = setup.list("authorizationPolicy");
        let error = setup.read(&setup.graph(), &list).await.unwrap_err();
        let code = error.failure(list.keys()).code;
        assert_eq!(code, FailureCode::GRAPH_INVALID_RESPONSE, "{text}");
    }
}
