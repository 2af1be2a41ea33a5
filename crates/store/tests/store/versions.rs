//! What items said before: versions, and what is stored of them.

use std::time::Duration;

use atlas_domain::ids::ItemId;
use atlas_domain::inventory::content::{assignments_hash, content_hash};
use atlas_domain::inventory::values::Values;
use atlas_domain::inventory::{JsonText, Observation};
use atlas_store::{
    ChangeFilter, ItemFilter, ItemVersion, PRUNE_BATCH, PageRequest, Retention, VersionSummary,
    WhichVersion,
};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::Stage;
use crate::both_ways::both_ways;
use crate::inventory::{key, observation};

const DAY: Duration = Duration::from_secs(86_400);

/// An app that says this and is assigned to these groups.
fn app(id: usize, value: &Value, groups: &[&str]) -> Observation {
    let content = json!({ "/value": value });
    let assignments: Vec<Value> = groups.iter().map(|group| json!({"group": group})).collect();
    Observation {
        content_hash: content_hash(content.as_object().unwrap()),
        content: JsonText::of(&content),
        assignments_hash: Some(assignments_hash(&assignments)),
        assignments: Some(JsonText::of(&assignments)),
        ..observation("mobileApp", id, 0)
    }
}

impl Stage {
    async fn read_apps(&self, page: &[Observation]) {
        let claim = self.begin("{}").await;
        self.store.store_page(&claim.lease, page).await.unwrap();
        let keys = [key("mobileApp")];
        self.store.mark_missing(&claim.lease, &keys).await.unwrap();
        self.end(claim).await;
    }

    async fn app_id(&self, id: usize) -> ItemId {
        let page = PageRequest::first(100);
        let filter = ItemFilter::default();
        let items = self.store.items(self.tenant.id, &filter, page).await;
        let external_id = format!("id-{id}");
        let items = items.unwrap();
        let item = items.iter().find(|item| item.external_id == external_id);
        item.unwrap().id
    }

    async fn versions(&self, item: ItemId) -> Vec<VersionSummary> {
        let page = PageRequest::first(100);
        let versions = self.store.item_versions(self.tenant.id, item, page).await;
        versions.unwrap().unwrap()
    }

    async fn version(&self, item: ItemId, which: WhichVersion) -> Option<ItemVersion> {
        let version = self.store.item_version(self.tenant.id, item, which).await;
        version.unwrap()
    }

    /// The value of an item at that time.
    async fn value_at(&self, item: ItemId, time: DateTime<Utc>) -> Option<Value> {
        let version = self.version(item, WhichVersion::AsOf(time)).await?;
        Some(version.content.unwrap()["/value"].clone())
    }

    async fn prune_versions(&self, older_than: Duration) -> usize {
        let ever = DAY * 10_000;
        let retention = Retention {
            runs: ever,
            notifications: ever,
            audit: ever,
            changes: ever,
            versions: older_than,
            deliveries: ever,
            events: ever,
        };
        self.store
            .prune(&retention, PRUNE_BATCH)
            .await
            .unwrap()
            .versions
    }
}

