//! Messages that come often, late, for nothing, or that are none.

use atlas_domain::clock::{SystemClock, SystemEntropy};
use atlas_domain::ids::RunId;

use crate::installation::{Installation, NO_SWEEPS, ONE_SLOT};
use crate::messages::{Messages, POISON};
use crate::servers::connection;

#[tokio::test(flavor = "multi_thread")]
async fn repeated_unknown_late_and_unreadable_messages_change_nothing() {
    let _slot = crate::slot::take().await;
    let installation = Installation::start().await;
    let messages = Messages::of(&installation).await;
    let tenants = installation.tenants(4).await;
    installation.hold().await;
    let mut workers = [
        installation.worker(&[NO_SWEEPS]),
        installation.worker(&[NO_SWEEPS]),
    ];
    let mut runs = Vec::new();
    for (tenant, member) in &tenants {
        let run = RunId::from_uuid(installation.press_accepted(*tenant, member).await);
        for _ in 0..4 {
            messages.ring(run).await;
        }
        runs.push(run);
    }
    for _ in 0..5 {
        messages.push_unannounced().await;
        let unknown = RunId::mint(&SystemClock, &SystemEntropy);
        messages.ring(unknown).await;
    }
    installation.held(4).await;
    installation.release().await;
    installation.check().await;
    for run in &runs {
        messages.ring(*run).await;
    }
    // One more run, found by its message behind all others.
    let (tenant, member) = &tenants[0];
    installation.press_accepted(*tenant, member).await;
    installation.check().await;
    let again = "SELECT count(*) FROM operation_runs WHERE attempt <> 1 OR failures <> 0";
    assert_eq!(installation.number(again).await, 0);
    assert_eq!(
        installation.outcomes().await,
        [("succeeded".to_owned(), 5)].into()
    );
    for worker in &mut workers {
        assert!(worker.child.try_wait().unwrap().is_none(), "a worker ended");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_messages_than_can_be_fetched_stop_nobody() {
    let _slot = crate::slot::take().await;
    let installation = Installation::start().await;
    let tenants = installation.tenants(3).await;
    let messages = Messages::of(&installation).await;
    let scheduled = messages.waiting();
    let mut connection = connection(&installation.redis_url).await;
    messages.poison(&mut connection).await;
    // The API adds none to these, and accepts nevertheless.
    for (tenant, member) in &tenants {
        installation.press_accepted(*tenant, member).await;
    }
    let waiting: u64 = redis::cmd("ZCARD")
        .arg(&scheduled)
        .query_async(&mut connection)
        .await
        .unwrap();
    assert_eq!(waiting, POISON);
    let mut sweeping = installation.worker(&[ONE_SLOT]);
    installation.check().await;
    assert_eq!(
        installation.outcomes().await,
        [("succeeded".to_owned(), 3)].into()
    );
    let waiting = connection;
    atlas_test_support::eventually("the queue to be usable", || {
        let (mut waiting, scheduled) = (waiting.clone(), scheduled.clone());
        async move {
            let waiting: u64 = redis::cmd("ZCARD")
                .arg(scheduled)
                .query_async(&mut waiting)
                .await
                .unwrap();
            (waiting < 4_000).then_some(())
        }
    })
    .await;
    sweeping.kill();
    let _listening = installation.worker(&[NO_SWEEPS]);
    let (tenant, member) = &tenants[0];
    installation.press_accepted(*tenant, member).await;
    installation.check().await;
}
