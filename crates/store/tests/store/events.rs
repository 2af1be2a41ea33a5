//! The log of events: what is in it, in which order, and for whom.

mod audience;
mod following;
mod history;

use std::time::Duration;

use atlas_domain::access::cancellation::can_cancel_run;
use atlas_domain::access::{Membership, Role};
use atlas_domain::clock::{SystemClock, SystemEntropy};
use atlas_domain::event::EventType;
use atlas_domain::failure::{Failure, FailureCode};
use atlas_domain::ids::{RequestId, RunId, TenantId};
use atlas_domain::inventory::{TypeResult, TypeStatus};
use atlas_domain::run::{
    CancelReason, Claim, Completion, InventoryProgress, Outcome, Progress, ProgressPhase, RunCounts,
};
use atlas_store::{
    EventFilter, EventPage, EventPlace, EventTopics, EventView, EventsError, EventsFrom, Origin,
};
use serde_json::json;

use crate::{Stage, terms};

async fn read(stage: &Stage, topics: EventTopics, from: EventsFrom, limit: u16) -> EventPage {
    let filter = EventFilter::default();
    let page = stage.store.events(&topics, &filter, from, limit).await;
    page.unwrap()
}

const fn topic(stage: &Stage) -> EventTopics {
    EventTopics::Tenant(stage.tenant.id)
}

/// The tenant's log from its beginning.
async fn read_all(stage: &Stage) -> Vec<EventView> {
    read(stage, topic(stage), EventsFrom::Start, 1_000)
        .await
        .events
}

async fn queued(stage: &Stage) -> RunId {
    let (tenant, user) = (stage.tenant.id, stage.operator.id);
    stage.scenario.queued_run(tenant, user, "{}").await
}

async fn claimed(stage: &Stage) -> Claim {
    stage.store.claim_next(&terms("w")).await.unwrap().unwrap()
}

async fn done(stage: &Stage) -> RunId {
    let run = queued(stage).await;
    let claim = claimed(stage).await;
    let completion = Completion::of_results(&[]);
    stage.store.finish(claim, &completion, None).await.unwrap();
    run
}

fn types(events: &[EventView]) -> Vec<&str> {
    events
        .iter()
        .map(|event| event.event_type.as_str())
        .collect()
}

fn places(events: &[EventView]) -> Vec<EventPlace> {
    events.iter().map(|event| event.place).collect()
}

#[tokio::test]
async fn a_run_is_in_the_log_with_its_kind_its_outcome_and_its_counts() {
    let stage = Stage::set().await;
    let run = done(&stage).await;
    let log = read_all(&stage).await;
    assert_eq!(
        types(&log),
        [
            "operation_run.queued",
            "operation_run.claimed",
            "operation_run.completed"
        ]
    );
    for event in &log {
        assert_eq!(
            (event.tenant_id, event.run_id),
            (stage.tenant.id, Some(run))
        );
        assert_eq!(event.data["kind"], "inventory_sync");
        assert_eq!(event.id.into_uuid().get_version_num(), 7);
    }
    assert_eq!(log[0].data["sequence"], 1);
    assert_eq!(log[0].data.get("attempt"), None);
    assert_eq!(
        (&log[1].data["attempt"], &log[1].data["worker_id"]),
        (&json!(1), &json!("w"))
    );
    assert_eq!(log[2].data["outcome"], "succeeded");
    assert_eq!(log[2].data["counts"]["types_failed"], 0);
}

