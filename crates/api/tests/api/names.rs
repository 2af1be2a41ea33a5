//! Names beside the ids that assignments and qualifiers hold.

use atlas_domain::inventory::link::{Link, LinkKind, LinkSet, LinkSource, LinkTarget, TargetKind};
use atlas_domain::inventory::{JsonText, Observation};
use atlas_domain::policy_types::registry;
use serde_json::{Value, json};

use crate::harness::{Stage, observation};

const GROUP: &str = "9b1f0c2d-4e5a-4b6c-8d7e-0f1a2b3c4d5e";
const UNKNOWN: &str = "11111111-4e5a-4b6c-8d7e-0f1a2b3c4d5e";
const FILTER: &str = "5b8e4a52-6d0c-4c38-9d1f-2a7b3c4d5e6f";

fn assigned(group: &str) -> Value {
    json!([{"target": {"groupId": group, "deviceAndAppManagementAssignmentFilterId": FILTER}}])
}

/// An app that is assigned to a group through a filter, and the filter.
fn page(assignments: &Value, hash: u8) -> Vec<Observation> {
    let link = Link {
        kind: LinkKind::AssignedTo,
        target: LinkTarget {
            kind: TargetKind::Group,
            id: GROUP.to_owned(),
        },
        qualifier: [("filter_id".to_owned(), FILTER.to_owned())].into(),
    };
    let app = Observation {
        assignments: Some(JsonText::of(assignments)),
        assignments_hash: Some([hash; 32]),
        links: vec![LinkSet::new(LinkSource::Assignments, vec![link])],
        ..observation(0)
    };
    let filter = Observation {
        policy_type: registry().find("assignmentFilter").unwrap(),
        external_id: FILTER.to_owned(),
        name: "Corporate devices".to_owned(),
        ..observation(1)
    };
    vec![app, filter]
}

#[tokio::test]
async fn groups_and_filters_of_assignments_and_links_have_names() {
    let stage = Stage::set().await;
    stage.synced_page(&page(&assigned(UNKNOWN), 1)).await;
    stage.synced_page(&page(&assigned(GROUP), 2)).await;
    let connection = stage.database.connection().await;
    let group = format!(
        r#"INSERT INTO directory_groups (tenant_id, id, detail, fence) VALUES ('{}', '{GROUP}',
            '{{"name":"Sales","name_key":"sales","security":true}}', 1)"#,
        stage.tenant.id
    );
    connection.batch_execute(&group).await.unwrap();
    let items = stage.get(&stage.path("inventory-items")).await;
    let find = |name: &str| {
        let mut items = items.items().iter();
        items.find(|item| item["name"] == name).unwrap()["id"].clone()
    };
    let (app, filter) = (find("App 000"), find("Corporate devices"));
    let app = app.as_str().unwrap();
    let named_group = json!({"kind": "group", "id": GROUP, "name": "Sales"});
    let named_filter = json!({
        "kind": "assignment_filter", "id": FILTER, "name": "Corporate devices", "item_id": filter,
    });

    let content = stage
        .get(&stage.path(&format!("inventory-items/{app}/content")))
        .await;
    assert_eq!(
        content.body["assignment_targets"],
        json!([named_group, named_filter])
    );
    let changes = stage
        .get(&stage.path("inventory-changes?kind=reassigned"))
        .await;
    // The group that it was assigned to before is not known.
    let targets = &changes.items()[0]["assignments"]["targets"];
    assert_eq!(*targets, json!([named_group, named_filter]));
    let versions = format!("inventory-items/{app}/versions/2/diff");
    let difference = stage.get(&stage.path(&versions)).await;
    assert_eq!(
        difference.body["assignments"]["targets"],
        json!([named_group, named_filter])
    );
    for path in [
        format!("inventory-items/{app}/links"),
        "inventory-links".to_owned(),
    ] {
        let links = stage.get(&stage.path(&path)).await;
        let mut links = links.items().iter();
        let link = links.find(|link| link["kind"] == "assigned_to").unwrap();
        assert_eq!(link["filter"], named_filter, "{path}");
        assert_eq!(link["target"]["name"], "Sales");
    }
}
