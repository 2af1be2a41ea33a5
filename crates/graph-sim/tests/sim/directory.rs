//! Groups of the directory: what changed of them, and what their ids stand for.

use std::collections::{BTreeMap, BTreeSet};

use atlas_graph_sim::{MutationScript, SimulatorOptions};
use reqwest::StatusCode;
use serde_json::{Map, Value, json};

use crate::client::{Client, OTHER_TENANT, TENANT, start};

const DELTA: &str = "/v1.0/groups/delta?$select=id,displayName,description,groupTypes";
const BY_IDS: &str = "/v1.0/directoryObjects/getByIds";

type Groups = BTreeMap<String, Map<String, Value>>;

fn many() -> SimulatorOptions {
    SimulatorOptions {
        groups: 350,
        ..SimulatorOptions::default()
    }
}

/// A reading to its end: its rows, and the link to later ones.
async fn read(client: &Client, url: &str, minimal: bool) -> (Vec<Value>, String) {
    let mut url = if url.starts_with("http") {
        url.to_owned()
    } else {
        format!("{}{url}", client.base)
    };
    let mut rows = Vec::new();
    loop {
        let request = client.http.get(&url).bearer_auth(&client.token);
        let request = match minimal {
            true => request.header("Prefer", "return=minimal"),
            false => request,
        };
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{url}");
        let page: Value = answer.json().await.unwrap();
        rows.extend(page["value"].as_array().unwrap().clone());
        let link = |name: &str| page[name].as_str().map(str::to_owned);
        match (link("@odata.nextLink"), link("@odata.deltaLink")) {
            (Some(next), None) => url = next,
            (None, Some(delta)) => return (rows, delta),
            links => panic!("a page has one link: {links:?}"),
        }
    }
}

/// Takes rows as the documentation says: the last word on a group counts.
fn take(groups: &mut Groups, rows: &[Value]) {
    for row in rows {
        let id = row["id"].as_str().unwrap().to_owned();
        if row.get("@removed").is_some() {
            groups.remove(&id);
        } else {
            let members = row.as_object().unwrap().clone();
            groups.entry(id).or_default().extend(members);
        }
    }
}

/// The list of groups, as far as the readings select.
async fn listed(client: &Client) -> Groups {
    let path = "/v1.0/groups?$select=id,displayName,description,groupTypes";
    let mut groups = Groups::new();
    take(&mut groups, &client.rows(path).await);
    groups
}

fn script(seed: u64) -> MutationScript {
    MutationScript {
        seed,
        add: 4,
        delete: 3,
        rename: 5,
        keys: vec!["directoryGroup".to_owned()],
        ..MutationScript::default()
    }
}

#[tokio::test]
async fn readings_of_changes_lead_to_the_list_with_repeated_rows_in_any_order() {
    let (simulator, client) = start(many()).await;
    let mut groups = Groups::new();
    let (rows, first_link) = read(&client, DELTA, true).await;
    take(&mut groups, &rows);
    assert_eq!(groups, listed(&client).await);
    let ids: Vec<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    let distinct: BTreeSet<_> = ids.iter().collect();
    assert!(ids.len() > distinct.len(), "rows repeat");
    let in_order = listed(&client).await;
    assert_ne!(ids, in_order.keys().collect::<Vec<_>>(), "in any order");

    let changes = simulator.mutate(TENANT, &script(1));
    let changes = &changes["directoryGroup"];
    let (rows, second_link) = read(&client, &first_link, true).await;
    assert_eq!(rows.len(), 4 + 3 + 5);
    for row in &rows {
        let id = row["id"].as_str().unwrap().to_owned();
        let members: Vec<&str> = row
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        if changes.deleted.contains(&id) {
            assert_eq!(row["@removed"]["reason"], "changed");
        } else if changes.renamed.contains(&id) {
            assert_eq!(members, ["id", "displayName"], "only what changed");
        } else {
            assert!(changes.added.contains(&id) && members.len() == 4, "{row}");
        }
    }
    take(&mut groups, &rows);
    assert_eq!(groups, listed(&client).await);
    let (none, _) = read(&client, &second_link, true).await;
    assert!(none.is_empty());

    // An older link reports the same again, and all of a group to those who do not want less.
    let (again, _) = read(&client, &first_link, false).await;
    assert_eq!(again.len(), rows.len());
    take(&mut groups, &again);
    assert_eq!(groups, listed(&client).await);
    let whole = again.iter().find(|row| {
        let id = row["id"].as_str().unwrap().to_owned();
        changes.renamed.contains(&id)
    });
    assert!(whole.unwrap().get("groupTypes").is_some());
}