#[tokio::test]
async fn a_run_that_was_lost_taken_over_and_cancelled_has_each_of_it_once_and_in_order() {
    let stage = Stage::set().await;
    let run = queued(&stage).await;
    let claim = claimed(&stage).await;
    let failure = Failure::transient(FailureCode::GRAPH_UNREACHABLE, "secret words");
    stage
        .store
        .retry_later(claim, Duration::ZERO, &failure)
        .await
        .unwrap();
    let lost = claimed(&stage).await;
    stage
        .execute("UPDATE operation_runs SET lease_expires_at = '2020-01-01'")
        .await;
    assert_eq!(stage.store.reclaim_expired(10).await.unwrap().requeued, 1);
    drop(lost);
    stage
        .execute("UPDATE operation_runs SET not_before = '2020-01-01'")
        .await;
    let claim = claimed(&stage).await;
    let membership = Membership {
        tenant_id: stage.tenant.id,
        user_id: stage.operator.id,
        role: Role::Operator,
    };
    let permit = can_cancel_run(&membership).unwrap();
    let request = RequestId::mint(&SystemClock, &SystemEntropy);
    let reason = CancelReason::parse("not in the log").unwrap();
    let origin = Origin::default();
    let asked = stage
        .store
        .cancel_run(permit, run, reason.as_ref(), request, &origin);
    asked.await.unwrap();
    let completion = Completion::cancelled(RunCounts::none(claim.lease.kind));
    stage.store.finish(claim, &completion, None).await.unwrap();

    let page = stage
        .store
        .run_events(stage.tenant.id, run, None, 100)
        .await
        .unwrap();
    let shown: Vec<(i32, &str)> = page
        .events
        .iter()
        .map(|event| (event.sequence, event.event.event_type.as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            (1, "operation_run.queued"),
            (2, "operation_run.claimed"),
            (3, "operation_run.requeued"),
            (4, "operation_run.claimed"),
            (5, "operation_run.requeued"),
            (6, "operation_run.claimed"),
            (7, "operation_run.cancel_requested"),
            (8, "operation_run.completed"),
        ]
    );
    let data = |at: usize| &page.events[at].event.data;
    assert_eq!(
        (&data(2)["reason"], &data(2)["error_code"]),
        (
            &json!("retried"),
            &json!(FailureCode::GRAPH_UNREACHABLE.as_str())
        )
    );
    assert_eq!(data(4)["reason"], "lease_lost");
    assert_eq!(data(6)["requested_by"], json!(stage.operator.id));
    assert_eq!(data(7)["outcome"], "cancelled");
    let text = serde_json::to_string(
        &page
            .events
            .iter()
            .map(|e| &e.event.data)
            .collect::<Vec<_>>(),
    );
    for word in ["secret", "not in the log"] {
        assert!(!text.as_ref().unwrap().contains(word), "{text:?}");
    }
    // The log has the same.
    let of_run: Vec<EventView> = page.events.into_iter().map(|event| event.event).collect();
    assert_eq!(read_all(&stage).await, of_run);
}

#[tokio::test]
async fn a_run_that_found_changes_brings_one_event_for_each_type_whoever_ends_it() {
    let stage = Stage::set().await;
    let run = queued(&stage).await;
    let claim = claimed(&stage).await;
    let selection = claim.inputs.selection().unwrap();
    let keys: Vec<_> = selection.keys().into_iter().collect();
    let begun = stage
        .store
        .begin_sync(&claim.lease, claim.initiator_id, selection, &keys);
    begun.await.unwrap();
    let numbers = format!(
        "UPDATE inventory_type_results SET created = 3, missing = 1 WHERE policy_type = '{}'",
        keys[0].as_str()
    );
    stage.execute(&numbers).await;
    let result = TypeResult {
        status: TypeStatus::Succeeded,
        ..TypeResult::pending(keys[0])
    };
    stage
        .store
        .record_result(&claim.lease, &result)
        .await
        .unwrap();
    assert_eq!(read_all(&stage).await.len(), 2, "nothing before the end");
    // Its worker is lost; another one records the result again, and is lost for good.
    stage
        .execute("UPDATE operation_runs SET lease_expires_at = '2020-01-01', max_failures = 2")
        .await;
    stage.store.reclaim_expired(10).await.unwrap();
    let claim = claimed(&stage).await;
    stage
        .store
        .record_result(&claim.lease, &result)
        .await
        .unwrap();
    stage
        .execute("UPDATE operation_runs SET lease_expires_at = '2020-01-01'")
        .await;
    assert_eq!(stage.store.reclaim_expired(10).await.unwrap().completed, 1);

    let log = read_all(&stage).await;
    let changed: Vec<&EventView> = log
        .iter()
        .filter(|event| event.event_type == EventType::InventoryChanged.as_str())
        .collect();
    assert_eq!(changed.len(), 1, "{log:?}");
    let expected = json!({"kind": "inventory_sync", "policy_type": keys[0].as_str(), "created": 3,
        "changed": 0, "reassigned": 0, "missing": 1, "back": 0});
    assert_eq!(
        (changed[0].run_id, &changed[0].data),
        (Some(run), &expected)
    );
    assert_eq!(types(&log).last(), Some(&"operation_run.completed"));
    assert_eq!(
        log.last().unwrap().data["outcome"],
        Outcome::Failed.as_str()
    );
}

