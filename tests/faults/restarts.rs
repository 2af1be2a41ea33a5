//! New versions are rolled out while people press sync.

use crate::installation::{Installation, Options};
use crate::program::Program;

const RESTARTS: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn ten_rolling_restarts_under_load_fail_no_run() {
    let _slot = crate::slot::take().await;
    let installation = Installation::start_with(Options {
        latency: Some("20ms"),
        ..Options::default()
    })
    .await;
    let tenants = installation.tenants(12).await;
    // Less grace than a run takes, so that runs are given back.
    let impatient = [("ATLAS_SHUTDOWN_GRACE", "5ms")];
    let mut workers: Vec<Program> = (0..2).map(|_| installation.worker(&impatient)).collect();
    let pressing = async {
        loop {
            for (tenant, member) in &tenants {
                installation.press_accepted(*tenant, member).await;
            }
        }
    };
    let restarting = async {
        let busy = "SELECT least(count(DISTINCT worker_id), 2) FROM operation_runs
            WHERE status = 'running'";
        for n in 0..RESTARTS {
            installation.number_becomes(busy, 2).await;
            let old = &mut workers[n % 2];
            old.signal("TERM");
            assert!(old.ended().await, "SIGTERM is no failure");
            *old = installation.worker(&impatient);
        }
    };
    tokio::select! {
        () = pressing => {}
        () = restarting => {}
    }
    installation.check().await;
    let hurt = "SELECT count(*) FROM operation_runs WHERE outcome <> 'succeeded' OR failures <> 0";
    assert_eq!(installation.number(hurt).await, 0);
    let given_back = "SELECT count(*) FROM operation_run_events WHERE event = 'handed_back'";
    assert!(
        installation.number(given_back).await > 0,
        "no run was given back"
    );
}