#[tokio::test]
async fn links_to_changes_are_one_tenants_and_end_and_later_ones_can_be_had_without_a_reading() {
    let (simulator, client) = start(many()).await;
    let (_, link) = read(&client, DELTA, true).await;
    let other = Client::sign_in(&client.base, OTHER_TENANT).await;
    assert_eq!(other.request(&link).send().await.unwrap().status(), 410);
    simulator.expire_group_links(TENANT);
    let gone = client.request(&link).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::GONE);

    let latest = format!("{DELTA}&$deltatoken=latest");
    let (none, link) = read(&client, &latest, true).await;
    assert!(none.is_empty());
    simulator.mutate(TENANT, &script(2));
    let (rows, _) = read(&client, &link, true).await;
    assert_eq!(rows.len(), 4 + 3 + 5);
    for query in ["$top=5", "$expand=members"] {
        let answer = client.get(&format!("/v1.0/groups/delta?{query}")).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{query}");
    }
}

async fn by_ids(client: &Client, body: &Value) -> (StatusCode, Value) {
    let request = client.http.post(format!("{}{BY_IDS}", client.base));
    let request = request.bearer_auth(&client.token).json(body);
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

#[tokio::test]
async fn ids_stand_for_groups_and_those_that_are_not_there_are_left_out() {
    let (simulator, client) = start(many()).await;
    let mut known: Vec<String> = listed(&client).await.into_keys().take(20).collect();
    let deleted = simulator.mutate(TENANT, &script(3))["directoryGroup"]
        .deleted
        .clone();
    let unknown = "77777777-2222-4333-8444-555555555555".to_owned();
    let mut ids = known.clone();
    ids.extend(deleted.iter().cloned());
    // Twice, in another case, is once.
    ids.extend([unknown.clone(), known[0].to_uppercase()]);
    known.retain(|id| !deleted.contains(id));
    let (status, answer) = by_ids(&client, &json!({"ids": ids, "types": ["group"]})).await;
    assert_eq!(status, StatusCode::OK);
    let rows = answer["value"].as_array().unwrap();
    let found: BTreeSet<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(found, known.iter().map(String::as_str).collect());
    assert_eq!(found.len(), rows.len());
    assert!(
        rows.iter()
            .all(|row| row["@odata.type"] == "#microsoft.graph.group")
    );
    assert!(rows.iter().all(|row| row["displayName"].is_string()));

    // Without types it is all kinds; of users none is known.
    let (_, all) = by_ids(&client, &json!({"ids": known})).await;
    assert_eq!(all["value"].as_array().unwrap().len(), known.len());
    let (status, none) = by_ids(&client, &json!({"ids": known, "types": ["user"]})).await;
    assert_eq!((status, &none["value"]), (StatusCode::OK, &json!([])));

    // It costs three units, and can be asked for in a batch.
    let envelope = json!({"requests": [{"id": "1", "method": "POST",
        "url": "/directoryObjects/getByIds", "headers": {"Content-Type": "application/json"},
        "body": {"ids": known, "types": ["group"]}}]});
    let request = client.http.post(format!("{}/v1.0/$batch", client.base));
    let request = request.bearer_auth(&client.token).json(&envelope);
    let answer: Value = request.send().await.unwrap().json().await.unwrap();
    let part = &answer["responses"][0];
    assert_eq!(part["status"], 200);
    assert_eq!(part["body"]["value"].as_array().unwrap().len(), known.len());
    assert_eq!(part["headers"]["x-ms-resource-unit"], "3");
}

#[tokio::test]
async fn too_many_ids_odd_ones_and_unknown_kinds_are_refused() {
    let (_simulator, client) = start(many()).await;
    let id = |number: usize| format!("00000000-0000-4000-8000-{number:012}");
    let so_many = |count: usize| (0..count).map(id).collect::<Vec<_>>();
    let (status, _) = by_ids(&client, &json!({"ids": so_many(1_000)})).await;
    assert_eq!(status, StatusCode::OK);
    for body in [
        json!({"ids": so_many(1_001)}),
        json!({"ids": []}),
        json!({"ids": ["x"]}),
        json!({"ids": ["{00000000-0000-4000-8000-000000000000}"]}),
        json!({"ids": [id(1)], "types": ["policy"]}),
        json!({"ids": id(1)}),
        json!({}),
        json!("x"),
    ] {
        let (status, answer) = by_ids(&client, &body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(answer["error"]["code"], "Request_BadRequest");
    }
    let answer = client.get(BY_IDS).await;
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
}