#[tokio::test]
async fn pages_go_on_where_the_one_before_ended_and_an_empty_one_at_the_end_of_the_log() {
    let stage = Stage::set().await;
    for _ in 0..3 {
        done(&stage).await;
    }
    let all = read_all(&stage).await;
    let (mut from, mut whole) = (EventsFrom::Start, Vec::new());
    loop {
        let page = read(&stage, topic(&stage), from, 2).await;
        from = EventsFrom::After(page.next);
        whole.extend(page.events);
        if !page.more {
            break;
        }
    }
    assert_eq!(whole, all);
    // Another tenant's events move the end of the log, and so the place of an empty page.
    let filter = EventFilter {
        types: vec!["operation_run.completed".to_owned()],
    };
    let completed = stage
        .store
        .events(&topic(&stage), &filter, EventsFrom::Start, 100)
        .await
        .unwrap();
    assert_eq!(completed.events.len(), 3);
    let page = read(&stage, topic(&stage), EventsFrom::Now, 2).await;
    assert_eq!(
        (page.events.len(), page.more, page.next),
        (0, false, completed.next)
    );
    let elsewhere = stage.scenario.tenant("Fabrikam").await;
    let owner = stage.scenario.member(elsewhere.id, Role::Owner).await;
    stage
        .scenario
        .queued_run(elsewhere.id, owner.id, "{}")
        .await;
    let empty = read(&stage, topic(&stage), EventsFrom::After(page.next), 2).await;
    assert_eq!(empty.events, []);
    assert!(empty.next.position > page.next.position);
    let queued = queued(&stage).await;
    let next = read(&stage, topic(&stage), EventsFrom::After(empty.next), 2).await;
    assert_eq!(next.events[0].run_id, Some(queued));
}

/// The members that a program of the version before writes.
#[tokio::test]
async fn what_a_program_of_the_version_before_writes_is_in_the_log() {
    let stage = Stage::set().await;
    let run = queued(&stage).await;
    read_all(&stage).await;
    let before = format!(
        "INSERT INTO operation_run_events (run_id, seq, attempt, event, detail) \
            VALUES ('{run}', 2, 1, 'claimed', '{{\"worker_id\": \"old\"}}'); \
         UPDATE operation_runs SET event_seq = 2 WHERE id = '{run}'"
    );
    stage.execute(&before).await;
    let log = read_all(&stage).await;
    assert_eq!(
        types(&log),
        ["operation_run.queued", "operation_run.claimed"]
    );
    assert_eq!(log[1].data["worker_id"], "old");
    let page = stage
        .store
        .run_events(stage.tenant.id, run, None, 1)
        .await
        .unwrap();
    assert!(page.more);
    let rest = stage
        .store
        .run_events(stage.tenant.id, run, Some(page.next), 1)
        .await
        .unwrap();
    assert_eq!(rest.events[0].event, log[1]);
}

#[tokio::test]
async fn a_phase_that_heartbeats_report_is_one_event_of_each_attempt() {
    let stage = Stage::set().await;
    let run = queued(&stage).await;
    let lease = Duration::from_secs(45);
    let beat = async |claim: &Claim, phase| {
        let progress = InventoryProgress {
            phase,
            ..InventoryProgress::default()
        };
        let progress = Progress::InventorySync(progress);
        let beat = stage.store.heartbeat(&claim.lease, lease, Some(&progress));
        beat.await.unwrap()
    };
    let lost = claimed(&stage).await;
    for phase in ProgressPhase::ALL {
        for _ in 0..2 {
            beat(&lost, phase).await;
        }
    }
    stage
        .execute("UPDATE operation_runs SET lease_expires_at = '2020-01-01'")
        .await;
    stage.store.reclaim_expired(10).await.unwrap();
    let claim = claimed(&stage).await;
    beat(&lost, ProgressPhase::Collecting).await;
    beat(&claim, ProgressPhase::Collecting).await;
    let page = stage
        .store
        .run_events(stage.tenant.id, run, None, 100)
        .await
        .unwrap();
    let shown: Vec<(i32, &str, &str)> = page
        .events
        .iter()
        .map(|event| {
            let (event_type, data) = (&event.event.event_type, &event.event.data);
            let phase = data["phase"].as_str().unwrap_or_default();
            (event.sequence, event_type.as_str(), phase)
        })
        .collect();
    assert_eq!(
        shown,
        [
            (1, "operation_run.queued", ""),
            (2, "operation_run.claimed", ""),
            (3, "operation_run.phase_reached", "collecting"),
            (4, "operation_run.phase_reached", "finishing"),
            (5, "operation_run.requeued", ""),
            (6, "operation_run.claimed", ""),
            (7, "operation_run.phase_reached", "collecting"),
        ]
    );
}
