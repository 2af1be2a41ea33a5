//! New versions are rolled out while people press sync.

use crate::house::{Foundations, House};
use crate::program::Program;

const RESTARTS: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn ten_rolling_restarts_under_load_fail_no_run() {
    let _slot = crate::slot::take().await;
    let house = House::upon(Foundations {
        latency: Some("20ms"),
        ..Foundations::default()
    })
    .await;
    let tenants = house.tenants(12).await;
    // Less grace than a run takes, so that runs are given back.
    let impatient = [("ATLAS_SHUTDOWN_GRACE", "5ms")];
    let mut workers: Vec<Program> = (0..2).map(|_| house.worker(&impatient)).collect();
    let pressing = async {
        loop {
            for (tenant, member) in &tenants {
                house.press_accepted(*tenant, member).await;
            }
        }
    };
    let restarting = async {
        let busy = "SELECT least(count(DISTINCT worker_id), 2) FROM operation_runs
            WHERE status = 'running'";
        for n in 0..RESTARTS {
            house.number_becomes(busy, 2).await;
            let old = &mut workers[n % 2];
            old.signal("TERM");
            assert!(old.ended().await, "SIGTERM is no failure");
            *old = house.worker(&impatient);
        }
    };
    tokio::select! {
        () = pressing => {}
        () = restarting => {}
    }
    house.check().await;
    let hurt = "SELECT count(*) FROM operation_runs WHERE outcome <> 'succeeded' OR failures <> 0";
    assert_eq!(house.number(hurt).await, 0);
    let given_back = "SELECT count(*) FROM operation_run_events WHERE event = 'handed_back'";
    assert!(house.number(given_back).await > 0, "no run was given back");
}
