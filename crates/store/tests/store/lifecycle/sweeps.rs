//! What sweeps reclaim and end.

use super::*;

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
