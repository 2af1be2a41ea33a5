//! Everything of a tenant, line by line.

use std::collections::BTreeMap;
use std::time::Duration;

use atlas_domain::access::Role;
use atlas_domain::inventory::content::{assignments_hash, content_hash};
use atlas_domain::inventory::link::{Link, LinkKind, LinkSet, LinkSource, LinkTarget, TargetKind};
use atlas_domain::inventory::{JsonText, Observation};
use atlas_domain::policy_types::registry;
use atlas_test_support::eventually;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Reply, Stage, observation};

/// An app with this content, assigned to this group.
fn app(at: usize, content: &Value, group: &str) -> Observation {
    let assignments = [json!({"target": {"groupId": group, "deviceFilter": null}})];
    Observation {
        content_hash: content_hash(content.as_object().unwrap()),
        content: JsonText::of(content),
        assignments_hash: Some(assignments_hash(&assignments)),
        assignments: Some(JsonText::of(&assignments)),
        ..observation(at)
    }
}

/// An app whose content is so long, and hardly shorter when it is compressed.
fn large_app(at: usize, length: usize) -> Observation {
    let mut state = at as u64 + 1;
    let text: String = (0..length)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            char::from(b'!' + u8::try_from((state >> 33) % 90).unwrap())
        })
        .collect();
    app(at, &json!({ "/text": text }), "one")
}

impl Reply {
    /// The lines of a complete export, without the first and the last.
    fn exported(&self) -> Vec<Value> {
        assert_eq!(self.status, 200, "{self:?}");
        let lines = self.text.lines().map(serde_json::from_str);
        let mut lines: Vec<Value> = lines.map(Result::unwrap).collect();
        assert!(self.text.ends_with('\n'));
        let end = lines.pop().unwrap();
        let header = lines.remove(0);
        assert_eq!(
            (&header["line"], &header["format_version"]),
            (&json!("header"), &json!(1))
        );
        assert_eq!(end, json!({"line": "end", "item_count": lines.len()}));
        lines
    }
}

