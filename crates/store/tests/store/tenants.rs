//! Tenants that are disabled, and removed.

use atlas_domain::access::Role;
use atlas_domain::audit::{ActorKind, AuditAction, AuditOutcome};
use atlas_domain::run::{Completion, Outcome, RunState};
use atlas_domain::tenant::StoredProof;
use atlas_store::{
    AccessChangeError, AdmitError, Exit, FoundRun, Heartbeat, NewAuditEvent, NewCredential, Origin,
    StoreError, TenantChange,
};
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
    let disabled = async || store.disable_tenant(tenant).await.unwrap();
    assert_eq!(disabled().await, TenantChange::Changed);
    assert_eq!(disabled().await, TenantChange::Already);

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

    let enabled = async || store.enable_tenant(tenant).await.unwrap();
    assert_eq!(enabled().await, TenantChange::Changed);
    assert_eq!(enabled().await, TenantChange::Already);
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

#[tokio::test]
async fn of_two_removals_at_once_both_end_and_one_finds_the_tenant_gone() {
    let stage = Stage::set().await;
    for _ in 0..4 {
        let tenant = stage.scenario.tenant("Fabrikam").await.id;
        let removing = async || {
            let removal = stage.store.remove_tenant(tenant);
            let removed = tokio::time::timeout(atlas_test_support::PATIENCE, removal).await;
            removed.expect("it ends").unwrap()
        };
        let (one, other) = tokio::join!(removing(), removing());
        assert!(one != other, "{one} {other}");
        let gone = stage.store.disable_tenant(tenant).await.unwrap();
        assert_eq!(gone, TenantChange::Gone);
        let gone = stage.store.enable_tenant(tenant).await.unwrap();
        assert_eq!(gone, TenantChange::Gone);
    }
}

#[tokio::test]
async fn what_is_asked_for_while_its_tenant_is_removed_finds_it_gone() {
    let stage = Stage::set().await;
    let (store, tenant, user) = (&stage.store, stage.tenant.id, stage.operator.id);
    let other = stage.scenario.stranger().await;
    let mut connection = stage.database.connection().await;
    let removal = connection.transaction().await.unwrap();
    let remove =
        format!("SET LOCAL atlas.retention = 'on'; DELETE FROM tenants WHERE id = '{tenant}'");
    removal.batch_execute(&remove).await.unwrap();

    let permit = Scenario::permit(tenant, user);
    let start = async { store.admit(permit, Scenario::start(APPS)).await };
    let (refused, ()) = tokio::join!(start, async {
        stage.somebody_waits().await;
        removal.commit().await.unwrap();
    });
    assert!(matches!(refused, Err(AdmitError::NotMember)), "{refused:?}");

    let denied = NewAuditEvent {
        tenant: Some(tenant),
        actor_kind: ActorKind::User,
        actor: Some(user.into_uuid()),
        action: AuditAction::RunStartDenied,
        target_kind: "tenant",
        target_id: tenant.to_string(),
        outcome: AuditOutcome::Denied,
        request_id: None,
        origin: Origin::default(),
        detail: None,
    };
    store.record_audit(denied).await.unwrap();
    let set = store.set_member(tenant, other.id, Role::Operator).await;
    let gone = matches!(
        set,
        Err(AccessChangeError::Store(StoreError::Gone("the tenant")))
    );
    assert!(gone, "{set:?}");
    let credential = NewCredential {
        client_id: "a".to_owned(),
        proof: StoredProof::FederatedToken("token".parse().unwrap()),
        expires_on: None,
    };
    let set = store.set_credential(tenant, credential).await;
    assert!(
        matches!(set, Err(StoreError::Gone("the tenant"))),
        "{set:?}"
    );
}
