//! Items as they were known at an earlier time.

use atlas_domain::inventory::Observation;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;

use crate::harness::{Reply, Stage, observation};

impl Stage {
    /// The time of the database, and so later than everything that is stored.
    async fn now(&self) -> DateTime<Utc> {
        let micros = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
        let connection = self.database.connection().await;
        let row = connection.query_one(micros, &[]).await.unwrap();
        DateTime::from_timestamp_micros(row.get(0)).unwrap()
    }
}

fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn named(at: usize, name: &str, content: u8) -> Observation {
    Observation {
        name: name.to_owned(),
        content_hash: [content; 32],
        ..observation(at)
    }
}

#[tokio::test]
async fn a_list_as_of_a_time_has_the_names_of_that_time_and_says_how_old_they_were() {
    let stage = Stage::set().await;
    let apps = [
        named(0, "Able", 1),
        named(1, "Baker", 1),
        named(2, "Charlie", 1),
    ];
    let run = stage.synced_page(&apps).await;
    let then = stage.now().await;
    stage
        .synced_page(&[named(0, "Delta", 2), named(1, "Baker", 1)])
        .await;
    let list = async |query: &str| {
        let path = stage.path(&format!("inventory-items?{query}"));
        stage.get(&path).await
    };
    let names = |reply: &Reply| -> Vec<String> {
        let names = reply.items().iter();
        let names = names.map(|item| item["name"].as_str().unwrap().to_owned());
        names.collect()
    };
    let as_of = format!("as_of={}", text(then));
    let whole = list(&as_of).await;
    assert_eq!(names(&whole), ["Able", "Baker", "Charlie"]);
    let readings = whole.body["readings"].as_array().unwrap();
    assert_eq!(readings.len(), 1);
    assert_eq!(readings[0]["policy_type"], "mobileApp");
    assert_eq!(readings[0]["operation_run_id"], json!(run.into_uuid()));
    assert_eq!(readings[0]["complete"], true);
    assert!(readings[0]["age_seconds"].as_u64().unwrap() < 60);
    let able = &whole.items()[0];
    assert_eq!(able["content_hash"], "01".repeat(32));
    assert_eq!(able["version"]["number"], 1);
    assert!(able["version"]["valid_to"].is_string());
    assert_eq!(able["last_seen_run_id"], json!(run.into_uuid()));
    assert!(
        whole
            .items()
            .iter()
            .all(|item| item.get("missing_since").is_none())
    );

    // Page by page, and what is known now is as it was.
    let first = list(&format!("{as_of}&limit=2")).await;
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let rest = list(&format!("{as_of}&limit=2&cursor={cursor}")).await;
    assert_eq!(
        (names(&first).len(), names(&rest)),
        (2, vec!["Charlie".to_owned()])
    );
    assert!(rest.body.get("next_cursor").is_none());
    let now = list("missing=false").await;
    assert_eq!(names(&now), ["Baker", "Delta"]);
    assert!(now.body.get("readings").is_none() && now.items()[0].get("version").is_none());
    let q = list(&format!(
        "{as_of}&q=abl&policy_type=mobileApp&missing=false"
    ))
    .await;
    assert_eq!(names(&q), ["Able"]);
    let others = list(&format!("{as_of}&policy_type=policySet")).await;
    assert_eq!(
        (names(&others).len(), &others.body["readings"]),
        (0, &json!([]))
    );

    let item = stage.path(&format!("inventory-items/{}", able["id"].as_str().unwrap()));
    let mut one = stage.get(&format!("{item}?{as_of}")).await.body;
    let reading = one.as_object_mut().unwrap().remove("reading");
    assert_eq!((&reading.unwrap(), &one), (&readings[0], able));
    let one = stage.get(&item).await.body;
    assert_eq!((&one["name"], one.get("version")), (&json!("Delta"), None));
}

#[tokio::test]
async fn times_of_which_nothing_is_known_are_refused_with_the_reason() {
    let stage = Stage::set().await;
    let list = async |query: String| {
        stage
            .get(&stage.path(&format!("inventory-items{query}")))
            .await
    };
    let refused = async |query: String, parameter: &str, why: &str| {
        let reply = list(query).await;
        reply.is_problem(400, "validation_failed");
        let error = &reply.body["errors"][0];
        assert_eq!(error["parameter"], parameter);
        assert!(error["detail"].as_str().unwrap().contains(why), "{error}");
    };
    let empty = text(stage.now().await);
    let nothing = async |why: &str| {
        let reply = list(format!("?as_of={empty}")).await;
        reply.is_problem(404, "not_found");
        let detail = reply.body["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(why), "{detail}");
    };
    nothing("stored yet").await;
    stage.synced_page(&[named(0, "Able", 1)]).await;
    let then = stage.now().await;
    stage
        .synced_page(&[named(0, "Able", 1), named(1, "Baker", 1)])
        .await;
    let items = list(String::new()).await;
    let first_seen = items.items()[0]["first_seen_at"].as_str().unwrap();
    let day = first_seen.split('T').next().unwrap();
    nothing(day).await;
    refused("?as_of=2999-01-01T00:00:00Z".to_owned(), "as_of", "future").await;
    refused(
        "?as_of=yesterday".to_owned(),
        "as_of",
        "2026-01-31T12:00:00Z",
    )
    .await;
    let missing = format!("?as_of={}&missing=true", text(then));
    refused(missing, "missing", "Leave out").await;

    // An item that came later.
    let baker = &items.items()[1];
    let item = format!("/{}", baker["id"].as_str().unwrap());
    for under in [String::new(), "/content".to_owned()] {
        let later = list(format!("{item}{under}?as_of={}", text(then))).await;
        later.is_problem(404, "not_found");
        let detail = later.body["detail"].as_str().unwrap();
        assert!(
            detail.contains(baker["first_seen_at"].as_str().unwrap()),
            "{detail}"
        );
        for time in ["2999-01-01T00:00:00Z", "yesterday"] {
            let reply = list(format!("{item}{under}?as_of={time}")).await;
            reply.is_problem(400, "validation_failed");
        }
        let nobody = format!("/{}{under}?as_of={}", stage.tenant.id, text(then));
        list(nobody).await.is_problem(404, "not_found");
    }
}

#[tokio::test]
async fn a_type_that_was_read_long_ago_says_so() {
    let stage = Stage::set().await;
    stage.synced_page(&[named(0, "Able", 1)]).await;
    let connection = stage.database.connection().await;
    let older = "UPDATE inventory_type_results \
        SET status = 'incomplete', completed_at = completed_at - interval '2 hours'";
    connection.execute(older, &[]).await.unwrap();
    let path = stage.path(&format!(
        "inventory-items?as_of={}",
        text(stage.now().await)
    ));
    let list = stage.get(&path).await.body;
    let reading = &list["readings"][0];
    assert_eq!(reading["complete"], false);
    let age = reading["age_seconds"].as_u64().unwrap();
    assert!((7_200..7_800).contains(&age), "{age}");
    // It did not say that the item was still there.
    assert_eq!(
        list["items"][0]["last_seen_at"],
        list["items"][0]["version"]["valid_from"]
    );
}
