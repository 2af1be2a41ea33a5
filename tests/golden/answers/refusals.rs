//! What every operation refuses, and what is refused outside of all.

use reqwest::Method;

use super::client::{Client, Question, operations};
use super::seed::Seed;

/// Asks for each operation without a token, with tokens that are no good, as a stranger, and with a
/// parameter that nobody knows.
pub(super) async fn of_every_operation(seed: &Seed, client: &mut Client) {
    let ids = [
        ("{tenant_id}", seed.contoso.id.to_string()),
        ("{run_id}", seed.ended[0].to_string()),
        ("{item_id}", uuid::Uuid::from_u128(1).to_string()),
        ("{notification_id}", uuid::Uuid::from_u128(1).to_string()),
    ];
    for operation in operations() {
        let path = ids.iter().fold(operation.path.clone(), |path, (name, id)| {
            path.replace(name, id)
        });
        let question = || Question::new(operation.method.clone(), &path);
        client.ask(question()).await;
        for token in [
            ("malformed", "tap_x"),
            ("revoked", &*seed.revoked),
            ("expired", &*seed.expired),
        ] {
            client.ask(question().by(token)).await;
        }
        if operation.path.contains('{') {
            client.ask(question().by(seed.as_stranger())).await;
            let broken = ids.iter().fold(operation.path.clone(), |path, (name, _)| {
                path.replace(name, "broken")
            });
            let broken = Question::new(operation.method.clone(), broken);
            client.ask(broken.by(seed.as_owner())).await;
        }
        if operation.path.contains("{tenant_id}/") && operation.method == Method::POST {
            client.ask(question().by(seed.as_reader()).json("{")).await;
        }
        let unknown = format!("{path}?nonsense=1");
        let unknown = Question::new(operation.method.clone(), unknown);
        client.ask(unknown.by(seed.as_administrator())).await;
        if operation.method == Method::GET {
            let unknown = Question::get(format!("{path}?nonsense=1&limit=x"));
            client.ask(unknown.by(seed.as_owner())).await;
        }
    }
}

/// Unknown paths and methods, and the probes.
pub(super) async fn outside_of_operations(seed: &Seed, client: &mut Client) {
    let owner = seed.as_owner();
    for path in [
        "/nothing",
        "/tenants/",
        "/problems/not-found",
        "/problems/nothing",
        "/livez",
    ] {
        client.ask(Question::get(path).by(owner)).await;
    }
    for method in [Method::DELETE, Method::PUT, Method::OPTIONS, Method::HEAD] {
        client
            .ask(Question::new(method, "/tenants").by(owner))
            .await;
    }
}
