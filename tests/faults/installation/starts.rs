//! What callers ask of the API, and what it answered them.

use std::sync::atomic::Ordering;

use atlas_domain::ids::RunId;
use atlas_test_support::{Member, TestTenant};
use reqwest::header::RETRY_AFTER;
use reqwest::{Response, StatusCode};
use serde_json::Value;
use uuid::Uuid;

use super::Installation;

const ONE_TYPE: &str = r#"{"policy_types": ["mobileApp"], "include_foundations": false}"#;

/// What a start was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pressed {
    /// 202.
    Accepted(Uuid),
    /// 503 with a run that has failed.
    Refused(Uuid),
    /// Nothing, or that the database is away: the caller does not know.
    Unknown,
}

impl Installation {
    /// Records a run without a message in Redis.
    pub(crate) async fn queue_silently(&self, tenant: TestTenant, member: &Member) -> RunId {
        self.scenario
            .queued_run(tenant.id, member.id, ONE_TYPE)
            .await
    }

    /// Presses sync.
    pub(crate) async fn start_sync(
        &self,
        tenant: TestTenant,
        member: &Member,
    ) -> reqwest::Result<Response> {
        let api = self.api.url();
        self.press_with(&api, tenant, member, ONE_TYPE).await
    }

    /// Presses sync for all policy types; the API must accept it.
    pub(crate) async fn start_full_sync(&self, tenant: TestTenant, member: &Member) {
        let api = self.api.url();
        let answer = self.press_with(&api, tenant, member, "{}").await.unwrap();
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
    }

    /// How the API answers a GET.
    pub(crate) async fn read(&self, path: &str, member: &Member) -> StatusCode {
        let request = self.http.get(format!("{}{path}", self.api.url()));
        let answer = request.bearer_auth(&member.token).send().await;
        answer.unwrap().status()
    }

    async fn press_with(
        &self,
        api: &str,
        tenant: TestTenant,
        member: &Member,
        selection: &'static str,
    ) -> reqwest::Result<Response> {
        self.http
            .post(format!("{api}/tenants/{}/inventory-sync", tenant.id))
            .bearer_auth(&member.token)
            .header("content-type", "application/json")
            .body(selection)
            .send()
            .await
    }

    /// Presses sync and remembers the answer.
    pub(crate) async fn press(&self, tenant: TestTenant, member: &Member) -> Pressed {
        self.press_at(&self.api.url(), tenant, member).await
    }

    /// The same at one of several APIs.
    pub(crate) async fn press_at(&self, api: &str, tenant: TestTenant, member: &Member) -> Pressed {
        let Ok(answer) = self.press_with(api, tenant, member, ONE_TYPE).await else {
            self.unanswered.fetch_add(1, Ordering::Relaxed);
            return Pressed::Unknown;
        };
        let status = answer.status();
        let says_when = answer.headers().contains_key(RETRY_AFTER);
        let Ok(body) = answer.json::<Value>().await else {
            self.unanswered.fetch_add(1, Ordering::Relaxed);
            return Pressed::Unknown;
        };
        assert!(
            status != StatusCode::SERVICE_UNAVAILABLE || says_when,
            "503 without Retry-After: {body}"
        );
        let id = |value: &Value| value.as_str().map(|id| id.parse::<Uuid>().unwrap());
        match (status, id(&body["run"]["id"]), id(&body["run_id"])) {
            (StatusCode::ACCEPTED, Some(run), _) => {
                self.accepted.lock().unwrap().push(run);
                Pressed::Accepted(run)
            }
            (StatusCode::SERVICE_UNAVAILABLE, _, Some(run)) => {
                self.refuse(run);
                Pressed::Refused(run)
            }
            (StatusCode::SERVICE_UNAVAILABLE, _, None) => Pressed::Unknown,
            _ => panic!("{status} {body}"),
        }
    }

    pub(crate) async fn press_accepted(&self, tenant: TestTenant, member: &Member) -> Uuid {
        match self.press(tenant, member).await {
            Pressed::Accepted(run) => run,
            other => panic!("{other:?}"),
        }
    }

    /// Runs that callers know to be on their way.
    pub(crate) fn accepted(&self) -> Vec<Uuid> {
        self.accepted.lock().unwrap().clone()
    }

    /// Runs that callers know to have failed.
    pub(crate) fn refused(&self) -> Vec<Uuid> {
        self.refused.lock().unwrap().clone()
    }

    /// Starts whose answers were lost: nobody knows whether there is a run.
    pub(crate) fn unanswered(&self) -> u64 {
        self.unanswered.load(Ordering::Relaxed)
    }

    pub(crate) fn refuse(&self, run: Uuid) {
        self.refused.lock().unwrap().push(run);
    }
}
