//! Events on their way to webhooks while workers and the API are killed: none is lost, none is out of
//! order, and what is repeated has the same identifier.

use std::collections::HashSet;

use atlas_test_support::{Member, ReceivedDelivery, TestTenant, WebhookReceiver, eventually};
use atlas_webhooks::{Secret, SignedHeaders, TOLERANCE, verify};
use chrono::DateTime;
use serde_json::{Value, json};

use crate::installation::{Installation, Options};
use crate::processes::says;

const NETWORKS: &str = "127.0.0.0/8,::1";
/// Kills of a worker or of the API.
const ROUNDS: usize = 6;

pub(crate) struct Stage {
    pub(crate) installation: Installation,
    pub(crate) receiver: WebhookReceiver,
    pub(crate) http: reqwest::Client,
}

impl Stage {
    pub(crate) async fn set() -> Self {
        let api = vec![("ATLAS_WEBHOOK_NETWORKS", NETWORKS.to_owned())];
        Self {
            installation: Installation::start_with(Options {
                api,
                ..Options::default()
            })
            .await,
            receiver: WebhookReceiver::start().await,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    /// A worker that delivers to the receiver, and goes wrong as `faults` says.
    pub(crate) fn worker(&self, faults: &str) -> crate::program::Program {
        let authority = self.receiver.ca_file().display().to_string();
        let webhooks = [
            ("ATLAS_WEBHOOK_NETWORKS", NETWORKS),
            ("ATLAS_WEBHOOK_CA_FILE", authority.as_str()),
        ];
        if faults.is_empty() {
            self.installation.worker(&webhooks)
        } else {
            self.installation.worker_with_fault(faults, &webhooks)
        }
    }

    /// Creates a webhook as soon as a worker has published its key.
    pub(crate) async fn webhook(&self, tenant: TestTenant, member: &Member) -> Secret {
        let url = format!("{}/webhooks", self.installation.api.url());
        let body = json!({"url": self.receiver.url(), "tenant_id": tenant.id});
        let answer = eventually("the webhook to be created", || async {
            let request = self.http.post(&url).bearer_auth(&member.token).json(&body);
            let response = request.send().await.ok()?;
            let created = response.status() == reqwest::StatusCode::CREATED;
            created.then_some(response)
        })
        .await;
        let answer: Value = answer.json().await.unwrap();
        Secret::parse(answer["secret"].as_str().unwrap()).unwrap()
    }

    /// What the API answers, if it does.
    pub(crate) async fn read(&self, path: &str, member: &Member) -> Option<Value> {
        let url = format!("{}{path}", self.installation.api.url());
        let request = self.http.get(url).bearer_auth(&member.token);
        let response = request.send().await.ok()?;
        match response.status().is_success() {
            true => response.json().await.ok(),
            false => None,
        }
    }

    /// The tenant's log, as the API lists it.
    pub(crate) async fn log(&self, tenant: TestTenant, member: &Member) -> Vec<Value> {
        let (mut log, mut place) = (Vec::new(), String::new());
        loop {
            let path = format!("/tenants/{}/events?limit=200{place}", tenant.id);
            let page = self.read(&path, member).await.unwrap();
            log.extend(page["items"].as_array().unwrap().iter().cloned());
            if page["has_more"] == false {
                return log;
            }
            place = format!("&cursor={}", page["next_cursor"].as_str().unwrap());
        }
    }

    /// Waits until every event of a log has arrived, as long as something arrives.
    pub(crate) async fn all_arrive(&self, log: &[Value]) {
        loop {
            let before = self.receiver.count();
            let accepted = self.accepted();
            let arrived: HashSet<&str> = accepted.iter().map(|one| one.id.as_str()).collect();
            let mut ids = log.iter().map(|event| event["id"].as_str().unwrap());
            if ids.all(|id| arrived.contains(id)) {
                return;
            }
            eventually("another delivery", || async {
                (self.receiver.count() > before).then_some(())
            })
            .await;
        }
    }

    /// The events of a tenant that arrived, whose signatures are right, in the order in which they came.
    pub(crate) fn verified(&self, secret: &Secret, tenant: &str) -> Vec<Value> {
        let mut events = Vec::new();
        for delivery in self.accepted() {
            let event: Value = serde_json::from_slice(&delivery.body).unwrap();
            if event["tenant_id"] != tenant {
                continue;
            }
            let headers = SignedHeaders {
                id: &delivery.id,
                timestamp: &delivery.timestamp,
                signature: &delivery.signature,
            };
            let sent = delivery.timestamp.parse().unwrap();
            let now = DateTime::from_timestamp(sent, 0).unwrap();
            verify(secret, headers, &delivery.body, now, TOLERANCE).unwrap();
            assert_eq!(event["id"], delivery.id);
            events.push(event);
        }
        events
    }

    /// Waits until everything in the log has arrived, and compares what arrived first of each event with
    /// the log.
    async fn check(&self, tenant: TestTenant, member: &Member, secret: &Secret) {
        self.installation.check().await;
        let log = self.log(tenant, member).await;
        self.all_arrive(&log).await;
        let mut seen = HashSet::new();
        let mut first = self.verified(secret, &tenant.id.to_string());
        first.retain(|event| seen.insert(event["id"].as_str().unwrap().to_owned()));
        assert_eq!(
            first, log,
            "the bodies are the items of the list, in its order"
        );
    }

    fn accepted(&self) -> Vec<ReceivedDelivery> {
        let received = self.receiver.received().into_iter();
        received.filter(|one| one.status < 300).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_workers_and_the_api_are_killed_no_event_is_lost_or_out_of_order() {
    let stage = Stage::set().await;
    let (tenant, member) = stage.installation.tenant().await;
    let mut worker = stage.worker("");
    let secret = stage.webhook(tenant, &member).await;
    for round in 0..ROUNDS {
        let before = stage.receiver.received().len();
        stage.installation.press_accepted(tenant, &member).await;
        eventually("deliveries to be under way", || async {
            (stage.receiver.received().len() > before).then_some(())
        })
        .await;
        if round % 3 == 2 {
            stage.installation.api.kill();
            stage.installation.api.start_again(&[]).await;
        } else {
            worker.kill();
            worker = stage.worker("");
        }
        stage.installation.quiesce().await;
    }
    stage.check(tenant, &member, &secret).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_worker_had_sent_and_not_recorded_is_sent_again_with_the_same_id() {
    let stage = Stage::set().await;
    let (tenant, member) = stage.installation.tenant().await;
    let mut victim = stage.worker("webhook.sent.2=abort");
    let secret = stage.webhook(tenant, &member).await;
    stage.installation.press_accepted(tenant, &member).await;
    says(&victim, "crash point reached: webhook.sent").await;
    assert!(!victim.ended().await, "it was to end badly");
    let _successor = stage.worker("");
    stage.check(tenant, &member, &secret).await;
    let accepted = stage.accepted();
    let mut ids: Vec<&str> = accepted.iter().map(|one| one.id.as_str()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(all, ids.len() + 1, "one was repeated");
}
