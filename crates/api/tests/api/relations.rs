//! What changed in a tenant, and what leans on what.

use std::collections::BTreeMap;

use atlas_domain::directory::{GroupState, GroupUpdate};
use atlas_domain::inventory::link::{Link, LinkKind, LinkSet, LinkSource, LinkTarget, TargetKind};
use atlas_domain::inventory::{JsonText, Observation};
use atlas_domain::policy_types::registry;
use serde_json::{Value, json};

use crate::directory_groups::{id as group, named};
use crate::harness::{Reply, Stage, observation};

fn link(kind: LinkKind, target: TargetKind, id: &str) -> Link {
    let qualifier = match kind {
        LinkKind::AssignedTo => [("intent".to_owned(), "required".to_owned())].into(),
        _ => BTreeMap::new(),
    };
    Link {
        kind,
        target: LinkTarget {
            kind: target,
            id: id.to_owned(),
        },
        qualifier,
    }
}

/// Two apps and a scope tag; the second app needs the first, and one that is not there.
fn page() -> Vec<Observation> {
    let set = |links: Vec<Link>| vec![LinkSet::new(LinkSource::Object, links)];
    let (mut first, mut second) = (observation(0), observation(1));
    first.links = set(vec![
        link(LinkKind::AssignedTo, TargetKind::Group, "group-1"),
        link(LinkKind::ScopedBy, TargetKind::RoleScopeTag, "id-7"),
    ]);
    second.links = set(vec![
        link(LinkKind::DependsOnApp, TargetKind::MobileApp, "id-0"),
        link(LinkKind::DependsOnApp, TargetKind::MobileApp, "id-99"),
    ]);
    let tag = Observation {
        policy_type: registry().find("roleScopeTag").unwrap(),
        name: "Berlin".to_owned(),
        ..observation(7)
    };
    vec![first, second, tag]
}

impl Stage {
    async fn related(&self, query: &str) -> Reply {
        self.get(&self.path(query)).await
    }
}

/// One text per link: its item, what it means, its target by name or id.
fn lines(reply: &Reply) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut links: Vec<String> = reply
        .items()
        .iter()
        .map(|link| {
            let target = &link["target"];
            let name = target.get("name").unwrap_or(&target["id"]);
            let (item, kind) = (text(&link["item"]["name"]), text(&link["kind"]));
            format!("{item} {kind} {}", text(name))
        })
        .collect();
    links.sort();
    links
}

#[tokio::test]
async fn links_of_a_tenant_are_listed_with_the_names_of_both_ends_and_dangling_ones_are_marked() {
    let stage = Stage::set().await;
    stage.synced_page(&page()).await;
    let all = stage.related("inventory-links").await;
    let expected = [
        "App 000 assigned_to group-1",
        "App 000 scoped_by Berlin",
        "App 001 depends_on_app App 000",
        "App 001 depends_on_app id-99",
    ];
    assert_eq!(lines(&all), expected);
    let group = &all.items()[0];
    assert_eq!(group["target"], json!({"kind": "group", "id": "group-1"}));
    assert_eq!(group["qualifier"], json!({"intent": "required"}));
    assert!(group.get("direction").is_none());
    let dangling = |link: &&Value| link["dangling"] == true;
    assert_eq!(all.items().iter().filter(dangling).count(), 1);
    for (query, found) in [
        ("kind=depends_on_app", &expected[2..]),
        ("target_kind=group", &expected[..1]),
        ("target_kind=mobile_app&target_id=id-99", &expected[3..]),
        ("dangling=true", &expected[3..]),
        ("dangling=false", &expected[..3]),
        ("kind=assigned_to&dangling=true", &[]),
    ] {
        let reply = stage.related(&format!("inventory-links?{query}")).await;
        assert_eq!(lines(&reply), found, "{query}");
    }
    let mut walked = 0;
    let mut next = "inventory-links?limit=1".to_owned();
    loop {
        let page = stage.related(&next).await;
        walked += page.items().len();
        let Some(cursor) = page.body["next_cursor"].as_str() else {
            break;
        };
        next = format!("inventory-links?limit=1&cursor={cursor}");
    }
    assert_eq!(walked, 4);
}

