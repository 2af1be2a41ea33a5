//! Identity: the same objects, however Microsoft Graph writes their ids, and over an upgrade from a
//! version that compared ids as text.

use std::collections::BTreeMap;

use atlas_domain::access::Role;
use atlas_domain::ids::{DirectoryId, RunId, TenantId};
use atlas_domain::inventory::TypeStatus;
use atlas_domain::run::{InventoryCounts, Outcome};
use atlas_graph::{Shape, collections};
use atlas_graph_sim::{Effect, FaultRule, PathMatch};
use atlas_store::{migrate, migrate_to};
use atlas_test_support::{Member, TestDatabase, TestTenant};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::installation::Installation;

/// What Graph answers, by path.
const ANSWERS: &str = include_str!("../data/upgrade_answers.json");
/// What version 71064fc stored of it; the file says how it was made.
const INVENTORY: &str = include_str!("../data/upgrade_inventory.sql");
/// The last migration of that version.
const LAST_BEFORE: &str = "20261124000010";
const MIGRATION: &str = include_str!("../../../../migrations/2026-11-29-000011_fold_guids/up.sql");

const TENANT: &str = "01a227bf-2d97-7916-bf5c-57267a5e2e6b";
const DIRECTORY: &str = "5f0c7a31-2b94-4e0d-8a66-91d3c5e7b204";
const SELECTION: &str = r#"{"policy_types": ["deviceCompliancePolicy", "deviceConfiguration",
    "conditionalAccessPolicy", "iosManagedAppProtection", "securityDefaults",
    "adminConsentRequestPolicy", "authorizationPolicy"]}"#;
/// In every password and token of the answers.
const SECRET: &str = "Secret";

fn answers() -> BTreeMap<String, Value> {
    serde_json::from_str(ANSWERS).unwrap()
}

/// The groups of the second Conditional Access policy: its directory has none of them.
fn groups_that_are_not_there(answers: &BTreeMap<String, Value>) -> Vec<String> {
    let policies = &answers["/beta/identity/conditionalAccess/policies"];
    let groups = policies.pointer("/value/1/conditions/users/excludeGroups");
    let groups = groups.unwrap().as_array().unwrap().iter();
    let mut ids: Vec<String> = groups
        .map(|id| id.as_str().unwrap().to_ascii_lowercase())
        .collect();
    ids.sort_unstable();
    ids
}

/// The value with every GUID in its texts turned by `turn`.
fn with_guids(value: &Value, turn: fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(guids_turned(text, turn)),
        Value::Array(values) => values.iter().map(|one| with_guids(one, turn)).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(name, one)| (name.clone(), with_guids(one, turn)))
            .collect(),
        other => other.clone(),
    }
}

fn guids_turned(text: &str, turn: fn(&str) -> String) -> String {
    let parts = text.split('_').map(|part| {
        if atlas_domain::guid::is_guid(part) {
            turn(part)
        } else {
            part.to_owned()
        }
    });
    parts.collect::<Vec<_>>().join("_")
}

fn swapped(guid: &str) -> String {
    let swap = |one: char| {
        if one.is_ascii_uppercase() {
            one.to_ascii_lowercase()
        } else {
            one.to_ascii_uppercase()
        }
    };
    guid.chars().map(swap).collect()
}

impl Installation {
    /// From now on Graph has these lists and singletons, and nothing in any other.
    fn answer(&self, answers: &BTreeMap<String, Value>) {
        self.simulator.clear_faults();
        let answer = |path: PathMatch, status: u16, body: &Value| {
            let body = body.to_string();
            let effect = Effect::Answer { status, body };
            self.simulator.fault(FaultRule::always(path, effect));
        };
        for (path, body) in answers {
            answer(PathMatch::exact(path), 200, body);
        }
        let absent = json!({"error": {"code": "ResourceNotFound", "message": "Never set up."}});
        let all = collections().iter();
        for one in all.filter(|one| one.shape() == Shape::Singleton) {
            let path = format!("/{}{}", one.version(), one.path());
            answer(PathMatch::exact(&path), 404, &absent);
        }
        for root in collections()
            .iter()
            .filter_map(|one| one.path().split('/').nth(1))
        {
            for version in ["beta", "v1.0"] {
                let path = format!("/{version}/{root}");
                answer(PathMatch::prefix(&path), 200, &json!({"value": []}));
            }
        }
    }

    async fn synced(&self, tenant: TestTenant, member: &Member) -> (RunId, InventoryCounts) {
        let run = self.press(tenant, member, SELECTION).await;
        let (outcome, counts) = self.ended(member, run).await;
        for result in self.results(member, run).await.into_values() {
            let read = matches!(result.status, TypeStatus::Succeeded | TypeStatus::Skipped);
            assert!(read, "{result:?}");
        }
        assert_eq!(outcome, Outcome::Succeeded);
        (run, counts)
    }

    /// Everything of the inventory that a sync of an unchanged tenant must leave as it is.
    async fn inventory(&self) -> Vec<String> {
        self.lines(
            "SELECT concat_ws(' ', 'item', i.id, i.policy_type, i.external_id, i.name, \
                i.first_seen_at, i.changed_at, i.missing_since, i.scope_tags, i.assignment_count) \
             FROM inventory_items i \
             UNION ALL SELECT concat_ws(' ', 'link', l.id, l.item_id, l.kind, l.target_kind, \
                l.target_id, l.qualifier) \
             FROM inventory_links l \
             UNION ALL SELECT concat_ws(' ', 'change', c.id, c.item_id, c.kind, c.detail) \
             FROM inventory_changes c \
             UNION ALL SELECT concat_ws(' ', 'type', s.policy_type, s.present, s.missing) \
             FROM inventory_type_summaries s WHERE s.present + s.missing > 0 \
             ORDER BY 1",
        )
        .await
    }

