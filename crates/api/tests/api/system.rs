//! The installation as a whole, for its operators.

use atlas_domain::access::api_token::ApiToken;
use atlas_domain::clock::SystemEntropy;
use atlas_domain::ids::WorkerId;
use atlas_domain::run::OperationKind;
use atlas_store::WorkerReport;
use reqwest::StatusCode;
use serde_json::Value;

use crate::harness::{ONE_TYPE, Stage};

impl Stage {
    /// The token of somebody who operates the installation and belongs to no tenant.
    pub(crate) async fn installation_operator(&self) -> String {
        let added = self.store.add_operator("ops@example.test", "Ops");
        let id = added.await.unwrap();
        let token = ApiToken::mint(&SystemEntropy);
        self.store
            .create_token(id, "test", &token.hash(), &token.last_four(), None)
            .await
            .unwrap();
        token.reveal().to_owned()
    }
}

fn of_inventory(queues: &[Value]) -> &Value {
    let mut queues = queues.iter();
    queues
        .find(|queue| queue["kind"] == "inventory_sync")
        .unwrap()
}

#[tokio::test]
async fn owners_of_tenants_do_not_see_the_installation_and_operators_see_no_tenant() {
    let stage = Stage::set().await;
    let operator = stage.installation_operator().await;
    for path in ["/system/queues", "/system/workers"] {
        let refused = stage.get(path).await;
        refused.is_problem(403, "forbidden");
        assert_eq!(
            refused.body["required_permission"],
            "can_operate_installation"
        );
        let seen = stage.api.get(path, &operator).await;
        assert_eq!(seen.status, StatusCode::OK, "{path}");
        let unknown = stage.api.get(&format!("{path}?x=1"), &operator).await;
        assert_eq!(unknown.bad_place(), "x");
    }
    let path = stage.path("inventory-summary");
    let hidden = stage.api.get(&path, &operator).await;
    hidden.is_problem(404, "not_found");
}

#[tokio::test]
async fn queues_are_listed_with_what_waits_runs_and_is_paused() {
    let stage = Stage::set().await;
    let operator = stage.installation_operator().await;
    stage.synced(1).await;
    let _running = stage.begun(ONE_TYPE).await;
    stage.start("").await;
    let reply = stage.api.get("/system/queues", &operator).await;
    let queue = of_inventory(reply.items());
    assert_eq!(queue["running"], 1);
    assert_eq!(queue["queued"], 1);
    assert_eq!(queue["due"], 0, "its tenant is busy");
    assert_eq!(queue["ended_last_hour"]["succeeded"], 1);
    assert!(queue.get("pause").is_none());

    let kind = OperationKind::InventorySync;
    let reason = Some("upgrade");
    stage.store.pause(kind, "sam", reason).await.unwrap();
    let reply = stage.api.get("/system/queues", &operator).await;
    let pause = &of_inventory(reply.items())["pause"];
    assert_eq!(
        (&pause["by"], &pause["reason"]),
        (&"sam".into(), &"upgrade".into())
    );
    assert!(pause["since"].is_string());
}

#[tokio::test]
async fn workers_are_listed_with_how_they_stand() {
    let stage = Stage::set().await;
    let operator = stage.installation_operator().await;
    assert!(
        stage
            .api
            .get("/system/workers", &operator)
            .await
            .items()
            .is_empty()
    );
    let mut report = WorkerReport {
        id: WorkerId::from_name("worker-1".to_owned()),
        version: "1.2.3".to_owned(),
        host: "box".to_owned(),
        slots: 4,
        draining: false,
    };
    stage.store.report_worker(&report).await.unwrap();
    let _running = stage.begun(ONE_TYPE).await;
    let reply = stage.api.get("/system/workers", &operator).await;
    let worker = &reply.items()[0];
    assert_eq!(worker["id"], "worker-1");
    assert_eq!(worker["state"], "working");
    assert_eq!(
        (&worker["slots"], &worker["running"]),
        (&4.into(), &1.into())
    );
    report.draining = true;
    stage.store.report_worker(&report).await.unwrap();
    let reply = stage.api.get("/system/workers", &operator).await;
    assert_eq!(reply.items()[0]["state"], "draining");
}
