//! Answers that are errors, broken, late or too large.

use std::time::{Duration, Instant};

use atlas_domain::failure::FailureCode;
use atlas_graph::{GraphErrorKind, GraphOptions};
use atlas_graph_sim::{Effect, ErrorBody, FaultRule, PathMatch, RetryAfter};

use crate::setup::{Setup, quick, tags};

#[tokio::test]
async fn server_errors_are_retried_within_the_longest_wait_and_500_three_times() {
    for status in [500, 502, 503, 504] {
        for body in [ErrorBody::Empty, ErrorBody::NestedJson] {
            let setup = Setup::start().await;
            let graph = setup.graph_with(GraphOptions {
                max_wait: Duration::from_secs(1),
                ..quick()
            });
            let effect = Effect::ServerError {
                status,
                body,
                retry_after: RetryAfter::Absent,
            };
            setup.fault(FaultRule::always(tags(), effect.clone()));
            let list = setup.list("roleScopeTag");
            let error = setup.read(&graph, &list).await.unwrap_err();
            assert!(
                matches!(error.kind, GraphErrorKind::Unavailable { status: answered, .. } if answered == status)
            );
            assert_eq!(
                error.failure(list.keys()).code,
                FailureCode::GRAPH_UNAVAILABLE
            );
            let attempts = setup.graph_requests().len();
            if status == 500 {
                assert_eq!(attempts, 3);
            } else {
                assert!(
                    attempts > 6,
                    "only the wait is limited: {status} {attempts}"
                );
            }

            let setup = Setup::start().await;
            setup.fault(FaultRule::once(tags(), effect).times(Some(2)));
            setup.read(&setup.graph(), &list).await.unwrap();
            assert_eq!(setup.graph_requests().len(), 3, "{status}");
        }
    }
}

#[tokio::test]
async fn requests_with_broken_answers_are_sent_again() {
    for effect in [
        Effect::TruncatedJson,
        Effect::ConnectionReset,
        Effect::HtmlPage,
    ] {
        let setup = Setup::start().await;
        let list = setup.list("roleScopeTag");
        let all = setup.read(&setup.graph(), &list).await.unwrap();
        setup.fault(FaultRule::once(tags(), effect.clone()));
        let again = setup.read(&setup.graph(), &list).await.unwrap();
        assert_eq!(again.observations, all.observations, "{effect:?}");
        assert_eq!(setup.graph_requests().len(), 3, "{effect:?}");
    }
}

#[tokio::test]
async fn an_answer_that_stays_broken_is_invalid_and_one_that_never_ends_unreachable() {
    for (effect, attempts, code) in [
        (
            Effect::TruncatedJson,
            3..=3,
            FailureCode::GRAPH_INVALID_RESPONSE,
        ),
        (Effect::HtmlPage, 3..=3, FailureCode::GRAPH_INVALID_RESPONSE),
        (
            Effect::ConnectionReset,
            7..=100,
            FailureCode::GRAPH_UNREACHABLE,
        ),
    ] {
        let setup = Setup::start().await;
        setup.fault(FaultRule::always(tags(), effect.clone()));
        let list = setup.list("roleScopeTag");
        let graph = setup.graph_with(GraphOptions {
            max_wait: Duration::from_secs(1),
            ..quick()
        });
        let error = setup.read(&graph, &list).await.unwrap_err();
        assert_eq!(error.failure(list.keys()).code, code, "{effect:?}");
        let sent = setup.graph_requests().len();
        assert!(attempts.contains(&sent), "{effect:?}: {sent}");
    }
}

#[tokio::test]
async fn an_answer_that_takes_too_long_fails_the_list() {
    let setup = Setup::start().await;
    let delayed = Effect::Delayed {
        milliseconds: 60_000,
    };
    setup.fault(FaultRule::always(tags(), delayed));
    let graph = setup.graph_with(GraphOptions {
        request_timeout: Duration::from_millis(200),
        max_wait: Duration::from_millis(300),
        ..quick()
    });
    let list = setup.list("roleScopeTag");
    let error = setup.read(&graph, &list).await.unwrap_err();
    assert_eq!(
        error.failure(list.keys()).code,
        FailureCode::GRAPH_UNREACHABLE
    );
}

#[tokio::test]
async fn a_body_larger_than_the_limit_is_not_read() {
    let setup = Setup::start().await;
    let padded = Effect::Padded {
        bytes: 4 * 1024 * 1024,
    };
    setup.fault(FaultRule::always(tags(), padded));
    let graph = setup.graph_with(GraphOptions {
        max_body_bytes: 1024 * 1024,
        ..quick()
    });
    let list = setup.list("roleScopeTag");
    let error = setup.read(&graph, &list).await.unwrap_err();
    let failure = error.failure(list.keys());
    assert_eq!(failure.code, FailureCode::GRAPH_INVALID_RESPONSE);
    assert!(
        failure.detail.contains("larger than the limit"),
        "{}",
        failure.detail
    );
    assert_eq!(setup.graph_requests().len(), 1);
}

#[tokio::test]
async fn while_a_service_answers_nothing_its_lists_do_not_wait_one_after_the_other() {
    let setup = Setup::start().await;
    let effect = Effect::ServerError {
        status: 503,
        body: ErrorBody::Empty,
        retry_after: RetryAfter::Absent,
    };
    setup.fault(FaultRule::always(
        PathMatch::prefix("/beta/deviceManagement"),
        effect,
    ));
    let graph = setup.graph_with(GraphOptions {
        max_wait: Duration::from_secs(1),
        ..quick()
    });
    let start = Instant::now();
    for key in [
        "roleScopeTag",
        "roleDefinition",
        "roleScopeTag",
        "roleDefinition",
    ] {
        setup.read(&graph, &setup.list(key)).await.unwrap_err();
    }
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
    setup.sim.clear_faults();
    setup
        .read(&graph, &setup.list("roleScopeTag"))
        .await
        .unwrap();
    setup
        .read(&graph, &setup.list("roleDefinition"))
        .await
        .unwrap();
}