    async fn lines(&self, sql: &str) -> Vec<String> {
        let connection = self.database.connection().await;
        let rows = connection.query(sql, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    async fn dangling(&self) -> Vec<String> {
        self.lines("SELECT target_id FROM inventory_links WHERE dangling ORDER BY 1")
            .await
    }

    /// Where in the inventory a text of the answers' secrets stands.
    async fn secrets(&self) -> Vec<String> {
        let found = "SELECT 'item ' || i.id FROM inventory_items i WHERE i::text LIKE '%Secret%' \
            UNION ALL SELECT 'content ' || c.item_id FROM inventory_contents c \
                WHERE c::text LIKE '%Secret%' \
            UNION ALL SELECT 'change ' || x.id FROM inventory_changes x \
                WHERE x::text LIKE '%Secret%' \
            UNION ALL SELECT 'link ' || l.id FROM inventory_links l WHERE l::text LIKE '%Secret%'";
        self.lines(found).await
    }
}

/// Nothing but rows that were seen.
fn assert_nothing_changed(counts: &InventoryCounts, seen: usize) {
    let changed = (
        counts.items_created,
        counts.items_changed,
        counts.items_reassigned,
        counts.items_missing,
    );
    assert_eq!(changed, (0, 0, 0, 0));
    assert_eq!(counts.items_seen, seen as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_from_a_version_that_compared_ids_as_text_changes_nothing_of_a_tenant() {
    let database = TestDatabase::empty().await;
    let url = SecretString::from(database.url());
    migrate_to(&url, LAST_BEFORE).await.unwrap();
    database
        .connection()
        .await
        .batch_execute(INVENTORY)
        .await
        .unwrap();
    migrate(&url).await.unwrap();

    let installation = Installation::over(database).await;
    assert_eq!(installation.secrets().await, Vec::<String>::new());
    let tenant = TestTenant {
        id: TenantId::from_uuid(TENANT.parse().unwrap()),
        directory_id: DirectoryId::from_uuid(DIRECTORY.parse().unwrap()),
    };
    installation.scenario.credentials(tenant.id).await;
    let member = installation
        .scenario
        .member(tenant.id, Role::Operator)
        .await;
    let mut answers = answers();
    let lost = groups_that_are_not_there(&answers);
    let rows = |one: &Value| one["value"].as_array().map_or(1, Vec::len);
    let objects = answers.values().map(rows).sum::<usize>();
    assert!(ANSWERS.contains(SECRET) && INVENTORY.contains(SECRET));
    let before = installation.inventory().await;
    let items = before.iter().filter(|line| line.starts_with("item"));
    assert_eq!(items.count(), objects, "{before:#?}");

    let worker = installation.worker();
    installation.answer(&answers);
    let (_, counts) = installation.synced(tenant, &member).await;
    assert_nothing_changed(&counts, objects);
    assert_eq!(installation.inventory().await, before);
    assert_eq!(installation.dangling().await, lost);

    // Another case, and the singletons have no ids.
    for body in answers.values_mut() {
        *body = with_guids(body, swapped);
        body.as_object_mut().unwrap().remove("id");
    }
    installation.answer(&answers);
    let (_, counts) = installation.synced(tenant, &member).await;
    worker.stop().await;
    assert_nothing_changed(&counts, objects);
    assert_eq!(installation.inventory().await, before);
    assert_eq!(installation.dangling().await, lost);
    assert_eq!(installation.secrets().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_in_another_case_are_the_same_objects_and_lead_to_the_same_targets() {
    let installation = Installation::build().await;
    let (tenant, member) = installation.tenant().await;
    let answers = answers();
    let lost = groups_that_are_not_there(&answers);
    let turned = |turn: fn(&str) -> String| -> BTreeMap<String, Value> {
        let all = answers.iter();
        all.map(|(path, body)| {
            // The groups stand in lower case throughout, as the directory has them.
            let turn = if path == "/v1.0/groups" {
                str::to_ascii_lowercase
            } else {
                turn
            };
            (path.clone(), with_guids(body, turn))
        })
        .collect()
    };
    let worker = installation.worker();
    installation.answer(&turned(str::to_ascii_uppercase));
    let (_, counts) = installation.synced(tenant, &member).await;
    assert_eq!(counts.items_created, counts.items_seen);
    assert_eq!(installation.dangling().await, lost);
    let before = installation.inventory().await;

    installation.answer(&turned(str::to_ascii_lowercase));
    let (_, counts) = installation.synced(tenant, &member).await;
    worker.stop().await;
    let seen = before.iter().filter(|line| line.starts_with("item"));
    assert_nothing_changed(&counts, seen.count());
    assert_eq!(installation.inventory().await, before);
    assert_eq!(installation.dangling().await, lost);
}

/// Singletons of later versions never had another id.
#[test]
fn the_migration_knows_every_singleton_that_versions_before_read() {
    let (_, rest) = MIGRATION
        .split_once("INSERT INTO singletons VALUES")
        .unwrap();
    let (values, _) = rest.split_once(';').unwrap();
    let mut named: Vec<&str> = values.split('\'').skip(1).step_by(2).collect();
    let all = collections().iter();
    let mut singletons: Vec<&str> = all
        .filter(|one| one.shape() == Shape::Singleton)
        .map(|one| one.key().as_str())
        .collect();
    named.sort_unstable();
    singletons.sort_unstable();
    assert_eq!(named, singletons);
}
