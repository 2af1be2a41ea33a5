//! Networks that are cut, slow, or swallow everything.

use std::time::Duration;

use crate::house::{Foundations, House, NO_SWEEPS, ONE_SLOT, Pressed, says};
use crate::proxy::{Network, Proxy};
use crate::rows::{FENCE_SHARED, Holder, somebody_waits};
use crate::zombies::notices;

/// Runs by which a worker gets to know its work.
const WARM: i64 = 3;

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_cut_off_from_postgresql_for_longer_than_its_lease_loses_the_run_and_comes_back() {
    let _slot = crate::slot::take().await;
    let house = House::start().await;
    let (tenant, member) = house.tenant().await;
    let proxy = Proxy::before(&house.database.url()).await;
    let url = proxy.url(&house.database.url());
    let cut_off = house.worker(&[ONE_SLOT, ("DATABASE_URL", &url)]);
    // Its connections know the statements then, and can send one without asking first.
    for _ in 0..WARM {
        house.press_accepted(tenant, &member).await;
        house.quiesce().await;
    }
    house.hold().await;
    house.press_accepted(tenant, &member).await;
    house.held(1).await;
    proxy.becomes(Network::BlackHole);
    // It has its page now, and asks PostgreSQL to store it, but the words are on their way.
    house.release().await;
    let mut other = house.worker(&[]);
    house.check().await;
    says(&cut_off, "nothing more is written").await;
    let written = "SELECT count(*) FROM journal";
    let before = house.number(written).await;

    proxy.becomes(Network::Passing);
    other.kill();
    house.press_accepted(tenant, &member).await;
    house.check().await;
    assert!(house.number(written).await > before, "it works again");
    let twice = "SELECT count(*) FROM operation_runs WHERE attempt = 2 AND failures = 1";
    assert_eq!(house.number(twice).await, 1);
    let all = [("succeeded".to_owned(), WARM + 2)];
    assert_eq!(house.outcomes().await, all.into());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_connections_to_postgresql_are_cut_goes_on_with_its_run() {
    let _slot = crate::slot::take().await;
    let house = House::start().await;
    let (tenant, member) = house.tenant().await;
    let proxy = Proxy::before(&house.database.url()).await;
    let url = proxy.url(&house.database.url());
    house.hold().await;
    // With a longer lease than the others have: a moment's cut is no reason to lose a run.
    let patient = [("ATLAS_LEASE", "20s"), ("DATABASE_URL", url.as_str())];
    let worker = house.worker(&patient);
    house.press_accepted(tenant, &member).await;
    house.held(1).await;
    proxy.becomes(Network::Cut);
    says(&worker, "a heartbeat failed").await;
    house.release().await;
    says(&worker, "the database is away; trying again").await;
    proxy.becomes(Network::Passing);
    house.check().await;
    let once = "SELECT count(*) FROM operation_runs WHERE attempt <> 1 OR failures <> 0";
    assert_eq!(house.number(once).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_never_told_that_its_run_has_ended_ends_it_once() {
    let _slot = crate::slot::take().await;
    let house = House::start().await;
    let (tenant, member) = house.tenant().await;
    let proxy = Proxy::before(&house.database.url()).await;
    let url = proxy.url(&house.database.url());
    house.hold().await;
    // With a longer lease than the others have: it is to try again while the run is its own.
    let patient = [("ATLAS_LEASE", "20s"), ("DATABASE_URL", url.as_str())];
    let mut worker = house.worker(&patient);
    house.press_accepted(tenant, &member).await;
    house.held(1).await;
    // With the fence held the run cannot end: its last statement waits in PostgreSQL.
    let holder = Holder::of(&house, FENCE_SHARED, tenant).await;
    house.release().await;
    somebody_waits(&house).await;
    proxy.becomes(Network::AnswersWait);
    holder.release().await;
    house.quiesce().await;
    proxy.becomes(Network::Cut);
    says(&worker, "the run could not be ended yet").await;
    proxy.becomes(Network::Passing);
    notices(&worker).await;
    house.press_accepted(tenant, &member).await;
    house.check().await;
    let once = "SELECT count(*) FROM operation_runs WHERE attempt <> 1 OR failures <> 0";
    assert_eq!(house.number(once).await, 0);
    assert_eq!(house.outcomes().await, [("succeeded".to_owned(), 2)].into());
    assert!(
        worker.child.try_wait().unwrap().is_none(),
        "the worker ended"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_hears_again_after_its_way_to_redis_was_cut_slow_and_a_black_hole() {
    let _slot = crate::slot::take().await;
    let house = House::start().await;
    let (tenant, member) = house.tenant().await;
    let proxy = Proxy::before(&house.redis_url).await;
    let url = proxy.url(&house.redis_url);
    let _listening = house.worker(&[NO_SWEEPS, ("REDIS_URL", &url)]);
    house.press_accepted(tenant, &member).await;
    house.quiesce().await;
    let slow = Network::Slow(Duration::from_millis(20));
    for network in [Network::Cut, slow, Network::BlackHole, Network::Cut] {
        proxy.becomes(network);
        // The run is announced while the way is as it is, and heard at the latest afterwards.
        house.press_accepted(tenant, &member).await;
        if network == slow {
            house.quiesce().await;
        }
        proxy.becomes(Network::Passing);
        house.quiesce().await;
    }
    house.check().await;
    assert_eq!(house.outcomes().await, [("succeeded".to_owned(), 5)].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_that_arrives_after_the_api_gave_up_does_nothing() {
    let _slot = crate::slot::take().await;
    // The worker's listener and the API are on different sides of the proxy.
    let redis = atlas_test_support::TestRedis::create();
    let proxy = Proxy::before(redis.url()).await;
    let house = House::upon(Foundations {
        api: vec![
            ("REDIS_URL", proxy.url(redis.url())),
            ("ATLAS_PUSH_TIMEOUT", "1s".to_owned()),
        ],
        ..Foundations::default()
    })
    .await;
    let tenants = house.tenants(2).await;
    let (first, first_member) = &tenants[0];
    let (second, second_member) = &tenants[1];
    let rung = house.press(*first, first_member).await;
    proxy.becomes(Network::BlackHole);
    let lost = house.press(*second, second_member).await;
    assert!(matches!(lost, Pressed::Refused(_)), "{lost:?}");
    let _workers = [house.worker(&[]), house.worker(&[])];
    house.quiesce().await;
    proxy.becomes(Network::Passing);
    atlas_test_support::eventually("a start to be accepted again", || async {
        let pressed = house.press(*second, second_member).await;
        matches!(pressed, Pressed::Accepted(_)).then_some(())
    })
    .await;
    house.check().await;
    assert!(
        house.refused().len() + house.accepted().len() >= 3,
        "{rung:?}"
    );
}
