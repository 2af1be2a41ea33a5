//! Networks that are cut, slow, or swallow everything.

use std::time::Duration;

use crate::installation::{Installation, NO_SWEEPS, ONE_SLOT, Options, Pressed};
use crate::processes::says;
use crate::proxy::{Network, Proxy};
use crate::rows::{FENCE_SHARED, Holder, somebody_waits};
use crate::zombies::notices;

/// Runs by which a worker gets to know its work.
const WARM: i64 = 3;

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_cut_off_from_postgresql_for_longer_than_its_lease_loses_the_run_and_comes_back() {
    let _slot = crate::slot::take().await;
    let installation = Installation::start().await;
    let (tenant, member) = installation.tenant().await;
    let proxy = Proxy::before(&installation.database.url()).await;
    let url = proxy.url(&installation.database.url());
    let cut_off = installation.worker(&[ONE_SLOT, ("DATABASE_URL", &url)]);
    // Its connections know the statements then, and can send one without asking first.
    for _ in 0..WARM {
        installation.press_accepted(tenant, &member).await;
        installation.quiesce().await;
    }
    installation.hold().await;
    installation.press_accepted(tenant, &member).await;
    installation.held(1).await;
    proxy.becomes(Network::BlackHole);
    // It has its page now, and asks PostgreSQL to store it, but the words are on their way.
    installation.release().await;
    let mut other = installation.worker(&[]);
    installation.check().await;
    says(&cut_off, "the lease could not be renewed").await;
    let written = "SELECT count(*) FROM journal";
    let before = installation.number(written).await;

    proxy.becomes(Network::Passing);
    says(&cut_off, "nothing more is written").await;
    other.kill();
    installation.press_accepted(tenant, &member).await;
    installation.check().await;
    assert!(
        installation.number(written).await > before,
        "it works again"
    );
    let twice = "SELECT count(*) FROM operation_runs WHERE attempt = 2 AND failures = 1";
    assert_eq!(installation.number(twice).await, 1);
    let all = [("succeeded".to_owned(), WARM + 2)];
    assert_eq!(installation.outcomes().await, all.into());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_connections_to_postgresql_are_cut_goes_on_with_its_run() {
    let _slot = crate::slot::take().await;
    let installation = Installation::start().await;
    let (tenant, member) = installation.tenant().await;
    let proxy = Proxy::before(&installation.database.url()).await;
    let url = proxy.url(&installation.database.url());
    installation.hold().await;
    // With a longer lease than the others have: a moment's cut is no reason to lose a run.
    let patient = [("ATLAS_LEASE", "20s"), ("DATABASE_URL", url.as_str())];
    let worker = installation.worker(&patient);
    installation.press_accepted(tenant, &member).await;
    installation.held(1).await;
    proxy.becomes(Network::Cut);
    says(&worker, "a heartbeat failed").await;
    installation.release().await;
    says(&worker, "the database is away; trying again").await;
    proxy.becomes(Network::Passing);
    installation.check().await;
    let once = "SELECT count(*) FROM operation_runs WHERE attempt <> 1 OR failures <> 0";
    assert_eq!(installation.number(once).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_never_learns_that_its_run_has_ended_ends_it_once() {
    let _slot = crate::slot::take().await;
    let installation = Installation::start().await;
    let (tenant, member) = installation.tenant().await;
    let proxy = Proxy::before(&installation.database.url()).await;
    let url = proxy.url(&installation.database.url());
    installation.hold().await;
    // With a longer lease than the others have: it is to try again while the run is its own.
    let patient = [("ATLAS_LEASE", "20s"), ("DATABASE_URL", url.as_str())];
    let mut worker = installation.worker(&patient);
    installation.press_accepted(tenant, &member).await;
    installation.held(1).await;
    // With the fence held the run cannot end: its last statement waits in PostgreSQL.
    let holder = Holder::of(&installation, FENCE_SHARED, tenant).await;
    installation.release().await;
    somebody_waits(&installation).await;
    proxy.becomes(Network::AnswersWait);
    holder.release().await;
    installation.quiesce().await;
    proxy.becomes(Network::Cut);
    says(&worker, "the run could not be ended yet").await;
    proxy.becomes(Network::Passing);
    notices(&worker).await;
    installation.press_accepted(tenant, &member).await;
    installation.check().await;
    let once = "SELECT count(*) FROM operation_runs WHERE attempt <> 1 OR failures <> 0";
    assert_eq!(installation.number(once).await, 0);
    assert_eq!(
        installation.outcomes().await,
        [("succeeded".to_owned(), 2)].into()
    );
    assert!(
        worker.child.try_wait().unwrap().is_none(),
        "the worker ended"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_hears_again_after_its_way_to_redis_was_cut_slow_and_a_black_hole() {
    let _slot = crate::slot::take().await;
    let installation = Installation::start().await;
    let (tenant, member) = installation.tenant().await;
    let proxy = Proxy::before(&installation.redis_url).await;
    let url = proxy.url(&installation.redis_url);
    let _listening = installation.worker(&[NO_SWEEPS, ("REDIS_URL", &url)]);
    installation.press_accepted(tenant, &member).await;
    installation.quiesce().await;
    let slow = Network::Slow(Duration::from_millis(20));
    for network in [Network::Cut, slow, Network::BlackHole, Network::Cut] {
        proxy.becomes(network);
        // The run is announced while the way is as it is, and heard at the latest afterwards.
        installation.press_accepted(tenant, &member).await;
        if network == slow {
            installation.quiesce().await;
        }
        proxy.becomes(Network::Passing);
        installation.quiesce().await;
    }
    installation.check().await;
    assert_eq!(
        installation.outcomes().await,
        [("succeeded".to_owned(), 5)].into()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_arrives_after_the_api_gave_up_does_nothing() {
    let _slot = crate::slot::take().await;
    // The worker's listener and the API are on different sides of the proxy.
    let redis = atlas_test_support::TestRedis::create();
    let proxy = Proxy::before(redis.url()).await;
    let installation = Installation::start_with(Options {
        api: vec![
            ("REDIS_URL", proxy.url(redis.url())),
            ("ATLAS_PUSH_TIMEOUT", "1s".to_owned()),
        ],
        ..Options::default()
    })
    .await;
    let tenants = installation.tenants(2).await;
    let (first, first_member) = &tenants[0];
    let (second, second_member) = &tenants[1];
    let rung = installation.press(*first, first_member).await;
    proxy.becomes(Network::BlackHole);
    let lost = installation.press(*second, second_member).await;
    assert!(matches!(lost, Pressed::Refused(_)), "{lost:?}");
    let _workers = [installation.worker(&[]), installation.worker(&[])];
    installation.quiesce().await;
    proxy.becomes(Network::Passing);
    atlas_test_support::eventually("a start to be accepted again", || async {
        let pressed = installation.press(*second, second_member).await;
        matches!(pressed, Pressed::Accepted(_)).then_some(())
    })
    .await;
    installation.check().await;
    assert!(
        installation.refused().len() + installation.accepted().len() >= 3,
        "{rung:?}"
    );
}
