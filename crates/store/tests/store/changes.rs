//! What is recorded of changes, and that it is recorded once.

use std::collections::BTreeMap;

use atlas_domain::ids::ItemId;
use atlas_domain::inventory::{JsonText, change::ChangeKind};
use atlas_domain::inventory::{Observation, TypeResult, TypeStatus};
use atlas_domain::run::{Completion, OperationKind, RunCounts};
use atlas_store::{
    ChangeDetail, ChangeFilter, ChangeView, FieldDifference, ItemFilter, PageRequest, Retention,
    TypeEffect,
};
use serde_json::{Value, json};

use crate::inventory::{key, observation};
use crate::{Stage, terms};

/// An app that says this and is assigned to these groups.
fn app(id: usize, content: &Value, groups: &[&str]) -> Observation {
    let assignments: Vec<Value> = groups.iter().map(|group| json!({"group": group})).collect();
    let digit = |text: &str| {
        text.bytes()
            .fold(7_u8, |sum, byte| sum.wrapping_mul(31) ^ byte)
    };
    Observation {
        content_hash: [digit(&content.to_string()); 32],
        content: JsonText::of(content),
        former_content_hash: None,
        former_assignments_hash: None,
        assignments_hash: Some([digit(&groups.join("+")); 32]),
        assignments: Some(JsonText::of(&assignments)),
        ..observation("mobileApp", id, 0)
    }
}

impl Stage {
    async fn changes(&self, filter: &ChangeFilter) -> Vec<ChangeView> {
        let page = PageRequest::first(1_000);
        self.store
            .changes(self.tenant.id, filter, page)
            .await
            .unwrap()
    }

    /// A sync that sees these apps and no others.
    async fn sync(&self, page: &[Observation]) {
        let claim = self.begin("{}").await;
        self.store.store_page(&claim.lease, page).await.unwrap();
        let keys = [key("mobileApp")];
        self.store.mark_missing(&claim.lease, &keys).await.unwrap();
        self.end(claim).await;
    }
}

fn kinds(changes: &[ChangeView]) -> Vec<ChangeKind> {
    changes.iter().map(|change| change.kind).collect()
}

#[tokio::test]
async fn a_change_lists_field_by_field_what_was_and_what_is() {
    let stage = Stage::set().await;
    let before = json!({"/a": 1, "/b": [1, 2], "/c": null, "/gone": "x"});
    stage.sync(&[app(1, &before, &["one", "two"])]).await;
    let after = json!({"/a": 1, "/b": [2], "/c": null, "/new": "with a NUL \u{0}", "/d": null});
    stage.sync(&[app(1, &after, &["two", "three"])]).await;
    let changes = stage.changes(&ChangeFilter::default()).await;
    assert_eq!(
        kinds(&changes),
        [
            ChangeKind::Reassigned,
            ChangeKind::Changed,
            ChangeKind::Created
        ]
    );
    let field = |field: &str, old: Option<Value>, new: Option<Value>| FieldDifference {
        field: field.to_owned(),
        old,
        new,
    };
    let fields = vec![
        field("/b", Some(json!([1, 2])), Some(json!([2]))),
        field("/gone", Some(json!("x")), None),
        field("/new", None, Some(json!("with a NUL \u{fffd}"))),
    ];
    let content = ChangeDetail::Content {
        fields,
        field_count: 3,
    };
    assert_eq!(changes[1].detail, Some(content));
    let assignments = ChangeDetail::Assignments {
        added: vec![json!({"group": "three"})],
        added_count: 1,
        removed: vec![json!({"group": "one"})],
        removed_count: 1,
    };
    assert_eq!(changes[0].detail, Some(assignments));
    assert_eq!(changes[2].detail, None);
    assert_eq!(changes[0].item.external_id, "id-1");
}

#[tokio::test]
async fn of_very_many_differing_fields_the_first_are_listed_and_all_are_counted() {
    let stage = Stage::set().await;
    let content = |value: &str| -> Value {
        let fields = (0..300).map(|n| (format!("/f{n:03}"), json!(value)));
        Value::Object(fields.collect())
    };
    stage.sync(&[app(1, &content("x"), &[])]).await;
    stage.sync(&[app(1, &content("y"), &[])]).await;
    let changes = stage.changes(&ChangeFilter::default()).await;
    let Some(ChangeDetail::Content {
        fields,
        field_count,
    }) = &changes[0].detail
    else {
        panic!("{changes:?}")
    };
    assert_eq!((fields.len(), *field_count), (100, 300));
    assert_eq!(fields[99].field, "/f099");
}

