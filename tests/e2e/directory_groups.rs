//! Groups of directories: synced, found and named from the command line, and searched live with a
//! caller's own token, of which nothing stays anywhere.

use std::process::Output;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::installation::Installation;
use crate::secrets::{Everywhere, Place, Secrets};

/// So much of a token in one piece is shown nowhere.
const PIECE: usize = 24;

/// A fresh token of a user for Graph.
async fn user_token(installation: &Installation, directory: &str) -> String {
    let wanted = json!({ "audience": "https://graph.microsoft.com", "scopes": "Group.Read.All" });
    let url = format!("{}/_sim/user-tokens/{directory}", installation.graph);
    let answer = installation.http.post(url).json(&wanted).send().await;
    let answer: Value = answer.unwrap().json().await.unwrap();
    answer["access_token"].as_str().unwrap().to_owned()
}

/// Pieces of what a token says and of its signature. Its header is the same for all.
fn pieces(token: &str) -> impl Iterator<Item = String> {
    token.split('.').skip(1).flat_map(|part| {
        let whole = part.as_bytes().chunks_exact(PIECE);
        whole.map(|piece| String::from_utf8_lossy(piece).into_owned())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_callers_token_stays_anywhere_whether_the_search_works_or_not() {
    let installation = Installation::start_with(&[("ATLAS_LOG", "trace")]).await;
    let (tenant, member) = installation.tenant("Contoso").await;
    // No worker takes its job from Redis.
    let started = installation.press(tenant, &member, "{}").await;
    assert!(started.status().is_success());
    let search = |token: String, q: String| {
        let url = format!(
            "{}/tenants/{}/directory-groups/search",
            installation.api, tenant.id
        );
        let request = installation.http.post(url).bearer_auth(&member.token);
        request
            .header("x-graph-token", token)
            .json(&json!({ "q": q }))
            .send()
    };

    let directory = tenant.directory_id.to_string();
    let elsewhere = Uuid::from_u128(77).to_string();
    let throttled = json!({ "kind": "throttled", "retry_after": { "seconds": 7 } });
    let mut tokens = Vec::new();
    let mut answers: Vec<Place> = Vec::new();
    for (directory, effect, status) in [
        (&directory, None, 200),
        (&directory, Some(json!({ "kind": "claims_challenge" })), 403),
        (&directory, Some(json!({ "kind": "unauthorized" })), 403),
        (&directory, Some(throttled), 503),
        // What Graph is asked with stands in what it answers.
        (
            &directory,
            Some(json!({ "kind": "answer", "status": 500 })),
            502,
        ),
        (&elsewhere, None, 403),
    ] {
        let token = user_token(&installation, directory).await;
        if let Some(mut effect) = effect.clone() {
            if effect["kind"] == "answer" {
                effect["body"] = json!(token);
            }
            let rule = json!({ "path": { "exact": "/v1.0/groups" }, "effect": effect });
            installation.simulate("faults", rule.to_string()).await;
        }
        let answer = search(token.clone(), "team".to_owned()).await.unwrap();
        assert_eq!(answer.status(), status, "{directory} {effect:?}");
        let headers = format!("{:?}", answer.headers());
        let text = answer.text().await.unwrap();
        answers.push((format!("answer {effect:?}"), format!("{headers} {text}")));
        tokens.push(token);
    }
    // One that is cut short is none, and shows no more than a whole one.
    let whole = user_token(&installation, &directory).await;
    let answer = search(whole[..whole.len() / 2].to_owned(), "team".to_owned());
    let answer = answer.await.unwrap();
    assert_eq!(answer.status(), 403);
    answers.push(("answer to a part".to_owned(), answer.text().await.unwrap()));
    tokens.push(whole);

    let secrets = Secrets(tokens.iter().flat_map(|token| pieces(token)).collect());
    assert!(secrets.0.len() > 10 * tokens.len());
    let planted = pieces(&tokens[0]).last().unwrap();
    let fresh = user_token(&installation, &directory).await;
    let token_member = installation
        .scenario
        .member(tenant.id, atlas_domain::access::Role::Owner)
        .await;
    let everywhere = Everywhere {
        installation: &installation,
        members: vec![(tenant, token_member)],
    };
    let mut places = everywhere.places().await;
    places.extend(answers);
    for kind in ["log", "request log", "table", "Redis", "GET", "answer"] {
        let looked = places.iter().filter(|(place, _)| place.starts_with(kind));
        assert!(looked.count() > 0, "nothing was looked at in: {kind}");
    }
    let talkative = |(place, text): &Place| place.contains("atlas-api") && text.contains("TRACE");
    assert!(places.iter().any(talkative), "the API logs all it can");
    assert_eq!(secrets.found(&places), Vec::<String>::new());

    // The search finds what is there to be found: in what Graph is asked, in rows, answers, Redis
    // and logs.
    let asked = search(fresh, planted.clone()).await.unwrap();
    assert_eq!(asked.status(), 200);
    let connection = installation.database.connection().await;
    let rename = "UPDATE tenants SET name = $1";
    connection.execute(rename, &[&planted]).await.unwrap();
    let client = redis::Client::open(installation.redis.url()).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    redis::cmd("SET")
        .arg(format!("{}:planted", installation.redis.namespace()))
        .arg(&planted)
        .exec_async(&mut redis)
        .await
        .unwrap();
    std::fs::write(installation.folder().join("planted.log"), &planted).unwrap();
    let found = secrets.found(&everywhere.places().await);
    for kind in [
        "log ",
        "request log",
        "table public.tenants",
        "Redis",
        "GET",
    ] {
        assert!(
            found.iter().any(|one| one.starts_with(kind)),
            "not found in {kind}: {found:?}"
        );
    }
}

fn texts(output: &Output) -> (String, String) {
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{error}");
    (String::from_utf8_lossy(&output.stdout).into_owned(), error)
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_synced_found_and_named_from_the_command_line() {
    let installation = Installation::start().await;
    let (tenant, member) = installation.tenant("Contoso").await;
    let atlas = |arguments: &[&str]| texts(&installation.atlas(arguments, &member.token));
    let parsed =
        |arguments: &[&str]| -> Value { serde_json::from_str(&atlas(arguments).0).unwrap() };

    let (_, hint) = atlas(&["groups", "search", "Contoso", "team"]);
    assert!(!hint.trim().is_empty(), "it says that none are stored");
    let empty = parsed(&["--json", "groups", "search", "Contoso", "team"]);
    assert_eq!(empty["items"], json!([]));
    assert_eq!(empty["source"], "cache");
    assert_eq!(empty["data_as_of"], Value::Null);

    let _worker = installation.worker("one");
    let (synced, _) = atlas(&["groups", "sync", "Contoso", "--follow"]);
    assert!(synced.contains("succeeded"), "{synced}");
    let url = format!("{}/_sim/groups/{}", installation.graph, tenant.directory_id);
    let answer = installation.http.get(url).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    let groups = answer.as_array().or_else(|| answer["groups"].as_array());
    let group = &groups.unwrap()[0];
    let id = group["id"].as_str().unwrap();
    let name = group["displayName"].as_str().unwrap();

    let found = parsed(&["--json", "groups", "search", "Contoso", name]);
    assert!(found["data_as_of"].is_string());
    let items = found["items"].as_array().unwrap();
    assert!(
        items
            .iter()
            .any(|item| item["id"] == id && item["name"] == name)
    );
    let (table, _) = atlas(&["groups", "search", "Contoso", name]);
    assert!(table.starts_with("NAME") && table.contains(id), "{table}");

    let unknown = Uuid::from_u128(77).to_string();
    let resolved = parsed(&["--json", "groups", "resolve", "Contoso", id, &unknown]);
    assert_eq!(resolved["items"][0]["name"], name);
    assert_eq!(resolved["unresolved"], json!([unknown]));
    let (table, _) = atlas(&["groups", "resolve", "Contoso", id, &unknown]);
    let mut rows = table.lines().skip(1);
    assert!(rows.next().unwrap().starts_with(name), "{table}");
    assert!(rows.next().unwrap().contains(&unknown), "{table}");
}
