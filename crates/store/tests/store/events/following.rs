//! Readers that follow the log while writers commit in another order than they began.

use std::collections::{BTreeMap, BTreeSet};

use atlas_store::Store;
use tokio_postgres::Client;

use super::*;

/// The next event of a run, as a transition writes it, in a transaction that goes on.
async fn write(client: &Client, run: RunId) {
    let sql = "WITH changed AS (UPDATE operation_runs SET event_seq = event_seq + 1 \
            WHERE id = $1::text::uuid RETURNING id, event_seq) \
        INSERT INTO operation_run_events (run_id, seq, attempt, event) \
        SELECT id, event_seq, 1, 'phase_reached' FROM changed";
    assert_eq!(client.execute(sql, &[&run.to_string()]).await.unwrap(), 1);
}

async fn write_pending(client: &Client, tenant: TenantId) {
    let sql = "INSERT INTO pending_events (id, event_type, tenant_id, data) \
        VALUES (gen_random_uuid(), 'schedule.stopped', $1::text::uuid, '{}')";
    assert_eq!(
        client.execute(sql, &[&tenant.to_string()]).await.unwrap(),
        1
    );
}

/// Runs of tenants of their own, that wait.
async fn runs(stage: &Stage, count: usize) -> Vec<(TenantId, RunId)> {
    let mut runs = Vec::new();
    for n in 0..count {
        let tenant = stage.scenario.tenant(&format!("T{n}")).await;
        let owner = stage.scenario.member(tenant.id, Role::Owner).await;
        runs.push((
            tenant.id,
            stage.scenario.queued_run(tenant.id, owner.id, "{}").await,
        ));
    }
    runs
}

fn of_all(runs: &[(TenantId, RunId)]) -> EventTopics {
    EventTopics::Several {
        tenants: runs.iter().map(|(tenant, _)| *tenant).collect(),
        users: Vec::new(),
    }
}

#[tokio::test]
async fn who_commits_late_is_read_late_and_by_nobody_who_has_read_on_skipped() {
    let stage = Stage::set().await;
    let runs = runs(&stage, 2).await;
    let all = of_all(&runs);
    let start = read(&stage, all.clone(), EventsFrom::Now, 100).await.next;
    let (slow, fast) = (
        stage.database.connection().await,
        stage.database.connection().await,
    );
    slow.batch_execute("BEGIN").await.unwrap();
    write(&slow, runs[0].1).await;
    write_pending(&slow, runs[0].0).await;
    fast.batch_execute("BEGIN").await.unwrap();
    write(&fast, runs[1].1).await;
    let none = read(&stage, all.clone(), EventsFrom::After(start), 100).await;
    assert_eq!((none.events.len(), none.next), (0, start));
    fast.batch_execute("COMMIT").await.unwrap();
    let first = read(&stage, all.clone(), EventsFrom::After(start), 100).await;
    assert_eq!(first.events.len(), 1);
    assert_eq!(first.events[0].run_id, Some(runs[1].1));
    slow.batch_execute("COMMIT").await.unwrap();
    let then = read(&stage, all.clone(), EventsFrom::After(first.next), 100).await;
    assert_eq!(
        types(&then.events),
        ["operation_run.phase_reached", "schedule.stopped"]
    );
    assert!(
        then.events[0].occurred_at < first.events[0].occurred_at,
        "it happened earlier"
    );
    let whole = read(&stage, all, EventsFrom::After(start), 100)
        .await
        .events;
    assert_eq!(whole, [first.events, then.events].concat());
}

#[tokio::test]
async fn a_clock_that_is_set_back_changes_no_order_of_a_run() {
    let stage = Stage::set().await;
    let run = done(&stage).await;
    stage
        .execute("UPDATE operation_run_events SET at = at - seq * interval '1 hour'")
        .await;
    let read: Vec<_> = read_all(&stage)
        .await
        .iter()
        .map(|event| event.data["sequence"].clone())
        .collect();
    assert_eq!(read, [json!(1), json!(2), json!(3)], "{run}");
}

/// Events of each run in the order of the log.
type Sequences = BTreeMap<RunId, Vec<i64>>;

/// Reads on until it has so many events.
async fn follow(
    store: Store,
    topics: EventTopics,
    start: EventPlace,
    count: usize,
    limit: u16,
) -> Vec<EventView> {
    let (mut place, mut read) = (start, Vec::new());
    let filter = EventFilter::default();
    while read.len() < count {
        let page = store
            .events(&topics, &filter, EventsFrom::After(place), limit)
            .await
            .unwrap();
        place = page.next;
        read.extend(page.events);
    }
    read
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_writers_that_commit_in_any_order_every_follower_reads_all_once_and_the_same() {
    const WRITERS: usize = 8;
    const EACH: usize = 40;
    let stage = Stage::set().await;
    let runs = runs(&stage, WRITERS).await;
    let all = of_all(&runs);
    let start = read(&stage, all.clone(), EventsFrom::Now, 1).await.next;
    let followers: Vec<_> = [1, 3, 50]
        .into_iter()
        .map(|limit| {
            // Processes of their own.
            let store = stage.database.store();
            tokio::spawn(follow(store, all.clone(), start, WRITERS * EACH * 2, limit))
        })
        .collect();
    let mut writers = Vec::new();
    for (tenant, run) in runs.clone() {
        let client = stage.database.connection().await;
        writers.push(tokio::spawn(async move {
            for _ in 0..EACH {
                client.batch_execute("BEGIN").await.unwrap();
                write_pending(&client, tenant).await;
                write(&client, run).await;
                // Some take longer than others.
                client
                    .batch_execute("SELECT pg_sleep(random() ^ 4 / 50); COMMIT")
                    .await
                    .unwrap();
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let mut read_by_all = Vec::new();
    for follower in followers {
        read_by_all.push(follower.await.unwrap());
    }
    let expected = read_by_all.pop().unwrap();
    for read in read_by_all {
        assert!(read == expected, "followers differ");
    }
    let positions: Vec<i64> = expected.iter().map(|event| event.place.position).collect();
    assert!(positions.is_sorted_by(|a, b| a < b));
    let ids: BTreeSet<_> = expected.iter().map(|event| event.id).collect();
    assert_eq!(ids.len(), WRITERS * EACH * 2);
    let mut sequences = Sequences::new();
    for event in &expected {
        if let (Some(run), Some(seq)) = (event.run_id, event.data["sequence"].as_i64()) {
            sequences.entry(run).or_default().push(seq);
        }
    }
    assert_eq!(sequences.len(), WRITERS);
    for (run, read) in sequences {
        let in_order: Vec<i64> = (2..2 + i64::try_from(EACH).unwrap()).collect();
        assert_eq!(read, in_order, "{run}");
    }
}
