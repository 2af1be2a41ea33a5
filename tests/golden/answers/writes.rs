//! Everything that is asked for: starts, cancellations, retries, reading of notifications, and what
//! is read by a request with a body.

use serde_json::json;

use super::client::{Client, Question};
use super::seed::{Seed, first_id};

/// Asks for everything.
pub(super) async fn all(seed: &Seed, client: &mut Client) {
    starts(seed, client).await;
    cancellations(seed, client).await;
    retries(seed, client).await;
    groups(seed, client).await;
    notifications(seed, client).await;
    without_the_queue(seed).await;
    // What came of it.
    let operator = seed.as_operator();
    for path in [
        "/operation-runs",
        "/me/notifications",
        "/me/notifications/unread-count",
    ] {
        client.ask(Question::get(path).by(operator)).await;
    }
    for query in [
        "audit-events",
        "audit-events?outcome=denied",
        "inventory-sync-runs",
    ] {
        client
            .ask(Question::get(seed.path(query)).by(operator))
            .await;
    }
}

const BAD_SELECTIONS: [&str; 9] = [
    "{",
    "[]",
    r#"{"policy_types": ["nothing"]}"#,
    r#"{"policy_types": ["roleScopeTag"]}"#,
    r#"{"policy_types": "mobileApp"}"#,
    r#"{"policy_types": [], "include_foundations": false}"#,
    r#"{"categories": ["nothing"]}"#,
    r#"{"include_foundations": "yes"}"#,
    r#"{"nonsense": 1}"#,
];