#[tokio::test]
async fn an_export_has_every_item_with_content_assignments_and_links_by_type_and_id() {
    let stage = Stage::set().await;
    let link = Link {
        kind: LinkKind::AssignedTo,
        target: LinkTarget {
            kind: TargetKind::Group,
            id: "one".to_owned(),
        },
        qualifier: BTreeMap::new(),
    };
    let linked = Observation {
        links: vec![LinkSet::new(LinkSource::Assignments, vec![link])],
        ..app(1, &json!({"/a": 1, "/nothing": null}), "one")
    };
    let tag = Observation {
        policy_type: registry().find("roleScopeTag").unwrap(),
        external_id: "0".to_owned(),
        name: "Default".to_owned(),
        ..observation(0)
    };
    stage
        .synced_page(&[tag, app(2, &json!({}), "two"), linked])
        .await;
    let reply = stage.get(&stage.path("inventory-export")).await;
    assert_eq!(reply.header("content-type"), "application/x-ndjson");
    let file = reply.header("content-disposition").to_owned();
    let beginning = format!("attachment; filename=\"inventory-{}-", stage.tenant.id);
    assert!(
        file.starts_with(&beginning) && file.ends_with("Z.ndjson\""),
        "{file}"
    );
    assert_eq!(reply.header("etag"), "");
    let header: Value = serde_json::from_str(reply.text.lines().next().unwrap()).unwrap();
    assert_eq!(header["tenant_id"], json!(stage.tenant.id.to_string()));
    assert_eq!(header["tenant_name"], "Contoso");
    let items = reply.exported();
    let keys: Vec<_> = items
        .iter()
        .map(|item| {
            (
                item["policy_type"].as_str().unwrap(),
                item["external_id"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("mobileApp", "id-1"),
        ("mobileApp", "id-2"),
        ("roleScopeTag", "0"),
    ];
    assert_eq!(keys, expected);
    let first = &items[0];
    assert_eq!(first["name"], "App 001");
    assert_eq!(first["content"], json!({"/a": 1}));
    assert_eq!(
        first["assignments"],
        json!([{"target": {"groupId": "one"}}])
    );
    assert_eq!(
        first["links"][0]["target"],
        json!({"kind": "group", "id": "one"})
    );
    assert_eq!(first["links"].as_array().unwrap().len(), 1);
    assert_eq!(first["version"]["number"], 1);
    assert_eq!(items[1]["links"], json!([]));

    let path = stage.path("inventory-export?policy_type=roleScopeTag&policy_type=policySet");
    let some = stage.get(&path).await.exported();
    assert_eq!(some, [items[2].clone()]);
}

#[tokio::test]
async fn an_export_as_of_a_time_has_what_was_there_then() {
    let stage = Stage::set().await;
    stage
        .synced_page(&[app(1, &json!({"/a": 1}), "one"), app(2, &json!({}), "one")])
        .await;
    let before = stage.get(&stage.path("inventory-export")).await;
    let header: Value = serde_json::from_str(before.text.lines().next().unwrap()).unwrap();
    let then = header["exported_at"].as_str().unwrap();
    let before = before.exported();
    stage
        .synced_page(&[app(1, &json!({"/a": 2}), "two"), app(3, &json!({}), "one")])
        .await;
    let now = stage.get(&stage.path("inventory-export")).await.exported();
    let ids = |items: &[Value]| -> Vec<Value> {
        items
            .iter()
            .map(|item| item["external_id"].clone())
            .collect()
    };
    assert_eq!(ids(&now), ["id-1", "id-3"]);
    assert_eq!(now[0]["content"], json!({"/a": 2}));
    let path = stage.path(&format!("inventory-export?as_of={then}"));
    let past = stage.get(&path).await.exported();
    assert_eq!(ids(&past), ["id-1", "id-2"]);
    for (past, before) in past.iter().zip(&before) {
        assert!(past.get("links").is_none());
        assert_eq!(past["content"], before["content"]);
        assert_eq!(past["assignments"], before["assignments"]);
    }
    let one = stage.get(&format!("{path}&policy_type=mobileApp")).await;
    assert_eq!(one.exported(), past);
    let earlier = stage.path("inventory-export?as_of=2020-01-01T00:00:00Z");
    assert_eq!(stage.get(&earlier).await.exported(), [Value::Null; 0]);
    for time in ["2999-01-01T00:00:00Z", "yesterday"] {
        let refused = stage
            .get(&stage.path(&format!("inventory-export?as_of={time}")))
            .await;
        refused.is_problem(400, "validation_failed");
        assert_eq!(refused.bad_place(), "as_of");
    }
}

#[tokio::test]
async fn an_export_of_a_tenant_without_data_has_a_first_and_a_last_line() {
    let stage = Stage::set().await;
    let reply = stage.get(&stage.path("inventory-export")).await;
    assert_eq!(reply.exported(), [Value::Null; 0]);
    assert_eq!(reply.text.lines().count(), 2);
}

#[tokio::test]
async fn an_export_is_the_same_whatever_its_pages_and_is_compressed_on_request() {
    let stage = Stage::set().await;
    let mut page: Vec<_> = (0..230)
        .map(|at| app(at, &json!({"/a": at}), "one"))
        .collect();
    page.push(large_app(500, 400_000));
    stage.synced_page(&page).await;
    let plain = stage.get(&stage.path("inventory-export")).await;
    let items = plain.exported();
    assert_eq!(items.len(), 231);
    let of_type = stage
        .get(&stage.path("inventory-export?policy_type=mobileApp"))
        .await;
    assert_eq!(of_type.exported(), items);
    // A client that would decompress shows neither the header nor the bytes.
    let client = reqwest::Client::builder().no_gzip().build().unwrap();
    let url = format!("{}{}", stage.api.base, stage.path("inventory-export"));
    let request = || client.get(&url).bearer_auth(&stage.operator.token);
    let uncompressed = request().send().await.unwrap();
    assert!(!uncompressed.headers().contains_key("content-encoding"));
    assert_eq!(uncompressed.bytes().await.unwrap()[..8], *b"{\"line\":");
    let sent = request().header("accept-encoding", "gzip").send().await;
    let sent = sent.unwrap();
    assert_eq!(sent.headers()["content-encoding"], "gzip");
    let compressed = sent.bytes().await.unwrap();
    assert_eq!(compressed[..2], [0x1f, 0x8b]);
    assert!(compressed.len() < plain.text.len());
}

/// What is left of an answer that was begun. It may end in the middle.
async fn rest(mut answer: reqwest::Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        bytes.extend(chunk);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn a_caller_has_two_exports_at_once_and_one_without_access_gets_no_last_line() {
    let stage = Stage::set_with(|options| options.export_check_interval = Duration::ZERO).await;
    // More than the buffers of a connection hold, so that the end is not sent before it is read.
    let page: Vec<_> = (0..64).map(|at| large_app(at, 500_000)).collect();
    stage.synced_page(&page).await;
    let path = stage.path("inventory-export");
    let leaver = stage.scenario.member(stage.tenant.id, Role::Readonly).await;
    let revoked = stage.scenario.member(stage.tenant.id, Role::Readonly).await;
    let begin = async |token: &str| {
        let request = stage.api.request(Method::GET, &path).bearer_auth(token);
        let mut answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert!(answer.chunk().await.unwrap().is_some());
        answer
    };
    let first = begin(&stage.operator.token).await;
    let second = begin(&stage.operator.token).await;
    let of_leaver = begin(&leaver.token).await;
    let of_revoked = begin(&revoked.token).await;
    let third = stage.get(&path).await;
    third.is_problem(429, "too_many_exports");
    assert_eq!(third.header("retry-after"), "30");

    stage
        .store
        .remove_member(stage.tenant.id, leaver.id)
        .await
        .unwrap();
    stage.store.revoke_tokens(revoked.id).await.unwrap();
    let is_complete = |text: &str| text.ends_with("{\"line\":\"end\",\"item_count\":64}\n");
    assert!(!is_complete(&rest(of_leaver).await));
    assert!(!is_complete(&rest(of_revoked).await));
    assert!(is_complete(&rest(first).await));
    drop(second);
    eventually("a place for another export", async || {
        let answer = stage
            .api
            .request(Method::GET, &path)
            .bearer_auth(&stage.operator.token);
        (answer.send().await.unwrap().status() == 200).then_some(())
    })
    .await;
}