#[tokio::test]
async fn a_change_of_content_or_assignments_makes_a_version_and_nothing_else_does() {
    let stage = Stage::set().await;
    stage.read_apps(&[app(1, &json!(1), &["one"])]).await;
    stage.read_apps(&[app(1, &json!(1), &["one"])]).await;
    stage.read_apps(&[app(1, &json!(2), &["one"])]).await;
    let renamed = Observation {
        name: "Renamed".to_owned(),
        metadata: JsonText::of(&json!({"description": "other"})),
        scope_tags: None,
        ..app(1, &json!(2), &["one"])
    };
    stage.read_apps(&[renamed]).await;
    stage.read_apps(&[app(1, &json!(2), &["two"])]).await;
    let item = stage.app_id(1).await;
    let versions = stage.versions(item).await;
    let numbers: Vec<i32> = versions.iter().map(|version| version.number).collect();
    assert_eq!(numbers, [3, 2, 1]);
    assert_eq!(versions[0].valid_to, None);
    assert_eq!(versions[1].valid_to, Some(versions[0].valid_from));
    assert_eq!(versions[2].valid_to, Some(versions[1].valid_from));
    assert_eq!(versions[1].name, "Renamed");
    let runs: Vec<_> = versions
        .iter()
        .map(|version| version.run.unwrap())
        .collect();
    assert!(runs[0] > runs[1] && runs[1] > runs[2], "{runs:?}");
    for (number, value, group) in [(1, 1, "one"), (2, 2, "one"), (3, 2, "two")] {
        let version = stage
            .version(item, WhichVersion::Number(number))
            .await
            .unwrap();
        assert_eq!(version.content.unwrap()["/value"], json!(value));
        assert_eq!(version.assignments.unwrap(), [json!({ "group": group })]);
    }
    for number in [0, 4, i32::MAX] {
        assert!(
            stage
                .version(item, WhichVersion::Number(number))
                .await
                .is_none()
        );
    }
}

#[tokio::test]
async fn a_change_and_the_version_that_it_makes_have_one_time() {
    let stage = Stage::set().await;
    stage.read_apps(&[app(1, &json!(1), &[])]).await;
    stage.read_apps(&[app(1, &json!(2), &[])]).await;
    let (every, page) = (ChangeFilter::default(), PageRequest::first(10));
    let changes = stage.store.changes(stage.tenant.id, &every, page);
    let changes = changes.await.unwrap();
    let versions = stage.versions(stage.app_id(1).await).await;
    let times: Vec<_> = changes.iter().map(|change| change.occurred_at).collect();
    let since: Vec<_> = versions.iter().map(|version| version.valid_from).collect();
    assert_eq!(times, since);
}

#[tokio::test]
async fn a_version_holds_what_the_item_set_and_values_that_become_known_make_none() {
    let stage = Stage::set().await;
    let with_values = |value: u32| {
        let fields = json!({ "/settings/encryption": value });
        Observation {
            values: Some(Values {
                hash: content_hash(fields.as_object().unwrap()),
                fields: JsonText::of(&fields),
            }),
            ..app(1, &json!("x"), &[])
        }
    };
    stage.read_apps(&[app(1, &json!("x"), &[])]).await;
    stage.read_apps(&[with_values(1)]).await;
    stage.read_apps(&[app(1, &json!("x"), &[])]).await;
    stage.read_apps(&[with_values(2)]).await;
    let item = stage.app_id(1).await;
    assert_eq!(stage.versions(item).await.len(), 2);
    for (number, value) in [(1, 1), (2, 2)] {
        let version = stage.version(item, WhichVersion::Number(number)).await;
        let content = Value::Object(version.unwrap().content.unwrap());
        assert_eq!(
            content,
            json!({"/value": "x", "/settings/encryption": value})
        );
    }
}

#[tokio::test]
async fn an_item_that_was_gone_has_no_version_for_that_time() {
    let stage = Stage::set().await;
    stage.read_apps(&[app(1, &json!(1), &[])]).await;
    let item = stage.app_id(1).await;
    stage.read_apps(&[]).await;
    let gone = stage.versions(item).await;
    assert_eq!(gone.len(), 1);
    let end = gone[0].valid_to.unwrap();
    let current = stage.version(item, WhichVersion::Current).await.unwrap();
    assert_eq!(current.content.unwrap()["/value"], json!(1));
    stage.read_apps(&[app(1, &json!(1), &[])]).await;
    let versions = stage.versions(item).await;
    assert_eq!(versions.len(), 2);
    assert_eq!(versions[1].valid_to, Some(end));
    let back = versions[0].valid_from;
    assert!(back > end);
    let moment = TimeDelta::microseconds(1);
    assert_eq!(
        stage.value_at(item, versions[1].valid_from - moment).await,
        None
    );
    assert_eq!(
        stage.value_at(item, versions[1].valid_from).await,
        Some(json!(1))
    );
    assert_eq!(stage.value_at(item, end - moment).await, Some(json!(1)));
    assert_eq!(stage.value_at(item, end).await, None);
    assert_eq!(stage.value_at(item, back - moment).await, None);
    assert_eq!(stage.value_at(item, back).await, Some(json!(1)));
}

