//! Which items set what.

use atlas_domain::inventory::link::{Link, LinkKind, LinkSet, LinkSource, LinkTarget, TargetKind};
use atlas_domain::inventory::values::Values;
use atlas_domain::inventory::{JsonText, Observation};
use atlas_store::{PageRequest, SettingFilter, SettingView, WriteError};
use serde_json::{Value, json};

use crate::Stage;
use crate::both_ways::both_ways;
use crate::inventory::{key, observation};

const CATALOG: &str = "settingsCatalogPolicy";

/// A policy of this type that sets this.
fn policy(policy_type: &str, id: usize, values: &Value) -> Observation {
    let text = values.to_string();
    let digit = |at: usize| {
        text.bytes()
            .skip(at)
            .step_by(32)
            .fold(7_u8, |sum, byte| sum.wrapping_mul(31) ^ byte)
    };
    Observation {
        values: Some(Values {
            fields: JsonText::of(values),
            hash: std::array::from_fn(digit),
        }),
        values_mark: Some([1; 16]),
        ..observation(policy_type, id, 0)
    }
}

fn catalog(id: usize, values: &Value) -> Observation {
    policy(CATALOG, id, values)
}

fn of_id(id: &str) -> SettingFilter {
    SettingFilter {
        setting_id: Some(id.to_owned()),
        ..SettingFilter::default()
    }
}

fn containing(text: &str) -> SettingFilter {
    SettingFilter {
        q: Some(text.to_owned()),
        ..SettingFilter::default()
    }
}

impl Stage {
    /// A sync that sees these policies and no others.
    async fn policies_read(&self, page: &[Observation]) {
        let claim = self.begin("{}").await;
        self.store.store_page(&claim.lease, page).await.unwrap();
        let keys = [key(CATALOG), key("groupPolicyConfiguration")];
        self.store.mark_missing(&claim.lease, &keys).await.unwrap();
        self.end(claim).await;
    }

    /// All pages of two rows.
    async fn settings(&self, filter: &SettingFilter) -> Vec<SettingView> {
        let list = |page| self.store.settings(self.tenant.id, filter, page);
        both_ways(2, list, |row| (row.setting_id.clone(), row.place)).await
    }

    /// Who sets what to what, in an order of its own.
    async fn set_by(&self, filter: &SettingFilter) -> Vec<(String, String, String)> {
        let rows = self.settings(filter).await.into_iter();
        let mut all: Vec<_> = rows
            .map(|row| (row.item.external_id, row.field, row.value.to_string()))
            .collect();
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count, "each row is on one page");
        all
    }
}

fn row(id: usize, field: &str, value: &Value) -> (String, String, String) {
    (format!("id-{id}"), field.to_owned(), value.to_string())
}

/// Fills the list of items that have values and no settings.
const FILL: &str =
    include_str!("../../../../migrations/2026-11-30-000103_fill_items_without_settings/up.sql");

#[tokio::test]
async fn values_that_were_stored_before_there_were_settings_get_theirs() {
    let stage = Stage::set().await;
    let mut page: Vec<_> = (1..=201)
        .map(|id| {
            catalog(
                id,
                &json!({"/settings/d": format!("d_{id}"), "/settings/e": 5}),
            )
        })
        .collect();
    page.push(catalog(202, &json!({"/displayName": "no setting"})));
    stage.policies_read(&page).await;
    let filters = [of_id("d"), of_id("e"), containing("d")];
    let before = [
        stage.set_by(&filters[0]).await,
        stage.set_by(&filters[1]).await,
        stage.set_by(&filters[2]).await,
    ];
    assert_eq!(before[0].len(), 201);
    let earlier = "DELETE FROM inventory_settings WHERE item_id <> \
            (SELECT id FROM inventory_items WHERE external_id = 'id-1'); \
        DELETE FROM setting_definitions";
    stage.execute(earlier).await;
    stage.execute(FILL).await;
    // One that is gone meanwhile.
    stage
        .execute(&format!(
            "INSERT INTO inventory_items_without_settings VALUES ('{0}', '{0}')",
            stage.tenant.id
        ))
        .await;

    let claim = stage.begin("{}").await;
    let lease = claim.lease.clone();
    assert_eq!(
        stage.store.store_earlier_settings(&lease).await.unwrap(),
        200
    );
    stage.end(claim).await;
    let lost = stage.store.store_earlier_settings(&lease).await;
    assert!(matches!(lost, Err(WriteError::Lost)));
    let claim = stage.begin("{}").await;
    let mut stored = Vec::new();
    for _ in 0..3 {
        stored.push(
            stage
                .store
                .store_earlier_settings(&claim.lease)
                .await
                .unwrap(),
        );
    }
    assert_eq!(stored, [2, 0, 0]);
    stage.end(claim).await;
    for (filter, rows) in filters.iter().zip(before) {
        assert_eq!(stage.set_by(filter).await, rows);
    }
}

