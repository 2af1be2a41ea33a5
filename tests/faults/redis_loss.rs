//! Redis loses everything, dies, hangs, or was never there.

use std::time::Duration;

use crate::installation::{Installation, NO_SWEEPS, ONE_SLOT, Options, Pressed};
use crate::messages::Messages;
use crate::processes::says;
use crate::servers::RedisServer;

/// What a worker says when its connection to the queue is lost.
const BROKEN: &str = "the queue's stream broke; reopening";
/// How often Redis dies in a row, and how soon after its return a run has been begun each time.
const RETURNS: usize = 20;
const BACK: Duration = Duration::from_secs(5);

async fn upon(redis: &RedisServer) -> Installation {
    Installation::start_with(Options {
        redis_url: Some(redis.url()),
        ..Options::default()
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_redis_costs_no_run_and_later_messages_are_heard() {
    let _slot = crate::slot::take().await;
    let redis = RedisServer::start().await;
    let installation = upon(&redis).await;
    let tenants = installation.tenants(3).await;
    installation.hold().await;
    let mut sweeping = installation.worker(&[ONE_SLOT]);
    for (tenant, member) in &tenants {
        installation.press_accepted(*tenant, member).await;
    }
    installation.held(1).await;
    let mut connection = redis.connection().await;
    let emptied: String = redis::cmd("FLUSHALL")
        .query_async(&mut connection)
        .await
        .unwrap();
    assert_eq!(emptied, "OK");
    // apalis drops whatever it has in its hands now, and the run is not to be among it.
    says(&sweeping, BROKEN).await;
    installation.release().await;
    installation.check().await;
    let once = "SELECT count(*) FROM operation_runs WHERE attempt <> 1 OR failures <> 0";
    assert_eq!(installation.number(once).await, 0, "no run was disturbed");

    // A worker that only listens hears the next one, also when it is emptied while it listens.
    sweeping.kill();
    let _listening = installation.worker(&[NO_SWEEPS]);
    let (tenant, member) = &tenants[0];
    for _ in 0..3 {
        installation.press_accepted(*tenant, member).await;
        installation.check().await;
        let _: String = redis::cmd("FLUSHALL")
            .query_async(&mut connection)
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_end_while_redis_is_dead_and_messages_are_heard_once_it_is_back() {
    let _slot = crate::slot::take().await;
    let mut redis = RedisServer::start().await;
    let installation = upon(&redis).await;
    let tenants = installation.tenants(3).await;
    installation.hold().await;
    let mut sweeping = installation.worker(&[ONE_SLOT]);
    let listening = installation.worker(&[ONE_SLOT, NO_SWEEPS]);
    for (tenant, member) in &tenants {
        installation.press_accepted(*tenant, member).await;
    }
    installation.held(2).await;
    redis.kill();
    says(&sweeping, BROKEN).await;
    says(&listening, BROKEN).await;
    installation.release().await;
    installation.check().await;
    let once = "SELECT count(*) FROM operation_runs WHERE attempt <> 1 OR failures <> 0";
    assert_eq!(installation.number(once).await, 0, "no run was disturbed");
    let (tenant, member) = &tenants[0];
    assert!(matches!(
        installation.press(*tenant, member).await,
        Pressed::Refused(_)
    ));

    sweeping.kill();
    redis.start_empty().await;
    atlas_test_support::eventually("a start to be accepted", || async {
        let pressed = installation.press(*tenant, member).await;
        matches!(pressed, Pressed::Accepted(_)).then_some(())
    })
    .await;
    installation.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_only_listens_begins_a_new_run_each_time_redis_comes_back() {
    let _slot = crate::slot::take().await;
    let mut redis = RedisServer::start().await;
    let installation = upon(&redis).await;
    let (tenant, member) = installation.tenant().await;
    let mut listening = installation.worker(&[NO_SWEEPS]);
    for _ in 0..RETURNS {
        redis.kill();
        redis.start_empty().await;
        atlas_test_support::eventually("a start to be accepted", || async {
            let pressed = installation.press(tenant, &member).await;
            matches!(pressed, Pressed::Accepted(_)).then_some(())
        })
        .await;
        installation.quiesce_within(BACK * 3).await;
    }
    installation.check().await;
    assert!(listening.child.try_wait().unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_hangs_for_a_while_leaves_no_worker_asleep() {
    let _slot = crate::slot::take().await;
    let redis = RedisServer::start().await;
    let installation = upon(&redis).await;
    let (tenant, member) = installation.tenant().await;
    let _listening = installation.worker(&[NO_SWEEPS]);
    installation.press_accepted(tenant, &member).await;
    installation.check().await;
    let messages = Messages::of(&installation).await;
    // Below and above the two seconds after which a worker takes its connection for lost; long
    // enough that now and then apalis' own heartbeat falls into one.
    for milliseconds in [600, 1_900, 2_300, 1_900, 1_900, 1_900, 10_000] {
        let _: String = redis::cmd("CLIENT")
            .arg("PAUSE")
            .arg(milliseconds)
            .query_async(&mut redis.connection().await)
            .await
            .unwrap();
        for _ in 0..3 {
            installation.press_accepted(tenant, &member).await;
            installation.quiesce().await;
            // Nothing announces this one: only a worker that goes on asking hears it.
            installation.queue_silently(tenant, &member).await;
            messages.push_unannounced().await;
            installation.quiesce().await;
        }
    }
    installation.check().await;
    let all = [("succeeded".to_owned(), 43)];
    assert_eq!(installation.outcomes().await, all.into());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_redis_a_start_fails_at_once_and_queued_runs_are_done() {
    let _slot = crate::slot::take().await;
    let installation = Installation::start_with(Options {
        redis_url: Some(atlas_test_support::dead_redis_url()),
        ..Options::default()
    })
    .await;
    let tenants = installation.tenants(3).await;
    let (tenant, member) = &tenants[0];
    let Pressed::Refused(run) = installation.press(*tenant, member).await else {
        panic!("a start without a message in Redis is refused");
    };
    let notified = format!(
        "SELECT count(*) FROM notifications n JOIN operation_runs r ON r.id = n.run_id
         WHERE r.id = '{run}' AND r.outcome = 'failed' AND n.phase = 'terminal'"
    );
    assert_eq!(installation.number(&notified).await, 1);
    for (tenant, member) in &tenants {
        installation.queue_silently(*tenant, member).await;
    }
    let _workers = [installation.worker(&[]), installation.worker(&[])];
    installation.check().await;
    let expected = [("failed".to_owned(), 1), ("succeeded".to_owned(), 3)];
    assert_eq!(installation.outcomes().await, expected.into());
}
