//! Which run is claimed next, and which waits.

use super::*;

#[tokio::test]
async fn a_busy_tenant_waits_and_the_end_of_the_other_names_the_next() {
    let stage = Stage::set().await;
    let first = stage.queue("{}").await;
    let second = stage.queue(r#"{"policy_types":["mobileApp"]}"#).await;
    let claim = stage.claim("a").await.unwrap();
    assert_eq!(claim.lease.run_id, first);
    assert!(stage.claim("b").await.is_none(), "the tenant is busy");
    let waiting = stage
        .store
        .run(stage.operator.id, second)
        .await
        .unwrap()
        .unwrap();
    assert!(matches!(
        waiting.state,
        RunState::Queued {
            wait: Some(WaitReason::TenantBusy),
            ..
        }
    ));
    assert_eq!(waiting.attempt, 0, "waiting uses no attempt");
    let ended = stage.store.finish(claim, &succeeded(), None).await.unwrap();
    let expected = Exit::Completed {
        outcome: Outcome::Succeeded,
        next: Some(second),
    };
    assert_eq!(ended, expected);
    assert_eq!(stage.claim("b").await.unwrap().lease.run_id, second);
}

#[tokio::test]
async fn the_tenant_that_was_served_least_recently_goes_first_and_priority_before_all() {
    let stage = Stage::set().await;
    let other = stage.scenario.tenant("Fabrikam").await;
    let owner = stage.scenario.member(other.id, Role::Owner).await;
    stage.queue("{}").await;
    let claim = stage.claim("w").await.unwrap();
    stage.store.finish(claim, &succeeded(), None).await.unwrap();
    let served = stage.queue("{}").await;
    let unserved = stage.scenario.queued_run(other.id, owner.id, "{}").await;
    let urgent = stage.queue(r#"{"policy_types":["mobileApp"]}"#).await;
    stage
        .execute(&format!(
            "UPDATE operation_runs SET priority = 9 WHERE id = '{urgent}'"
        ))
        .await;
    let claim = stage.claim("w").await.unwrap();
    assert_eq!(claim.lease.run_id, urgent);
    stage.store.finish(claim, &succeeded(), None).await.unwrap();
    assert_eq!(stage.claim("w").await.unwrap().lease.run_id, unserved);
    assert_eq!(stage.claim("w").await.unwrap().lease.run_id, served);
}

#[tokio::test]
async fn a_run_of_a_kind_of_a_later_version_stays_queued() {
    let stage = Stage::set().await;
    let later = stage.queue("{}").await;
    let sql = format!(
        "UPDATE operation_runs SET kind = 'later', lock_scope = 'later' WHERE id = '{later}'"
    );
    stage.execute(&sql).await;
    let known = stage.queue("{}").await;
    assert_eq!(stage.claim("w").await.unwrap().lease.run_id, known);
    assert!(stage.claim("w").await.is_none());
    let queued =
        format!("SELECT count(*) FROM operation_runs WHERE id = '{later}' AND status = 'queued'");
    assert_eq!(stage.count(&queued).await, 1);
}

#[tokio::test]
async fn a_program_that_is_too_old_for_the_schema_claims_nothing() {
    let stage = Stage::set().await;
    let run = stage.queue("{}").await;
    stage.database.expand_schema().await;
    stage.database.contract_schema().await;
    assert!(stage.claim("w").await.is_none());
    stage.database.accept_this_version().await;
    assert_eq!(stage.claim("w").await.unwrap().lease.run_id, run);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_racing_claims_on_one_tenant_one_gets_a_run() {
    let stage = Stage::set().await;
    for key in [
        "mobileApp",
        "policySet",
        "roleDefinition",
        "intuneBrandingProfile",
    ] {
        stage
            .queue(&format!(r#"{{"policy_types":["{key}"]}}"#))
            .await;
    }
    let claims = (0..16).map(|worker| {
        let store = stage.store.clone();
        tokio::spawn(async move { store.claim_next(&terms(&worker.to_string())).await.unwrap() })
    });
    let mut taken = 0;
    for claim in claims.collect::<Vec<_>>() {
        taken += usize::from(claim.await.unwrap().is_some());
    }
    assert_eq!(taken, 1);
    assert_eq!(
        stage
            .count("SELECT count(*) FROM operation_runs WHERE status = 'running'")
            .await,
        1
    );
}

#[tokio::test]
async fn one_claim_for_several_slots_takes_a_run_of_each_tenant_and_leaves_what_it_cannot_read() {
    let stage = Stage::set().await;
    stage.queue("{}").await;
    stage.queue(r#"{"policy_types":["mobileApp"]}"#).await;
    let mut tenants = vec![stage.tenant.id];
    for name in ["Fabrikam", "Adatum", "Unreadable"] {
        let tenant = stage.scenario.tenant(name).await;
        let owner = stage.scenario.member(tenant.id, Role::Owner).await;
        stage.scenario.queued_run(tenant.id, owner.id, "{}").await;
        tenants.push(tenant.id);
    }
    let unreadable = tenants.pop().unwrap();
    stage
        .execute(&format!(
            "UPDATE operation_runs SET inputs = '{{\"policy_types\": [\"gone\"]}}' \
             WHERE tenant_id = '{unreadable}'"
        ))
        .await;
    let claims = stage.store.claim_due(&terms("w"), 8).await.unwrap();
    let mut taken: Vec<_> = claims.iter().map(|claim| claim.lease.tenant_id).collect();
    taken.sort_unstable();
    tenants.sort_unstable();
    assert_eq!(taken, tenants);
    let mut tokens: Vec<_> = claims.iter().map(|claim| claim.lease.token).collect();
    tokens.dedup();
    assert_eq!(tokens.len(), 3, "each lease has a token of its own");
    let left = "SELECT count(*) FROM operation_runs WHERE status = 'queued'";
    assert_eq!(stage.count(left).await, 1, "the first tenant's other run");
    let failed = "SELECT count(*) FROM operation_runs WHERE outcome = 'failed'";
    assert_eq!(stage.count(failed).await, 1, "the one that nobody can read");
    for claim in claims {
        let ended = stage.store.finish(claim, &succeeded(), None).await.unwrap();
        assert!(matches!(ended, Exit::Completed { .. }));
    }
}

#[tokio::test]
async fn a_run_that_waits_for_its_backoff_is_not_taken() {
    let stage = Stage::set().await;
    let run = stage.queue("{}").await;
    let claim = stage.claim("w").await.unwrap();
    stage
        .store
        .retry_later(claim, Duration::from_secs(600), &outage())
        .await
        .unwrap();
    assert!(stage.claim("w").await.is_none());
    let waiting = stage
        .store
        .run(stage.operator.id, run)
        .await
        .unwrap()
        .unwrap();
    assert!(matches!(
        waiting.state,
        RunState::Queued {
            wait: Some(WaitReason::Backoff),
            ..
        }
    ));
}
