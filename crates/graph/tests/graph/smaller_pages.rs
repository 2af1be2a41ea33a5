//! Lists whose pages are too much for the service are read in smaller ones, at last without assignments.

use std::time::Duration;

use atlas_graph::{GraphErrorKind, GraphOptions};
use atlas_graph_sim::{Effect, ErrorBody, FaultRule, PathMatch, RetryAfter, SimulatorOptions};

use crate::setup::{Setup, quick};

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
        [Some(500), Some(500), Some(100)],
        "{:?}",
        sizes(&setup)
    );
}

#[tokio::test]
async fn a_page_in_the_middle_that_takes_too_long_begins_the_list_again_and_returns_each_object_once()
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
async fn a_list_whose_smallest_pages_time_out_fails() {
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
    // With settings, without them, and without assignments.
    assert_eq!(sizes, [500, 100, 1_000, 100, 20, 100, 20].map(Some));
}
