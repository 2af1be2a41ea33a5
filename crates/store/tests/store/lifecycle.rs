//! Claims, leases, ends and sweeps.

use std::time::Duration;

use atlas_domain::access::Role;
use atlas_domain::failure::{Failure, FailureCode};
use atlas_domain::ids::RunId;
use atlas_domain::inventory::TypeResult;
use atlas_domain::policy_types::registry;
use atlas_domain::run::{
    Claim, Completion, Lease, OperationKind, Outcome, RunCounts, RunState, Status, WaitReason,
};
use atlas_store::{Exit, FinishRun, FoundRun, Heartbeat, PageStored, SweepCount, WriteError};

use crate::{Stage, terms};

const LEASE: Duration = Duration::from_secs(45);

/// The run ended and no other waits for it.
fn completed(outcome: Outcome) -> Exit {
    Exit::Completed {
        outcome,
        next: None,
    }
}

fn succeeded() -> Completion {
    Completion::of_results(&[])
}

fn outage() -> Failure {
    Failure::transient(FailureCode::GRAPH_UNREACHABLE, "Graph does not answer.")
}

impl Stage {
    async fn queue(&self, json: &str) -> RunId {
        self.scenario
            .queued_run(self.tenant.id, self.operator.id, json)
            .await
    }

    async fn claim(&self, worker: &str) -> Option<Claim> {
        self.store.claim_next(&terms(worker)).await.unwrap()
    }

    async fn status(&self, run: RunId) -> Status {
        self.store
            .run(self.operator.id, run)
            .await
            .unwrap()
            .unwrap()
            .state
            .status()
    }
}

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
async fn of_runs_that_end_together_each_ends_once_and_lost_or_held_ones_are_left_out() {
    let stage = Stage::set().await;
    let mut runs = Vec::new();
    for name in ["Lost", "Held run", "Held fence", "Cancelled", "Done"] {
        let tenant = stage.scenario.tenant(name).await;
        let owner = stage.scenario.member(tenant.id, Role::Owner).await;
        runs.push(stage.scenario.queued_run(tenant.id, owner.id, "{}").await);
    }
    let claims = stage.store.claim_due(&terms("w"), 8).await.unwrap();
    let leases = claims.into_iter().map(|claim| claim.lease);
    let mut endings: Vec<_> = leases
        .map(|lease| FinishRun {
            lease,
            completion: succeeded(),
            progress: None,
        })
        .collect();
    endings.sort_by_key(|ending| runs.iter().position(|run| *run == ending.lease.run_id));
    stage
        .execute(&format!(
            "UPDATE operation_runs SET lease_token = gen_random_uuid() WHERE id = '{}'",
            endings[0].lease.run_id
        ))
        .await;
    stage
        .execute(&format!(
            "UPDATE operation_runs SET cancel_requested_at = clock_timestamp(), \
                cancel_requested_by = initiator_id, cancel_deadline_at = clock_timestamp() \
             WHERE id = '{}'",
            endings[3].lease.run_id
        ))
        .await;
    let stranger = stage.database.connection().await;
    stranger
        .batch_execute(&format!(
            "BEGIN; SELECT 1 FROM operation_runs WHERE id = '{}' FOR UPDATE; \
             SELECT 1 FROM tenant_fences WHERE tenant_id = '{}' FOR SHARE",
            endings[1].lease.run_id, endings[2].lease.tenant_id
        ))
        .await
        .unwrap();

    let ended = stage.store.finish_free(&endings).await.unwrap();
    let done = Some(completed(Outcome::Succeeded));
    let cancelled = Some(completed(Outcome::Cancelled));
    assert_eq!(ended, [None, None, None, cancelled, done]);
    stranger.batch_execute("ROLLBACK").await.unwrap();
    let again = stage.store.finish_free(&endings).await.unwrap();
    assert_eq!(again, [None, done, done, None, None]);
    for (sql, many) in [
        (
            "SELECT count(*) FROM operation_runs WHERE outcome = 'succeeded'",
            3,
        ),
        (
            "SELECT count(*) FROM operation_runs WHERE outcome = 'cancelled'",
            1,
        ),
        (
            "SELECT count(*) FROM operation_run_events WHERE event = 'finished'",
            3,
        ),
        (
            "SELECT count(*) FROM operation_run_events WHERE event = 'cancelled'",
            1,
        ),
        (
            "SELECT count(*) FROM notifications WHERE phase = 'terminal'",
            4,
        ),
        (
            "SELECT count(*) FROM audit_events WHERE action = 'operation_run.completed'",
            4,
        ),
        (
            "SELECT count(*) FROM tenant_fences WHERE token IS NULL AND fence = 2",
            4,
        ),
    ] {
        assert_eq!(stage.count(sql).await, many, "{sql}");
    }
}

