//! PostgreSQL restarts or throws everybody out while runs are under way.

use std::collections::BTreeSet;

use crate::installation::{Installation, Options};
use crate::load::{more_succeed, under_load};
use crate::program::Program;
use crate::servers::PostgresServer;

/// How often each fault comes.
const TIMES: i64 = 3;

#[tokio::test(flavor = "multi_thread")]
async fn every_run_ends_when_postgresql_restarts_under_load() {
    let _slot = crate::slot::take().await;
    let mut postgres = PostgresServer::start().await;
    let installation = Installation::start_with(Options {
        database_url: Some(postgres.url()),
        ..Options::default()
    })
    .await;
    let mut workers: Vec<Program> = (0..2).map(|_| installation.worker(&[])).collect();
    under_load(&installation, async {
        for _ in 0..TIMES {
            more_succeed(&installation).await;
            postgres.restart_immediately().await;
        }
        more_succeed(&installation).await;
    })
    .await;
    installation.check().await;
    for worker in &mut workers {
        assert!(worker.child.try_wait().unwrap().is_none(), "a worker ended");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_run_fails_when_postgresql_restarts_with_another_certificate_under_load() {
    let _slot = crate::slot::take().await;
    let mut postgres = PostgresServer::start_with_tls().await;
    let installation = Installation::start_with(Options {
        database_url: Some(postgres.url()),
        database_parameters: Some(postgres.verifying()),
        ..Options::default()
    })
    .await;
    let lease = [("ATLAS_LEASE", "60s")];
    let mut workers: Vec<Program> = (0..2).map(|_| installation.worker(&lease)).collect();
    let mut certificates = BTreeSet::from([postgres.certificate()]);
    under_load(&installation, async {
        for _ in 0..TIMES {
            more_succeed(&installation).await;
            postgres.restart_with_another_certificate().await;
            certificates.insert(postgres.certificate());
        }
        more_succeed(&installation).await;
        let encrypted = "SELECT count(*) FILTER (WHERE s.ssl) > 0 AND bool_and(s.ssl)
            FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid)
            WHERE a.application_name LIKE 'atlas-%'";
        let connection = installation.database.connection().await;
        let row = connection.query_one(encrypted, &[]).await.unwrap();
        assert!(row.get::<_, bool>(0), "programs use TLS, all of them");
    })
    .await;
    assert_eq!(certificates.len(), 4);
    installation.check().await;
    let hurt = "SELECT count(*) FROM operation_runs WHERE outcome <> 'succeeded' OR failures <> 0";
    assert_eq!(installation.number(hurt).await, 0);
    for worker in &mut workers {
        assert!(worker.child.try_wait().unwrap().is_none(), "a worker ended");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_run_ends_when_all_connections_are_thrown_out_under_load() {
    let _slot = crate::slot::take().await;
    let installation = Installation::start().await;
    let mut workers: Vec<Program> = (0..2).map(|_| installation.worker(&[])).collect();
    under_load(&installation, async {
        for _ in 0..TIMES {
            more_succeed(&installation).await;
            let all = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()";
            assert!(installation.number(all).await > 0);
        }
        more_succeed(&installation).await;
    })
    .await;
    installation.check().await;
    for worker in &mut workers {
        assert!(worker.child.try_wait().unwrap().is_none(), "a worker ended");
    }
}
