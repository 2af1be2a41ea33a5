//! Who changed items: events between two readings.

use std::time::Duration;

use atlas_domain::inventory::actor::{
    ActivityEvent, ActivityLog, Actor, ActorKind, Attribution, ChangeActor,
};
use atlas_domain::inventory::change::ChangeKind;
use atlas_domain::inventory::{JsonText, Observation};
use atlas_domain::run::Claim;
use atlas_store::{ChangeFilter, ChangeView, ItemFilter, PageRequest, WriteError};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use crate::Stage;
use crate::inventory::{key, observation};

const HOUR: Duration = Duration::from_secs(3_600);

/// A distinctive id, as Graph's are.
fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// An app that says this.
fn app(number: usize, value: u8) -> Observation {
    Observation {
        external_id: id(number),
        content_hash: [value; 32],
        content: JsonText::of(&json!({ "/value": value })),
        ..observation("mobileApp", number, 0)
    }
}

fn event(object: &str, who: &str, at: DateTime<Utc>, name: &str) -> ActivityEvent {
    ActivityEvent {
        log: ActivityLog::Intune,
        id: name.to_owned(),
        creates: false,
        by: ChangeActor {
            actor: Actor {
                kind: ActorKind::User,
                id: Some(format!("id-of-{who}")),
                name: Some(format!("{who}@Contoso.example")),
            },
            at,
            activity: "Patch MobileApp".to_owned(),
        },
        objects: vec![object.to_owned()],
    }
}

impl Stage {
    /// A sync whose page was requested that long ago.
    async fn read_since(&self, reading: Duration, page: &[Observation]) -> Claim {
        let claim = self.begin("{}").await;
        let (store, lease) = (&self.store, &claim.lease);
        store.store_reading(lease, page, reading).await.unwrap();
        let keys = [key("mobileApp")];
        store.mark_missing(lease, &keys).await.unwrap();
        store.read_to_end(lease, &keys).await.unwrap();
        claim
    }

    async fn read_now(&self, page: &[Observation]) -> Claim {
        self.read_since(Duration::ZERO, page).await
    }

    async fn report(&self, claim: &Claim, events: &[ActivityEvent]) {
        let (store, lease) = (&self.store, &claim.lease);
        let stored = store.store_activity(lease, ActivityLog::Intune, events, None);
        stored.await.unwrap();
        store.attribute_changes(lease).await.unwrap();
    }

    /// The newest change that meets the filter.
    async fn changed_by(&self, filter: &ChangeFilter) -> Option<ChangeView> {
        let page = PageRequest::first(1);
        let changes = self.store.changes(self.tenant.id, filter, page).await;
        changes.unwrap().into_iter().next()
    }

    /// Names of the newest change's actors, and how surely they are known.
    async fn newest(&self) -> (Attribution, Vec<String>) {
        let change = self.changed_by(&ChangeFilter::default()).await.unwrap();
        let actors = change.made_by.actors.into_iter();
        let names = actors.map(|one| one.actor.name.unwrap());
        (change.made_by.attributed, names.collect())
    }
}

#[tokio::test]
async fn an_event_between_two_readings_explains_the_change_and_others_do_not() {
    let stage = Stage::set().await;
    let claim = stage.read_now(&[app(1, 1), app(2, 1)]).await;
    let early = stage.now().await - TimeDelta::minutes(1);
    stage
        .report(&claim, &[event(&id(1), "early", early, "1")])
        .await;
    assert_eq!(
        stage.newest().await,
        (Attribution::None, Vec::new()),
        "a first reading"
    );
    stage.end(claim).await;

    let between = stage.now().await;
    let claim = stage.read_now(&[app(1, 2), app(2, 1)]).await;
    let late = stage.now().await;
    let events = [
        event(&id(1), "anna", between, "2"),
        event(&id(1), "later", late, "3"),
        event(&id(2), "other", between, "4"),
    ];
    stage.report(&claim, &events).await;
    let anna = (Attribution::Exact, vec!["anna@Contoso.example".to_owned()]);
    assert_eq!(stage.newest().await, anna);
    // The same again, and one that was not visible before.
    stage.report(&claim, &events).await;
    assert_eq!(stage.newest().await, anna);
    stage.end(claim).await;
    let claim = stage.read_now(&[app(1, 2), app(2, 1)]).await;
    stage
        .report(
            &claim,
            &[event(
                &id(1),
                "björn",
                between + TimeDelta::microseconds(1),
                "5",
            )],
        )
        .await;
    let (attributed, names) = stage.newest().await;
    assert_eq!(attributed, Attribution::Window);
    assert_eq!(names, ["björn@Contoso.example", "anna@Contoso.example"]);
    stage.end(claim).await;
}

#[tokio::test]
async fn what_explains_a_change_does_not_explain_a_later_one() {
    let stage = Stage::set().await;
    let claim = stage.read_now(&[app(1, 1)]).await;
    stage.end(claim).await;
    let between = stage.now().await;
    // The reading that finds the change begins before the event: the answer may be older, or newer.
    let claim = stage.read_since(HOUR, &[app(1, 2)]).await;
    stage
        .report(&claim, &[event(&id(1), "anna", between, "1")])
        .await;
    assert_eq!(stage.newest().await.0, Attribution::Exact);
    stage.end(claim).await;
    let claim = stage.read_now(&[app(1, 3)]).await;
    stage.report(&claim, &[]).await;
    assert_eq!(stage.newest().await.0, Attribution::None);
    stage.end(claim).await;
}

