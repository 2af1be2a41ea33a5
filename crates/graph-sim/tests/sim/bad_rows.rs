//! Rows that programs find hard to read, sent as raw bytes.

use atlas_graph_sim::{Effect, FaultRule, PathMatch, SimulatorOptions};
use serde_json::Value;

use crate::client::{Client, POLICIES, start};

/// The first page and the same page spoiled.
async fn pages(effect: Effect) -> (Vec<Value>, Vec<u8>) {
    let (simulator, client) = start(SimulatorOptions::default()).await;
    let right = rows(&client.get(POLICIES).await.bytes().await.unwrap());
    simulator.fault(FaultRule::once(PathMatch::exact(POLICIES), effect));
    let spoiled = client.get(POLICIES).await.bytes().await.unwrap();
    (right, spoiled.to_vec())
}

fn rows(body: &[u8]) -> Vec<Value> {
    let page: Value = serde_json::from_slice(body).unwrap();
    page["value"].as_array().unwrap().clone()
}

/// The bytes once, with others in their place.
fn replaced(body: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let found = body.windows(old.len()).filter(|part| *part == old).count();
    assert_eq!(found, 1);
    let at = body
        .windows(old.len())
        .position(|part| part == old)
        .unwrap();
    [&body[..at], new, &body[at + old.len()..]].concat()
}

/// Asserts that all rows but this one are as they should be.
fn assert_spares_others(right: &[Value], spoiled: &[Value], struck: usize) {
    assert_eq!(right.len(), spoiled.len());
    for (at, (right, spoiled)) in right.iter().zip(spoiled).enumerate() {
        assert_eq!(right != spoiled, at == struck, "row {at}");
    }
}

#[tokio::test]
async fn one_row_is_null_or_has_no_id() {
    let (right, body) = pages(Effect::NullRow { row: 2 }).await;
    let spoiled = rows(&body);
    assert_spares_others(&right, &spoiled, 2);
    assert_eq!(spoiled[2], Value::Null);

    let (right, body) = pages(Effect::RowWithoutId { row: 0 }).await;
    let spoiled = rows(&body);
    assert_spares_others(&right, &spoiled, 0);
    assert!(spoiled[0].get("id").is_none());

    let (right, body) = pages(Effect::NullRow { row: 1_000 }).await;
    assert_eq!(right, rows(&body), "there is no such row");
}

#[tokio::test]
async fn one_name_ends_in_what_no_text_can_hold() {
    for (effect, broken) in [
        (Effect::LoneSurrogate { row: 1 }, &b"\\ud83d\""[..]),
        (Effect::InvalidUtf8 { row: 1 }, b"\xe9\""),
    ] {
        let (right, body) = pages(effect).await;
        assert!(serde_json::from_slice::<Value>(&body).is_err());
        let spoiled = rows(&replaced(&body, broken, b"!\""));
        assert_spares_others(&right, &spoiled, 1);
        let name = right[1]["name"].as_str().unwrap();
        assert_eq!(spoiled[1]["name"], format!("{name}!"));
    }
}

#[tokio::test]
async fn one_value_is_beyond_what_programs_hold() {
    let (right, body) = pages(Effect::HugeNumber { row: 0 }).await;
    assert!(serde_json::from_slice::<Value>(&body).is_err());
    assert_spares_others(&right, &rows(&replaced(&body, b"1E+309", b"1")), 0);

    let levels = 300;
    let (right, body) = pages(Effect::DeepNesting { levels, row: 0 }).await;
    assert!(serde_json::from_slice::<Value>(&body).is_err());
    let nest = ["[".repeat(levels), "]".repeat(levels)].concat();
    assert_spares_others(&right, &rows(&replaced(&body, nest.as_bytes(), b"1")), 0);
}

#[tokio::test]
async fn one_name_is_longer_than_an_index_row() {
    let (right, body) = pages(Effect::LongName {
        characters: 1_200,
        row: 0,
    })
    .await;
    let spoiled = rows(&body);
    assert_spares_others(&right, &spoiled, 0);
    let name = spoiled[0]["name"].as_str().unwrap();
    assert_eq!((name.chars().count(), name.len()), (1_200, 3_600));
}

#[tokio::test]
async fn rows_are_so_large_that_few_fit_into_an_answer() {
    let (right, body) = pages(Effect::LargeRows { bytes: 45_000 }).await;
    assert!(body.len() > right.len() * 45_000);
    for (right, mut large) in right.into_iter().zip(rows(&body)) {
        large
            .as_object_mut()
            .unwrap()
            .retain(|name, _| !name.starts_with('@'));
        let mut right = right;
        right
            .as_object_mut()
            .unwrap()
            .retain(|name, _| !name.starts_with('@'));
        assert_eq!(right, large, "only an annotation is added");
    }
}

#[tokio::test]
async fn ids_come_in_capitals_and_name_the_same_objects() {
    let path = format!("{POLICIES}?$expand=assignments");
    let (simulator, client) = start(SimulatorOptions::default()).await;
    let right = client.rows(&path).await;
    let all = FaultRule::always(PathMatch::prefix(POLICIES), Effect::OtherCase);
    simulator.fault(all);
    let capitals = client.rows(&path).await;
    let id = |row: &Value| row["id"].as_str().unwrap().to_owned();
    let mut groups = 0;
    for (right, capitals) in right.iter().zip(&capitals) {
        assert_eq!(id(capitals), id(right).to_ascii_uppercase());
        assert_ne!(id(capitals), id(right));
        assert_eq!(capitals["name"], right["name"]);
        let assignments = |row: &Value| row["assignments"].as_array().unwrap().clone();
        for (right, capitals) in assignments(right).iter().zip(assignments(capitals)) {
            if let Some(group) = right["target"]["groupId"].as_str() {
                assert_eq!(capitals["target"]["groupId"], group.to_ascii_uppercase());
                groups += 1;
            }
        }
    }
    assert!(groups > 3, "{groups}");
    assert_same_object(&client, &id(&right[0])).await;
}

async fn assert_same_object(client: &Client, id: &str) {
    let own = client.json(&format!("{POLICIES}/{id}")).await;
    let capitals = format!("{POLICIES}/{}", id.to_ascii_uppercase());
    assert_eq!(client.json(&capitals).await["name"], own["name"]);
    let one = client.rows(&format!("{POLICIES}/{id}/settings")).await;
    let other = client.rows(&format!("{capitals}/settings")).await;
    assert_eq!(one.len(), other.len());
}