#[tokio::test]
async fn what_comes_back_is_held_against_what_it_was_and_is_not_created_again() {
    let stage = Stage::set().await;
    stage.sync(&[app(1, &json!({"/a": 1}), &["one"])]).await;
    stage.sync(&[]).await;
    stage.sync(&[]).await;
    stage.sync(&[app(1, &json!({"/a": 2}), &["one"])]).await;
    let changes = stage.changes(&ChangeFilter::default()).await;
    use ChangeKind::{Back, Changed, Created, Gone};
    assert_eq!(kinds(&changes), [Changed, Back, Gone, Created]);
}

#[tokio::test]
async fn what_was_not_read_or_was_not_known_is_no_change() {
    let stage = Stage::set().await;
    let mut quiet = app(1, &json!({"/a": 1}), &[]);
    (quiet.assignments, quiet.assignments_hash) = (None, None);
    quiet.assignment_count = None;
    // First not read, then read for the first time, then not read again, then the same as before.
    stage.sync(std::slice::from_ref(&quiet)).await;
    let reported = app(1, &json!({"/a": 1}), &["one"]);
    for page in [&reported, &quiet, &reported] {
        stage.sync(std::slice::from_ref(page)).await;
    }
    let changes = stage.changes(&ChangeFilter::default()).await;
    assert_eq!(kinds(&changes), [ChangeKind::Created]);
    let every = ItemFilter::default();
    let items = stage
        .store
        .items(stage.tenant.id, &every, PageRequest::first(1));
    assert_eq!(items.await.unwrap()[0].assignment_count, Some(2));

    // An earlier version kept no content: the next reading keeps it, and only then is there more to
    // say than that something differs.
    stage.execute("DELETE FROM inventory_contents").await;
    stage.sync(&[reported]).await;
    let kept = "SELECT count(*) FROM inventory_contents";
    assert_eq!(stage.count(kept).await, 1);
    stage.execute("DELETE FROM inventory_contents").await;
    stage.sync(&[app(1, &json!({"/a": 2}), &["two"])]).await;
    let changes = stage.changes(&ChangeFilter::default()).await;
    assert_eq!(
        kinds(&changes[..2]),
        [ChangeKind::Reassigned, ChangeKind::Changed]
    );
    assert!(changes.iter().all(|change| change.detail.is_none()));
}

#[tokio::test]
async fn a_page_that_is_stored_many_times_at_once_is_recorded_once() {
    let stage = Stage::set().await;
    let page = |version: i32| -> Vec<Observation> {
        let content = json!({"/version": version});
        (0..60).map(|id| app(id, &content, &["one"])).collect()
    };
    for (version, kind) in [(1, "created"), (2, "changed")] {
        let claim = stage.begin("{}").await;
        let page = page(version);
        let tries = (0..6).map(|_| stage.store.store_page(&claim.lease, &page));
        let effects = futures::future::try_join_all(tries).await.unwrap();
        let total = effects
            .iter()
            .fold(TypeEffect::default(), |mut sum, effect| {
                sum += effect.effect[&key("mobileApp")];
                sum
            });
        assert_eq!(total.seen, 6 * 60);
        assert_eq!(total.created + total.changed, 60);
        stage.end(claim).await;
        let sql = format!("SELECT count(*) FROM inventory_changes WHERE kind = '{kind}'");
        assert_eq!(stage.count(&sql).await, 60);
    }
    assert_eq!(
        stage.count("SELECT count(*) FROM inventory_changes").await,
        120
    );
    assert_eq!(
        stage
            .count("SELECT present FROM inventory_type_summaries")
            .await,
        60
    );
}

