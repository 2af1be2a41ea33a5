//! Programs that end in the middle of what they do, alone and beside another worker.

use crate::api::CRASH_POINTS;
use crate::installation::{Installation, ONE_SLOT, Options, Pressed};
use crate::processes::says;
use crate::program::Program;

/// How the victim comes to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Redis announced the run.
    Rung,
    /// The victim found the run by itself.
    Silent,
    /// The victim was asked to stop while it had a run.
    Terminated,
}

/// A victim that ends at `point`, beside so many healthy workers. More runs wait than the others
/// have slots for, and Graph answers none until every slot has one: so the victim has a run, too.
async fn a_worker_ends_at(point: &str, way: Way, others: usize) -> Installation {
    let installation = Installation::start().await;
    let tenants = installation.tenants(1 + 2 * others).await;
    installation.hold().await;
    let _others: Vec<Program> = (0..others)
        .map(|_| installation.worker(&[ONE_SLOT]))
        .collect();
    let mut victim = installation.worker_with_fault(&format!("{point}=abort"), &[ONE_SLOT]);
    for (tenant, member) in &tenants {
        if way == Way::Silent {
            installation.queue_silently(*tenant, member).await;
        } else {
            installation.press_accepted(*tenant, member).await;
        }
    }
    if matches!(point, "claim.after" | "sweep.after_row") {
        says(&victim, point).await;
    } else {
        let busy = "SELECT count(DISTINCT worker_id) FROM operation_runs WHERE status = 'running'";
        let all = 1 + i64::try_from(others).unwrap();
        installation.number_becomes(busy, all).await;
    }
    if way == Way::Terminated {
        victim.signal("TERM");
        says(&victim, point).await;
    }
    installation.release().await;
    assert!(!victim.ended().await, "it was to end badly");
    says(&victim, &format!("crash point reached: {}", name_of(point))).await;
    let _successor = installation.worker(&[]);
    installation.check().await;
    installation
}

/// Without the number of the passage.
fn name_of(point: &str) -> &str {
    point.trim_end_matches(".2")
}

/// Runs of which one was lost on the way, and none twice.
async fn one_run_was_taken_back(installation: &Installation) {
    let again = "SELECT count(*) FROM operation_runs WHERE attempt = 2 AND failures = 1";
    assert_eq!(installation.number(again).await, 1);
    let more = "SELECT count(*) FROM operation_runs WHERE attempt > 2 OR outcome <> 'succeeded'";
    assert_eq!(installation.number(more).await, 0);
}

