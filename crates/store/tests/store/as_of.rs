//! Items as they were known at an earlier time.

use std::collections::BTreeMap;

use atlas_domain::clock::{Clock as _, SystemClock};
use atlas_domain::ids::{ItemId, RunId};
use atlas_domain::inventory::{Observation, TypeResult, TypeStatus};
use atlas_store::{ItemFilter, PageRequest, PastItem, Place, TypeReading};
use chrono::{DateTime, TimeDelta, Utc};

use crate::Stage;
use crate::both_ways::both_ways;
use crate::inventory::{key, observation};

const TYPES: [&str; 3] = ["mobileApp", "policySet", "roleScopeTag"];
const MOMENT: TimeDelta = TimeDelta::microseconds(1);

/// An object with this name and content.
fn object(policy_type: &str, id: usize, name: &str, content: u8) -> Observation {
    Observation {
        name: name.to_owned(),
        ..observation(policy_type, id, content)
    }
}

/// What a list shows of an item: its id in Graph, its name, and its content hash.
type Shown = (String, String, Option<Vec<u8>>);

/// By policy type, the run that read it last, and whether completely.
type Readings = BTreeMap<String, (RunId, bool)>;

fn shown(item: &PastItem) -> Shown {
    let name = item.version.name.clone();
    (item.external_id.clone(), name, item.content_hash.clone())
}

impl Stage {
    /// A run that reads these objects and all of the three types.
    async fn all_read(&self, page: &[Observation]) -> RunId {
        let results = TYPES.map(|policy_type| (policy_type, TypeStatus::Succeeded));
        self.read_with(page, &results).await
    }

    /// A run that reads these objects, of types with these results.
    async fn read_with(&self, page: &[Observation], results: &[(&str, TypeStatus)]) -> RunId {
        let claim = self.begin("{}").await;
        let lease = &claim.lease;
        self.store.store_page(lease, page).await.unwrap();
        let ended = results
            .iter()
            .filter(|(_, status)| *status == TypeStatus::Succeeded);
        let ended: Vec<_> = ended.map(|(policy_type, _)| key(policy_type)).collect();
        self.store.mark_missing(lease, &ended).await.unwrap();
        self.store.read_to_end(lease, &ended).await.unwrap();
        for (policy_type, status) in results {
            let result = TypeResult {
                status: *status,
                completed_at: Some(SystemClock.now()),
                ..TypeResult::pending(key(policy_type))
            };
            self.store.record_result(lease, &result).await.unwrap();
        }
        let run = lease.run_id;
        self.end(claim).await;
        run
    }

    /// The database's clock.
    pub(crate) async fn now(&self) -> DateTime<Utc> {
        let now = self.count("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint");
        DateTime::from_timestamp_micros(now.await).unwrap()
    }

    /// All pages of so many items.
    async fn items_at(
        &self,
        time: DateTime<Utc>,
        filter: &ItemFilter,
        limit: i64,
    ) -> Vec<PastItem> {
        let (store, tenant) = (&self.store, self.tenant.id);
        let list = |page| store.items_as_of(tenant, filter, time, page);
        both_ways(limit, list, |item| (item.version.name.clone(), item.id)).await
    }

    async fn ids_at(&self, time: DateTime<Utc>, filter: &ItemFilter) -> Vec<String> {
        let items = self.items_at(time, filter, 2).await;
        items.into_iter().map(|item| item.external_id).collect()
    }
}

/// What the runs of a test read, one after the other.
fn rounds() -> Vec<Vec<Observation>> {
    let app = |id, name, content| object("mobileApp", id, name, content);
    vec![
        vec![app(1, "b", 1), app(2, "d", 1), app(3, "f", 1)],
        // One is renamed behind another, one is new between them.
        vec![
            app(1, "e", 2),
            app(2, "d", 1),
            app(3, "f", 1),
            app(4, "c", 1),
        ],
        // Two are gone, and one says something else under its name.
        vec![app(1, "e", 2), app(4, "c", 2)],
        // One returns under another name; two have one name.
        vec![app(1, "e", 2), app(2, "a", 2), app(4, "e", 3)],
        // Nothing has changed.
        vec![app(1, "e", 2), app(2, "a", 2), app(4, "e", 3)],
        vec![],
        vec![app(1, "b", 1), app(2, "d", 1), app(3, "f", 1)],
    ]
}