#[tokio::test]
async fn the_summary_is_right_and_the_run_counts_all_its_attempts_wherever_it_is_cut_off() {
    let stage = Stage::set().await;
    let content = json!({"/a": 1});
    let page: Vec<_> = (0..6).map(|id| app(id, &content, &[])).collect();
    stage.sync(&page[..3]).await;

    // The second attempt finds what the first one stored, and does not count it again.
    let claim = stage.begin("{}").await;
    let run = claim.lease.run_id;
    stage
        .store
        .store_page(&claim.lease, &page[2..4])
        .await
        .unwrap();
    stage.store.hand_back(claim).await.unwrap();
    let claim = stage.store.claim_next(&terms("v")).await.unwrap().unwrap();
    let selection = claim.inputs.selection().unwrap();
    let keys = [key("mobileApp")];
    let begun = stage
        .store
        .begin_sync(&claim.lease, claim.initiator_id, selection, &keys);
    begun.await.unwrap();
    stage
        .store
        .store_page(&claim.lease, &page[2..5])
        .await
        .unwrap();
    let summary = async || {
        let rows = stage.store.inventory_summary(stage.tenant.id).await;
        let rows = rows.unwrap();
        (rows[0].present, rows[0].missing)
    };
    assert_eq!(summary().await, (5, 0));
    stage.store.mark_missing(&claim.lease, &keys).await.unwrap();
    assert_eq!(summary().await, (3, 2));
    let result = TypeResult {
        status: TypeStatus::Succeeded,
        seen: 3,
        ..TypeResult::pending(keys[0])
    };
    let recorded = stage.store.record_result(&claim.lease, &result).await;
    let counted = TypeResult {
        created: 2,
        missing: 2,
        ..result
    };
    assert_eq!(recorded.unwrap(), counted);
    let view = stage.store.run_view(stage.operator.id, run).await.unwrap();
    let stored = stage.store.run_results(&view.unwrap()).await.unwrap();
    assert!(stored.contains(&counted));
    stage.end(claim).await;

    // A run that is stopped in the middle of its list.
    let claim = stage.begin("{}").await;
    stage
        .store
        .store_page(&claim.lease, &page[..1])
        .await
        .unwrap();
    stage
        .store
        .store_page(&claim.lease, &page[5..])
        .await
        .unwrap();
    let cancelled = Completion::cancelled(RunCounts::none(OperationKind::InventorySync));
    stage.store.finish(claim, &cancelled, None).await.unwrap();
    assert_eq!(summary().await, (5, 1));
}

#[tokio::test]
async fn changes_are_found_by_every_filter_in_pages_without_gap_or_repetition() {
    let stage = Stage::set().await;
    let sync = async |page: &[Observation]| {
        let claim = stage.begin("{}").await;
        stage.store.store_page(&claim.lease, page).await.unwrap();
        let keys = [key("mobileApp"), key("policySet")];
        stage.store.mark_missing(&claim.lease, &keys).await.unwrap();
        stage.end(claim).await;
    };
    let page: Vec<_> = (0..12)
        .map(|id| {
            observation(
                if id % 3 == 0 {
                    "policySet"
                } else {
                    "mobileApp"
                },
                id,
                1,
            )
        })
        .collect();
    sync(&page).await;
    sync(&page[4..]).await;
    let mut other = page.clone();
    other[1].content_hash = [9; 32];
    sync(&other).await;

    let all = stage.changes(&ChangeFilter::default()).await;
    assert_eq!(all.len(), 12 + 4 + 4 + 1);
    assert!(all.is_sorted_by(|a, b| (a.occurred_at, a.id) > (b.occurred_at, b.id)));
    let item: ItemId = all
        .iter()
        .find(|c| c.kind == ChangeKind::Changed)
        .unwrap()
        .item
        .id;
    let since = all[8].occurred_at;
    let filters = [
        ChangeFilter {
            since: Some(since),
            ..ChangeFilter::default()
        },
        ChangeFilter {
            item: Some(item),
            ..ChangeFilter::default()
        },
        ChangeFilter {
            kinds: vec![ChangeKind::Gone, ChangeKind::Back],
            ..ChangeFilter::default()
        },
        ChangeFilter {
            policy_types: vec!["policySet".to_owned()],
            ..ChangeFilter::default()
        },
        ChangeFilter {
            policy_types: vec![
                "policySet".to_owned(),
                "mobileApp".to_owned(),
                "mobileApp".to_owned(),
            ],
            kinds: vec![ChangeKind::Created, ChangeKind::Created],
            since: Some(since),
            item: None,
        },
        ChangeFilter {
            item: Some(item),
            kinds: vec![ChangeKind::Back],
            policy_types: vec!["mobileApp".to_owned()],
            since: Some(since),
        },
    ];
    for filter in filters {
        let asked = |change: &&ChangeView| {
            filter.since.is_none_or(|since| change.occurred_at >= since)
                && filter.item.is_none_or(|item| change.item.id == item)
                && (filter.kinds.is_empty() || filter.kinds.contains(&change.kind))
                && (filter.policy_types.is_empty()
                    || filter.policy_types.contains(&change.item.policy_type))
        };
        let expected: Vec<_> = all.iter().filter(asked).map(|change| change.id).collect();
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = PageRequest { limit: 2, after };
            let page = stage.store.changes(stage.tenant.id, &filter, page).await;
            let page = page.unwrap();
            let Some(last) = page.last() else { break };
            after = Some((last.occurred_at, last.id));
            found.extend(page.iter().map(|change| change.id));
        }
        assert_eq!(found, expected, "{filter:?}");
    }
    let stranger = stage.scenario.tenant("Fabrikam").await;
    let foreign = ChangeFilter {
        item: Some(item),
        ..ChangeFilter::default()
    };
    let seen = stage
        .store
        .changes(stranger.id, &foreign, PageRequest::first(9))
        .await;
    assert!(seen.unwrap().is_empty());
}

