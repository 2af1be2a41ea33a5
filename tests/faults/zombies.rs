//! Workers that were stopped for longer than their lease, and then go on.

use crate::installation::{Installation, ONE_SLOT};
use crate::processes::{says, stopped};
use crate::program::Program;
use crate::rows::{FENCE, Holder, somebody_waits};

/// What a worker logs when it learns that its run is not its own any more.
const LOST: &str = "the run has another owner or has ended; nothing more is written";

/// Waits until the worker logs that.
pub(crate) async fn notices(zombie: &Program) {
    atlas_test_support::eventually("the zombie to notice", || async {
        let log = std::fs::read_to_string(&zombie.log).unwrap();
        log.contains(LOST).then_some(())
    })
    .await;
}

/// The worker stops itself at `point`; another ends its run; then it goes on.
async fn a_zombie_wakes_at(point: &str) {
    let _slot = crate::slot::take().await;
    let installation = Installation::start().await;
    let (tenant, member) = installation.tenant().await;
    let zombie = installation.worker_with_fault(&format!("{point}=stop"), &[ONE_SLOT]);
    installation.press_accepted(tenant, &member).await;
    stopped(zombie.child.id()).await;
    let mut successor = installation.worker(&[]);
    installation.check().await;
    let written = "SELECT count(*) FROM journal";
    let before = installation.number(written).await;

    zombie.signal("CONT");
    notices(&zombie).await;
    assert_eq!(
        installation.number(written).await,
        before,
        "it wrote nothing"
    );
    installation.assert_invariants().await;
    let twice = "SELECT count(*) FROM operation_runs WHERE attempt = 2 AND outcome = 'succeeded'";
    assert_eq!(installation.number(twice).await, 1);

    // It is a worker like any other again.
    successor.kill();
    installation.press_accepted(tenant, &member).await;
    installation.check().await;
    assert_eq!(
        installation.outcomes().await,
        [("succeeded".to_owned(), 2)].into()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_wakes_between_pages_writes_nothing() {
    a_zombie_wakes_at("page.2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_wakes_before_the_last_statement_ends_nothing() {
    a_zombie_wakes_at("finish.before").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_wakes_while_another_has_the_run_does_not_disturb_it() {
    let _slot = crate::slot::take().await;
    let installation = Installation::start().await;
    let (tenant, member) = installation.tenant().await;
    installation.hold().await;
    let zombie = installation.worker(&[ONE_SLOT]);
    installation.press_accepted(tenant, &member).await;
    installation.held(1).await;
    zombie.signal("STOP");
    stopped(zombie.child.id()).await;
    let _successor = installation.worker(&[]);
    // The zombie's own request still waits at the gate.
    installation.held(2).await;
    zombie.signal("CONT");
    says(&zombie, LOST).await;
    installation.release().await;
    installation.check().await;
    let twice = "SELECT count(*) FROM operation_runs WHERE attempt = 2 AND failures = 1";
    assert_eq!(installation.number(twice).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_stopped_inside_a_write_writes_that_and_nothing_later() {
    let _slot = crate::slot::take().await;
    let installation = Installation::start().await;
    let (tenant, member) = installation.tenant().await;
    installation.hold().await;
    let zombie = installation.worker(&[ONE_SLOT]);
    installation.press_accepted(tenant, &member).await;
    installation.held(1).await;
    let holder = Holder::of(&installation, FENCE, tenant).await;
    installation.release().await;
    // The page is with PostgreSQL, which may not store it yet.
    somebody_waits(&installation).await;
    zombie.signal("STOP");
    stopped(zombie.child.id()).await;
    holder.release().await;
    let written = "SELECT count(*) FROM journal";
    installation
        .number_becomes(&format!("SELECT least(({written}), 1)"), 1)
        .await;

    let _successor = installation.worker(&[]);
    installation.check().await;
    let before = installation.number(written).await;
    zombie.signal("CONT");
    notices(&zombie).await;
    assert_eq!(
        installation.number(written).await,
        before,
        "it wrote no more"
    );
    installation.assert_invariants().await;
    let twice = "SELECT count(*) FROM operation_runs WHERE attempt = 2 AND outcome = 'succeeded'";
    assert_eq!(installation.number(twice).await, 1);
}
