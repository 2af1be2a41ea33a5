//! For whom events are, and those of what concerns owners of tenants.

use std::collections::BTreeSet;

use atlas_domain::schedule::StopReason;
use atlas_store::{NotificationFilter, PageRequest};

use super::*;

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
    let all = NotificationFilter::unread(false);
    let notices = stage
        .store
        .notifications(owner.id, &all, PageRequest::first(10))
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
