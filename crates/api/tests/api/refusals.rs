//! Every operation in the description, walked: none forgets to ask who calls and for which tenant.

use atlas_domain::access::Role;
use reqwest::Method;
use serde_json::Value;
use uuid::Uuid;

use crate::harness::Stage;

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
        let ids =
            ["tenant_id", "run_id", "item_id", "notification_id"].map(|name| (name, any.clone()));
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
    let other = stage.scenario.tenant("Fabrikam").await;
    let stranger = stage.scenario.member(other.id, Role::Owner).await;
    let ids = [
        ("tenant_id", stage.tenant.id.to_string()),
        ("run_id", run.to_string()),
        ("item_id", item.as_str().unwrap().to_owned()),
        ("notification_id", notification.as_str().unwrap().to_owned()),
    ];
    let mut hidden = 0;
    for operation in operations() {
        let is_of_installation = operation.path.starts_with("/system/");
        if !operation.path.contains('{') || is_of_installation {
            continue;
        }
        let path = operation.filled(&ids);
        let send = |token: &str| {
            let request = stage.api.request(operation.method.clone(), &path);
            stage.api.send(request.bearer_auth(token))
        };
        let own = send(&stage.operator.token).await;
        // A run that has ended cannot be cancelled, a body or the caller's own token for Graph may
        // be missing; to learn that is to see it.
        let refused = [400, 403, 409].contains(&own.status.as_u16());
        let seen = own.status.is_success() || refused;
        assert!(seen, "{}: {own:?}", operation.id);
        let foreign = send(&stranger.token).await;
        foreign.is_problem(404, "not_found");
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
