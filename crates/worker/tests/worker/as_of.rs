//! What was known at any time, held against the simulator's answer key of the round that had been read
//! last by then.

use std::collections::BTreeMap;

use atlas_domain::ids::ItemId;
use atlas_domain::policy_types::registry;
use atlas_domain::run::Outcome;
use atlas_graph_sim::MutationScript;
use atlas_store::{ItemFilter, PageRequest, PastItem, Place};
use atlas_test_support::TestTenant;
use chrono::{DateTime, TimeDelta, Utc};

use crate::answers::external_id;
use crate::installation::Installation;

/// Syncs, with a round of changes before each but the first.
const ROUNDS: usize = 6;
/// Times that are asked for.
const TIMES: u64 = 1_000;

/// Items by policy type and id in Graph: name and number of assignments, where the key has them.
type Known = BTreeMap<(String, String), (Option<String>, Option<i32>)>;

/// A span of time in which nothing was read, with the round that had been read before.
struct Span {
    round: usize,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

/// A number that looks drawn, the same in every run of the test.
fn drawn(n: u64) -> u64 {
    let n = (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (n ^ (n >> 27)) >> 8
}

/// The simulator's answer key after so many rounds, of what an application can read.
fn key_at(installation: &Installation, tenant: TestTenant, round: usize) -> Known {
    let directory = tenant.directory_id.to_string();
    let key = installation.simulator.answer_key_at(&directory, round);
    let readable = key
        .into_iter()
        .filter(|(key, _)| registry().find(key).unwrap().describe().app_only);
    let items = readable.flat_map(|(key, items)| {
        items.into_iter().map(move |item| {
            let name = (item.name != item.id).then_some(item.name);
            let count = item.assignment_count;
            let count = count.map(|count| i32::try_from(count).unwrap());
            let id = external_id(&key, item.id);
            ((key.clone(), id), (name, count))
        })
    });
    items.collect()
}

/// The items as the key would list them, which has no name and no number for some.
fn known(items: Vec<PastItem>, key: &Known) -> Known {
    let items = items.into_iter().map(|item| {
        let id = (item.policy_type, item.external_id);
        let (name, count) = key.get(&id).cloned().unwrap_or_default();
        let name = name.map(|_| item.version.name);
        let count = count.and(item.assignment_count);
        (id, (name, count))
    });
    items.collect()
}

/// All items that are known to have existed at this time, page by page.
async fn items_at(
    installation: &Installation,
    tenant: TestTenant,
    time: DateTime<Utc>,
) -> Vec<PastItem> {
    let every = ItemFilter::default();
    let (mut all, mut page) = (Vec::new(), PageRequest::<(String, ItemId)>::first(200));
    loop {
        let items = installation
            .store
            .items_as_of(tenant.id, &every, time, page.clone());
        let items = items.await.unwrap();
        let Some(last) = items.last() else {
            return all;
        };
        page.place = Place::After((last.version.name.clone(), last.id));
        all.extend(items);
    }
}

async fn now(installation: &Installation) -> DateTime<Utc> {
    let micros = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
    let connection = installation.database.connection().await;
    let row = connection.query_one(micros, &[]).await.unwrap();
    DateTime::from_timestamp_micros(row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn at_a_thousand_times_the_inventory_is_what_the_answer_key_says_was_read_last() {
    let installation = Installation::of_size(60).await;
    let (tenant, member) = installation.tenant().await;
    let directory = tenant.directory_id.to_string();
    let worker = installation.worker();
    let mut spans: Vec<Span> = Vec::new();
    for round in 0..ROUNDS {
        if round > 0 {
            let script = MutationScript {
                seed: u64::try_from(round).unwrap(),
                add: 8,
                delete: 8,
                restore: 4,
                rename: 8,
                edit: 8,
                reassign: 8,
                ..MutationScript::default()
            };
            installation.simulator.mutate(&directory, &script);
            // What has changed is not known before it is read.
            spans[round - 1].to = now(&installation).await;
        }
        let run = installation.press(tenant, &member, "{}").await;
        let (outcome, _) = installation.ended(&member, run).await;
        assert_eq!(outcome, Outcome::Succeeded);
        let from = now(&installation).await;
        let to = from + TimeDelta::milliseconds(50);
        spans.push(Span { round, from, to });
    }
    worker.stop().await;
    let keys: Vec<Known> = (0..ROUNDS)
        .map(|round| key_at(&installation, tenant, round))
        .collect();
    assert!(keys.windows(2).all(|two| two[0] != two[1]));
    for n in 0..TIMES {
        let span = &spans[usize::try_from(n).unwrap() % ROUNDS];
        let length = (span.to - span.from).num_microseconds().unwrap();
        let offset = i64::try_from(drawn(n) % length.unsigned_abs()).unwrap();
        let time = span.from + TimeDelta::microseconds(offset);
        let items = items_at(&installation, tenant, time).await;
        // One of them by itself.
        let at = usize::try_from(drawn(TIMES + n)).unwrap() % items.len();
        let one = installation
            .store
            .item_as_of(tenant.id, items[at].id, time)
            .await;
        let one = one.unwrap().unwrap();
        assert_eq!(one.version.number, items[at].version.number);
        let key = &keys[span.round];
        assert!(
            known(items, key) == *key,
            "{time}: not the key of round {}",
            span.round
        );
        assert!(
            known(vec![one], key)
                .iter()
                .all(|(id, one)| key[id] == *one)
        );
    }
}
