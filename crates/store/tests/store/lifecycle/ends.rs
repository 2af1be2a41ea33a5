//! How runs end, and what a worker without its lease may still do.

use super::*;

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
