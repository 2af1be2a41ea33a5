//! Every operation in the description, walked: none forgets to ask who calls and for which tenant.

use std::collections::{BTreeMap, BTreeSet};

use atlas_domain::access::Role;
use reqwest::Method;
use serde_json::Value;
use uuid::Uuid;

use crate::harness::Stage;

/// The names of ids in paths.
const IDS: [&str; 6] = [
    "tenant_id",
    "run_id",
    "item_id",
    "notification_id",
    "webhook_id",
    "delivery_id",
];

struct Operation {
    id: String,
    method: Method,
    path: String,
}

fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(&atlas_api::document()).unwrap();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            found.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
            });
        }
    }
    assert!(found.len() >= 17);
    found
}

impl Operation {
    /// The path with these ids in it, and with the first version.
    fn filled(&self, ids: &[(&str, String)]) -> String {
        let first_version = self.path.replace("{version_number}", "1");
        let of_kind = first_version.replace("{kind}", "inventory_sync");
        let filled = ids.iter().fold(of_kind, |path, (name, id)| {
            path.replace(&format!("{{{name}}}"), id)
        });
        assert!(!filled.contains('{'), "{filled}: an id is missing here");
        filled
    }
}

#[tokio::test]
async fn every_operation_refuses_a_caller_without_token() {
    let stage = Stage::set().await;
    let any = Uuid::from_u128(1).to_string();
    for operation in operations() {
        let ids = IDS.map(|name| (name, any.clone()));
        let request = stage
            .api
            .request(operation.method.clone(), &operation.filled(&ids));
        // A body and parameters that are wrong as well show a stranger nothing.
        let reply = stage
            .api
            .send(request.query(&[("nonsense", "1")]).body("{"))
            .await;
        assert_eq!(reply.status.as_u16(), 401, "{}: {reply:?}", operation.id);
    }
}

#[tokio::test]
async fn every_operation_hides_a_foreign_tenant() {
    let stage = Stage::set().await;
    let run = stage.synced(1).await;
    stage.scheduled().await;
    let item = stage.get(&stage.path("inventory-items")).await.items()[0]["id"].clone();
    let notification = stage.get("/me/notifications").await.items()[0]["id"].clone();
    let webhook = stage.webhook().await;
    let delivery = stage.delivery(webhook).await;
    let other = stage.scenario.tenant("Fabrikam").await;
    let stranger = stage.scenario.member(other.id, Role::Owner).await;
    let ids = [
        ("tenant_id", stage.tenant.id.to_string()),
        ("run_id", run.to_string()),
        ("item_id", item.as_str().unwrap().to_owned()),
        ("notification_id", notification.as_str().unwrap().to_owned()),
        ("webhook_id", webhook.to_string()),
        ("delivery_id", delivery.to_string()),
    ];
    let mut hidden = 0;
    // What is deleted is not seen afterwards.
    let mut operations = operations();
    operations.sort_by_key(|operation| operation.method == Method::DELETE);
    for operation in operations {
        let is_of_installation = operation.path.starts_with("/system/");
        if !operation.path.contains('{') || is_of_installation {
            continue;
        }
        let path = operation.filled(&ids);
        let send = |token: &str| {
            let request = stage.api.request(operation.method.clone(), &path);
            stage.api.send(request.bearer_auth(token))
        };
        let foreign = send(&stranger.token).await;
        foreign.is_problem(404, "not_found");
        let own = send(&stage.operator.token).await;
        // A run that has ended cannot be cancelled, a body or the caller's own token for Graph may
        // be missing; to learn that is to see it.
        let refused = [400, 403, 409].contains(&own.status.as_u16());
        let seen = own.status.is_success() || refused;
        assert!(seen, "{}: {own:?}", operation.id);
        hidden += 1;
    }
    assert!(hidden >= 9, "{hidden}");
    // The item of one tenant is not found under another.
    let path = format!(
        "/tenants/{}/inventory-items/{}",
        other.id,
        item.as_str().unwrap()
    );
    let reply = stage.api.get(&path, &stranger.token).await;
    reply.is_problem(404, "not_found");
}

/// Somebody who may do everything in the stage's tenant and in the installation.
async fn anybody_allowed(stage: &Stage) -> String {
    let owner = stage.scenario.member(stage.tenant.id, Role::Owner).await;
    let connection = stage.database.connection().await;
    let promote = "UPDATE users SET is_operator = true";
    connection.batch_execute(promote).await.unwrap();
    owner.token
}

