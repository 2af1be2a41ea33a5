//! Access that is taken away is gone within five seconds, with the caches that a real API has.

use std::time::{Duration, Instant};

use atlas_domain::access::Role;
use atlas_domain::run::Completion;
use atlas_test_support::{Member, eventually};

use crate::harness::{ONE_TYPE, Stage};

/// With what the machine and the requests themselves may take.
const LIMIT: Duration = Duration::from_secs(7);

impl Stage {
    /// Asks until the answer has this status, which must not take longer than that.
    async fn becomes(&self, member: &Member, path: &str, status: u16, code: &str) {
        let since = Instant::now();
        let reply = eventually("access to end", async || {
            let reply = self.api.get(path, &member.token).await;
            (reply.status.as_u16() == status).then_some(reply)
        })
        .await;
        reply.is_problem(status, code);
        assert!(since.elapsed() < LIMIT, "{path}: {:?}", since.elapsed());
    }
}

#[tokio::test]
async fn whatever_is_taken_away_is_gone_within_five_seconds() {
    let stage = Stage::set().await;
    let (store, tenant) = (&stage.store, stage.tenant.id);
    let member = async || stage.scenario.member(tenant, Role::Operator).await;
    let (disabled, removed, erased) = (member().await, member().await, member().await);
    let (left, revoked, operates) = (member().await, member().await, member().await);
    store.set_operator(operates.id, true).await.unwrap();
    let of_tenant = format!("/tenants/{tenant}");
    let queues = "/system/queues";
    let everybody = [
        &disabled,
        &removed,
        &erased,
        &left,
        &revoked,
        &stage.operator,
    ];
    for member in everybody {
        assert_eq!(stage.api.get(&of_tenant, &member.token).await.status, 200);
    }
    assert_eq!(stage.api.get(queues, &operates.token).await.status, 200);

    store.disable_user(disabled.id).await.unwrap();
    store.remove_user(removed.id).await.unwrap();
    store.erase_user(erased.id).await.unwrap();
    store.remove_member(tenant, left.id).await.unwrap();
    store.revoke_tokens(revoked.id).await.unwrap();
    let tokens = store.tokens(Some(stage.operator.id)).await.unwrap();
    assert!(store.revoke_token(tokens[0].id).await.unwrap());
    store.set_operator(operates.id, false).await.unwrap();

    let unknown = (401, "unauthenticated");
    let ended = (401, "token_revoked");
    tokio::join!(
        stage.becomes(&disabled, "/me", ended.0, ended.1),
        stage.becomes(&removed, "/me", unknown.0, unknown.1),
        stage.becomes(&erased, "/me", unknown.0, unknown.1),
        stage.becomes(&revoked, "/me", ended.0, ended.1),
        stage.becomes(&stage.operator, "/me", ended.0, ended.1),
        stage.becomes(&left, &of_tenant, 404, "not_found"),
        stage.becomes(&operates, queues, 403, "forbidden"),
    );
    store.enable_user(disabled.id).await.unwrap();
    eventually("access to be back", async || {
        let reply = stage.api.get("/me", &disabled.token).await;
        (reply.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_lower_role_a_disabled_tenant_and_a_removed_one_are_effective_at_once() {
    let stage = Stage::set().await;
    let (store, tenant, user) = (&stage.store, stage.tenant.id, stage.operator.id);
    let elsewhere = stage.scenario.tenant("Fabrikam").await.id;
    let role = store.set_member(elsewhere, user, Role::Operator);
    role.await.unwrap();
    let run = stage.start(ONE_TYPE).await.body["run"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let of_run = format!("/operation-runs/{run}");
    let notified = async || {
        let list = stage.get("/me/notifications").await;
        list.body["items"].as_array().unwrap().len()
    };
    assert_eq!(notified().await, 1);

    store.disable_tenant(tenant).await.unwrap();
    let refused = stage.start(ONE_TYPE).await;
    refused.is_problem(409, "tenant_disabled");
    let ended = stage.get(&of_run).await.body;
    assert_eq!(ended["outcome"], "cancelled");
    assert_eq!(ended["cancel"]["reason"], "The tenant was disabled.");
    assert!(ended["cancel"].get("requested_by").is_none());
    assert_eq!(stage.get(&stage.path("inventory-items")).await.status, 200);
    store.enable_tenant(tenant).await.unwrap();
    assert_eq!(stage.start(ONE_TYPE).await.status, 202);

    let role = store.set_member(tenant, user, Role::Readonly);
    role.await.unwrap();
    let refused = stage.start(ONE_TYPE).await;
    refused.is_problem(403, "forbidden");

    assert!(store.remove_tenant(tenant).await.unwrap());
    for path in [&of_run, &format!("/tenants/{tenant}")] {
        stage.get(path).await.is_problem(404, "not_found");
    }
    let refused = stage.start(ONE_TYPE).await;
    refused.is_problem(404, "not_found");
    assert_eq!(notified().await, 0);
    let tenants = stage.get("/tenants").await;
    assert_eq!(tenants.body["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn who_left_a_tenant_finds_neither_its_runs_nor_notifications_of_them() {
    let stage = Stage::set().await;
    let (store, tenant, user) = (&stage.store, stage.tenant.id, stage.operator.id);
    let claim = stage.begun(ONE_TYPE).await;
    let run = claim.lease.run_id;
    let listed = stage.get("/me/notifications").await;
    let old = listed.body["items"][0]["id"].as_str().unwrap().to_owned();
    store.remove_member(tenant, user).await.unwrap();
    let completion = Completion::of_results(&[]);
    store.finish(claim, &completion, None).await.unwrap();

    let listed = stage.get("/me/notifications").await;
    assert_eq!(listed.body["items"], serde_json::json!([]));
    let unread = stage.get("/me/notifications/unread-count").await;
    assert_eq!(unread.body["count"], 0);
    let read = format!("/me/notifications/{old}/read");
    let read = stage.api.post(&read, &stage.operator.token, "").await;
    read.is_problem(404, "not_found");
    let gone = stage.get(&format!("/operation-runs/{run}")).await;
    gone.is_problem(404, "not_found");
    let runs = stage.get("/operation-runs").await;
    assert_eq!(runs.body["items"], serde_json::json!([]));
}