#[tokio::test]
async fn a_setting_is_found_with_its_values_wherever_it_stands() {
    let stage = Stage::set().await;
    let values = [
        json!({"/settings/d": "d_1", "/settings/e": 5}),
        json!({"/settings/d": "d_0", "/settings/group/one/d": "d_1", "/settings/x~1y": true}),
        json!({"/settings/d": "d_1", "/settings/list": ["a", 2]}),
        json!({"/displayName": "no setting"}),
    ];
    let page: Vec<_> = (1..)
        .zip(&values)
        .map(|(id, one)| catalog(id, one))
        .collect();
    stage.policies_read(&page).await;
    let set_to_one = [
        row(1, "/settings/d", &json!("d_1")),
        row(2, "/settings/group/one/d", &json!("d_1")),
        row(3, "/settings/d", &json!("d_1")),
    ];
    let all = stage.set_by(&of_id("d")).await;
    assert_eq!(all.len(), 4);
    assert!(set_to_one.iter().all(|one| all.contains(one)), "{all:?}");
    let with_value = |id: &str, value: &str| SettingFilter {
        value: Some(value.to_owned()),
        ..of_id(id)
    };
    assert_eq!(stage.set_by(&with_value("d", "d_1")).await, set_to_one);
    assert_eq!(stage.set_by(&with_value("e", "5")).await.len(), 1);
    assert_eq!(
        stage.set_by(&with_value("list", r#"["a",2]"#)).await.len(),
        1
    );
    assert_eq!(stage.set_by(&with_value("x/y", "true")).await.len(), 1);
    assert_eq!(stage.set_by(&with_value("e", "6")).await, []);
    assert_eq!(stage.set_by(&of_id("D")).await, []);
    assert_eq!(stage.set_by(&SettingFilter::default()).await, []);
    let elsewhere = stage.scenario.tenant("Fabrikam").await;
    let page = PageRequest::first(9);
    let others = stage.store.settings(elsewhere.id, &of_id("d"), page).await;
    assert!(others.unwrap().is_empty());
}

#[tokio::test]
async fn what_items_set_follows_what_is_read_of_them() {
    let stage = Stage::set().await;
    let before = json!({"/settings/d": "d_1", "/settings/gone": 1, "/settings/same": 7});
    stage
        .policies_read(&[catalog(1, &before), catalog(2, &before)])
        .await;
    let after = json!({"/settings/d": "d_0", "/settings/new": 2, "/settings/same": 7});
    stage
        .policies_read(&[catalog(1, &after), catalog(2, &before)])
        .await;
    let value = |id| {
        vec![
            row(1, "/settings/d", &json!("d_0")),
            row(id, "/settings/d", &json!("d_1")),
        ]
    };
    assert_eq!(stage.set_by(&of_id("d")).await, value(2));
    assert_eq!(
        stage.set_by(&of_id("gone")).await,
        [row(2, "/settings/gone", &json!(1))]
    );
    assert_eq!(
        stage.set_by(&of_id("new")).await,
        [row(1, "/settings/new", &json!(2))]
    );
    assert_eq!(stage.set_by(&of_id("same")).await.len(), 2);
    // Values that were not read stand.
    let unread = Observation {
        values: None,
        content_hash: [9; 32],
        ..catalog(1, &after)
    };
    stage.policies_read(std::slice::from_ref(&unread)).await;
    // The other one is missing now.
    assert_eq!(
        stage.set_by(&of_id("d")).await,
        [row(1, "/settings/d", &json!("d_0"))]
    );
    assert_eq!(stage.set_by(&of_id("gone")).await, []);
    stage.policies_read(&[unread, catalog(2, &before)]).await;
    assert_eq!(stage.set_by(&of_id("d")).await, value(2));
}

#[tokio::test]
async fn settings_are_searched_by_parts_of_their_names_and_ids() {
    let stage = Stage::set().await;
    let in_catalog: Value = (0..7)
        .map(|at| (format!("/settings/vendor_firewall_{at}"), json!(at)))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let template = json!({
        "/definitionValues/0f/enabled": true,
        "/definitionValues/0f/displayName": "Turn on the Firewall",
        "/definitionValues/0f/presentations/p/value": "on",
        "/definitionValues/0f/presentations/p/label": "State",
    });
    let template = policy("groupPolicyConfiguration", 2, &template);
    stage
        .policies_read(&[catalog(1, &in_catalog), template])
        .await;
    let found = stage.set_by(&containing("FireWall")).await;
    assert_eq!(found.len(), 9, "{found:?}");
    let of_templates = SettingFilter {
        policy_types: vec!["groupPolicyConfiguration".to_owned()],
        ..containing("firewall")
    };
    let rows = stage.settings(&of_templates).await;
    assert_eq!(rows.len(), 2);
    assert_eq!(
        rows[0].setting_name.as_deref(),
        Some("Turn on the Firewall")
    );
    assert_eq!(rows[0].setting_id, "0f");
    // Both filters.
    let both = SettingFilter {
        setting_id: Some("vendor_firewall_3".to_owned()),
        ..containing("wall_")
    };
    assert_eq!(stage.set_by(&both).await.len(), 1);
    let neither = SettingFilter {
        setting_id: Some("vendor_firewall_3".to_owned()),
        ..containing("wall_4")
    };
    assert_eq!(stage.set_by(&neither).await, []);
    assert_eq!(stage.set_by(&containing("w%_")).await, []);
}

#[tokio::test]
async fn a_setting_comes_with_the_assignments_of_its_item() {
    let stage = Stage::set().await;
    let link = |kind, target: usize| Link {
        kind,
        target: LinkTarget {
            kind: TargetKind::Group,
            id: format!("group-{target:02}"),
        },
        qualifier: std::collections::BTreeMap::new(),
    };
    let excluded = link(LinkKind::ExcludedFrom, 50);
    let assigned = |count: usize| {
        let groups = (0..count).map(|at| link(LinkKind::AssignedTo, at));
        vec![LinkSet {
            source: LinkSource::Assignments,
            links: groups.chain([excluded.clone()]).collect(),
        }]
    };
    let values = json!({"/settings/d": 1, "/settings/group/d": 1});
    let policies = [(1, 0), (2, 1), (3, 30)].map(|(id, count)| Observation {
        links: assigned(count),
        ..catalog(id, &values)
    });
    stage.policies_read(&policies).await;
    let rows = stage.settings(&of_id("d")).await;
    assert_eq!(rows.len(), 6);
    for row in rows {
        let count = match row.item.external_id.as_str() {
            "id-1" => 1,
            "id-2" => 2,
            _ => 10,
        };
        assert_eq!(row.assigned.len(), count, "{row:?}");
        assert!(row.assigned.iter().all(|link| link.item == row.item));
        assert_eq!(row.assignment_count, Some(2));
    }
}
