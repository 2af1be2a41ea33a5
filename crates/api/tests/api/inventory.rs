//! Tenants and what was found in them.

use atlas_domain::access::Role;
use serde_json::{Value, json};

use crate::harness::Stage;

#[tokio::test]
async fn tenants_say_what_the_caller_may_do_and_how_syncs_stand() {
    let stage = Stage::set().await;
    let reader = stage.scenario.member(stage.tenant.id, Role::Readonly).await;
    let tenants = stage.get("/tenants").await;
    assert_eq!(tenants.items().len(), 1);
    let tenant = &tenants.items()[0];
    assert_eq!(tenant["role"], "operator");
    assert_eq!(
        tenant["permissions"],
        json!(["can_sync_tenant", "can_cancel_run"])
    );
    assert_eq!(
        (&tenant["enabled"], &tenant["connected"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(
        tenant["sync"],
        json!({"kinds": [{"kind": "inventory_sync"}, {"kind": "directory_groups_sync"}]})
    );
    let path = format!("/tenants/{}", stage.tenant.id);
    let seen = stage.api.get(&path, &reader.token).await.body;
    assert_eq!(
        (&seen["role"], &seen["permissions"]),
        (&json!("readonly"), &json!([]))
    );

    stage.synced(1).await;
    let run = stage.start("").await.body["run"]["id"].clone();
    let sync = stage.get(&path).await.body["sync"].clone();
    assert_eq!(sync["active_run_id"], run);
    assert!(sync["last_success_at"].is_string() && sync["data_as_of"].is_string());
}

#[tokio::test]
async fn items_are_listed_filtered_and_read_one_by_one() {
    let stage = Stage::set().await;
    stage.synced(3).await;
    let all = stage.get(&stage.path("inventory-items")).await;
    let names: Vec<_> = all.items().iter().map(|item| &item["name"]).collect();
    assert_eq!(names, ["App 000", "App 001", "App 002"]);
    let item = &all.items()[0];
    assert_eq!(item["policy_type"], "mobileApp");
    assert_eq!(item["metadata"], json!({"description": "An app"}));
    assert_eq!(item["content_hash"], "07".repeat(32));
    assert!(item.get("missing_since").is_none());
    let one = stage
        .get(&stage.path(&format!("inventory-items/{}", item["id"].as_str().unwrap())))
        .await;
    assert_eq!(&one.body, item);

    for (query, found) in [
        ("policy_type=mobileApp", 3),
        ("policy_type=mobileApp&policy_type=policySet", 3),
        ("policy_type=policySet", 0),
        ("category=Apps", 3),
        ("category=Compliance", 0),
        ("platform=windows", 3),
        ("platform=linux", 0),
        ("q=pp%20002", 1),
        ("q=APP%200", 3),
        ("q=%25%25%25", 0),
        ("missing=false", 3),
        ("missing=true", 0),
        ("foundation=true", 0),
    ] {
        let reply = stage
            .get(&stage.path(&format!("inventory-items?{query}")))
            .await;
        assert_eq!(reply.items().len(), found, "{query}");
    }
    for query in [
        "q=",
        "q=pp",
        "q=%00",
        "missing=perhaps",
        "platform=a&platform=b",
    ] {
        let reply = stage
            .get(&stage.path(&format!("inventory-items?{query}")))
            .await;
        reply.is_problem(400, "validation_failed");
    }
    let missing = stage.path(&format!("inventory-items/{}", stage.tenant.id));
    stage.get(&missing).await.is_problem(404, "not_found");
}

#[tokio::test]
async fn items_come_in_pages_without_gap_or_repetition() {
    let stage = Stage::set().await;
    stage.synced(7).await;
    let mut names: Vec<Value> = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = stage.path(&format!("inventory-items?limit=3{cursor}"));
        let page = stage.get(&path).await;
        names.extend(page.items().iter().map(|item| item["name"].clone()));
        match page.body["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let expected: Vec<_> = (0..7).map(|at| json!(format!("App {at:03}"))).collect();
    assert_eq!(names, expected);
}

#[tokio::test]
async fn what_is_gone_is_counted_and_listed_as_missing() {
    let stage = Stage::set().await;
    stage.synced(5).await;
    stage.synced(2).await;
    let summary = stage.get(&stage.path("inventory-summary")).await.body;
    assert_eq!(
        (&summary["present"], &summary["missing"]),
        (&json!(2), &json!(3))
    );
    assert_eq!(summary["types"][0]["policy_type"], "mobileApp");
    assert_eq!(summary["types"][0]["category"], "Apps");
    assert!(summary["data_as_of"].is_string());
    let gone = stage.get(&stage.path("inventory-items?missing=true")).await;
    assert_eq!(gone.items().len(), 3);
    assert!(gone.items()[0]["missing_since"].is_string());
}

#[tokio::test]
async fn the_history_of_syncs_is_newest_first() {
    let stage = Stage::set().await;
    let first = stage.synced(2).await;
    let second = stage.synced(1).await;
    let history = stage.get(&stage.path("inventory-sync-runs")).await;
    let ids: Vec<_> = history
        .items()
        .iter()
        .map(|sync| &sync["operation_run_id"])
        .collect();
    assert_eq!(ids, [&json!(second.to_string()), &json!(first.to_string())]);
    assert_eq!(history.items()[1]["counts"]["items_created"], 2);
    assert_eq!(history.items()[0]["outcome"], "succeeded");
}

#[tokio::test]
async fn policy_types_are_those_of_the_registry() {
    let stage = Stage::set().await;
    let reply = stage.get("/policy-types").await;
    let registry = atlas_domain::policy_types::registry();
    assert_eq!(reply.items().len(), registry.all().len());
    assert!(reply.items().iter().any(|row| row["foundation"] == true));
    let categories = reply.body["categories"].as_array().unwrap();
    assert_eq!(categories.len(), registry.categories().len());
}

#[tokio::test]
async fn a_caller_learns_who_they_are() {
    let stage = Stage::set().await;
    let me = stage.get("/me").await.body;
    assert_eq!(me["id"], stage.operator.id.to_string());
    assert_eq!(me["email"], stage.operator.email);
    assert_eq!(me["tenant_count"], 1);
    assert!(!me.to_string().contains(&stage.operator.token));
}
