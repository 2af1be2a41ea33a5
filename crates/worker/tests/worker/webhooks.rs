//! Webhooks: events arrive signed and in order at a real receiver over TLS.

use atlas_domain::clock::{Clock as _, SystemClock, SystemEntropy};
use atlas_domain::ids::{RequestId, WebhookId};
use atlas_domain::webhook::SealedSecret;
use atlas_store::{NewWebhook, Origin, PageRequest, WebhookView};
use atlas_test_support::{Member, ReceivedDelivery, TestTenant, WebhookReceiver, eventually};
use atlas_webhooks::{SealingKey, Secret, SignedHeaders, TOLERANCE, verify};
use serde_json::Value;

use crate::installation::{Installation, Worker};

const NETWORKS: &str = "--webhook-networks=127.0.0.0/8,::1";
const ONE_TYPE: &str = r#"{"policy_types":["mobileApp"],"include_foundations":false}"#;

impl Installation {
    fn delivering(&self, receiver: &WebhookReceiver) -> Worker {
        let authority = format!("--webhook-ca-file={}", receiver.ca_file().display());
        self.worker_with(&[NETWORKS, &authority, "--lease=6s"])
    }

    /// The key that workers have published.
    async fn published_key(&self) -> SealingKey {
        let (id, public) = eventually("a worker to publish its key", || async {
            self.store.webhook_key().await.unwrap()
        })
        .await;
        SealingKey::new(id, public)
    }

    async fn webhook(
        &self,
        tenant: TestTenant,
        member: &Member,
        receiver: &WebhookReceiver,
    ) -> (WebhookId, Secret) {
        let id = WebhookId::mint(&SystemClock, &SystemEntropy);
        let secret = Secret::generate(&SystemEntropy);
        let sealed: SealedSecret = self.published_key().await.seal(&secret, id).unwrap();
        let new = NewWebhook {
            id,
            tenant: Some(tenant.id),
            url: receiver.url(),
            event_types: Vec::new(),
            public_url: "https://atlas.example".to_owned(),
            secret: sealed,
        };
        let request = RequestId::mint(&SystemClock, &SystemEntropy);
        let created =
            self.store
                .create_webhook(member.id, new, "receiver", request, Origin::default());
        created.await.unwrap();
        (id, secret)
    }

    async fn shown(&self, member: &Member, id: WebhookId) -> WebhookView {
        self.store.webhook(member.id, id).await.unwrap().unwrap()
    }
}

fn assert_signed(secret: &Secret, delivery: &ReceivedDelivery) {
    let headers = SignedHeaders {
        id: &delivery.id,
        timestamp: &delivery.timestamp,
        signature: &delivery.signature,
    };
    let verified = verify(
        secret,
        headers,
        &delivery.body,
        SystemClock.now(),
        TOLERANCE,
    );
    assert_eq!(verified, Ok(()));
}

fn json(delivery: &ReceivedDelivery) -> Value {
    serde_json::from_slice(&delivery.body).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_run_arrive_signed_and_in_order() {
    let installation = Installation::of_size(20).await;
    let (tenant, member) = installation.tenant().await;
    let receiver = WebhookReceiver::start().await;
    let worker = installation.delivering(&receiver);
    let webhook = installation.webhook(tenant, &member, &receiver);
    let (id, secret) = webhook.await;
    let run = installation.press(tenant, &member, ONE_TYPE).await;
    eventually("the end of the run to arrive", || async {
        let received = receiver.received();
        let last = received.last().map(json)?;
        (last["type"] == "operation_run.completed").then_some(())
    })
    .await;
    worker.stop().await;
    let received = receiver.received();
    let mut sequences = Vec::new();
    for delivery in &received {
        assert_signed(&secret, delivery);
        let event = json(delivery);
        assert_eq!(event["id"], delivery.id);
        assert_eq!(event["tenant_id"], tenant.id.to_string());
        assert_eq!(event["operation_run_id"], run.to_string());
        let link = format!("https://atlas.example/operation-runs/{run}");
        assert_eq!(event["links"]["operation_run"], link);
        sequences.extend(event["data"]["sequence"].as_i64());
    }
    let expected: Vec<i64> = (1..).take(sequences.len()).collect();
    assert_eq!(sequences, expected);
    let page = PageRequest::first(100);
    let log = installation
        .store
        .webhook_deliveries(member.id, id, page)
        .await;
    let log = log.unwrap();
    assert_eq!(log.len(), received.len());
    for entry in log {
        assert_eq!(
            (entry.outcome.as_str(), entry.status),
            ("delivered", Some(204))
        );
        assert!(
            !entry.detail.contains("of-the-receiver"),
            "{}",
            entry.detail
        );
    }
    let clear = secret.to_text();
    let clear = secrecy::ExposeSecret::expose_secret(&clear);
    let stored = "SELECT count(*) FROM webhook_endpoints e WHERE e::text LIKE '%' || $1 || '%'";
    let connection = installation.database.connection().await;
    let found = connection.query_one(stored, &[&clear]).await.unwrap();
    assert_eq!(found.get::<_, i64>(0), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_receiver_refuses_comes_again_with_the_same_id_and_410_ends_it() {
    let installation = Installation::of_size(20).await;
    let (tenant, member) = installation.tenant().await;
    let receiver = WebhookReceiver::start().await;
    receiver.answer_with(500);
    let worker = installation.delivering(&receiver);
    let webhook = installation.webhook(tenant, &member, &receiver);
    let (id, _) = webhook.await;
    installation.press(tenant, &member, ONE_TYPE).await;
    eventually("the first attempt to fail", || async {
        (installation.shown(&member, id).await.failures > 0).then_some(())
    })
    .await;
    let first = receiver.received().remove(0);
    receiver.answer_with(204);
    // A test that the receiver accepts ends the wait.
    let test = installation.store.request_webhook_test(member.id, id);
    let test = test.await.unwrap();
    eventually("the end of the run to arrive", || async {
        let received = receiver.received();
        let last = received.last().map(json)?;
        (last["type"] == "operation_run.completed").then_some(())
    })
    .await;
    let received = receiver.received();
    assert_eq!(received[1].id, test.to_string());
    assert_eq!(json(&received[1])["type"], "webhook.test");
    assert_eq!(received[2].id, first.id);
    assert_eq!(received[2].body, first.body);
    assert_eq!(installation.shown(&member, id).await.failures, 0);

    receiver.answer_with(410);
    installation.press(tenant, &member, ONE_TYPE).await;
    let ended = eventually("the webhook to be disabled", || async {
        installation.shown(&member, id).await.disable_reason
    })
    .await;
    assert_eq!(ended, "gone");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_to_a_private_address_that_is_not_permitted() {
    let installation = Installation::of_size(20).await;
    let (tenant, member) = installation.tenant().await;
    let receiver = WebhookReceiver::start().await;
    let authority = format!("--webhook-ca-file={}", receiver.ca_file().display());
    let worker = installation.worker_with(&[&authority]);
    let webhook = installation.webhook(tenant, &member, &receiver);
    let (id, _) = webhook.await;
    installation.press(tenant, &member, ONE_TYPE).await;
    let entry = eventually("an attempt", || async {
        let page = PageRequest::first(1);
        let log = installation.store.webhook_deliveries(member.id, id, page);
        log.await.unwrap().pop()
    })
    .await;
    worker.stop().await;
    assert_eq!((entry.outcome.as_str(), entry.status), ("no_answer", None));
    assert!(entry.detail.contains("loopback"), "{}", entry.detail);
    assert!(receiver.received().is_empty());
}
