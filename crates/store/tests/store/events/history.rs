//! What becomes of places in the log when its past goes: by retention, by a restore, with a tenant.

use atlas_store::{PRUNE_BATCH, Retention, RunEventPlace};

use super::*;

/// All that a backup of the database has to hold for these tests.
const TABLES: [&str; 5] = [
    "operation_runs",
    "operation_run_events",
    "notifications",
    "events",
    "event_numberings",
];

async fn back_up(stage: &Stage) {
    stage.execute("CREATE SCHEMA backup").await;
    for table in TABLES {
        let sql = format!("CREATE TABLE backup.{table} AS TABLE {table}");
        stage.execute(&sql).await;
    }
}

async fn restore(stage: &Stage) {
    let mut sql = "BEGIN; SET LOCAL session_replication_role = replica;".to_owned();
    for table in TABLES {
        sql += &format!("DELETE FROM {table}; INSERT INTO {table} TABLE backup.{table};");
    }
    stage.execute(&(sql + "COMMIT")).await;
}

async fn after(stage: &Stage, place: EventPlace) -> Result<EventPage, EventsError> {
    let filter = EventFilter::default();
    let from = EventsFrom::After(place);
    stage.store.events(&topic(stage), &filter, from, 100).await
}

async fn prune(stage: &Stage, batch: u32) -> usize {
    let ever = Duration::from_secs(86_400 * 3_000);
    let retention = Retention {
        runs: ever,
        notifications: ever,
        audit: ever,
        changes: ever,
        versions: ever,
        deliveries: Duration::from_secs(86_400 * 30),
        events: Duration::from_secs(86_400 * 30),
    };
    stage.store.prune(&retention, batch).await.unwrap().events
}

/// Makes all numberings so far that old.
async fn age(stage: &Stage, days: u32) {
    let sql = format!(
        "UPDATE event_numberings SET numbered_at = clock_timestamp() - interval '{days} days'"
    );
    stage.execute(&sql).await;
}

#[tokio::test]
async fn after_a_restore_a_place_that_was_given_again_is_refused_and_one_from_before_goes_on() {
    let stage = Stage::set().await;
    done(&stage).await;
    let kept = read(&stage, topic(&stage), EventsFrom::Now, 1).await.next;
    // The backup has an event that was not numbered yet.
    queued(&stage).await;
    back_up(&stage).await;
    let lost = read(&stage, topic(&stage), EventsFrom::After(kept), 100).await;
    assert_eq!(types(&lost.events), ["operation_run.queued"]);
    let claim = claimed(&stage).await;
    let further = read(&stage, topic(&stage), EventsFrom::After(lost.next), 100)
        .await
        .next;
    drop(claim);
    restore(&stage).await;

    // Before anything is numbered again, and after.
    assert!(matches!(
        after(&stage, further).await,
        Err(EventsError::Gone)
    ));
    let again = after(&stage, kept).await.unwrap();
    assert_eq!(types(&again.events), ["operation_run.queued"]);
    assert_eq!(
        again.events[0].place.position,
        lost.events[0].place.position
    );
    assert_eq!(
        again.events[0].id, lost.events[0].id,
        "it is the same event"
    );
    for place in [lost.next, lost.events[0].place, further] {
        assert!(
            matches!(after(&stage, place).await, Err(EventsError::Gone)),
            "{place:?}"
        );
    }
    // Also when the log has grown beyond the place.
    drop(claimed(&stage).await);
    done_by_sql(&stage).await;
    let now = after(&stage, again.next).await.unwrap();
    assert!(now.next.position > further.position);
    assert!(matches!(
        after(&stage, further).await,
        Err(EventsError::Gone)
    ));
}

async fn done_by_sql(stage: &Stage) {
    let tenant = stage.scenario.tenant("Another").await;
    let owner = stage.scenario.member(tenant.id, Role::Owner).await;
    stage.scenario.queued_run(tenant.id, owner.id, "{}").await;
}

#[tokio::test]
async fn a_run_that_went_another_way_after_a_restore_refuses_places_of_the_first() {
    let stage = Stage::set().await;
    let run = queued(&stage).await;
    read_all(&stage).await;
    back_up(&stage).await;
    drop(claimed(&stage).await);
    let page = stage
        .store
        .run_events(stage.tenant.id, run, None, 100)
        .await
        .unwrap();
    restore(&stage).await;
    let other = stage.store.claim_next(&terms("other")).await.unwrap();
    assert!(other.is_some());
    let refused = stage
        .store
        .run_events(stage.tenant.id, run, Some(page.next), 100)
        .await;
    assert!(matches!(refused, Err(EventsError::Gone)));
}

