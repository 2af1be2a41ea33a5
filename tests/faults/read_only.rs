//! PostgreSQL takes no writes for a while, as in a failover, or when somebody protects its last disk
//! space.

use std::collections::BTreeSet;

use atlas_test_support::eventually;
use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;

use crate::installation::{Installation, ONE_SLOT, Options};
use crate::load::{more_succeed, under_load};
use crate::processes::says;
use crate::program::Program;
use crate::servers::PostgresServer;

/// How often it takes no writes.
const TIMES: usize = 3;
/// A lease that outlasts it.
const LEASE: (&str, &str) = ("ATLAS_LEASE", "60s");
/// Runs that it did harm to.
const HURT: &str =
    "SELECT count(*) FROM operation_runs WHERE outcome <> 'succeeded' OR failures <> 0
    OR attempt <> 1";

async fn over(postgres: &PostgresServer) -> Installation {
    Installation::start_with(Options {
        database_url: Some(postgres.url()),
        ..Options::default()
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_waits_for_writes_and_callers_learn_when_to_come_again() {
    let _slot = crate::slot::take().await;
    let postgres = PostgresServer::start().await;
    let installation = over(&postgres).await;
    let (tenant, member) = installation.tenant().await;
    let (other, other_member) = installation.tenant().await;
    let worker = installation.worker(&[LEASE, ONE_SLOT]);
    installation.hold().await;
    let run = installation.press_accepted(tenant, &member).await;
    installation.held(1).await;

    postgres.takes_writes(false).await;
    // Its page comes and cannot be stored; nor can the lease be renewed.
    installation.release().await;
    says(&worker, "the database is away; trying again").await;
    says(&worker, "a heartbeat failed").await;
    says(&worker, "sweeps fail").await;
    let answer = installation.start_sync(other, &other_member).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    let after = answer.headers()[RETRY_AFTER].to_str().unwrap();
    assert!(after.parse::<u32>().unwrap() > 0, "{after}");
    let path = format!("/operation-runs/{run}");
    let read = installation.read(&path, &member).await;
    assert_eq!(read, StatusCode::OK, "what only reads goes on");
    let ready = installation.read("/readyz", &member).await;
    assert_eq!(ready, StatusCode::SERVICE_UNAVAILABLE);

    postgres.takes_writes(true).await;
    installation.press_accepted(other, &other_member).await;
    installation.check().await;
    assert_eq!(installation.number(HURT).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_that_are_refused_for_longer_than_a_lease_count_no_failure_of_a_run() {
    let _slot = crate::slot::take().await;
    let postgres = PostgresServer::start().await;
    let installation = over(&postgres).await;
    let (tenant, member) = installation.tenant().await;
    // The other one would take over a run whose lease ran out.
    let worker = installation.worker(&[ONE_SLOT]);
    installation.hold().await;
    let run = installation.press_accepted(tenant, &member).await;
    installation.held(1).await;
    let other = installation.worker(&[ONE_SLOT]);
    says(&other, "working").await;

    postgres.takes_writes(false).await;
    installation.release().await;
    says(&worker, "the run is returned when it can be").await;
    let ran_out = "SELECT count(*) FROM operation_runs WHERE lease_expires_at < clock_timestamp()";
    eventually("the lease to run out", || async {
        (installation.number(ran_out).await == 1).then_some(())
    })
    .await;
    postgres.takes_writes(true).await;
    installation.check().await;
    let failures = format!("SELECT failures::bigint FROM operation_runs WHERE id = '{run}'");
    assert_eq!(installation.number(&failures).await, 0);
    says(&worker, "because the database was away").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_run_fails_when_writes_are_refused_again_and_again_under_load() {
    let _slot = crate::slot::take().await;
    let postgres = PostgresServer::start().await;
    let installation = over(&postgres).await;
    let mut workers: Vec<Program> = (0..2).map(|_| installation.worker(&[LEASE])).collect();
    let (tenant, member) = installation.tenant().await;
    let mut answers = BTreeSet::new();
    under_load(&installation, async {
        for _ in 0..TIMES {
            more_succeed(&installation).await;
            postgres.takes_writes(false).await;
            for _ in 0..20 {
                let answer = installation.start_sync(tenant, &member).await.unwrap();
                answers.insert(answer.status());
            }
            postgres.takes_writes(true).await;
        }
        more_succeed(&installation).await;
    })
    .await;
    assert_eq!(answers, BTreeSet::from([StatusCode::SERVICE_UNAVAILABLE]));
    installation.check().await;
    assert_eq!(installation.number(HURT).await, 0);
    for worker in &mut workers {
        assert!(worker.child.try_wait().unwrap().is_none(), "a worker ended");
    }
}
