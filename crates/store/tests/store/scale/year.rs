//! A year of nightly syncs of a small tenant, in which a hundredth of the objects is edited each day: how
//! large the tables become.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use atlas_domain::inventory::content::content_hash;
use atlas_domain::inventory::link::{Link, LinkKind, LinkSet, LinkSource, LinkTarget, TargetKind};
use atlas_domain::inventory::values::Values;
use atlas_domain::inventory::{JsonText, Observation, TypeResult, TypeStatus};
use atlas_domain::run::Completion;
use atlas_store::Retention;
use serde_json::{Map, Value, json};

use crate::Stage;
use crate::inventory::{key, observation};

const CATALOG: &str = "settingsCatalogPolicy";
const SELECTION: &str = r#"{"policy_types":["settingsCatalogPolicy"],"include_foundations":false}"#;
const OBJECTS: usize = 300;
const EDITED: usize = OBJECTS / 100;
const SETTINGS: usize = 15;
const NIGHTS: usize = 365;
/// Each night verifies the values of one object in seven.
const WEEK: usize = 7;
/// Runs and notifications are kept for so many nights: the worker's default. What else is kept is kept
/// for longer than a year.
const NIGHTS_KEPT: usize = 90;
const LONGER: Duration = Duration::from_secs(400 * 24 * 60 * 60);
/// A year's tables are at most so many times those of the first night.
const MOST: i64 = 3;

/// The tables that autovacuum would vacuum each night, because all of their rows were updated.
const VACUUM: [&str; 4] = [
    "VACUUM inventory_items",
    "VACUUM inventory_type_results",
    "VACUUM inventory_type_summaries",
    "VACUUM operation_runs",
];
/// Kibibytes of every table with its indexes, the largest first.
const SIZES: &str = "SELECT c.relname, pg_total_relation_size(c.oid) / 1024 FROM pg_class c \
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace ORDER BY 2 DESC, 1";

/// An object after so many edits. `read`: whether its values are read.
fn policy(id: usize, edits: usize, read: bool) -> Observation {
    let edited = |at: usize| if at == edits % SETTINGS { edits } else { 0 };
    let setting = |at: usize| {
        let name = format!("/settings/device_vendor_msft_policy_config_area{at}_setting{at}");
        (
            name,
            json!(format!(
                "device_vendor_msft_policy_config_area{at}_{}",
                edited(at)
            )),
        )
    };
    let fields: Map<String, Value> = (0..SETTINGS).map(setting).collect();
    let content = json!({
        "/displayName": format!("Policy {id}"),
        "/description": "A policy as administrators write them, with a description of some words.",
        "/technologies": "mdm", "/platforms": "windows10", "/settingCount": SETTINGS,
        "/edits": edits,
    });
    let Value::Object(content) = content else {
        unreachable!("an object");
    };
    let group = |at: usize| Link {
        kind: LinkKind::AssignedTo,
        target: LinkTarget {
            kind: TargetKind::Group,
            id: format!("group-{}", (id + at) % 40),
        },
        qualifier: std::collections::BTreeMap::new(),
    };
    let mark = u8::try_from(edits % 251).unwrap();
    Observation {
        content_hash: content_hash(&content),
        content: JsonText::of(&content),
        values: read.then(|| Values {
            hash: content_hash(&fields),
            fields: JsonText::of(&fields),
        }),
        values_mark: Some([mark; 16]),
        links: vec![LinkSet::new(
            LinkSource::Assignments,
            vec![group(0), group(1)],
        )],
        ..observation(CATALOG, id, 0)
    }
}

impl Stage {
    /// A sync of these objects.
    async fn night(&self, page: &[Observation]) {
        let claim = self.begin(SELECTION).await;
        let (lease, keys) = (&claim.lease, [key(CATALOG)]);
        self.store.store_page(lease, page).await.unwrap();
        self.store.mark_missing(lease, &keys).await.unwrap();
        self.store.read_to_end(lease, &keys).await.unwrap();
        let result = TypeResult {
            status: TypeStatus::Succeeded,
            seen: page.len() as u64,
            ..TypeResult::pending(keys[0])
        };
        let recorded = self.store.record_result(lease, &result).await.unwrap();
        let completion = Completion::of_results(&[recorded]);
        self.store.finish(claim, &completion, None).await.unwrap();
    }

    /// What workers do besides, and the database itself.
    async fn day(&self, kept: Duration) {
        let retention = Retention {
            runs: kept,
            notifications: kept,
            audit: LONGER,
            changes: LONGER,
            versions: LONGER,
            deliveries: LONGER,
            events: LONGER,
        };
        while self
            .store
            .prune(&retention, 1_000)
            .await
            .unwrap()
            .more(1_000)
        {}
        for vacuum in VACUUM {
            self.execute(vacuum).await;
        }
    }

    async fn sizes(&self) -> Vec<(String, i64)> {
        let rows = self.database.connection().await.query(SIZES, &[]).await;
        let rows = rows.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }
}

#[tokio::test]
#[ignore = "syncs 365 times, which takes a minute: cargo xtask scale"]
async fn after_a_year_of_nights_the_tables_are_at_most_three_times_those_of_the_first() {
    let stage = Stage::set().await;
    let mut edits = vec![0; OBJECTS];
    let all = (0..OBJECTS).map(|id| policy(id, 0, true));
    stage.night(&all.collect::<Vec<_>>()).await;
    stage.day(LONGER).await;
    let first = stage.sizes().await;
    let mut began = VecDeque::new();
    for night in 1..NIGHTS {
        began.push_back(Instant::now());
        let edited: Vec<usize> = (0..EDITED)
            .map(|at| (night * EDITED + at) % OBJECTS)
            .collect();
        edited.iter().for_each(|id| edits[*id] += 1);
        let page = (0..OBJECTS).map(|id| {
            let read = edited.contains(&id) || id % WEEK == night % WEEK;
            policy(id, edits[id], read)
        });
        stage.night(&page.collect::<Vec<_>>()).await;
        let kept = if began.len() > NIGHTS_KEPT {
            began.pop_front().unwrap().elapsed()
        } else {
            LONGER
        };
        stage.day(kept).await;
    }
    let (versions, edits) = (
        stage.count("SELECT count(*) FROM inventory_versions").await,
        (NIGHTS - 1) * EDITED,
    );
    assert_eq!(
        versions.unsigned_abs() as usize,
        edits,
        "each edit ended a version"
    );
    let last = stage.sizes().await;
    let sum = |sizes: &[(String, i64)]| -> i64 { sizes.iter().map(|(_, size)| size).sum() };
    for (name, size) in last.iter().take(12) {
        let before = first.iter().find(|(one, _)| one == name);
        println!(
            "{size:>8} KiB, {:>8} after the first night  {name}",
            before.map_or(0, |one| one.1)
        );
    }
    let (first, last) = (sum(&first), sum(&last));
    println!("{last:>8} KiB, {first:>8} after the first night  all tables");
    assert!(last <= MOST * first, "{last} KiB after {first} KiB");
}