#[tokio::test]
async fn a_target_is_found_by_its_id_in_any_case() {
    let stage = Stage::set().await;
    let id = "0a1b2c3d-4e5f-4a7b-8c9d-0e1f2a3b4c5d";
    let mut app = observation(0);
    let links = vec![link(LinkKind::AssignedTo, TargetKind::Group, id)];
    app.links = vec![LinkSet::new(LinkSource::Object, links)];
    stage.synced_page(&[app]).await;
    for asked in [id.to_owned(), id.to_ascii_uppercase()] {
        let path = format!("inventory-links?target_kind=group&target_id={asked}");
        let found = stage.related(&path).await;
        assert_eq!(found.items().len(), 1, "{asked}");
        assert_eq!(found.items()[0]["target"]["id"], id);
    }
}

#[tokio::test]
async fn links_carry_the_names_of_groups_that_the_directory_had_at_the_last_reading() {
    let stage = Stage::set().await;
    let mut app = observation(0);
    let targets = [
        group(1).to_string(),
        group(2).to_string().to_uppercase(),
        group(3).to_string(),
        "group-4".to_owned(),
    ];
    let links = targets.each_ref();
    let links = links.map(|id| link(LinkKind::AssignedTo, TargetKind::Group, id));
    app.links = vec![LinkSet::new(LinkSource::Object, links.to_vec())];
    stage.synced_page(&[app]).await;
    let names = async |path: &str| -> BTreeMap<String, Option<String>> {
        let reply = stage.related(path).await;
        let links = reply.items().iter().map(|link| {
            let text = |name: &str| link["target"][name].as_str().map(str::to_owned);
            (text("id").unwrap(), text("name"))
        });
        links.collect()
    };
    let expected = |names: [Option<&str>; 4]| -> BTreeMap<String, Option<String>> {
        let names = names.map(|name| name.map(str::to_owned));
        targets.iter().cloned().zip(names).collect()
    };
    assert_eq!(names("inventory-links").await, expected([None; 4]));

    stage
        .sync_groups(&[named(1, "Pilots"), named(2, "Leavers")])
        .await;
    let gone = GroupUpdate {
        id: group(2),
        state: GroupState::Gone,
    };
    stage.sync_groups(&[gone]).await;
    let expected = expected([Some("Pilots"), Some("Leavers"), None, None]);
    assert_eq!(names("inventory-links").await, expected);
    let items = stage.related("inventory-items").await;
    let of_item = format!(
        "inventory-items/{}/links",
        items.items()[0]["id"].as_str().unwrap()
    );
    assert_eq!(names(&of_item).await, expected);
}

#[tokio::test]
async fn an_item_lists_its_links_in_either_direction() {
    let stage = Stage::set().await;
    stage.synced_page(&page()).await;
    let items = stage.related("inventory-items").await;
    let id = items.items()[0]["id"].as_str().unwrap();
    for (query, found) in [
        ("", 2),
        ("?direction=out", 2),
        ("?direction=in", 1),
        ("?direction=both", 3),
    ] {
        let path = format!("inventory-items/{id}/links{query}");
        let links = stage.related(&path).await;
        assert_eq!(links.items().len(), found, "{query}");
        for link in links.items() {
            let out = link["item"]["id"] == id;
            assert_eq!(link["direction"], if out { "out" } else { "in" });
        }
    }
    let first = stage
        .related(&format!(
            "inventory-items/{id}/links?direction=both&limit=2"
        ))
        .await;
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let rest = format!("inventory-items/{id}/links?direction=both&cursor={cursor}");
    assert_eq!(stage.related(&rest).await.items().len(), 1);
    let other = format!("inventory-items/{id}/links?cursor={cursor}");
    stage
        .related(&other)
        .await
        .is_problem(400, "cursor_mismatch");
    let unknown = format!("inventory-items/{}/links", stage.tenant.id);
    stage.related(&unknown).await.is_problem(404, "not_found");
}