#[tokio::test]
async fn old_events_go_in_batches_and_places_among_them_are_refused() {
    let stage = Stage::set().await;
    let run = done(&stage).await;
    let old = read_all(&stage).await;
    let end = read(&stage, topic(&stage), EventsFrom::Now, 1).await.next;
    age(&stage, 31).await;
    assert_eq!(
        prune(&stage, PRUNE_BATCH).await,
        0,
        "the end of the log stays"
    );
    assert_eq!(read_all(&stage).await, old);

    queued(&stage).await;
    let young = after(&stage, end).await.unwrap();
    // Three events of the run and two of its notifications.
    assert_eq!((prune(&stage, 2).await, prune(&stage, 2).await), (2, 2));
    assert!(matches!(
        after(&stage, old[0].place).await,
        Err(EventsError::Gone)
    ));
    assert_eq!(prune(&stage, 2).await, 1, "the last one");
    assert_eq!(prune(&stage, 2).await, 0);
    for place in &places(&old)[..2] {
        assert!(matches!(
            after(&stage, *place).await,
            Err(EventsError::Gone)
        ));
    }
    assert_eq!(
        after(&stage, end).await.unwrap(),
        young,
        "nothing after it is gone"
    );
    assert_eq!(read_all(&stage).await, young.events);

    // The run's own list stays whole, page by page.
    let (mut place, mut read) = (None, Vec::new());
    loop {
        let page = stage
            .store
            .run_events(stage.tenant.id, run, place, 1)
            .await
            .unwrap();
        place = Some(page.next);
        read.extend(page.events.into_iter().map(|event| event.event.id));
        if !page.more {
            break;
        }
    }
    assert_eq!(read, old.iter().map(|event| event.id).collect::<Vec<_>>());
    let other_run = RunEventPlace {
        place: old[0].place,
        sequence: Some(7),
    };
    let refused = stage
        .store
        .run_events(stage.tenant.id, run, Some(other_run), 1)
        .await;
    assert!(matches!(refused, Err(EventsError::Gone)));
}

#[tokio::test]
async fn runs_from_before_there_was_a_log_have_their_events_and_the_log_has_them_not() {
    let stage = Stage::set().await;
    let run = done(&stage).await;
    // As the migration leaves rows that it finds.
    stage
        .execute("UPDATE operation_run_events SET position = 0")
        .await;
    assert_eq!(read_all(&stage).await, []);
    let (mut place, mut read) = (None, Vec::new());
    loop {
        let page = stage
            .store
            .run_events(stage.tenant.id, run, place, 1)
            .await
            .unwrap();
        place = Some(page.next);
        read.extend(page.events.into_iter().map(|event| event.sequence));
        if !page.more {
            break;
        }
    }
    assert_eq!(read, [1, 2, 3]);
}

#[tokio::test]
async fn a_tenant_that_is_removed_takes_its_events_along_and_nobody_elses_place() {
    let stage = Stage::set().await;
    let other = stage.scenario.tenant("Fabrikam").await;
    let owner = stage.scenario.member(other.id, Role::Owner).await;
    done(&stage).await;
    stage.scenario.queued_run(other.id, owner.id, "{}").await;
    let end = read(&stage, topic(&stage), EventsFrom::Now, 1).await.next;
    let held = stage.count("SELECT count(*) FROM events").await;
    assert!(stage.store.remove_tenant(other.id).await.unwrap());
    // What disabling it recorded was numbered before, or went with its run.
    read_all(&stage).await;
    let left = format!(
        "SELECT count(*) FROM events WHERE tenant_id = '{}'",
        other.id
    );
    assert_eq!(stage.count(&left).await, 0);
    assert!(stage.count("SELECT count(*) FROM events").await < held);
    queued(&stage).await;
    let page = after(&stage, end).await.unwrap();
    assert_eq!(types(&page.events), ["operation_run.queued"]);
}

#[tokio::test]
async fn events_of_a_person_that_are_for_them_alone_are_erased_with_their_data() {
    let stage = Stage::set().await;
    let admin = stage.scenario.member(stage.tenant.id, Role::Owner).await;
    done(&stage).await;
    queued(&stage).await;
    read_all(&stage).await;
    stage.store.erase_user(stage.operator.id).await.unwrap();
    let personal = format!(
        "SELECT count(*) FROM events WHERE personal AND user_id = '{}'",
        stage.operator.id
    );
    assert_eq!(stage.count(&personal).await, 0);
    assert!(!read_all(&stage).await.is_empty(), "{}", admin.id);
}

#[tokio::test]
async fn what_is_older_ends_where_the_log_begins_and_another_history_has_nothing_before_a_place() {
    let stage = Stage::set().await;
    done(&stage).await;
    let every = EventFilter::default();
    let before = async |place| {
        stage
            .store
            .events_before(&topic(&stage), &every, place, 2)
            .await
    };
    let newest = before(None).await.unwrap();
    assert!(newest.more);
    let foreign = EventPlace {
        mark: newest.next.mark.wrapping_add(1),
        ..newest.next
    };
    assert!(matches!(
        before(Some(foreign)).await,
        Err(EventsError::Gone)
    ));
    let older = before(Some(newest.next)).await.unwrap();
    assert_eq!(types(&older.events), ["operation_run.queued"]);

    // All of it is deleted as too old: there is nothing before, and that is no error.
    age(&stage, 31).await;
    queued(&stage).await;
    before(None).await.unwrap();
    assert!(prune(&stage, PRUNE_BATCH).await > 0);
    let nothing = before(Some(newest.next)).await.unwrap();
    assert!(nothing.events.is_empty() && !nothing.more);
}
