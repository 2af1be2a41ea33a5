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

const NOTHING: SweepSteps = SweepSteps {
    reclaim: false,
    cancel: false,
    time_out: false,
    fire: false,
    number: false,
    claim: false,
};

#[tokio::test]
async fn a_plan_names_the_steps_that_have_something_to_do_and_no_others() {
    let stage = Stage::set().await;
    let plan = async || match stage.store.plan_sweep().await.unwrap() {
        SweepPlan::Steps(steps) => steps,
        other => panic!("{other:?}"),
    };
    assert_eq!(plan().await, NOTHING);

    stage.queue("{}").await;
    let claim = SweepSteps {
        claim: true,
        ..NOTHING
    };
    let number = SweepSteps {
        number: true,
        ..claim
    };
    assert_eq!(plan().await, number);
    let plan = async || {
        stage.store.number_events().await.unwrap();
        plan().await
    };
    assert_eq!(plan().await, claim);
    let pause = "INSERT INTO queue_controls (kind, paused_by) VALUES ('inventory_sync', 'me')";
    stage.execute(pause).await;
    stage
        .execute("UPDATE operation_runs SET expires_at = '2020-01-01'")
        .await;
    assert_eq!(plan().await, NOTHING, "a pause holds back both");
    stage.execute("DELETE FROM queue_controls").await;
    let time_out = SweepSteps {
        time_out: true,
        ..claim
    };
    assert_eq!(plan().await, time_out);
    let later = "UPDATE operation_runs SET expires_at = 'infinity', not_before = 'infinity'";
    stage.execute(later).await;
    assert_eq!(plan().await, NOTHING, "it waits for its next attempt");
    stage
        .execute("UPDATE operation_runs SET not_before = '2020-01-01'")
        .await;

    let claimed = stage.claim("w").await.unwrap();
    assert_eq!(plan().await, NOTHING, "its worker has it");
    let reclaim = SweepSteps {
        reclaim: true,
        ..NOTHING
    };
    for lost in [
        "lease_expires_at = '2020-01-01'",
        // As after PostgreSQL's clock was set back.
        "heartbeat_at = clock_timestamp() + interval '1 hour'",
    ] {
        let set = format!("UPDATE operation_runs SET {lost}");
        stage.execute(&set).await;
        assert_eq!(plan().await, reclaim, "{lost}");
        let renew = "UPDATE operation_runs SET heartbeat_at = clock_timestamp(),
            lease_expires_at = clock_timestamp() + interval '1 hour'";
        stage.execute(renew).await;
    }

    let cancel = SweepSteps {
        cancel: true,
        ..NOTHING
    };
    stage.execute("UPDATE tenants SET enabled = false").await;
    assert_eq!(plan().await, cancel, "its tenant is disabled");
    stage.store.cancel_overdue(10).await.unwrap();
    assert_eq!(plan().await, NOTHING, "its worker was asked to stop");
    stage
        .execute("UPDATE operation_runs SET cancel_deadline_at = '2020-01-01'")
        .await;
    assert_eq!(plan().await, cancel, "its worker did not");
    assert_eq!(stage.store.cancel_overdue(10).await.unwrap().completed, 1);
    assert_eq!(plan().await, NOTHING);
    drop(claimed);
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
