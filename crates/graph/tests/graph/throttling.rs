//! Waiting as the service asks, and no longer than configured.

use std::time::{Duration, Instant};

use atlas_domain::failure::FailureCode;
use atlas_graph::{GraphErrorKind, GraphOptions};
use atlas_graph_sim::{
    Effect, ErrorBody, FaultRule, PathMatch, RetryAfter, SimulatorOptions, Throttle,
};
use futures::future::{join_all, join3};

use crate::setup::{Setup, everything, quick};

const TAGS: &str = "/beta/deviceManagement/roleScopeTags";

fn tags() -> PathMatch {
    PathMatch::exact(TAGS)
}

#[tokio::test]
async fn a_throttled_request_waits_as_long_as_the_answer_asks() {
    for (retry_after, at_least, at_most) in [
        (RetryAfter::Seconds(1), 1_000, 5_000),
        (RetryAfter::Decimal(0.3), 300, 5_000),
        (RetryAfter::HttpDate(2), 1_000, 5_000),
        (RetryAfter::Absent, 0, 5_000),
    ] {
        let setup = Setup::start().await;
        setup.fault(FaultRule::once(tags(), Effect::Throttled { retry_after }));
        setup.graph().sign_in().await.unwrap();
        let start = Instant::now();
        setup
            .read(&setup.graph(), &setup.list("roleScopeTag"))
            .await
            .unwrap();
        let took = start.elapsed();
        assert!(
            took >= Duration::from_millis(at_least),
            "{retry_after:?}: {took:?}"
        );
        assert!(
            took < Duration::from_millis(at_most),
            "{retry_after:?}: {took:?}"
        );
        assert_eq!(setup.graph_requests().len(), 2);
    }
}

#[tokio::test]
async fn one_throttled_list_pauses_its_service_and_no_other_service_or_tenant() {
    let mut setup = Setup::start().await;
    // The second pause is longer than what is left of the wait: the throttled list fails, which
    // shows that the pause has begun.
    setup.use_options(GraphOptions {
        max_wait: Duration::from_millis(1_500),
        ..quick()
    });
    let (graph, other) = (setup.graph(), setup.other_tenant());
    graph.sign_in().await.unwrap();
    other.sign_in().await.unwrap();
    let retry_after = RetryAfter::Seconds(1);
    let throttled = FaultRule::once(tags(), Effect::Throttled { retry_after }).times(Some(2));
    setup.fault(throttled.for_tenant(&setup.directory));
    let (list, next) = (setup.list("roleScopeTag"), setup.list("roleDefinition"));
    let error = setup.read(&graph, &list).await.unwrap_err();
    let wait = error.retry_after().unwrap();
    assert!(
        wait > Duration::from_millis(900) && wait <= Duration::from_secs(1),
        "{wait:?}"
    );
    let start = Instant::now();
    let paused = async {
        setup.read(&graph, &next).await.unwrap();
        start.elapsed()
    };
    let elsewhere = async {
        setup.read(&other, &next).await.unwrap();
        start.elapsed()
    };
    let category = setup.list("deviceCategory");
    let besides = async {
        setup.read(&graph, &category).await.unwrap();
        start.elapsed()
    };
    let (paused, elsewhere, besides) = join3(paused, elsewhere, besides).await;
    assert!(paused > Duration::from_millis(900), "{paused:?}");
    assert!(elsewhere < paused, "{elsewhere:?}");
    assert!(besides < paused, "{besides:?}");
}

#[tokio::test]
async fn a_wait_that_is_too_long_fails_every_list_of_the_service_at_once() {
    let setup = Setup::start().await;
    let retry_after = RetryAfter::Seconds(600);
    setup.fault(FaultRule::once(tags(), Effect::Throttled { retry_after }));
    let start = Instant::now();
    for key in ["roleScopeTag", "roleDefinition"] {
        let list = setup.list(key);
        let error = setup.read(&setup.graph(), &list).await.unwrap_err();
        let wait = error.retry_after().unwrap();
        assert!(
            wait > Duration::from_secs(590) && wait <= Duration::from_secs(600),
            "{wait:?}"
        );
        let failure = error.failure(list.keys());
        assert_eq!(failure.code, FailureCode::GRAPH_THROTTLED);
        assert!(failure.retryable);
    }
    assert!(start.elapsed() < Duration::from_secs(60));
    assert_eq!(
        setup.graph_requests().len(),
        1,
        "the second list was not even asked for"
    );
}