#[tokio::test]
async fn old_changes_go_in_batches_and_young_ones_stay() {
    let stage = Stage::set().await;
    let page: Vec<_> = (0..5).map(|id| observation("mobileApp", id, 1)).collect();
    stage.sync(&page).await;
    stage
        .execute(
            "UPDATE inventory_changes SET occurred_at = occurred_at - interval '31 days' \
            WHERE item_id IN (SELECT id FROM inventory_items WHERE external_id <> 'id-4')",
        )
        .await;
    let days = |days: u64| std::time::Duration::from_secs(days * 86_400);
    let retention = Retention {
        runs: days(90),
        notifications: days(90),
        audit: days(90),
        changes: days(30),
    };
    let pruned = stage.store.prune(&retention, 3).await.unwrap();
    assert_eq!((pruned.changes, pruned.more(3)), (3, true));
    let pruned = stage.store.prune(&retention, 3).await.unwrap();
    assert_eq!((pruned.changes, pruned.more(3)), (1, false));
    let left = stage.changes(&ChangeFilter::default()).await;
    let left: BTreeMap<_, _> = left.iter().map(|c| (&c.item.external_id, c.kind)).collect();
    assert_eq!(
        left,
        BTreeMap::from([(&"id-4".to_owned(), ChangeKind::Created)])
    );
}

/// The app as `app` has it, whose hashes versions before would have stored like those of `former`.
fn reformed(app: Observation, former: &Observation) -> Observation {
    Observation {
        former_content_hash: Some(former.content_hash),
        former_assignments_hash: former.assignments_hash,
        ..app
    }
}

#[tokio::test]
async fn what_a_version_before_stored_of_the_same_object_is_kept_anew_and_is_no_change() {
    let stage = Stage::set().await;
    let former = app(1, &json!({"/id": "ABC", "/a": 1}), &["ABC"]);
    stage.sync(std::slice::from_ref(&former)).await;
    let changed_at = "SELECT extract(epoch FROM changed_at)::bigint FROM inventory_items";
    stage
        .execute("UPDATE inventory_items SET changed_at = 'epoch'")
        .await;
    let now = app(1, &json!({"/id": "abc", "/a": 1}), &["abc"]);
    let claim = stage.begin("{}").await;
    let page = [reformed(now, &former)];
    let effect = stage.store.store_page(&claim.lease, &page).await.unwrap();
    stage.end(claim).await;
    let seen = TypeEffect {
        seen: 1,
        ..TypeEffect::default()
    };
    assert_eq!(effect.effect[&key("mobileApp")], seen);
    let changes = stage.changes(&ChangeFilter::default()).await;
    assert_eq!(kinds(&changes), [ChangeKind::Created]);
    assert_eq!(stage.count(changed_at).await, 0);
    let anew = "SELECT count(*) FROM inventory_contents \
        WHERE content->>'/id' = 'abc' AND assignments->0->>'group' = 'abc'";
    assert_eq!(stage.count(anew).await, 1);
    // From now on it stands in the form of today.
    let other = app(1, &json!({"/id": "abc", "/a": 2}), &["abc"]);
    stage.sync(&[reformed(other, &former)]).await;
    let changes = stage.changes(&ChangeFilter::default()).await;
    assert_eq!(kinds(&changes), [ChangeKind::Changed, ChangeKind::Created]);
}

#[tokio::test]
async fn a_former_hash_hides_no_change() {
    let stage = Stage::set().await;
    stage.sync(&[app(1, &json!({"/a": 1}), &["one"])]).await;
    let former = app(1, &json!({"/a": 2, "/id": "ABC"}), &["TWO"]);
    let now = app(1, &json!({"/a": 2, "/id": "abc"}), &["two"]);
    stage.sync(&[reformed(now, &former)]).await;
    let changes = stage.changes(&ChangeFilter::default()).await;
    assert_eq!(
        kinds(&changes),
        [
            ChangeKind::Reassigned,
            ChangeKind::Changed,
            ChangeKind::Created
        ]
    );
}
