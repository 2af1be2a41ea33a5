//! Sessions of others at the same PostgreSQL: they use up its connections, or hold rows.

use reqwest::StatusCode;
use serde_json::Value;
use tokio_postgres::{Client, Config, NoTls};

use crate::installation::{Installation, ONE_SLOT, Options};
use crate::processes::says;
use crate::rows::{FENCE_SHARED, Holder, RUN, gives_up, somebody_waits};
use crate::servers::PostgresServer;

/// Connections that PostgreSQL has for everybody.
const CONNECTIONS: usize = 60;
/// What strangers call themselves.
const STRANGER: &str = "stranger";

/// Takes all connections, one of them to throw everybody else out.
async fn take_all_connections(installation: &Installation, url: &str) -> Vec<Client> {
    let session = installation.database.connection().await;
    let others = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE pid <> pg_backend_pid() AND application_name <> $1";
    let mut settings: Config = url.parse().unwrap();
    settings.application_name(STRANGER);
    let mut strangers = Vec::new();
    while strangers.len() + 1 < CONNECTIONS {
        if let Ok((client, connection)) = settings.connect(NoTls).await {
            tokio::spawn(connection);
            strangers.push(client);
        } else {
            session.execute(others, &[&STRANGER]).await.unwrap();
        }
    }
    strangers.push(session);
    strangers
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_used_up_by_others_cost_a_503_and_no_run() {
    let _slot = crate::slot::take().await;
    let postgres = PostgresServer::start_with(CONNECTIONS).await;
    let installation = Installation::start_with(Options {
        database_url: Some(postgres.url()),
        ..Options::default()
    })
    .await;
    let tenants = installation.tenants(4).await;
    installation.hold().await;
    let mut workers = [
        installation.worker(&[ONE_SLOT]),
        installation.worker(&[ONE_SLOT]),
    ];
    for (tenant, member) in &tenants {
        installation.press_accepted(*tenant, member).await;
    }
    installation.held(2).await;

    let strangers = take_all_connections(&installation, &postgres.url()).await;
    // The workers have their pages now, and nowhere to put them.
    installation.release().await;
    let (tenant, member) = &tenants[0];
    let answer = installation.start_sync(*tenant, member).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/problem+json");
    assert!(header("retry-after").parse::<u32>().unwrap() > 0);
    let problem: Value = answer.json().await.unwrap();
    let kind = problem["type"].as_str().unwrap();
    assert!(kind.ends_with("/problems/dependency-unavailable"), "{kind}");
    let shown = problem.to_string();
    assert!(!shown.contains("too many clients"), "{shown}");
    for worker in &workers {
        says(worker, "sweeps fail").await;
    }

    drop(strangers);
    installation.check().await;
    installation.press_accepted(*tenant, member).await;
    installation.check().await;
    let all = [("succeeded".to_owned(), 5)];
    assert_eq!(installation.outcomes().await, all.into());
    for worker in &mut workers {
        assert!(worker.child.try_wait().unwrap().is_none(), "a worker ended");
    }
}

/// Somebody holds a row of a tenant whose run is under way, for longer than a worker waits for them.
/// The runs of others end meanwhile, and that one afterwards.
async fn a_stranger_holds(row: &str) {
    let _slot = crate::slot::take().await;
    let installation = Installation::start().await;
    let tenants = installation.tenants(2).await;
    let (held, held_member) = &tenants[0];
    let (other, other_member) = &tenants[1];
    installation.hold().await;
    let _workers = [installation.worker(&[]), installation.worker(&[])];
    let run = installation.press_accepted(*held, held_member).await;
    installation.held(1).await;
    let stranger = Holder::of(&installation, row, *held).await;
    installation.release().await;

    let another_ends = async || {
        let run = installation.press_accepted(*other, other_member).await;
        let ended = format!(
            "SELECT count(*) FROM operation_runs WHERE id = '{run}' AND outcome = 'succeeded'"
        );
        installation.number_becomes(&ended, 1).await;
    };
    let others = async {
        loop {
            another_ends().await;
        }
    };
    // PostgreSQL ends the wait of whoever waits for the row.
    let nobody_waits_longer =
        async { gives_up(&installation, &somebody_waits(&installation).await).await };
    tokio::select! {
        () = others => {}
        () = nobody_waits_longer => {}
    }
    another_ends().await;
    // It is not forgotten: who presses sync joins it.
    assert_eq!(installation.press_accepted(*held, held_member).await, run);

    stranger.release().await;
    installation.check().await;
    let hurt = "SELECT count(*) FROM operation_runs WHERE outcome <> 'succeeded'";
    assert_eq!(installation.number(hurt).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_holds_a_tenants_fence_holds_up_nobody_else() {
    a_stranger_holds(FENCE_SHARED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_holds_a_running_runs_row_holds_up_no_other_tenant() {
    a_stranger_holds(RUN).await;
}