#[tokio::test]
async fn a_run_that_its_owner_and_a_worker_that_lost_it_end_together_ends_as_its_owner_says() {
    let stage = Stage::set().await;
    let run = stage.queue("{}").await;
    let lost = stage.claim("w").await.unwrap().lease;
    stage
        .execute(&format!(
            "UPDATE operation_runs SET lease_expires_at = clock_timestamp() - interval '1 second' \
             WHERE id = '{run}'"
        ))
        .await;
    stage.store.reclaim_expired(10).await.unwrap();
    let owned = stage.claim("w").await.unwrap().lease;
    let ending = |lease: &Lease, completion| FinishRun {
        lease: lease.clone(),
        completion,
        progress: None,
    };
    let failed = Completion::failed(outage(), RunCounts::none(OperationKind::InventorySync));
    let endings = [ending(&lost, failed), ending(&owned, succeeded())];
    let ended = stage.store.finish_free(&endings).await.unwrap();
    assert_eq!(ended, [None, Some(completed(Outcome::Succeeded))]);
    let ended = "SELECT count(*) FROM operation_runs WHERE outcome = 'succeeded'";
    assert_eq!(stage.count(ended).await, 1);
    let events = "SELECT count(*) FROM operation_run_events WHERE event IN ('finished', 'failed')";
    assert_eq!(stage.count(events).await, 1);
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_learns_it_and_changes_nothing() {
    let stage = Stage::set().await;
    let run = stage.queue("{}").await;
    let zombie = stage.claim("a").await.unwrap();
    let lease = zombie.lease.clone();
    stage
        .execute("UPDATE operation_runs SET lease_expires_at = clock_timestamp() - interval '1 s'")
        .await;
    assert_eq!(
        stage.store.reclaim_expired(10).await.unwrap(),
        SweepCount {
            requeued: 1,
            completed: 0
        }
    );
    let owner = stage.claim("b").await.unwrap();
    assert_eq!(owner.lease.attempt, 2);
    assert!(owner.lease.fence > lease.fence);

    assert_eq!(
        stage.store.heartbeat(&lease, LEASE, None).await.unwrap(),
        Heartbeat::Lost {
            found: FoundRun::Running { attempt: 2 }
        }
    );
    let result = TypeResult::pending(registry().find("mobileApp").unwrap());
    assert!(matches!(
        stage.store.record_result(&lease, &result).await,
        Err(WriteError::Lost)
    ));
    assert_eq!(
        stage
            .store
            .finish(zombie, &succeeded(), None)
            .await
            .unwrap(),
        Exit::Lost {
            found: FoundRun::Running { attempt: 2 }
        }
    );
    assert_eq!(stage.status(run).await, Status::Running);
    let renewed = stage
        .store
        .heartbeat(&owner.lease, LEASE, None)
        .await
        .unwrap();
    assert_eq!(
        renewed,
        Heartbeat::Renewed {
            cancel_requested: false
        }
    );
    stage.store.finish(owner, &succeeded(), None).await.unwrap();
    assert_eq!(stage.status(run).await, Status::Completed);
}

#[tokio::test]
async fn nothing_is_written_after_the_end_even_with_the_owners_own_lease() {
    let stage = Stage::set().await;
    stage.queue("{}").await;
    let claim = stage.claim("a").await.unwrap();
    let lease = claim.lease.clone();
    stage.store.finish(claim, &succeeded(), None).await.unwrap();
    let stored = stage.store.store_page(&lease, &[]).await.unwrap();
    assert_eq!(stored, PageStored::default());
    let keys = [registry().find("mobileApp").unwrap()];
    assert!(matches!(
        stage.store.mark_missing(&lease, &keys).await,
        Err(WriteError::Lost)
    ));
    assert!(matches!(
        stage.store.read_to_end(&lease, &keys).await,
        Err(WriteError::Lost)
    ));
}

#[tokio::test]
async fn only_failures_use_up_the_attempts_and_the_last_one_ends_the_run() {
    let stage = Stage::set().await;
    let run = stage.queue("{}").await;
    for _ in 0..3 {
        let claim = stage.claim("w").await.unwrap();
        assert_eq!(stage.store.hand_back(claim).await.unwrap(), Exit::Queued);
    }
    for failed in 1..=5 {
        let claim = stage.claim("w").await.unwrap();
        assert_eq!(
            (claim.lease.attempt, claim.failures),
            (3 + failed, failed - 1)
        );
        let requeued = stage
            .store
            .retry_later(claim, Duration::ZERO, &outage())
            .await
            .unwrap();
        let expected = if failed < 5 {
            Exit::Queued
        } else {
            completed(Outcome::Failed)
        };
        assert_eq!(requeued, expected);
    }
    let ended = stage
        .store
        .run(stage.operator.id, run)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(ended.state.outcome(), Some(Outcome::Failed));
    assert_eq!(ended.error.unwrap().code, FailureCode::GRAPH_UNREACHABLE);
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

#[tokio::test]
async fn lost_workers_end_a_run_as_worker_lost_after_the_last_permitted_time() {
    let stage = Stage::set().await;
    let run = stage.queue("{}").await;
    for lost in 1..=5 {
        let claim = stage.claim("w").await.unwrap();
        drop(claim);
        stage
            .execute("UPDATE operation_runs SET lease_expires_at = '2020-01-01'")
            .await;
        let swept = stage.store.reclaim_expired(10).await.unwrap();
        assert_eq!(swept.completed, u32::from(lost == 5));
    }
    let ended = stage
        .store
        .run(stage.operator.id, run)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(ended.error.unwrap().code, FailureCode::WORKER_LOST);
    let notices = "SELECT count(*) FROM notifications WHERE phase = 'terminal'";
    assert_eq!(stage.count(notices).await, 1);
    assert_eq!(
        stage
            .count("SELECT max(seq)::bigint FROM operation_run_events")
            .await,
        11
    );
    assert_eq!(
        stage
            .count("SELECT count(*) FROM operation_run_events")
            .await,
        11
    );
}

#[tokio::test]
async fn a_request_to_cancel_reaches_the_owner_and_ends_a_run_that_is_given_back() {
    let stage = Stage::set().await;
    let run = stage.queue("{}").await;
    let claim = stage.claim("w").await.unwrap();
    stage
        .execute(&format!(
            "UPDATE operation_runs SET cancel_requested_at = clock_timestamp(), \
         cancel_requested_by = '{}', cancel_deadline_at = clock_timestamp() - interval '1 s'",
            stage.operator.id
        ))
        .await;
    assert_eq!(
        stage
            .store
            .heartbeat(&claim.lease, LEASE, None)
            .await
            .unwrap(),
        Heartbeat::Renewed {
            cancel_requested: true
        }
    );
    assert_eq!(
        stage.store.hand_back(claim).await.unwrap(),
        completed(Outcome::Cancelled)
    );
    assert_eq!(stage.status(run).await, Status::Completed);
    let cancelled = "SELECT count(*) FROM notifications \
                     WHERE title = 'Inventory sync of Contoso was cancelled'";
    assert_eq!(stage.count(cancelled).await, 1);
}

#[tokio::test]
async fn sweeps_end_overdue_cancellations_and_runs_that_waited_too_long() {
    let stage = Stage::set().await;
    let running = stage.queue("{}").await;
    let waiting = stage.queue(r#"{"policy_types":["mobileApp"]}"#).await;
    let claim = stage.claim("w").await.unwrap();
    stage
        .execute(&format!(
            "UPDATE operation_runs SET cancel_requested_at = clock_timestamp(), \
         cancel_requested_by = '{}', cancel_deadline_at = clock_timestamp() - interval '1 s' \
         WHERE id = '{running}'",
            stage.operator.id
        ))
        .await;
    stage
        .execute(&format!(
            "UPDATE operation_runs SET expires_at = '2020-01-01' WHERE id = '{waiting}'"
        ))
        .await;
    assert_eq!(stage.store.cancel_overdue(10).await.unwrap().completed, 1);
    assert_eq!(
        stage.store.fail_queue_timeouts(10).await.unwrap().completed,
        1
    );
    let ended = stage
        .store
        .run(stage.operator.id, running)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (ended.state.outcome(), ended.error),
        (Some(Outcome::Cancelled), None)
    );
    let ended = stage
        .store
        .run(stage.operator.id, waiting)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(ended.error.unwrap().code, FailureCode::QUEUE_TIMEOUT);
    let late = Completion::failed(outage(), RunCounts::none(OperationKind::InventorySync));
    assert_eq!(
        stage.store.finish(claim, &late, None).await.unwrap(),
        Exit::Lost {
            found: FoundRun::Completed {
                outcome: Outcome::Cancelled
            }
        }
    );
}

#[tokio::test]
async fn a_run_that_this_version_cannot_read_fails_and_does_not_stop_the_queue() {
    let stage = Stage::set().await;
    let unreadable = stage.queue("{}").await;
    let fine = stage.queue(r#"{"policy_types":["mobileApp"]}"#).await;
    stage.execute(&format!(
        "UPDATE operation_runs SET inputs = '{{\"policy_types\":[\"gone\"]}}' WHERE id = '{unreadable}'"
    )).await;
    assert_eq!(stage.claim("w").await.unwrap().lease.run_id, fine);
    let sql = "SELECT count(*) FROM operation_runs WHERE error->>'code' = 'internal'";
    assert_eq!(stage.count(sql).await, 1);
}