#[tokio::test]
async fn a_tenant_with_a_tight_limit_is_read_completely() {
    let setup = Setup::start().await;
    setup.sim.set_throttles(vec![Throttle {
        path: PathMatch::prefix("/"),
        requests: 40,
        window_ms: 500,
        reports_wait: true,
    }]);
    let graph = setup.graph_with(GraphOptions { ..quick() });
    graph.sign_in().await.unwrap();
    let lists = atlas_graph::plan(&everything(), false).lists;
    let readers = lists.iter().map(|list| setup.read(&graph, list));
    let objects: usize = join_all(readers)
        .await
        .into_iter()
        .map(|read| read.unwrap().observations.len())
        .sum();
    let expected: usize = setup
        .sim
        .answer_key(&setup.directory)
        .values()
        .map(Vec::len)
        .sum();
    assert_eq!(objects, expected);
}

#[tokio::test]
async fn server_errors_are_tried_again_as_long_as_may_be_waited_and_500_three_times() {
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
async fn broken_answers_are_asked_for_again() {
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
async fn an_answer_that_takes_too_long_is_given_up() {
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
async fn timeouts_of_an_expanded_list_end_in_a_list_without_assignments() {
    let setup = Setup::start().await;
    let list = setup.list("mobileApp");
    let all = setup.read(&setup.graph(), &list).await.unwrap();
    let effect = Effect::ServerError {
        status: 504,
        body: ErrorBody::Empty,
        retry_after: RetryAfter::Absent,
    };
    let path = PathMatch::exact("/beta/deviceAppManagement/mobileApps");
    setup.fault(FaultRule::once(path, effect).times(Some(6)));
    let again = setup.read(&setup.graph(), &list).await.unwrap();
    let ids = |read: &crate::setup::Read| -> Vec<String> {
        read.observations
            .iter()
            .map(|one| one.external_id.clone())
            .collect()
    };
    assert_eq!(ids(&again), ids(&all));
    assert!(
        all.observations
            .iter()
            .all(|one| one.assignment_count.is_some())
    );
    assert!(
        again
            .observations
            .iter()
            .all(|one| one.assignment_count.is_none())
    );
}

/// The sizes of the pages that were asked for, in order.
fn sizes(setup: &Setup) -> Vec<Option<u32>> {
    let size = |query: &str| {
        let mut parts = query.split('&');
        parts.find_map(|part| part.strip_prefix("$top=")?.parse().ok())
    };
    let requests = setup.graph_requests();
    requests.iter().map(|one| size(&one.query)).collect()
}

#[tokio::test]
async fn a_list_that_takes_too_long_is_read_in_smaller_pages_with_its_assignments() {
    let setup = Setup::with_size(4_000).await;
    let list = setup.list("settingsCatalogPolicy");
    let all = setup.read(&setup.graph(), &list).await.unwrap();
    assert!(all.observations.len() > 150, "{}", all.observations.len());
    let path = PathMatch::exact("/beta/deviceManagement/configurationPolicies");
    setup.fault(FaultRule::always(
        path,
        Effect::ExpandTimesOut { rows: 150 },
    ));
    setup.sim.clear_log();
    let again = setup.read(&setup.graph(), &list).await.unwrap();
    assert_eq!(again.observations, all.observations);
    assert!(!again.unstable);
    assert_eq!(
        sizes(&setup)[..3],
        [Some(1_000), Some(1_000), Some(100)],
        "{:?}",
        sizes(&setup)
    );
}

#[tokio::test]
async fn a_page_in_the_middle_that_takes_too_long_begins_the_list_again_and_gives_each_object_once()
{
    for repeated in [false, true] {
        let setup = Setup::with(SimulatorOptions {
            size: 3_000,
            max_page_size: Some(30),
            ..Setup::options()
        })
        .await;
        let list = setup.list("settingsCatalogPolicy");
        let all = setup.read(&setup.graph(), &list).await.unwrap();
        assert!(all.pages > 5, "{}", all.pages);
        let path = || PathMatch::exact("/beta/deviceManagement/configurationPolicies");
        // The walk breaks at its third page and begins again with the fifth request.
        let hangs = Effect::Delayed {
            milliseconds: 60_000,
        };
        setup.fault(FaultRule::once(path(), hangs).nth(3).times(Some(2)));
        if repeated {
            setup.fault(
                FaultRule::once(path(), Effect::RepeatedRow)
                    .nth(8)
                    .times(Some(8)),
            );
        }
        let graph = setup.graph_with(GraphOptions {
            request_timeout: Duration::from_millis(500),
            ..quick()
        });
        let mut again = setup.read(&graph, &list).await.unwrap();
        assert_eq!(again.unstable, repeated);
        let given = again.observations.len();
        again
            .observations
            .dedup_by(|one, other| one.external_id == other.external_id);
        assert_eq!(given > again.observations.len(), repeated);
        assert_eq!(again.observations, all.observations);
    }
}

#[tokio::test]
async fn asking_for_less_ends_with_an_error_when_nothing_is_little_enough() {
    let setup = Setup::start().await;
    let list = setup.list("settingsCatalogPolicy");
    let path = PathMatch::exact("/beta/deviceManagement/configurationPolicies");
    let effect = Effect::ServerError {
        status: 504,
        body: ErrorBody::Empty,
        retry_after: RetryAfter::Absent,
    };
    setup.fault(FaultRule::always(path, effect));
    let error = setup.read(&setup.graph(), &list).await.unwrap_err();
    assert!(matches!(
        error.kind,
        GraphErrorKind::Unavailable { status: 504, .. }
    ));
    let mut sizes = sizes(&setup);
    sizes.dedup();
    assert_eq!(sizes, [1_000, 100, 20, 100, 20].map(Some));
}

#[tokio::test]
async fn conditional_access_is_asked_at_a_distance() {
    let setup = Setup::start().await;
    let interval = Duration::from_millis(300);
    let graph = setup.graph_with(GraphOptions {
        conditional_access_interval: interval,
        ..quick()
    });
    graph.sign_in().await.unwrap();
    let keys = [
        "conditionalAccessPolicy",
        "namedLocation",
        "authenticationContext",
    ];
    let lists: Vec<_> = keys.iter().map(|key| setup.list(key)).collect();
    for read in join_all(lists.iter().map(|list| setup.read(&graph, list))).await {
        read.unwrap();
    }
    let mut starts: Vec<u64> = setup
        .graph_requests()
        .iter()
        .map(|one| one.started_us)
        .collect();
    starts.sort_unstable();
    assert_eq!(starts.len(), 3);
    for pair in starts.windows(2) {
        assert!(pair[1] - pair[0] >= 200_000, "{starts:?}");
    }
}

#[tokio::test]
async fn throttling_without_a_wait_is_waited_for_as_long_as_may_be_and_the_text_says_so() {
    let setup = Setup::start().await;
    let retry_after = RetryAfter::Absent;
    let throttled = FaultRule::once(tags(), Effect::Throttled { retry_after });
    setup.fault(throttled.clone().times(Some(8)));
    let list = setup.list("roleScopeTag");
    setup.read(&setup.graph(), &list).await.unwrap();
    assert_eq!(setup.graph_requests().len(), 9);

    setup.fault(throttled.times(None));
    let graph = setup.graph_with(GraphOptions {
        max_wait: Duration::from_secs(1),
        ..quick()
    });
    let start = Instant::now();
    let error = setup.read(&graph, &list).await.unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(5), "{error:?}");
    let GraphErrorKind::Throttled { waits, .. } = error.kind else {
        panic!("{error:?}");
    };
    assert!(waits.attempts > 6, "{waits:?}");
    assert!(waits.waited <= waits.limit, "{waits:?}");
    let detail = error.failure(list.keys()).detail;
    assert!(
        detail.contains(&format!("slow down {} times", waits.attempts)),
        "{detail}"
    );
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
