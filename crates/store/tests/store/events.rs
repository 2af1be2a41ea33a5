//! The log of events: what is in it, in which order, and for whom.

mod following;
mod history;

use std::collections::BTreeSet;
use std::time::Duration;

use atlas_domain::access::cancellation::can_cancel_run;
use atlas_domain::access::{Membership, Role};
use atlas_domain::clock::{SystemClock, SystemEntropy};
use atlas_domain::event::EventType;
use atlas_domain::failure::{Failure, FailureCode};
use atlas_domain::ids::{RequestId, RunId, TenantId};
use atlas_domain::inventory::{TypeResult, TypeStatus};
use atlas_domain::run::{CancelReason, Claim, Completion, Outcome, RunCounts};
use atlas_domain::schedule::StopReason;
use atlas_store::{
    EventFilter, EventPage, EventPlace, EventTopics, EventView, EventsError, EventsFrom, Origin,
    PageRequest,
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
async fn a_user_reads_what_is_theirs_in_tenants_that_they_belong_to() {
    let stage = Stage::set().await;
    let other = stage.scenario.member(stage.tenant.id, Role::Owner).await;
    let elsewhere = stage.scenario.tenant("Fabrikam").await;
    let joins = stage
        .store
        .set_member(elsewhere.id, stage.operator.id, Role::Operator);
    joins.await.unwrap();
    done(&stage).await;
    stage
        .scenario
        .queued_run(elsewhere.id, stage.operator.id, "{}")
        .await;
    let mine = read(
        &stage,
        EventTopics::User(stage.operator.id),
        EventsFrom::Start,
        100,
    )
    .await;
    assert_eq!(
        types(&mine.events),
        [
            "operation_run.queued",
            "notification.created",
            "operation_run.claimed",
            "operation_run.completed",
            "notification.created",
            "operation_run.queued",
            "notification.created",
        ]
    );
    let notifications =
        "SELECT count(*) FROM notifications WHERE id = $1::text::uuid AND phase = $2";
    let connection = stage.database.connection().await;
    for event in mine
        .events
        .iter()
        .filter(|event| event.event_type == "notification.created")
    {
        let id = event.data["notification_id"].as_str().unwrap();
        let phase = event.data["phase"].as_str().unwrap();
        let found: i64 = connection
            .query_one(notifications, &[&id, &phase])
            .await
            .unwrap()
            .get(0);
        assert_eq!(found, 1);
    }
    // What is for one alone is not in the log of the tenant, nor in another's.
    let theirs = read(&stage, EventTopics::User(other.id), EventsFrom::Start, 100).await;
    assert_eq!(types(&theirs.events), Vec::<&str>::new());
    let shared = read_all(&stage).await;
    assert!(!types(&shared).contains(&"notification.created"));
    // A process that passes events on asks for several at once.
    let several = EventTopics::Several {
        tenants: vec![stage.tenant.id],
        users: vec![stage.operator.id],
    };
    let passed_on = read(&stage, several, EventsFrom::Start, 100).await.events;
    let expected: BTreeSet<i64> = shared
        .iter()
        .chain(&mine.events)
        .map(|event| event.place.position)
        .collect();
    let positions: Vec<i64> = places(&passed_on)
        .iter()
        .map(|place| place.position)
        .collect();
    assert_eq!(positions, expected.into_iter().collect::<Vec<_>>());

    let left = format!(
        "DELETE FROM memberships WHERE tenant_id = '{}' AND user_id = '{}'",
        stage.tenant.id, stage.operator.id
    );
    stage.execute(&left).await;
    let mine = read(
        &stage,
        EventTopics::User(stage.operator.id),
        EventsFrom::Start,
        100,
    )
    .await;
    assert_eq!(
        types(&mine.events),
        ["operation_run.queued", "notification.created"]
    );
    assert!(
        mine.events
            .iter()
            .all(|event| event.tenant_id == elsewhere.id)
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
async fn a_schedule_that_stops_is_an_event_and_so_is_its_notification() {
    let stage = Stage::set().await;
    let owner = stage.scenario.member(stage.tenant.id, Role::Owner).await;
    let set = format!(
        "INSERT INTO tenant_schedules (tenant_id, time_of_day, zone, jitter_minutes, catch_up, set_by, \
            next_due_at) VALUES ('{}', '02:30', 'UTC', 0, 'latest', '{}', '2026-01-01')",
        stage.tenant.id, stage.operator.id
    );
    stage.execute(&set).await;
    let left = stage
        .store
        .remove_member(stage.tenant.id, stage.operator.id);
    left.await.unwrap();
    let due = stage
        .store
        .due_schedules(1)
        .await
        .unwrap()
        .remove(0)
        .unwrap();
    for stopped in [true, false] {
        let stop = stage.store.stop_schedule(&due, StopReason::SetterLeft);
        assert_eq!(stop.await.unwrap(), stopped);
    }
    let shared = read_all(&stage).await;
    assert_eq!(types(&shared), ["schedule.stopped"]);
    assert_eq!(shared[0].data, json!({"reason": "setter_left"}));
    let theirs = read(&stage, EventTopics::User(owner.id), EventsFrom::Start, 10).await;
    assert_eq!(types(&theirs.events), ["notification.created"]);
    assert_eq!(theirs.events[0].data["phase"], "schedule_stopped");
}

#[tokio::test]
async fn a_client_secret_that_ends_soon_is_noticed_once_by_racing_workers_and_again_when_it_is_another()
 {
    let stage = Stage::set().await;
    let owner = stage.scenario.member(stage.tenant.id, Role::Owner).await;
    stage.scenario.tenant("Never").await;
    let ends = async |tenant: TenantId, days: i32| {
        let sql = format!(
            "UPDATE tenant_credentials SET expires_on = (now() AT TIME ZONE 'UTC')::date + {days} \
             WHERE tenant_id = '{tenant}'"
        );
        stage.execute(&sql).await;
    };
    let late = stage.scenario.tenant("Late").await;
    ends(stage.tenant.id, 30).await;
    ends(late.id, 31).await;
    let racing = (0..8).map(|_| {
        let store = stage.store.clone();
        tokio::spawn(async move { store.notice_secret_ends(10).await.unwrap() })
    });
    let mut noticed = 0;
    for racing in racing.collect::<Vec<_>>() {
        noticed += racing.await.unwrap();
    }
    assert_eq!(noticed, 1);
    let shared = read_all(&stage).await;
    assert_eq!(types(&shared), ["credential.expiring"]);
    let day = "SELECT expires_on::text FROM tenant_credentials WHERE tenant_id = $1::text::uuid";
    let connection = stage.database.connection().await;
    let row = connection
        .query_one(day, &[&stage.tenant.id.to_string()])
        .await
        .unwrap();
    assert_eq!(shared[0].data["expires_on"], row.get::<_, String>(0));
    let theirs = read(&stage, EventTopics::User(owner.id), EventsFrom::Start, 10).await;
    assert_eq!(types(&theirs.events), ["notification.created"]);
    let notices = stage
        .store
        .notifications(owner.id, false, PageRequest::first(10))
        .await
        .unwrap();
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0].phase, "credential_expiring");
    assert!(
        notices[0].title.contains("Contoso ends on 2"),
        "{}",
        notices[0].title
    );
    ends(stage.tenant.id, 29).await;
    assert_eq!(stage.store.notice_secret_ends(10).await.unwrap(), 1);
    assert_eq!(stage.store.notice_secret_ends(10).await.unwrap(), 0);
}
