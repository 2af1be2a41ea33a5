//! Answers that are meant to use up memory or time, and answers that never become usable.

use std::time::{Duration, Instant};

use atlas_domain::failure::{FailureCode, RowDefect};
use atlas_graph::{GraphErrorKind, GraphOptions, SignInCause, collections};
use atlas_graph_sim::{Effect, FaultRule, PathMatch};
use futures::future::join_all;

use crate::setup::{Setup, everything, quick, tags};

const MIB: usize = 1024 * 1024;

/// As little memory as a client may have.
fn tight() -> GraphOptions {
    GraphOptions {
        bytes_in_memory: 8 * MIB,
        ..quick()
    }
}

/// The token endpoints of all tenants.
fn sign_ins() -> PathMatch {
    PathMatch::Suffix("/oauth2/v2.0/token".to_owned())
}

fn redirect() -> Effect {
    Effect::Answer {
        status: 302,
        body: String::new(),
    }
}

#[tokio::test]
async fn an_answer_that_never_ends_and_one_that_unpacks_without_end_are_too_large_at_once() {
    for effect in [
        Effect::EndlessBody,
        Effect::CompressedBlanks { bytes: 40 * MIB },
    ] {
        let setup = Setup::start().await;
        setup.fault(FaultRule::always(tags(), effect.clone()));
        let list = setup.list("roleScopeTag");
        let graph = setup.graph_with(tight());
        let error = setup.read(&graph, &list).await.unwrap_err();
        assert_eq!(error.kind, GraphErrorKind::TooLarge, "{effect:?}");
        assert!(!error.failure(list.keys()).retryable, "{effect:?}");
        // Nothing smaller can be asked for.
        assert_eq!(setup.graph_requests().len(), 1, "{effect:?}");
    }
}

#[tokio::test]
async fn lists_whose_pages_are_too_much_together_are_read_one_after_the_other() {
    let setup = Setup::start().await;
    let all = setup.read_all(&setup.graph()).await;
    // Four fit, and there are many more lists.
    for list in collections().iter().filter(|list| list.version() == "beta") {
        let address = format!("/{}{}", list.version(), list.path());
        let padded = Effect::Padded { bytes: 900 * 1024 };
        setup.fault(FaultRule::always(PathMatch::exact(&address), padded));
    }
    let graph = setup.graph_with(GraphOptions {
        pages_in_memory: 16,
        ..tight()
    });
    assert_eq!(setup.read_all(&graph).await, all);
}

#[tokio::test]
async fn a_row_that_would_need_many_times_its_bytes_is_left_out_and_its_neighbours_are_not() {
    for effect in [
        Effect::WideRow { bytes: MIB },
        Effect::WideRow { bytes: 4 * MIB },
    ] {
        let setup = Setup::start().await;
        let list = setup.list("roleScopeTag");
        let all = setup.read(&setup.graph(), &list).await.unwrap();
        setup.fault(FaultRule::always(tags(), effect.clone()));
        let graph = setup.graph();
        let mut reader = graph.list(&list);
        let mut seen = 0;
        while let Some(page) = reader.next_page().await.unwrap() {
            seen += page.observations.len();
        }
        assert_eq!(seen, all.observations.len() - 1, "{effect:?}");
        let problems = reader.row_problems().values().next().unwrap();
        assert_eq!(problems.count, 1, "{effect:?}");
        assert_eq!(problems.first[0].defect, RowDefect::Unreadable);
    }
}

#[tokio::test]
async fn a_row_with_a_file_of_ten_megabytes_in_it_is_read() {
    let setup = Setup::start().await;
    let list = setup.list("roleScopeTag");
    let all = setup.read(&setup.graph(), &list).await.unwrap();
    setup.fault(FaultRule::always(
        tags(),
        Effect::HugeRow { bytes: 10 * MIB },
    ));
    let read = setup.read(&setup.graph(), &list).await.unwrap();
    assert_eq!(read.observations.len(), all.observations.len());
}

#[tokio::test]
async fn damaged_compression_is_not_taken_for_an_outage() {
    let setup = Setup::start().await;
    setup.fault(FaultRule::always(tags(), Effect::DamagedGzip));
    let list = setup.list("roleScopeTag");
    let start = Instant::now();
    let error = setup.read(&setup.graph(), &list).await.unwrap_err();
    assert_eq!(
        error.failure(list.keys()).code,
        FailureCode::GRAPH_INVALID_RESPONSE
    );
    assert_eq!(setup.graph_requests().len(), 3);
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn nonsense_of_the_token_endpoint_is_reported_at_once() {
    let deep = format!("{}{}", "[".repeat(60_000), "]".repeat(60_000));
    for effect in [
        redirect(),
        Effect::CompressedBlanks { bytes: 40 * MIB },
        Effect::EndlessBody,
        Effect::HugeRow { bytes: 10 * MIB },
        Effect::DamagedGzip,
        Effect::HtmlPage,
        Effect::Answer {
            status: 200,
            body: deep,
        },
    ] {
        let setup = Setup::start().await;
        setup.fault(FaultRule::always(sign_ins(), effect.clone()));
        let error = setup.graph().sign_in().await.unwrap_err();
        let GraphErrorKind::SignIn(refusal) = &error.kind else {
            panic!("{effect:?}: {error}");
        };
        assert_eq!(refusal.cause, SignInCause::InvalidResponse, "{effect:?}");
        let failure = error.failure(&[]);
        assert_eq!(failure.code, FailureCode::GRAPH_INVALID_RESPONSE);
        assert_eq!(setup.token_requests().len(), 1, "{effect:?}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_not_repeated() {
    let setup = Setup::start().await;
    setup.fault(FaultRule::always(tags(), redirect()));
    let list = setup.list("roleScopeTag");
    let error = setup.read(&setup.graph(), &list).await.unwrap_err();
    let failure = error.failure(list.keys());
    assert_eq!(failure.code, FailureCode::GRAPH_INVALID_RESPONSE);
    assert!(failure.detail.contains("redirect"), "{}", failure.detail);
    assert_eq!(setup.graph_requests().len(), 1);
}

#[tokio::test]
async fn a_batch_that_never_ends_fails_its_reads_and_holds_up_nothing_else() {
    let setup = Setup::start().await;
    setup.fault(FaultRule::always(
        PathMatch::Suffix("/$batch".to_owned()),
        Effect::EndlessBody,
    ));
    let graph = setup.graph_with(tight());
    let reads = ["/deviceManagement/roleScopeTags"; 4].map(atlas_graph::SubRequest::list);
    let list = setup.list("roleScopeTag");
    let (batched, read) = tokio::join!(
        graph.batch("beta", reads.to_vec()),
        setup.read(&graph, &list)
    );
    for answer in batched.unwrap() {
        assert_eq!(answer.unwrap_err().kind, GraphErrorKind::TooLarge);
    }
    assert!(!read.unwrap().observations.is_empty());
}

impl Setup {
    /// Ids of all objects, from all lists at once.
    async fn read_all(&self, graph: &atlas_graph::TenantGraph) -> Vec<String> {
        let lists = atlas_graph::plan(&everything(), false).lists;
        let reads = join_all(lists.iter().map(|list| self.read(graph, list))).await;
        let mut ids: Vec<String> = reads
            .into_iter()
            .flat_map(|read| read.unwrap().observations)
            .map(|one| format!("{} {}", one.policy_type, one.external_id))
            .collect();
        ids.sort_unstable();
        ids
    }
}