#[tokio::test]
async fn changes_are_listed_newest_first_with_what_differs() {
    let stage = Stage::set().await;
    let before = Observation {
        content: JsonText::of(&json!({"/size": 1, "/old": {"a": null}})),
        assignments: Some(JsonText::of(
            &json!([{"target": {"groupId": "g1", "nothing": null}}]),
        )),
        assignments_hash: Some([1; 32]),
        ..observation(0)
    };
    let first = stage.synced_page(&[before.clone(), observation(1)]).await;
    let after = Observation {
        content: JsonText::of(&json!({"/size": [2, "x", null]})),
        content_hash: [8; 32],
        assignments: Some(JsonText::of(&json!([]))),
        assignments_hash: Some([2; 32]),
        ..before
    };
    let second = stage.synced_page(&[after]).await;
    let all = stage.related("inventory-changes").await;
    let kinds: Vec<_> = all.items().iter().map(|change| &change["kind"]).collect();
    assert_eq!(
        kinds,
        ["gone", "reassigned", "changed", "created", "created"]
    );
    let changed = &all.items()[2];
    let fields =
        json!([{"field": "/old", "old": {}}, {"field": "/size", "old": 1, "new": [2, "x"]}]);
    assert_eq!(
        changed["content"],
        json!({"fields": fields, "field_count": 2})
    );
    assert_eq!(changed["operation_run_id"], second.to_string());
    assert_eq!(changed["item"]["name"], "App 000");
    let assignments = &all.items()[1]["assignments"];
    assert_eq!(
        assignments["removed"],
        json!([{"target": {"groupId": "g1"}}])
    );
    assert_eq!(
        (&assignments["added_count"], &assignments["removed_count"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(all.items()[4]["operation_run_id"], first.to_string());

    let item = changed["item"]["id"].as_str().unwrap();
    let since = changed["occurred_at"].as_str().unwrap();
    for (query, found) in [
        (format!("item_id={item}"), 3),
        (format!("since={since}"), 3),
        ("kind=gone&kind=created".to_owned(), 3),
        ("policy_type=mobileApp".to_owned(), 5),
        ("policy_type=mobileApp&kind=changed".to_owned(), 1),
        ("policy_type=policySet".to_owned(), 0),
    ] {
        let reply = stage.related(&format!("inventory-changes?{query}")).await;
        assert_eq!(reply.items().len(), found, "{query}");
    }
    let first = stage.related("inventory-changes?limit=2").await;
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let rest = stage
        .related(&format!("inventory-changes?cursor={cursor}"))
        .await;
    assert_eq!(rest.items(), &all.items()[2..]);
    let runs = stage.get(&format!("/operation-runs/{second}")).await.body;
    assert_eq!(runs["counts"]["items_changed"], 1);
    assert_eq!(runs["counts"]["items_reassigned"], 1);
    assert_eq!(runs["counts"]["items_missing"], 1);
}

#[tokio::test]
async fn filters_that_mean_nothing_are_refused_by_name() {
    let stage = Stage::set().await;
    for (query, place) in [
        ("inventory-links?kind=assigned", "kind"),
        ("inventory-links?kind=targets&kind=excludes", "kind"),
        ("inventory-links?target_kind=groups", "target_kind"),
        ("inventory-links?target_id=g1", "target_id"),
        (
            "inventory-links?target_kind=group&target_id=%00",
            "target_id",
        ),
        ("inventory-links?dangling=maybe", "dangling"),
        ("inventory-links?direction=in", "direction"),
        ("inventory-links?cursor=WzFd", "cursor"),
        ("inventory-changes?since=yesterday", "since"),
        ("inventory-changes?item_id=id-1", "item_id"),
        ("inventory-changes?kind=deleted", "kind"),
        ("inventory-changes?policy_type=", "policy_type"),
    ] {
        let reply = stage.related(query).await;
        reply.is_problem(400, "validation_failed");
        assert_eq!(reply.bad_place(), place, "{query}");
    }
    let item = format!("inventory-items/{}/links?direction=up", stage.tenant.id);
    let reply = stage.related(&item).await;
    reply.is_problem(400, "validation_failed");
    assert_eq!(reply.bad_place(), "direction");
}