#[tokio::test]
async fn a_list_at_any_time_is_what_was_read_last_by_the_names_of_that_time() {
    let stage = Stage::set().await;
    let before = stage.now().await;
    let mut times = Vec::new();
    for round in rounds() {
        stage.all_read(&round).await;
        times.push(stage.now().await);
    }
    let every = ItemFilter::default();
    assert_eq!(stage.ids_at(before, &every).await, Vec::<String>::new());
    for (time, round) in times.into_iter().zip(rounds()) {
        let expected = |one: &Observation| -> Shown {
            let hash = one.content_hash.to_vec();
            (one.external_id.clone(), one.name.clone(), Some(hash))
        };
        let mut expected: Vec<Shown> = round.iter().map(expected).collect();
        expected.sort();
        for limit in [1, 2, 100] {
            let items = stage.items_at(time, &every, limit).await;
            let names: Vec<_> = items.iter().map(|item| &item.version.name).collect();
            assert!(names.is_sorted(), "{names:?}");
            let mut found: Vec<Shown> = items.iter().map(shown).collect();
            found.sort();
            assert_eq!(found, expected, "{time}, pages of {limit}");
            for item in items {
                let one = stage.store.item_as_of(stage.tenant.id, item.id, time);
                assert_eq!(shown(&one.await.unwrap().unwrap()).1, item.version.name);
            }
        }
    }
}

#[tokio::test]
async fn a_page_continues_where_it_was_although_a_sync_ended_its_versions() {
    let stage = Stage::set().await;
    let names = ["a", "b", "c", "d", "e", "f"];
    let named = |content| -> Vec<Observation> {
        let objects = names.iter().zip(1..);
        objects
            .map(|(name, id)| object("mobileApp", id, name, content))
            .collect()
    };
    stage.all_read(&named(1)).await;
    let (time, every) = (stage.now().await, ItemFilter::default());
    let mut page = PageRequest::first(2);
    let mut found = Vec::new();
    loop {
        let items = stage
            .store
            .items_as_of(stage.tenant.id, &every, time, page.clone())
            .await
            .unwrap();
        let Some(last) = items.last() else { break };
        page.place = Place::After((last.version.name.clone(), last.id));
        found.extend(items.into_iter().map(|item| item.version.name));
        let renamed: Vec<Observation> = named(1 + u8::try_from(found.len()).unwrap())
            .into_iter()
            .map(|one| Observation {
                name: format!("z{}", one.name),
                ..one
            })
            .collect();
        stage.all_read(&renamed).await;
    }
    assert_eq!(found, names);
}

#[tokio::test]
async fn filters_hold_of_what_items_were_at_that_time() {
    let stage = Stage::set().await;
    let on = |platform: &str, one: Observation| Observation {
        platform: platform.to_owned(),
        ..one
    };
    let first = [
        on("windows", object("mobileApp", 1, "Kiosk", 1)),
        on("android", object("mobileApp", 2, "Browser", 1)),
        on("all", object("policySet", 3, "Kiosk set", 1)),
        on("all", object("roleScopeTag", 4, "Tag", 1)),
    ];
    stage.all_read(&first).await;
    let then = stage.now().await;
    let second = [
        on("iOS", object("mobileApp", 1, "Browser", 2)),
        on("android", object("mobileApp", 2, "Kiosk", 2)),
        on("all", object("roleScopeTag", 4, "Tag", 1)),
    ];
    stage.all_read(&second).await;
    let now = stage.now().await;
    let none = ItemFilter::default;
    let types = |types: &[&str]| ItemFilter {
        policy_type: types.iter().map(|one| (*one).to_owned()).collect(),
        ..none()
    };
    let q = |text: &str| ItemFilter {
        q: Some(text.to_owned()),
        ..none()
    };
    let platform = |word: &str| ItemFilter {
        platform: Some(word.to_owned()),
        ..none()
    };
    let of_apps = ItemFilter {
        category: Some("Apps".to_owned()),
        ..none()
    };
    let foundation = |wanted| ItemFilter {
        foundation: Some(wanted),
        ..none()
    };
    let missing = |wanted| ItemFilter {
        missing: Some(wanted),
        ..none()
    };
    for (filter, at_first, at_last) in [
        (none(), vec![2, 1, 3, 4], vec![1, 2, 4]),
        (types(&["mobileApp"]), vec![2, 1], vec![1, 2]),
        (
            types(&["policySet", "mobileApp"]),
            vec![2, 1, 3],
            vec![1, 2],
        ),
        (types(&["policySet"]), vec![3], vec![]),
        (q("kiosk"), vec![1, 3], vec![2]),
        (q("%"), vec![], vec![]),
        (platform("windows"), vec![1], vec![]),
        (platform("ios"), vec![], vec![1]),
        (of_apps, vec![2, 1, 3], vec![1, 2]),
        (foundation(true), vec![4], vec![4]),
        (foundation(false), vec![2, 1, 3], vec![1, 2]),
        (missing(false), vec![2, 1, 3, 4], vec![1, 2, 4]),
        (missing(true), vec![], vec![]),
    ] {
        let ids = |ids: Vec<usize>| -> Vec<String> {
            ids.into_iter().map(|id| format!("id-{id}")).collect()
        };
        assert_eq!(
            stage.ids_at(then, &filter).await,
            ids(at_first),
            "{filter:?}"
        );
        assert_eq!(stage.ids_at(now, &filter).await, ids(at_last), "{filter:?}");
    }
    let elsewhere = stage.scenario.tenant("Fabrikam").await.id;
    let (every, page) = (none(), PageRequest::first(9));
    let others = stage.store.items_as_of(elsewhere, &every, then, page);
    assert!(others.await.unwrap().is_empty());
    let item = stage.items_at(then, &none(), 9).await.remove(0).id;
    let other = stage.store.item_as_of(elsewhere, item, then).await;
    assert!(other.unwrap().is_none());
    let unknown = ItemId::from_uuid(elsewhere.into_uuid());
    let unknown = stage.store.item_as_of(stage.tenant.id, unknown, then).await;
    assert!(unknown.unwrap().is_none());
}

