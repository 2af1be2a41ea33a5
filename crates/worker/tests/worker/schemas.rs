//! Workers over a schema that is newer or older than they are.

use std::time::SystemTime;

use atlas_domain::ids::RunId;
use atlas_domain::run::{Outcome, Status};
use atlas_graph_sim::{GateRule, PathMatch};
use atlas_store::{migrate, revert_last};
use atlas_test_support::eventually;
use atlas_worker::health::ReadyWorker;
use secrecy::SecretString;

use crate::installation::Installation;

const ONE_TYPE: &str = r#"{"policy_types": ["mobileApp"], "include_foundations": false}"#;
const OTHER_TYPE: &str = r#"{"policy_types": ["policySet"], "include_foundations": false}"#;

impl Installation {
    /// What the worker reports.
    fn health(&self) -> Result<ReadyWorker, String> {
        atlas_worker::health::read(&self.health_file())
    }

    /// Waits until the worker reports that it is not ready for this reason.
    async fn is_not_ready(&self, reason: &str) {
        eventually(reason, || async {
            let health = self.health();
            health
                .is_err_and(|found| found.contains(reason))
                .then_some(())
        })
        .await;
    }

    /// Waits for the end of the sweep after the next one.
    async fn sweeps_twice(&self) {
        for _ in 0..2 {
            let before = self.reported_at();
            eventually("a sweep", || async {
                (self.reported_at() > before).then_some(())
            })
            .await;
        }
    }

    fn reported_at(&self) -> Option<SystemTime> {
        let metadata = std::fs::metadata(self.health_file()).ok()?;
        metadata.modified().ok()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_goes_on_over_a_schema_that_a_later_version_has_added_to() {
    let installation = Installation::build().await;
    let (tenant, member) = installation.tenant().await;
    let worker = installation.worker();
    let before = installation.press(tenant, &member, ONE_TYPE).await;
    installation.ended(&member, before).await;
    installation.database.expand_schema().await;
    installation.sweeps_twice().await;
    assert!(installation.health().is_ok());
    let run = installation.press(tenant, &member, ONE_TYPE).await;
    assert_eq!(installation.ended(&member, run).await.0, Outcome::Succeeded);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_too_old_ends_what_it_has_begun_and_claims_again_when_it_fits() {
    let installation = Installation::build().await;
    let (tenant, member) = installation.tenant().await;
    let apps = PathMatch::exact("/beta/deviceAppManagement/mobileApps");
    let gate = installation.simulator.hold(GateRule::new(apps));
    let worker = installation.worker();
    let begun = installation.press(tenant, &member, ONE_TYPE).await;
    gate.someone_waiting().await;
    // Its end rings for this one, which waits for the same tenant.
    let waiting = installation
        .scenario
        .queued_run(tenant.id, member.id, OTHER_TYPE)
        .await;
    installation.database.expand_schema().await;
    installation.database.contract_schema().await;
    installation.is_not_ready("run a newer version").await;

    gate.release();
    assert_eq!(
        installation.ended(&member, begun).await.0,
        Outcome::Succeeded
    );
    let (other, other_member) = installation.tenant().await;
    let announced = installation.press(other, &other_member, ONE_TYPE).await;
    installation.sweeps_twice().await;
    let named = |run: RunId| {
        let messages = installation.redis.messages();
        messages.iter().any(|one| one.contains(&run.to_string()))
    };
    assert!(named(announced), "its message waits for somebody else");
    assert!(!named(waiting), "a worker that is too old pushes nothing");
    for (member, run) in [(&member, waiting), (&other_member, announced)] {
        assert_eq!(installation.status(member, run).await, Status::Queued);
        assert_eq!(installation.run(member, run).await.attempt, 0);
    }

    installation.database.accept_this_version().await;
    for (member, run) in [(&member, waiting), (&other_member, announced)] {
        assert_eq!(installation.ended(member, run).await.0, Outcome::Succeeded);
    }
    assert!(installation.health().is_ok());
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_claims_nothing_while_a_migration_that_it_needs_is_missing() {
    let installation = Installation::build().await;
    let (tenant, member) = installation.tenant().await;
    let url = SecretString::from(installation.database.url());
    let working = installation.worker();
    let before = installation.press(tenant, &member, ONE_TYPE).await;
    installation.ended(&member, before).await;
    revert_last(&url).await.unwrap();
    // One that had begun to work, and then one that starts.
    installation.is_not_ready("run atlas migrate").await;
    let run = installation.press(tenant, &member, ONE_TYPE).await;
    installation.sweeps_twice().await;
    working.stop().await;
    let starting = installation.worker();
    installation.is_not_ready("run atlas migrate").await;
    let queued = "SELECT count(*) FROM operation_runs
        WHERE id = $1::text::uuid AND status = 'queued' AND attempt = 0";
    assert_eq!(installation.count(queued, run).await, 1);

    migrate(&url).await.unwrap();
    assert_eq!(installation.ended(&member, run).await.0, Outcome::Succeeded);
    starting.stop().await;
}