async fn a_run_is_lost_at(point: &str, way: Way) {
    let _slot = crate::slot::take().await;
    let alone = a_worker_ends_at(point, way, 0);
    let beside = a_worker_ends_at(point, way, 1);
    let (alone, beside) = tokio::join!(alone, beside);
    one_run_was_taken_back(&alone).await;
    one_run_was_taken_back(&beside).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_worker_ends_right_after_the_claim_is_done_by_another() {
    a_run_is_lost_at("claim.after", Way::Rung).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_nobody_rang_for_survives_the_worker_that_found_it() {
    a_run_is_lost_at("sweep.after_row", Way::Silent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_worker_ends_between_pages_is_done_by_another() {
    a_run_is_lost_at("page.2", Way::Rung).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_worker_ends_before_the_last_statement_is_done_by_another() {
    a_run_is_lost_at("finish.before", Way::Rung).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_worker_is_killed_while_it_drains_is_done_by_another() {
    a_run_is_lost_at("drain.mid", Way::Terminated).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_worker_ends_right_after_the_last_statement_has_ended() {
    let _slot = crate::slot::take().await;
    for others in [0, 1] {
        let installation = a_worker_ends_at("finish.after_commit", Way::Rung, others).await;
        let again = "SELECT count(*) FROM operation_runs WHERE attempt <> 1 OR failures <> 0";
        assert_eq!(installation.number(again).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_defect_in_the_last_step_costs_the_attempt_and_not_the_worker() {
    let _slot = crate::slot::take().await;
    let installation = Installation::start().await;
    let (tenant, member) = installation.tenant().await;
    let worker = installation.worker_with_fault("finish.before=panic", &[]);
    installation.press_accepted(tenant, &member).await;
    installation.check().await;
    says(&worker, "crash point reached: finish.before").await;
    one_run_was_taken_back(&installation).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_survives_the_worker_that_took_it_back() {
    let _slot = crate::slot::take().await;
    for sweepers in [1, 2] {
        let installation = Installation::start().await;
        let (tenant, member) = installation.tenant().await;
        installation.hold().await;
        let mut first = installation.worker(&[]);
        installation.press_accepted(tenant, &member).await;
        installation.held(1).await;
        first.kill();
        let mut sweepers: Vec<Program> = (0..sweepers)
            .map(|_| installation.worker_with_fault("reclaim.mid=abort", &[]))
            .collect();
        let ended = atlas_test_support::eventually("a sweeper to end", || {
            let ended = sweepers
                .iter_mut()
                .any(|sweeper| sweeper.child.try_wait().unwrap().is_some());
            std::future::ready(ended.then_some(()))
        });
        ended.await;
        installation.release().await;
        let _last = installation.worker(&[]);
        installation.check().await;
        assert_eq!(
            installation
                .number("SELECT count(*) FROM operation_runs WHERE failures = 1")
                .await,
            1
        );
    }
}

/// An API that goes wrong at a point, and then another one in its place; the worker comes last.
async fn an_api_ends_at(point: &'static str, redis: Option<String>) {
    let _slot = crate::slot::take().await;
    for workers in [1, 2] {
        let mut api = vec![(CRASH_POINTS, format!("{point}=abort"))];
        api.extend(redis.clone().map(|url| ("REDIS_URL", url)));
        let options = Options {
            api,
            ..Options::default()
        };
        let mut installation = Installation::start_with(options).await;
        let tenants = installation.tenants(2).await;
        let (tenant, member) = &tenants[0];
        assert_eq!(installation.press(*tenant, member).await, Pressed::Unknown);
        assert!(!installation.api.ended().await);
        let queued = "SELECT count(*) FROM operation_runs WHERE status = 'queued'";
        assert_eq!(installation.number(queued).await, 1);

        installation.api.start_again(&[]).await;
        // The caller tries again, and joins what is there.
        installation.press_accepted(*tenant, member).await;
        let (other, member) = &tenants[1];
        installation.press_accepted(*other, member).await;
        let _workers: Vec<Program> = (0..workers).map(|_| installation.worker(&[])).collect();
        installation.check().await;
        assert_eq!(
            installation.outcomes().await,
            [("succeeded".to_owned(), 2)].into()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_api_ends_before_the_push_is_found_and_done() {
    an_api_ends_at("api.after_commit", None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_api_ends_after_the_push_is_done() {
    an_api_ends_at("api.after_push", None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_api_ends_before_it_gives_it_up_is_found_and_done() {
    let dead = atlas_test_support::dead_redis_url();
    an_api_ends_at("api.before_fail_dispatch", Some(dead)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_a_worker_takes_while_its_api_is_about_to_give_it_up_is_accepted() {
    let _slot = crate::slot::take().await;
    let installation = Installation::start_with(Options {
        api: vec![
            (CRASH_POINTS, "api.before_fail_dispatch=stop".to_owned()),
            ("REDIS_URL", atlas_test_support::dead_redis_url()),
        ],
        ..Options::default()
    })
    .await;
    let (tenant, member) = installation.tenant().await;
    installation.hold().await;
    let pressing = installation.press(tenant, &member);
    let taking = async {
        crate::processes::stopped(installation.api.process()).await;
        let _worker = installation.worker(&[]);
        installation.held(1).await;
        installation.api.signal("CONT");
        _worker
    };
    let (pressed, _worker) = tokio::join!(pressing, taking);
    assert!(matches!(pressed, Pressed::Accepted(_)), "{pressed:?}");
    installation.release().await;
    installation.check().await;
    assert_eq!(
        installation.outcomes().await,
        [("succeeded".to_owned(), 1)].into()
    );
}