#[tokio::test]
async fn something_is_stored_since_the_first_item_was_read() {
    let stage = Stage::set().await;
    let since = || stage.store.stored_since(stage.tenant.id);
    assert_eq!(since().await.unwrap(), None);
    let before = stage.now().await;
    stage.all_read(&rounds()[0]).await;
    let first = since().await.unwrap().unwrap();
    assert!(before < first && first < stage.now().await);
    stage.all_read(&rounds()[1]).await;
    assert_eq!(since().await.unwrap(), Some(first));
}

#[tokio::test]
async fn the_last_reading_of_each_type_is_known_at_any_time() {
    let stage = Stage::set().await;
    let (app, set) = (TYPES[0], TYPES[1]);
    let mut key: Vec<(DateTime<Utc>, Readings)> = Vec::new();
    let mut known = Readings::new();
    for results in [
        &[(app, TypeStatus::Succeeded), (set, TypeStatus::Incomplete)][..],
        &[(app, TypeStatus::Failed), (set, TypeStatus::Skipped)],
        &[(app, TypeStatus::Incomplete)],
        &[(set, TypeStatus::Succeeded)],
        &[(app, TypeStatus::Succeeded), (set, TypeStatus::Succeeded)],
    ] {
        let run = stage.read_with(&[], results).await;
        for (policy_type, status) in results {
            if [TypeStatus::Succeeded, TypeStatus::Incomplete].contains(status) {
                let is_complete = *status == TypeStatus::Succeeded;
                known.insert((*policy_type).to_owned(), (run, is_complete));
            }
        }
        key.push((stage.now().await, known.clone()));
    }
    let readings = async |time, types: &[&str]| -> Vec<TypeReading> {
        let readings = stage.store.readings_before(stage.tenant.id, types, time);
        readings.await.unwrap()
    };
    for (time, expected) in &key {
        let found = readings(*time, &TYPES).await;
        assert!(found.iter().all(|one| one.completed_at <= *time));
        let found: Readings = found
            .into_iter()
            .map(|one| (one.policy_type, (one.run, one.is_complete)))
            .collect();
        assert_eq!(&found, expected, "{time}");
    }
    let (last, _) = key.last().unwrap();
    let of_apps = readings(*last, &[app]).await;
    assert_eq!(of_apps.len(), 1);
    // It counts from the moment at which it ended.
    let end = of_apps[0].completed_at;
    assert_eq!(readings(end, &[app]).await, of_apps);
    assert_ne!(readings(end - MOMENT, &[app]).await, of_apps);
    assert_eq!(readings(*last, &[]).await, []);
    let elsewhere = stage.scenario.tenant("Fabrikam").await.id;
    let others = stage.store.readings_before(elsewhere, &TYPES, *last).await;
    assert_eq!(others.unwrap(), []);
}

/// Programs of the version before name no tenant.
#[tokio::test]
async fn results_without_a_tenant_get_that_of_their_run() {
    let stage = Stage::set().await;
    let run = stage.all_read(&[]).await;
    let statement = format!(
        "DELETE FROM inventory_type_results WHERE policy_type = 'mobileApp'; \
         INSERT INTO inventory_type_results (run_id, policy_type, status, completed_at) \
         VALUES ('{run}', 'mobileApp', 'succeeded', clock_timestamp())"
    );
    stage.execute(&statement).await;
    let time = stage.now().await;
    let found = stage
        .store
        .readings_before(stage.tenant.id, &["mobileApp"], time);
    assert_eq!(found.await.unwrap()[0].run, run);
}
