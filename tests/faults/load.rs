//! People who press sync while something goes wrong.

use crate::installation::Installation;

/// Tenants that are synced in turn.
const TENANTS: usize = 6;
/// Runs that end between two faults.
const BETWEEN: i64 = 5;

/// Presses sync for six tenants in turn, whatever the answers are, until `fault` is done.
pub(crate) async fn under_load(installation: &Installation, fault: impl Future<Output = ()>) {
    let tenants = installation.tenants(TENANTS).await;
    let pressing = async {
        loop {
            for (tenant, member) in &tenants {
                installation.press(*tenant, member).await;
            }
        }
    };
    tokio::select! {
        () = pressing => {}
        () = fault => {}
    }
}

/// Waits until so many more runs have succeeded.
pub(crate) async fn more_succeed(installation: &Installation) {
    let sql = "SELECT count(*) FROM operation_runs WHERE outcome = 'succeeded'";
    let before = installation.number(sql).await;
    let enough = format!(
        "SELECT least(count(*), {0}) FROM ({sql}) o(n), generate_series(1, n)",
        before + BETWEEN
    );
    installation.number_becomes(&enough, before + BETWEEN).await;
}
