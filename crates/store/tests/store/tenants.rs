//! Tenants that are disabled, and removed.

use atlas_domain::run::{Completion, Outcome, RunState};
use atlas_store::{AdmitError, Exit, FoundRun, Heartbeat};
use atlas_test_support::Scenario;

use crate::{Stage, terms};

const APPS: &str = r#"{"policy_types":["mobileApp"]}"#;
const GROUPS: &str = r#"{"policy_types":["policySet"]}"#;

#[tokio::test]
async fn a_disabled_tenant_starts_nothing_and_what_was_active_is_cancelled() {
    let stage = Stage::set().await;
    let (store, tenant, user) = (&stage.store, stage.tenant.id, stage.operator.id);
    let running = stage.scenario.queued_run(tenant, user, APPS).await;
    let claim = store.claim_next(&terms("one")).await.unwrap().unwrap();
    let queued = stage.scenario.queued_run(tenant, user, GROUPS).await;
    assert!(store.disable_tenant(tenant).await.unwrap());
    assert!(!store.disable_tenant(tenant).await.unwrap());

    let permit = Scenario::permit(tenant, user);
    let refused = store.admit(permit, Scenario::start(GROUPS)).await;
    assert!(matches!(refused, Err(AdmitError::TenantDisabled)));
    let ended = store.run_view(user, queued).await.unwrap().unwrap().run;
    assert!(matches!(
        ended.state,
        RunState::Completed {
            outcome: Outcome::Cancelled,
            ..
        }
    ));
    let request = ended.cancel.unwrap();
    assert_eq!(request.requested_by, None);
    assert_eq!(request.reason.as_deref(), Some("The tenant was disabled."));
    let beat = store.heartbeat(&claim.lease, terms("one").duration, None);
    assert_eq!(
        beat.await.unwrap(),
        Heartbeat::Renewed {
            cancel_requested: true
        }
    );
    let asked = store.run_view(user, running).await.unwrap().unwrap().run;
    assert!(asked.cancel.is_some(), "asking again does no harm");
    let notified = "SELECT count(*) FROM notifications WHERE phase = 'terminal'";
    assert_eq!(stage.count(notified).await, 1);

    assert!(store.enable_tenant(tenant).await.unwrap());
    assert!(!store.enable_tenant(tenant).await.unwrap());
    let actions = "SELECT count(*) FROM audit_events \
        WHERE action IN ('tenant.disabled', 'tenant.enabled')";
    assert_eq!(stage.count(actions).await, 2);
}

#[tokio::test]
async fn a_run_that_slipped_in_is_not_claimed_and_a_sweep_cancels_it() {
    let stage = Stage::set().await;
    let (store, tenant, user) = (&stage.store, stage.tenant.id, stage.operator.id);
    let run = stage.scenario.queued_run(tenant, user, APPS).await;
    stage.execute("UPDATE tenants SET enabled = false").await;
    let claim = store.claim_next(&terms("one")).await.unwrap();
    assert!(claim.is_none());
    assert_eq!(store.cancel_overdue(10).await.unwrap().completed, 1);
    let ended = store.run_view(user, run).await.unwrap().unwrap().run;
    assert!(matches!(ended.state, RunState::Completed { .. }));
    assert_eq!(store.cancel_overdue(10).await.unwrap().completed, 0);
}

#[tokio::test]
async fn a_worker_of_a_removed_tenant_writes_nothing_any_more() {
    let stage = Stage::set().await;
    let (store, tenant, user) = (&stage.store, stage.tenant.id, stage.operator.id);
    let other = stage.scenario.tenant("Fabrikam").await;
    stage.scenario.queued_run(tenant, user, APPS).await;
    let claim = store.claim_next(&terms("one")).await.unwrap().unwrap();
    assert!(store.remove_tenant(tenant).await.unwrap());
    assert!(!store.remove_tenant(tenant).await.unwrap());
    let beat = store.heartbeat(&claim.lease, terms("one").duration, None);
    assert!(matches!(beat.await.unwrap(), Heartbeat::Lost { .. }));
    let completion = Completion::of_results(&[]);
    let ended = store.finish(claim, &completion, None).await.unwrap();
    assert!(
        matches!(
            ended,
            Exit::Lost {
                found: FoundRun::Gone
            }
        ),
        "{ended:?}"
    );
    for table in ["operation_runs", "notifications", "tenant_fences"] {
        let left = format!("SELECT count(*) FROM {table}");
        assert_eq!(stage.count(&left).await, 0, "{table}");
    }
    let left = store.tenants_by_name_or_id("Fabrikam").await.unwrap();
    assert_eq!(left[0].id, other.id);
}
