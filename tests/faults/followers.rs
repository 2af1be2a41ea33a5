//! Followers of the log by pages, by streams and by webhooks at once, while workers and the API are killed
//! again and again: each gets every event, in the order of the log, and what comes twice is the same.
//!
//! `cargo xtask soak --events` sets how many events there are at least.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use atlas_test_support::{Member, PATIENCE, TestTenant, eventually};
use atlas_webhooks::Secret;
use futures::future::join_all;
use serde_json::Value;

use crate::webhooks::Stage;

/// Tenants, each with followers of its own.
const TENANTS: usize = 4;
/// How often something is killed: a worker or the API, in turn.
const KILLS: usize = 40;
/// How long a caller waits after an answer without news, or without an answer.
const PAUSE: Duration = Duration::from_millis(50);
/// Longer than a stream is silent.
const SILENCE: Duration = Duration::from_secs(20);

struct Followed {
    tenant: TestTenant,
    member: Member,
    secret: Secret,
    /// Where the log was when nothing had happened.
    start: String,
    /// The last event, once nothing more happens, and since when.
    last: OnceLock<(String, Instant)>,
}

impl Followed {
    /// Whether everything was seen. Fails when the end has come and what is missing does not.
    fn is_done(&self, seen: &[Value]) -> bool {
        let Some((last, since)) = self.last.get() else {
            return false;
        };
        let is_seen = seen.last().is_some_and(|event| event["id"] == *last);
        assert!(
            is_seen || since.elapsed() < PATIENCE,
            "{} came, and no more",
            seen.len()
        );
        is_seen
    }
}

/// So many events at least.
fn wanted() -> usize {
    let text = std::env::var("ATLAS_TEST_EVENTS");
    text.map_or(10_000, |text| text.parse().unwrap())
}

impl Stage {
    async fn followed(&self, count: usize) -> Vec<Followed> {
        let mut all = Vec::new();
        for (tenant, member) in self.installation.tenants(count).await {
            let secret = self.webhook(tenant, &member).await;
            let path = format!("/tenants/{}/events?from=now", tenant.id);
            let page = self.read(&path, &member).await.unwrap();
            all.push(Followed {
                tenant,
                member,
                secret,
                start: page["next_cursor"].as_str().unwrap().to_owned(),
                last: OnceLock::new(),
            });
        }
        all
    }

