//! What is recorded of changes, and that it is recorded once.

mod former_hashes;
mod lists;
mod values;

use std::collections::BTreeMap;

use atlas_domain::ids::ItemId;
use atlas_domain::inventory::difference::FieldDifference;
use atlas_domain::inventory::{JsonText, change::ChangeKind};
use atlas_domain::inventory::{Observation, TypeResult, TypeStatus};
use atlas_domain::run::{Completion, OperationKind, RunCounts};
use atlas_store::{
    ChangeDetail, ChangeFilter, ChangeView, ItemFilter, PageRequest, Retention, TypeEffect,
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
async fn items_that_stand_among_many_new_ones_are_seen_and_have_not_changed() {
    let stage = Stage::set().await;
    let claim = stage.begin("{}").await;
    // In the order in which they are stored.
    let page: Vec<_> = (1_000..2_000)
        .map(|id| observation("mobileApp", id, 1))
        .collect();
    let effect = async |page: &[Observation]| {
        let stored = stage.store.store_page(&claim.lease, page).await.unwrap();
        let effect = stored.effect[&key("mobileApp")];
        (effect.seen, effect.created, effect.changed, effect.back)
    };
    assert_eq!(effect(&page[700..800]).await, (100, 100, 0, 0));
    assert_eq!(effect(&page).await, (1_000, 900, 0, 0));
    assert_eq!(effect(&page).await, (1_000, 0, 0, 0));
    for (what, count) in [
        (
            "inventory_items WHERE version = 1 AND changed_at = first_seen_at",
            1_000,
        ),
        ("inventory_contents", 1_000),
        ("inventory_changes WHERE kind = 'created'", 1_000),
        ("inventory_changes", 1_000),
    ] {
        let counted = stage.count(&format!("SELECT count(*) FROM {what}")).await;
        assert_eq!(counted, count, "{what}");
    }
}