#[tokio::test]
async fn what_happens_while_an_item_is_read_explains_what_the_next_reading_finds() {
    let stage = Stage::set().await;
    let claim = stage.read_since(HOUR, &[app(1, 1)]).await;
    let meanwhile = stage.now().await - TimeDelta::minutes(30);
    stage.end(claim).await;
    let claim = stage.read_now(&[app(1, 2)]).await;
    stage
        .report(&claim, &[event(&id(1), "anna", meanwhile, "1")])
        .await;
    assert_eq!(stage.newest().await.0, Attribution::Exact);
    stage.end(claim).await;
}

#[tokio::test]
async fn created_and_deleted_items_have_actors_whatever_order_readings_and_events_have() {
    let stage = Stage::set().await;
    let claim = stage.read_now(&[app(1, 1)]).await;
    stage.end(claim).await;
    // A sync of something else reads the log first.
    let claim = stage.begin("{}").await;
    let created = ActivityEvent {
        creates: true,
        ..event(&id(2), "anna", stage.now().await, "1")
    };
    let touched = event(&id(3), "anna", stage.now().await, "2");
    stage.report(&claim, &[created, touched]).await;
    stage.end(claim).await;
    let connection = stage.database.connection().await;
    let objects = connection
        .query("SELECT object_id FROM activity_events", &[])
        .await;
    let objects: Vec<String> = objects.unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(objects, [id(2)], "objects that are no items");

    let claim = stage.read_now(&[app(1, 1), app(2, 1)]).await;
    stage.report(&claim, &[]).await;
    assert_eq!(stage.newest().await.0, Attribution::Exact);
    stage.end(claim).await;

    let deleted = event(&id(2), "björn", stage.now().await, "3");
    let claim = stage.read_now(&[app(1, 1)]).await;
    stage.report(&claim, &[deleted]).await;
    let gone = stage.changed_by(&ChangeFilter::default()).await.unwrap();
    assert_eq!(gone.kind, ChangeKind::Gone);
    assert_eq!(stage.newest().await.1, ["björn@Contoso.example"]);
    stage.end(claim).await;
}

#[tokio::test]
async fn changes_are_found_by_actor_and_versions_list_theirs() {
    let stage = Stage::set().await;
    let claim = stage.read_now(&[app(1, 1), app(2, 1)]).await;
    stage.end(claim).await;
    let between = stage.now().await;
    let claim = stage.read_now(&[app(1, 2), app(2, 2)]).await;
    let events = [
        event(&id(1), "anna", between, "1"),
        event(&id(2), "BJÖRN", between, "2"),
    ];
    stage.report(&claim, &events).await;
    stage.end(claim).await;
    for actor in [
        "ANNA@contoso.example",
        "id-of-Anna",
        "björn@contoso.example",
    ] {
        let by = |kinds: &[ChangeKind]| ChangeFilter {
            actor: Some(actor.to_owned()),
            kinds: kinds.to_vec(),
            ..ChangeFilter::default()
        };
        let change = stage.changed_by(&by(&[])).await.unwrap();
        let expected = usize::from(actor.starts_with("björn")) + 1;
        assert_eq!(change.item.external_id, id(expected), "{actor}");
        assert!(
            stage
                .changed_by(&by(&[ChangeKind::Changed]))
                .await
                .is_some()
        );
        assert!(stage.changed_by(&by(&[ChangeKind::Gone])).await.is_none());
    }
    let nobody = ChangeFilter {
        actor: Some("anna".to_owned()),
        ..ChangeFilter::default()
    };
    assert!(stage.changed_by(&nobody).await.is_none(), "parts of names");

    let page = PageRequest::first(9);
    let items = stage
        .store
        .items(stage.tenant.id, &ItemFilter::default(), page)
        .await;
    let items = items.unwrap();
    let item = items.iter().find(|item| item.external_id == id(1)).unwrap();
    let page = PageRequest::first(9);
    let versions = stage
        .store
        .item_versions(stage.tenant.id, item.id, page)
        .await;
    let versions = versions.unwrap().unwrap();
    let made_by: Vec<_> = versions
        .into_iter()
        .map(|version| version.made_by.unwrap().attributed)
        .collect();
    assert_eq!(made_by, [Attribution::Exact, Attribution::None]);
}

#[tokio::test]
async fn a_log_is_read_on_from_where_it_was_read_to_and_a_replaced_worker_writes_nothing() {
    let stage = Stage::set().await;
    let claim = stage.read_now(&[app(1, 1)]).await;
    let (store, lease) = (&stage.store, &claim.lease);
    let tenant = stage.tenant.id;
    assert!(store.activity_logs(tenant).await.unwrap().is_empty());
    let now = stage.now().await;
    for (read_to, expected) in [
        (Some(now), now),
        (None, now),
        (Some(now - TimeDelta::hours(1)), now),
        (Some(now + TimeDelta::hours(1)), now + TimeDelta::hours(1)),
    ] {
        let log = ActivityLog::Directory;
        store
            .store_activity(lease, log, &[], read_to)
            .await
            .unwrap();
        let logs = store.activity_logs(tenant).await.unwrap();
        assert_eq!(logs.into_iter().collect::<Vec<_>>(), [(log, expected)]);
    }
    let lease = claim.lease.clone();
    stage.end(claim).await;
    let log = ActivityLog::Intune;
    let events = [event(&id(1), "anna", now, "1")];
    let refused = store.store_activity(&lease, log, &events, Some(now)).await;
    assert!(matches!(refused, Err(WriteError::Lost)), "{refused:?}");
    assert_eq!(store.activity_logs(tenant).await.unwrap().len(), 1);
}