    /// Presses sync again and again.
    async fn press(&self, followed: &Followed, over: &AtomicBool) {
        while !over.load(Ordering::Relaxed) {
            let pressed = self.installation.press(followed.tenant, &followed.member);
            pressed.await;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Follows by pages.
    async fn follow_pages(&self, followed: &Followed) -> Vec<Value> {
        let (mut seen, mut cursor) = (Vec::new(), followed.start.clone());
        while !followed.is_done(&seen) {
            let path = format!(
                "/tenants/{}/events?limit=50&cursor={cursor}",
                followed.tenant.id
            );
            let page = self.read(&path, &followed.member).await;
            let more = page.is_some_and(|page| {
                page["next_cursor"]
                    .as_str()
                    .unwrap()
                    .clone_into(&mut cursor);
                seen.extend(page["items"].as_array().unwrap().iter().cloned());
                page["has_more"] == true
            });
            if !more {
                tokio::time::sleep(PAUSE).await;
            }
        }
        seen
    }

    /// Follows by streams, of which each continues the one before.
    async fn follow_stream(&self, followed: &Followed) -> Vec<Value> {
        let mut seen = Vec::new();
        let mut last = followed.start.clone();
        while !followed.is_done(&seen) {
            let url = format!(
                "{}/tenants/{}/stream",
                self.installation.api.url(),
                followed.tenant.id
            );
            let request = self.http.get(url).bearer_auth(&followed.member.token);
            if let Ok(mut stream) = request.header("Last-Event-ID", &last).send().await
                && stream.status().is_success()
            {
                let mut unread = Vec::new();
                while let Ok(Ok(Some(chunk))) = tokio::time::timeout(SILENCE, stream.chunk()).await
                {
                    unread.extend_from_slice(&chunk);
                    take_events(&mut unread, &mut seen, &mut last);
                    if followed.is_done(&seen) {
                        break;
                    }
                }
            } else {
                tokio::time::sleep(PAUSE).await;
            }
        }
        seen
    }

    /// Kills a worker and the API in turn, evenly over what is to be delivered.
    async fn kill_again_and_again(&self, wanted: usize) {
        let mut worker = self.worker("");
        for kill in 1..=KILLS {
            let enough = wanted * kill / KILLS;
            while self.receiver.count() < enough {
                let before = self.receiver.count();
                eventually("another delivery", || async {
                    (self.receiver.count() > before).then_some(())
                })
                .await;
            }
            if kill % 2 == 0 {
                self.installation.api.kill();
                self.installation.api.start_again(&[]).await;
            } else {
                worker.kill();
                worker = self.worker("");
            }
        }
    }
}

/// Takes the events of a stream that arrived as a whole. Other messages say where it continues, or that
/// events are missing.
fn take_events(unread: &mut Vec<u8>, seen: &mut Vec<Value>, last: &mut String) {
    while let Some(end) = unread.windows(2).position(|two| two == b"\n\n") {
        let block: Vec<u8> = unread.drain(..end + 2).collect();
        let block = String::from_utf8(block).unwrap();
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
        assert_ne!(field("event: "), Some("resync"), "events may be missing");
        if let (Some(id), Some(data), None) = (field("id: "), field("data: "), field("event: ")) {
            id.clone_into(last);
            seen.push(serde_json::from_str(data).unwrap());
        }
    }
}

/// Each event once, where it came first. What came again was the same.
fn once(events: Vec<Value>) -> Vec<Value> {
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut first: Vec<Value> = Vec::new();
    for event in events {
        let id = event["id"].as_str().unwrap().to_owned();
        match known.get(&id) {
            Some(&at) => assert_eq!(first[at], event, "an event came again and is another"),
            None => {
                known.insert(id, first.len());
                first.push(event);
            }
        }
    }
    first
}

/// The events of each run are numbered without a gap and in order.
fn assert_whole(log: &[Value]) {
    let mut numbers: HashMap<&str, i64> = HashMap::new();
    for event in log {
        let Some(number) = event["data"]["sequence"].as_i64() else {
            continue;
        };
        let before = numbers
            .entry(event["operation_run_id"].as_str().unwrap())
            .or_default();
        assert_eq!(number, *before + 1, "{event}");
        *before = number;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: cargo xtask soak --events 10000"]
async fn pages_streams_and_webhooks_miss_nothing_while_workers_and_the_api_are_killed() {
    let _slot = crate::slot::take().await;
    let wanted = wanted();
    let stage = Stage::set().await;
    // Its key is published before webhooks are made.
    let mut first = stage.worker("");
    let followed = stage.followed(TENANTS).await;
    first.kill();
    let over = AtomicBool::new(false);
    let pressing = join_all(followed.iter().map(|one| stage.press(one, &over)));
    let pages = join_all(followed.iter().map(|one| stage.follow_pages(one)));
    let streams = join_all(followed.iter().map(|one| stage.follow_stream(one)));
    let breaking = async {
        stage.kill_again_and_again(wanted).await;
        over.store(true, Ordering::Relaxed);
    };
    let ending = async {
        tokio::join!(breaking, pressing);
        let _worker = stage.worker("");
        stage.installation.check().await;
        let mut logs = Vec::new();
        for one in &followed {
            let log = stage.log(one.tenant, &one.member).await;
            let last = log.last().unwrap()["id"].as_str().unwrap();
            one.last.set((last.to_owned(), Instant::now())).unwrap();
            logs.push(log);
        }
        for log in &logs {
            stage.all_arrive(log).await;
        }
        logs
    };
    let (logs, pages, streams) = tokio::join!(ending, pages, streams);
    let mut total = 0;
    for (((one, log), by_pages), by_stream) in followed.iter().zip(&logs).zip(pages).zip(streams) {
        assert_whole(log);
        total += log.len();
        assert_eq!(&by_pages, log, "pages repeat nothing");
        assert_eq!(&once(by_stream), log);
        let tenant = one.tenant.id.to_string();
        let delivered = stage.verified(&one.secret, &tenant);
        assert_eq!(&once(delivered), log);
    }
    let runs = "SELECT count(*) FROM operation_run_events";
    let logged = "SELECT count(*) FROM events WHERE event_type LIKE 'operation_run.%'";
    let (runs, logged) = (
        stage.installation.number(runs).await,
        stage.installation.number(logged).await,
    );
    assert_eq!(runs, logged);
    let received = stage.receiver.count();
    println!("{total} events, {received} deliveries, {KILLS} kills");
    assert!(total >= wanted * 9 / 10, "{total}");
}