#[tokio::test]
async fn each_body_is_stored_once_in_a_tenant() {
    let stage = Stage::set().await;
    for round in 0..6 {
        let value = json!(round % 2);
        stage
            .read_apps(&[app(1, &value, &["one"]), app(2, &value, &["one"])])
            .await;
    }
    assert_eq!(
        stage.count("SELECT count(*) FROM inventory_versions").await,
        10
    );
    assert_eq!(
        stage.count("SELECT count(*) FROM inventory_bodies").await,
        3
    );
}

#[tokio::test]
async fn versions_are_read_page_by_page_and_in_their_own_tenant() {
    let stage = Stage::set().await;
    for round in 0..5 {
        stage.read_apps(&[app(1, &json!(round), &[])]).await;
    }
    let item = stage.app_id(1).await;
    let (store, tenant) = (&stage.store, stage.tenant.id);
    let list = |page| async move {
        let versions = store.item_versions(tenant, item, page).await?;
        Ok(versions.unwrap())
    };
    for limit in [1, 2, 3] {
        let versions = both_ways(limit, list, |version| version.number).await;
        let numbers: Vec<i32> = versions.iter().map(|version| version.number).collect();
        assert_eq!(numbers, [5, 4, 3, 2, 1]);
    }
    let other = stage.scenario.tenant("Fabrikam").await.id;
    let versions = stage
        .store
        .item_versions(other, item, PageRequest::first(2))
        .await;
    assert!(versions.unwrap().is_none());
    let version = stage
        .store
        .item_version(other, item, WhichVersion::Number(1))
        .await;
    assert!(version.unwrap().is_none());
}

#[tokio::test]
async fn retention_leaves_each_items_last_ten_versions_and_the_bodies_that_are_used() {
    let stage = Stage::set().await;
    for round in 0..14 {
        // The second item says at last what the first one said first.
        let pages = [app(1, &json!(round), &[]), app(2, &json!(13 - round), &[])];
        stage.read_apps(&pages).await;
    }
    assert_eq!(stage.prune_versions(DAY).await, 0);
    stage
        .execute("UPDATE inventory_versions SET valid_to = valid_to - interval '3 days'")
        .await;
    assert_eq!(stage.prune_versions(DAY).await, 8);
    assert_eq!(stage.prune_versions(DAY).await, 0);
    for id in [1, 2] {
        let versions = stage.versions(stage.app_id(id).await).await;
        let numbers: Vec<i32> = versions.iter().map(|version| version.number).collect();
        assert_eq!(numbers, (5..=14).rev().collect::<Vec<_>>());
    }
    // Nine past versions of each item are left: values 4 to 12 and 1 to 9, and no assignments.
    assert_eq!(
        stage.count("SELECT count(*) FROM inventory_bodies").await,
        13
    );
}

#[tokio::test]
async fn the_value_at_any_time_is_the_one_that_was_read_last() {
    let stage = Stage::set().await;
    // What was seen, in the order of time: a value, or that the app was gone.
    let seen = [
        Some(1),
        Some(1),
        Some(2),
        None,
        None,
        Some(2),
        Some(3),
        None,
        Some(1),
    ];
    let mut key: Vec<(DateTime<Utc>, Option<i32>)> = Vec::new();
    for value in seen {
        let apps: Vec<_> = value
            .iter()
            .map(|value| app(1, &json!(value), &[]))
            .collect();
        stage.read_apps(&apps).await;
        let now = stage.count("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint");
        key.push((DateTime::from_timestamp_micros(now.await).unwrap(), value));
    }
    let item = stage.app_id(1).await;
    for (time, value) in key {
        assert_eq!(
            stage.value_at(item, time).await,
            value.map(|value| json!(value)),
            "{time}"
        );
    }
}