async fn starts(seed: &Seed, client: &mut Client) {
    let path = seed.path("inventory-sync");
    let some = r#"{"policy_types": ["mobileApp", "deviceCompliancePolicy"]}"#;
    let owner = seed.as_owner();
    client.ask(Question::post(&path).by(owner).json(some)).await;
    client.ask(Question::post(&path).by(owner).json(some)).await;
    client
        .ask(Question::post(&path).by(seed.as_operator()))
        .await;
    client.ask(Question::post(&path).by(seed.as_reader())).await;
    for body in BAD_SELECTIONS {
        client.ask(Question::post(&path).by(owner).json(body)).await;
    }
    let text = Question::post(&path)
        .by(owner)
        .header("content-type", "text/plain");
    client.ask(text.body("{}")).await;
    let long = format!(r#"{{"policy_types": ["{}"]}}"#, "x".repeat(70_000));
    client
        .ask(Question::post(&path).by(owner).json(&long))
        .await;
    let groups = seed.path("directory-groups-sync");
    client.ask(Question::post(&groups).by(owner)).await;
    client.ask(Question::post(&groups).by(owner)).await;
    client
        .ask(Question::post(&groups).by(seed.as_reader()))
        .await;
    for tenant in [seed.disabled, seed.unconnected] {
        for what in ["inventory-sync", "directory-groups-sync"] {
            let path = format!("/tenants/{}/{what}", tenant.id);
            client.ask(Question::post(path).by(owner)).await;
        }
    }
}

async fn cancellations(seed: &Seed, client: &mut Client) {
    let (owner, reader) = (seed.as_owner(), seed.as_reader());
    let reason = r#"{"reason": "Wrong tenant."}"#;
    let path = |run| format!("/operation-runs/{run}/cancel");
    for run in [seed.queued, seed.running] {
        client.ask(Question::post(path(run)).by(reader)).await;
        client
            .ask(Question::post(path(run)).by(owner).json(reason))
            .await;
        client.ask(Question::post(path(run)).by(owner)).await;
        client
            .ask(Question::get(format!("/operation-runs/{run}")).by(owner))
            .await;
    }
    client
        .ask(Question::post(path(seed.ended[0])).by(owner))
        .await;
    let long = json!({"reason": "x".repeat(501)}).to_string();
    for body in ["{", "[]", r#"{"reason": 1}"#, r#"{"why": "x"}"#, &long] {
        client
            .ask(Question::post(path(seed.running)).by(owner).json(body))
            .await;
    }
}

async fn retries(seed: &Seed, client: &mut Client) {
    let owner = seed.as_owner();
    let path = |run| format!("/operation-runs/{run}/retry");
    let failed_only = r#"{"scope": "failed_only"}"#;
    let [succeeded, partial, failed] = seed.ended;
    client
        .ask(Question::post(path(failed)).by(seed.as_reader()))
        .await;
    client
        .ask(Question::post(path(partial)).by(owner).json(failed_only))
        .await;
    client
        .ask(Question::post(path(partial)).by(owner).json(failed_only))
        .await;
    client.ask(Question::post(path(failed)).by(owner)).await;
    client
        .ask(Question::post(path(succeeded)).by(owner).json(failed_only))
        .await;
    client
        .ask(Question::post(path(seed.running)).by(owner))
        .await;
    client
        .ask(Question::post(path(seed.groups_run)).by(owner))
        .await;
    for body in [
        "{",
        "[]",
        r#"{"scope": "some"}"#,
        r#"{"scope": 1}"#,
        r#"{"what": "all"}"#,
    ] {
        client
            .ask(Question::post(path(failed)).by(owner).json(body))
            .await;
    }
}

async fn groups(seed: &Seed, client: &mut Client) {
    let reader = seed.as_reader();
    let path = seed.path("directory-groups/resolve");
    let known = "00000000-0000-4000-8000-000000000001";
    let some = json!({"ids": [known, uuid::Uuid::from_u128(9), known.to_uppercase()]}).to_string();
    client
        .ask(Question::post(&path).by(reader).json(&some))
        .await;
    for body in [
        "{",
        "{}",
        r#"{"ids": []}"#,
        r#"{"ids": ["x"]}"#,
        r#"{"ids": [], "x": 1}"#,
    ] {
        client
            .ask(Question::post(&path).by(reader).json(body))
            .await;
    }
    client.ask(Question::post(&path).by(reader)).await;

    let path = seed.path("directory-groups/search");
    let directory = seed.contoso.directory_id.to_string();
    let first = seed.installation.simulator.groups(&directory)[0].clone();
    let word: String = first["displayName"]
        .as_str()
        .unwrap()
        .chars()
        .take(3)
        .collect();
    let some = json!({"q": word, "limit": 2}).to_string();
    let search = |body, token| {
        let question = Question::post(&path).by(reader).json(body);
        question.header("x-graph-token", token)
    };
    let own: &str = &seed.graph_token;
    client.ask(search(&some, own)).await;
    client
        .ask(Question::post(&path).by(reader).json(&some))
        .await;
    for token in [&*seed.foreign_graph_token, "x"] {
        client.ask(search(&some, token)).await;
    }
    for body in [
        "{",
        "{}",
        r#"{"q": ""}"#,
        r#"{"q": "a", "limit": 0}"#,
        r#"{"q": "a", "x": 1}"#,
    ] {
        client.ask(search(body, own)).await;
    }
    let simulator = &seed.installation.simulator;
    for effect in [
        atlas_graph_sim::Effect::Throttled {
            retry_after: atlas_graph_sim::RetryAfter::Seconds(7),
        },
        atlas_graph_sim::Effect::Forbidden { permission: None },
        atlas_graph_sim::Effect::Unauthorized,
        atlas_graph_sim::Effect::HtmlPage,
    ] {
        let groups = atlas_graph_sim::PathMatch::exact("/v1.0/groups");
        simulator.fault(atlas_graph_sim::FaultRule::always(groups, effect));
        client.ask(search(&some, own)).await;
        simulator.clear_faults();
    }
}

async fn notifications(seed: &Seed, client: &mut Client) {
    let operator = seed.as_operator();
    let listed = client
        .ask(Question::get("/me/notifications?limit=2").by(operator))
        .await;
    let newest = first_id(&listed.body);
    let older = listed.body["items"][1]["id"].as_str().unwrap().to_owned();
    let path = format!("/me/notifications/{newest}/read");
    client.ask(Question::post(&path).by(seed.as_owner())).await;
    client.ask(Question::post(&path).by(operator)).await;
    client.ask(Question::post(&path).by(operator)).await;
    let path = "/me/notifications/mark-read";
    let up_to = json!({"up_to": older}).to_string();
    client
        .ask(Question::post(path).by(operator).json(&up_to))
        .await;
    for body in ["{", r#"{"up_to": "x"}"#, r#"{"nonsense": 1}"#] {
        client
            .ask(Question::post(path).by(operator).json(body))
            .await;
    }
    client.ask(Question::post(path).by(operator)).await;
    client
        .ask(Question::get("/me/notifications?unread=true").by(operator))
        .await;
}

/// Starts that Redis does not take.
async fn without_the_queue(seed: &Seed) {
    let mut client = seed.client_of(&seed.unreachable_queue);
    let path = format!("/tenants/{}/inventory-sync", seed.fabrikam.id);
    client
        .ask(Question::post(path).by(seed.as_stranger()))
        .await;
    client
        .ask(
            Question::get("/operation-runs?status=completed&outcome=failed").by(seed.as_stranger()),
        )
        .await;
    client
        .ask(Question::get("/me/notifications").by(seed.as_stranger()))
        .await;
    let answers: Vec<_> = client.answers().values().flatten().cloned().collect();
    crate::recorded::hold("answers/without_the_queue.json", &answers.into());
}
