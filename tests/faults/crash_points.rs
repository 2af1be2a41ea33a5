//! Programs that end in the middle of what they do, alone and beside another worker.

use crate::api::CRASH_POINTS;
use crate::house::{Foundations, House, ONE_SLOT, Pressed, says};
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
async fn a_worker_ends_at(point: &str, way: Way, others: usize) -> House {
    let house = House::start().await;
    let tenants = house.tenants(1 + 2 * others).await;
    house.hold().await;
    let _others: Vec<Program> = (0..others).map(|_| house.worker(&[ONE_SLOT])).collect();
    let mut victim = house.worker_with_fault(&format!("{point}=abort"), &[ONE_SLOT]);
    for (tenant, member) in &tenants {
        if way == Way::Silent {
            house.queue_silently(*tenant, member).await;
        } else {
            house.press_accepted(*tenant, member).await;
        }
    }
    if matches!(point, "claim.after" | "sweep.after_row") {
        says(&victim, point).await;
    } else {
        let busy = "SELECT count(DISTINCT worker_id) FROM operation_runs WHERE status = 'running'";
        let all = 1 + i64::try_from(others).unwrap();
        house.number_becomes(busy, all).await;
    }
    if way == Way::Terminated {
        victim.signal("TERM");
        says(&victim, point).await;
    }
    house.release().await;
    assert!(!victim.ended().await, "it was to end badly");
    says(&victim, &format!("crash point reached: {}", name_of(point))).await;
    let _successor = house.worker(&[]);
    house.check().await;
    house
}

/// Without the number of the passage.
fn name_of(point: &str) -> &str {
    point.trim_end_matches(".2")
}

/// Runs of which one was lost on the way, and none twice.
async fn one_run_was_taken_back(house: &House) {
    let again = "SELECT count(*) FROM operation_runs WHERE attempt = 2 AND failures = 1";
    assert_eq!(house.number(again).await, 1);
    let more = "SELECT count(*) FROM operation_runs WHERE attempt > 2 OR outcome <> 'succeeded'";
    assert_eq!(house.number(more).await, 0);
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
        let house = a_worker_ends_at("finish.after_commit", Way::Rung, others).await;
        let again = "SELECT count(*) FROM operation_runs WHERE attempt <> 1 OR failures <> 0";
        assert_eq!(house.number(again).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_defect_in_the_last_step_costs_the_attempt_and_not_the_worker() {
    let _slot = crate::slot::take().await;
    let house = House::start().await;
    let (tenant, member) = house.tenant().await;
    let worker = house.worker_with_fault("finish.before=panic", &[]);
    house.press_accepted(tenant, &member).await;
    house.check().await;
    says(&worker, "crash point reached: finish.before").await;
    one_run_was_taken_back(&house).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_survives_the_worker_that_took_it_back() {
    let _slot = crate::slot::take().await;
    for sweepers in [1, 2] {
        let house = House::start().await;
        let (tenant, member) = house.tenant().await;
        house.hold().await;
        let mut first = house.worker(&[]);
        house.press_accepted(tenant, &member).await;
        house.held(1).await;
        first.kill();
        let mut sweepers: Vec<Program> = (0..sweepers)
            .map(|_| house.worker_with_fault("take_back.mid=abort", &[]))
            .collect();
        let ended = atlas_test_support::eventually("a sweeper to end", || {
            let ended = sweepers
                .iter_mut()
                .any(|sweeper| sweeper.child.try_wait().unwrap().is_some());
            std::future::ready(ended.then_some(()))
        });
        ended.await;
        house.release().await;
        let _last = house.worker(&[]);
        house.check().await;
        assert_eq!(
            house
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
        let foundations = Foundations {
            api,
            ..Foundations::default()
        };
        let mut house = House::upon(foundations).await;
        let tenants = house.tenants(2).await;
        let (tenant, member) = &tenants[0];
        assert_eq!(house.press(*tenant, member).await, Pressed::Unknown);
        assert!(!house.api.ended().await);
        let queued = "SELECT count(*) FROM operation_runs WHERE status = 'queued'";
        assert_eq!(house.number(queued).await, 1);

        house.api.start_again(&[]).await;
        // The caller tries again, and joins what is there.
        house.press_accepted(*tenant, member).await;
        let (other, member) = &tenants[1];
        house.press_accepted(*other, member).await;
        let _workers: Vec<Program> = (0..workers).map(|_| house.worker(&[])).collect();
        house.check().await;
        assert_eq!(house.outcomes().await, [("succeeded".to_owned(), 2)].into());
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
    let house = House::upon(Foundations {
        api: vec![
            (CRASH_POINTS, "api.before_fail_dispatch=stop".to_owned()),
            ("REDIS_URL", atlas_test_support::dead_redis_url()),
        ],
        ..Foundations::default()
    })
    .await;
    let (tenant, member) = house.tenant().await;
    house.hold().await;
    let pressing = house.press(tenant, &member);
    let taking = async {
        crate::house::stopped(house.api.process()).await;
        let _worker = house.worker(&[]);
        house.held(1).await;
        house.api.signal("CONT");
        _worker
    };
    let (pressed, _worker) = tokio::join!(pressing, taking);
    assert!(matches!(pressed, Pressed::Accepted(_)), "{pressed:?}");
    house.release().await;
    house.check().await;
    assert_eq!(house.outcomes().await, [("succeeded".to_owned(), 1)].into());
}
