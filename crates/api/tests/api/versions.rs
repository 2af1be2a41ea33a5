//! What items contain, and what they contained before.

use atlas_domain::inventory::content::{assignments_hash, content_hash};
use atlas_domain::inventory::{JsonText, Observation};
use serde_json::{Value, json};

use crate::harness::{Stage, observation};

impl Stage {
    /// A sync that reads one app with this content, assigned to this group.
    async fn app_read(&self, content: &Value, group: &str) {
        let assignments = [json!({"target": {"groupId": group, "deviceFilter": null}})];
        let app = Observation {
            content_hash: content_hash(content.as_object().unwrap()),
            content: JsonText::of(content),
            assignments_hash: Some(assignments_hash(&assignments)),
            assignments: Some(JsonText::of(&assignments)),
            ..observation(0)
        };
        self.synced_page(&[app]).await;
    }

    async fn item_path(&self) -> String {
        let items = self.get(&self.path("inventory-items")).await;
        let id = items.items()[0]["id"].as_str().unwrap();
        self.path(&format!("inventory-items/{id}"))
    }
}

#[tokio::test]
async fn content_is_served_now_and_as_of_an_earlier_time() {
    let stage = Stage::set().await;
    stage
        .app_read(&json!({"/a": 1, "/nothing": null}), "one")
        .await;
    stage.app_read(&json!({"/a": 2}), "two").await;
    let item = stage.item_path().await;
    let now = stage.get(&format!("{item}/content")).await.body;
    assert_eq!(now["content"], json!({"/a": 2}));
    assert_eq!(now["assignments"], json!([{"target": {"groupId": "two"}}]));
    assert_eq!(now["version"]["number"], 2);
    assert_eq!(now["item"]["external_id"], "id-0");
    assert!(now["version"].get("valid_to").is_none());
    let versions = stage.get(&format!("{item}/versions")).await;
    let first = versions.items()[1].clone();
    let since = first["valid_from"].as_str().unwrap();
    let then = stage
        .get(&format!("{item}/content?as_of={since}"))
        .await
        .body;
    assert_eq!(then["content"], json!({"/a": 1}));
    assert_eq!(then["version"], first);
    let before = stage
        .get(&format!("{item}/content?as_of=2020-01-01T00:00:00Z"))
        .await;
    assert_eq!(before.status, 404);
    for (time, why) in [
        ("2999-01-01T00:00:00Z", "future"),
        ("yesterday", "2026-01-31T12:00:00Z"),
    ] {
        let refused = stage.get(&format!("{item}/content?as_of={time}")).await;
        assert_eq!(refused.status, 400, "{time}");
        let error = &refused.body["errors"][0];
        assert_eq!(error["parameter"], "as_of");
        assert!(error["detail"].as_str().unwrap().contains(why), "{error}");
    }
}

#[tokio::test]
async fn versions_are_listed_newest_first_and_read_by_number() {
    let stage = Stage::set().await;
    for value in 1..=3 {
        stage.app_read(&json!({"/a": value}), "one").await;
    }
    let item = stage.item_path().await;
    let first = stage.get(&format!("{item}/versions?limit=2")).await;
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let rest = stage
        .get(&format!("{item}/versions?limit=2&cursor={cursor}"))
        .await;
    let numbers: Vec<_> = first
        .items()
        .iter()
        .chain(rest.items())
        .map(|one| &one["number"])
        .collect();
    assert_eq!(numbers, [3, 2, 1]);
    assert!(rest.body.get("next_cursor").is_none());
    assert_eq!(first.items()[1]["valid_to"], first.items()[0]["valid_from"]);
    for number in 1..=3 {
        let version = stage.get(&format!("{item}/versions/{number}")).await.body;
        assert_eq!(version["content"], json!({"/a": number}));
        assert_eq!(version["version"]["number"], number);
    }
    for number in ["0", "4", "01", "+1", "-1", "99999999999", "x"] {
        let reply = stage.get(&format!("{item}/versions/{number}")).await;
        assert_eq!(reply.status, 404, "{number}");
    }
}

#[tokio::test]
async fn two_versions_are_compared_from_the_earlier_to_the_later() {
    let stage = Stage::set().await;
    stage.app_read(&json!({"/a": 1, "/b": "x"}), "one").await;
    stage.app_read(&json!({"/a": 2, "/b": "x"}), "one").await;
    stage.app_read(&json!({"/a": 2}), "two").await;
    let item = stage.item_path().await;
    let diff = async |query: &str| stage.get(&format!("{item}/versions/{query}")).await;
    let previous = diff("2/diff").await.body;
    assert_eq!(
        previous["content"],
        json!({"fields": [{"field": "/a", "old": 1, "new": 2}], "field_count": 1})
    );
    assert_eq!(previous["assignments"]["added_count"], 0);
    let all = diff("1/diff?against=current").await.body;
    assert_eq!(
        (&all["from"]["number"], &all["to"]["number"]),
        (&json!(1), &json!(3))
    );
    assert_eq!(all["content"]["field_count"], 2);
    assert_eq!(
        all["content"]["fields"][1],
        json!({"field": "/b", "old": "x"})
    );
    assert_eq!(
        all["assignments"]["added"],
        json!([{"target": {"groupId": "two"}}])
    );
    assert_eq!(all["assignments"]["removed_count"], 1);
    assert_eq!(diff("3/diff?against=1").await.body, all);
    let same = diff("3/diff?against=3").await.body;
    assert_eq!(same["content"], json!({"fields": [], "field_count": 0}));
    assert_eq!(diff("4/diff").await.status, 404);
    // The first version has none before it.
    let refused = diff("1/diff").await;
    assert_eq!(refused.body["errors"][0]["code"], "no_such_version");
    for wrong in ["4", "0", "next", "-1", "99999999999"] {
        let refused = diff(&format!("1/diff?against={wrong}")).await;
        assert_eq!(refused.status, 400, "{wrong}");
        assert_eq!(refused.body["errors"][0]["parameter"], "against");
    }
}

#[tokio::test]
async fn contents_are_those_of_the_tenants_own_items() {
    let stage = Stage::set().await;
    stage.app_read(&json!({"/a": 1}), "one").await;
    let item = stage.item_path().await;
    let other = stage.scenario.tenant("Fabrikam").await.id;
    let own = stage.tenant.id.to_string();
    let role = atlas_domain::access::Role::Owner;
    let member = stage.scenario.member(other, role).await;
    for under in [
        "content",
        "versions",
        "versions/1",
        "versions/1/diff?against=1",
    ] {
        let path = format!("{item}/{under}");
        assert_eq!(
            stage.api.get(&path, &member.token).await.status,
            404,
            "{path}"
        );
        let elsewhere = path.replace(&own, &other.to_string());
        assert_eq!(
            stage.api.get(&elsewhere, &member.token).await.status,
            404,
            "{elsewhere}"
        );
        assert_eq!(stage.get(&path).await.status, 200, "{path}");
    }
}