#[tokio::test]
async fn every_operation_refuses_an_unknown_parameter_by_name() {
    let stage = Stage::set().await;
    let run = stage.synced(1).await;
    let token = anybody_allowed(&stage).await;
    let item = stage.get(&stage.path("inventory-items")).await.items()[0]["id"].clone();
    let ids = [
        ("tenant_id", stage.tenant.id.to_string()),
        ("run_id", run.to_string()),
        ("item_id", item.as_str().unwrap().to_owned()),
        ("notification_id", Uuid::from_u128(1).to_string()),
        ("webhook_id", Uuid::from_u128(1).to_string()),
        ("delivery_id", Uuid::from_u128(1).to_string()),
    ];
    for operation in operations() {
        let path = operation.filled(&ids);
        let request = stage.api.request(operation.method.clone(), &path);
        let request = request.bearer_auth(&token).query(&[("nonsense", "1")]);
        let reply = stage.api.send(request).await;
        reply.is_problem(400, "validation_failed");
        let errors = reply.body["errors"].as_array().unwrap();
        let is_named = errors
            .iter()
            .any(|one| one["parameter"] == "nonsense" && one["code"] == "unknown_parameter");
        assert!(is_named, "{}: {reply:?}", operation.id);
    }
}

#[tokio::test]
async fn every_operation_finds_nothing_under_an_unknown_id() {
    let stage = Stage::set().await;
    let run = stage.synced(1).await;
    let token = anybody_allowed(&stage).await;
    let item = stage.get(&stage.path("inventory-items")).await.items()[0]["id"].clone();
    let known = [
        ("tenant_id", stage.tenant.id.to_string()),
        ("run_id", run.to_string()),
        ("item_id", item.as_str().unwrap().to_owned()),
        ("version_number", "1".to_owned()),
        ("kind", "inventory_sync".to_owned()),
        ("notification_id", Uuid::from_u128(1).to_string()),
        ("webhook_id", Uuid::from_u128(1).to_string()),
        ("delivery_id", Uuid::from_u128(1).to_string()),
    ];
    let unknown = |name: &str| match name {
        "version_number" => "2147483647".to_owned(),
        "kind" => "nothing".to_owned(),
        _ => Uuid::from_u128(2).to_string(),
    };
    let mut asked = 0;
    for operation in operations() {
        let names = known.iter().map(|(name, _)| *name);
        for name in names.filter(|name| operation.path.contains(&format!("{{{name}}}"))) {
            for value in [unknown(name), "%ff".to_owned()] {
                let place = operation.path.replace(&format!("{{{name}}}"), &value);
                let path = known.iter().fold(place, |path, (name, id)| {
                    path.replace(&format!("{{{name}}}"), id)
                });
                let request = stage.api.request(operation.method.clone(), &path);
                let reply = stage.api.send(request.bearer_auth(&token)).await;
                assert_eq!(
                    reply.status.as_u16(),
                    404,
                    "{} {path}: {reply:?}",
                    operation.id
                );
                asked += 1;
            }
        }
    }
    assert!(asked >= 80, "{asked}");
}

#[tokio::test]
async fn every_address_names_the_methods_that_it_knows() {
    let stage = Stage::set().await;
    let any = Uuid::from_u128(1).to_string();
    let ids = IDS.map(|name| (name, any.clone()));
    let mut known: BTreeMap<String, Vec<Method>> = BTreeMap::new();
    for operation in operations() {
        let methods = known.entry(operation.filled(&ids)).or_default();
        if operation.method == Method::GET {
            methods.push(Method::HEAD);
        }
        methods.push(operation.method);
    }
    for (path, methods) in &known {
        let all = [
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::DELETE,
            Method::PATCH,
            Method::OPTIONS,
            Method::TRACE,
        ];
        for method in all.iter().filter(|method| !methods.contains(method)) {
            let reply = stage
                .api
                .send(stage.api.request(method.clone(), path))
                .await;
            assert_eq!(reply.status.as_u16(), 405, "{method} {path}: {reply:?}");
            let allowed: BTreeSet<_> = reply.header("allow").split(", ").collect();
            let expected: BTreeSet<_> = methods.iter().map(Method::as_str).collect();
            assert_eq!(allowed, expected, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn lists_without_a_tenant_show_nothing_of_foreign_ones() {
    let stage = Stage::set().await;
    let run = stage.synced(1).await;
    let stranger = stage.scenario.stranger().await;
    for path in [
        "/operation-runs".to_owned(),
        format!("/operation-runs?ids={run}&tenant_id={}", stage.tenant.id),
        "/operation-runs/active".to_owned(),
        "/tenants".to_owned(),
        "/me/notifications".to_owned(),
    ] {
        let reply = stage.api.get(&path, &stranger.token).await;
        assert!(reply.items().is_empty(), "{path}");
    }
}

#[test]
fn the_api_does_no_work_of_its_own() {
    let manifest = include_str!("../../Cargo.toml");
    for room in ["atlas-worker", "apalis", "diesel"] {
        assert!(!manifest.contains(room), "{room}");
    }
}
