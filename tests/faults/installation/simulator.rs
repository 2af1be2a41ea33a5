//! Controls of the simulator.

use atlas_test_support::eventually;
use reqwest::Method;
use serde_json::{Value, json};

use super::Installation;

/// The list that most tests read: with pages of five it has several.
pub(crate) const APPS: &str = "/beta/deviceAppManagement/mobileApps";
impl Installation {
    /// Asks a control endpoint of the simulator.
    pub(crate) async fn simulator(&self, path: &str) -> Value {
        let url = format!("{}/_sim/{path}", self.graph);
        self.http
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    /// Adds a rule of what goes wrong at the simulator.
    pub(crate) async fn simulate_fault(&self, rule: &Value) {
        self.post("faults", rule).await;
    }

    /// Posts to a control endpoint of the simulator.
    pub(crate) async fn post(&self, path: &str, body: &Value) {
        self.control(Method::POST, path, Some(body)).await;
    }

    /// Puts to a control endpoint of the simulator.
    pub(crate) async fn set(&self, path: &str, body: &Value) {
        self.control(Method::PUT, path, Some(body)).await;
    }

    /// Clears what a control endpoint of the simulator holds.
    pub(crate) async fn clear(&self, path: &str) {
        self.control(Method::DELETE, path, None).await;
    }

    async fn control(&self, method: Method, path: &str, body: Option<&Value>) {
        let url = format!("{}/_sim/{path}", self.graph);
        let request = self.http.request(method, url);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let status = request.send().await.unwrap().status();
        assert!(status.is_success(), "{path}: {status}");
    }

    /// Lets requests for the list wait at the simulator.
    pub(crate) async fn hold(&self) {
        let rule = json!({ "path": { "exact": APPS } });
        self.post("gates", &rule).await;
    }

    /// Waits until so many requests wait there.
    pub(crate) async fn held(&self, count: u64) {
        eventually("requests to wait at the gate", || async {
            let gates = self.simulator("gates").await;
            let waiting = gates["gates"].as_array().unwrap().iter();
            let waiting: u64 = waiting.filter_map(|gate| gate["waiting"].as_u64()).sum();
            (waiting == count).then_some(())
        })
        .await;
    }

    pub(crate) async fn release(&self) {
        self.clear("gates").await;
    }
}
