//! Waiting as the service asks, and no longer than configured.

use std::time::{Duration, Instant};

use atlas_domain::failure::FailureCode;
use atlas_graph::{GraphErrorKind, GraphOptions};
use atlas_graph_sim::{Effect, FaultRule, PathMatch, RetryAfter, Throttle};
use futures::future::{join_all, join3};

use crate::setup::{Setup, everything, quick, tags};

#[tokio::test]
async fn a_throttled_request_waits_as_long_as_it_is_asked_to() {
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
    let (paused, elsewhere, besides) = Box::pin(join3(paused, elsewhere, besides)).await;
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
    let graph = setup.graph_with(GraphOptions {
        max_wait: Duration::from_secs(30),
        ..quick()
    });
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
async fn throttling_without_a_retry_after_is_retried_within_the_longest_wait_and_the_text_says_so()
{
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
async fn requests_for_conditional_access_are_spaced() {
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
