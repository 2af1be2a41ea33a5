//! Webhooks of the caller: what their owner sees and changes, and what others do not.

use std::collections::HashSet;
use std::time::Duration;

use atlas_domain::access::Role;
use atlas_domain::event::EventType;
use atlas_domain::ids::{DeliveryId, WebhookId};
use atlas_domain::vault::Keyring;
use atlas_domain::webhook::{DeliveryOutcome, MAX_WEBHOOKS, TEST_EVENT, is_delivered};
use atlas_store::{AfterAttempt, DeliveryAttempt, NextDelivery, PageRequest};
use atlas_test_support::KEYS;
use atlas_webhooks::{OpeningKeys, Secret};
use reqwest::{Method, StatusCode};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::harness::{ONE_TYPE, Reply, Stage};
use crate::schema::{faults_in, resolve_in};

const URL: &str = "https://receiver.example/hook?key=of-the-receiver";
const LEASE: Duration = Duration::from_secs(45);

impl Stage {
    /// What a worker does when it starts.
    async fn published(&self) -> OpeningKeys {
        let keys = OpeningKeys::new(&Keyring::parse(KEYS).unwrap()).unwrap();
        let key = keys.sealing_key();
        let published = self.store.publish_webhook_key(key.id(), key.public());
        published.await.unwrap();
        keys
    }

    async fn create_webhook(&self, body: &Value) -> Reply {
        let token = &self.operator.token;
        self.api.post("/webhooks", token, &body.to_string()).await
    }

    /// A webhook of the operator for the tenant.
    pub(crate) async fn webhook(&self) -> WebhookId {
        self.published().await;
        let body = json!({"url": URL, "tenant_id": self.tenant.id});
        let created = self.create_webhook(&body).await;
        assert_eq!(created.status, StatusCode::CREATED, "{created:?}");
        id(&created.body["webhook"]["id"])
    }

    /// A sync, and the attempt to deliver its first event to the only webhook.
    pub(crate) async fn delivery(&self, webhook: WebhookId) -> DeliveryId {
        self.synced(1).await;
        self.delivered().await;
        let page = PageRequest::first(100);
        let log = self
            .store
            .webhook_deliveries(self.operator.id, webhook, page);
        log.await.unwrap().pop().unwrap().id
    }

    /// Does what a worker does, with a receiver that accepts everything.
    async fn delivered(&self) -> Vec<NextDelivery> {
        let claimed = self.store.claim_webhooks(LEASE, 1).await.unwrap();
        let claim = claimed.unwrap().pop().unwrap();
        let mut sent = Vec::new();
        while let Some(next) = self.store.next_delivery(claim, LEASE).await.unwrap() {
            let attempt = DeliveryAttempt {
                outcome: DeliveryOutcome::Delivered,
                status: Some(204),
                detail: "the receiver answered with status 204".to_owned(),
                took: Duration::from_millis(3),
                after: AfterAttempt::Done,
                receiver: "https://receiver.example".to_owned(),
            };
            let recorded = self.store.record_delivery(claim, &next, &attempt);
            recorded.await.unwrap();
            sent.push(next);
        }
        sent
    }

    async fn change_webhook(&self, path: &str, body: &Value) -> Reply {
        let request = self.api.request(Method::PATCH, path);
        let request = request.bearer_auth(&self.operator.token);
        let request = request.header("content-type", "application/json");
        self.api.send(request.body(body.to_string())).await
    }

    async fn act(&self, path: &str) -> Reply {
        self.api.post(path, &self.operator.token, "").await
    }
}

fn id(value: &Value) -> WebhookId {
    value.as_str().unwrap().parse().unwrap()
}

fn text(secret: &Secret) -> String {
    secret.to_text().expose_secret().to_owned()
}

#[tokio::test]
async fn a_secret_is_shown_once_and_workers_sign_with_it() {
    let stage = Stage::set().await;
    let keys = stage.published().await;
    let body = json!({
        "url": URL,
        "tenant_id": stage.tenant.id,
        "event_types": ["operation_run.completed", "inventory.changed", "inventory.changed"],
    });
    let created = stage.create_webhook(&body).await;
    assert_eq!(created.status, StatusCode::CREATED, "{created:?}");
    let webhook = created.body["webhook"].clone();
    let path = format!("/webhooks/{}", webhook["id"].as_str().unwrap());
    assert!(created.header("location").ends_with(&path), "{created:?}");
    assert_eq!(webhook["url"], URL);
    assert_eq!(webhook["tenant_id"], stage.tenant.id.to_string());
    let types = json!(["inventory.changed", "operation_run.completed"]);
    assert_eq!(webhook["event_types"], types);
    assert_eq!(
        (&webhook["enabled"], &webhook["failures"]),
        (&json!(true), &json!(0))
    );
    let first = created.body["secret"].as_str().unwrap().to_owned();
    let read = stage.get(&path).await;
    assert_eq!(read.body, webhook);
    let rotated = stage.act(&format!("{path}/rotate-secret")).await;
    assert_eq!(rotated.status, StatusCode::OK, "{rotated:?}");
    let second = rotated.body["secret"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    assert!(rotated.body["webhook"]["previous_secret_until"].is_string());

    let tested = stage.act(&format!("{path}/test")).await;
    assert_eq!(tested.status, StatusCode::ACCEPTED, "{tested:?}");
    let sent = stage.delivered().await.remove(0);
    assert_eq!(
        sent.sent.id().to_string(),
        tested.body["event_id"].as_str().unwrap()
    );
    let endpoint = id(&webhook["id"]);
    let opened = |sealed| text(&keys.open(sealed, endpoint).unwrap());
    assert_eq!(opened(&sent.secret), second);
    assert_eq!(opened(sent.previous_secret.as_ref().unwrap()), first);

    let shown = [
        stage.get(&path).await,
        stage.get("/webhooks").await,
        stage.get(&format!("{path}/deliveries")).await,
        stage.change_webhook(&path, &json!({"enabled": true})).await,
        stage.get(&stage.path("audit-events")).await,
    ];
    for reply in shown {
        assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
        assert!(!reply.text.contains("whsec_"), "{reply:?}");
    }
    // An address may hold a secret, too.
    let audit = stage.audited("webhook.created").await;
    assert_eq!(audit.len(), 1);
    assert!(!audit[0].to_string().contains("of-the-receiver"));
    assert_eq!(stage.audited("webhook.secret_rotated").await.len(), 1);
}

#[tokio::test]
async fn what_was_delivered_is_listed_and_delivered_again_on_request() {
    let stage = Stage::set().await;
    let webhook = stage.webhook().await;
    let delivery = stage.delivery(webhook).await;
    let path = format!("/webhooks/{webhook}/deliveries");
    let log = stage.get(&path).await;
    let events = stage.get(&stage.path("events")).await;
    assert_eq!(log.items().len(), events.items().len());
    for (entry, event) in log.items().iter().rev().zip(events.items()) {
        assert_eq!(entry["event_id"], event["id"]);
        assert_eq!(entry["event_type"], event["type"]);
        assert_eq!(entry["tenant_id"], stage.tenant.id.to_string());
        assert_eq!(
            (
                &entry["cause"],
                &entry["outcome"],
                &entry["status"],
                &entry["attempt"]
            ),
            (&json!("event"), &json!("delivered"), &json!(204), &json!(1))
        );
    }
    let page = stage.get(&format!("{path}?limit=1")).await;
    let next = page.body["next_cursor"].as_str().unwrap();
    let next = stage.get(&format!("{path}?limit=1&cursor={next}")).await;
    assert_eq!(next.items(), &log.items()[1..2]);

    let again = stage.act(&format!("{path}/{delivery}/redeliver")).await;
    assert_eq!(again.status, StatusCode::ACCEPTED, "{again:?}");
    assert_eq!(again.body["event_id"], events.items()[0]["id"]);
    let sent = stage.delivered().await;
    assert_eq!(sent.len(), 1);
    let newest = stage.get(&path).await.items()[0].clone();
    assert_eq!(
        (&newest["cause"], &newest["event_id"]),
        (&json!("redelivery"), &again.body["event_id"])
    );

    let connection = stage.database.connection().await;
    connection
        .batch_execute("DELETE FROM events")
        .await
        .unwrap();
    let gone = stage.act(&format!("{path}/{delivery}/redeliver")).await;
    gone.is_problem(409, "event_not_kept");
}

#[tokio::test]
async fn a_webhook_is_changed_disabled_enabled_and_deleted() {
    let stage = Stage::set().await;
    let webhook = stage.webhook().await;
    let delivery = stage.delivery(webhook).await;
    let path = format!("/webhooks/{webhook}");
    let other = "https://other.example/hook";
    let body = json!({"url": other, "event_types": ["operation_run.completed"]});
    let changed = stage.change_webhook(&path, &body).await;
    assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
    assert_eq!(
        (&changed.body["url"], &changed.body["event_types"]),
        (&body["url"], &body["event_types"])
    );

    let disabled = stage
        .change_webhook(&path, &json!({"enabled": false}))
        .await;
    assert_eq!(disabled.body["enabled"], false);
    assert_eq!(disabled.body["disable_reason"], "by_owner");
    assert_eq!(disabled.body["url"], other);
    for act in [
        "test".to_owned(),
        format!("deliveries/{delivery}/redeliver"),
    ] {
        let refused = stage.act(&format!("{path}/{act}")).await;
        refused.is_problem(409, "webhook_disabled");
    }
    stage.synced(1).await;
    assert!(
        stage
            .store
            .claim_webhooks(LEASE, 1)
            .await
            .unwrap()
            .is_none()
    );
    let body = json!({"enabled": true});
    let enabled = stage.change_webhook(&path, &body).await;
    assert_eq!(enabled.body["enabled"], true);
    assert!(enabled.body.get("disable_reason").is_none(), "{enabled:?}");
    assert_eq!(
        stage.delivered().await.len(),
        1,
        "the end of the run that it had missed"
    );

    let list = stage.get("/webhooks").await;
    assert_eq!(list.body["items"].as_array().unwrap().len(), 1);
    let request = stage.api.request(Method::DELETE, &path);
    let deleted = stage.api.send(request.bearer_auth(&stage.operator.token));
    assert_eq!(deleted.await.status, StatusCode::NO_CONTENT);
    stage.get(&path).await.is_problem(404, "not_found");
    let deliveries = stage.get(&format!("{path}/deliveries")).await;
    deliveries.is_problem(404, "not_found");
    assert_eq!(stage.get("/webhooks").await.body, json!({"items": []}));
    for (action, times) in [("webhook.changed", 3), ("webhook.deleted", 1)] {
        assert_eq!(stage.audited(action).await.len(), times, "{action}");
    }
}

#[tokio::test]
async fn nobody_but_its_owner_sees_a_webhook_and_only_members_make_one_for_a_tenant() {
    let stage = Stage::set().await;
    let webhook = stage.webhook().await;
    let colleague = stage.scenario.member(stage.tenant.id, Role::Owner).await;
    let path = format!("/webhooks/{webhook}");
    let reply = stage.api.get(&path, &colleague.token).await;
    reply.is_problem(404, "not_found");
    let list = stage.api.get("/webhooks", &colleague.token).await;
    assert_eq!(list.body, json!({"items": []}));
    let stranger = stage.scenario.stranger().await;
    let body = json!({"url": URL, "tenant_id": stage.tenant.id}).to_string();
    let refused = stage.api.post("/webhooks", &stranger.token, &body).await;
    refused.is_problem(404, "not_found");
    // One for all tenants is for those that its owner is a member of, now none.
    let body = json!({"url": URL}).to_string();
    let created = stage.api.post("/webhooks", &stranger.token, &body).await;
    assert_eq!(created.status, StatusCode::CREATED, "{created:?}");
    assert!(created.body["webhook"].get("tenant_id").is_none());
}

#[tokio::test]
async fn refused_addresses_and_types_are_named() {
    let stage = Stage::set().await;
    stage.published().await;
    let long = format!("https://receiver.example/{}", "a".repeat(2_100));
    for url in [
        "http://receiver.example/hook",
        "https://10.1.2.3/hook",
        "https://[::1]/hook",
        "https://169.254.169.254/latest",
        "https://user:s3cret@receiver.example/hook",
        "receiver.example",
        &long,
    ] {
        let refused = stage.create_webhook(&json!({"url": url})).await;
        refused.is_problem(400, "validation_failed");
        assert_eq!(refused.bad_place(), "/url", "{url}");
        let error = &refused.body["errors"][0];
        assert_eq!(error["code"], "refused_address", "{url}");
        assert!(!refused.text.contains("s3cret"), "{refused:?}");
    }
    for types in [json!(["nonsense"]), json!(["notification.created"])] {
        let body = json!({"url": URL, "event_types": types});
        let refused = stage.create_webhook(&body).await;
        refused.is_problem(400, "validation_failed");
        assert_eq!(refused.bad_place(), "/event_types/0");
    }
    assert_eq!(stage.get("/webhooks").await.body, json!({"items": []}));

    let webhook = stage.webhook().await;
    let body = json!({"url": "http://receiver.example/hook"});
    let refused = stage
        .change_webhook(&format!("/webhooks/{webhook}"), &body)
        .await;
    refused.is_problem(400, "validation_failed");
}

#[tokio::test]
async fn before_a_worker_has_published_its_key_nothing_is_created() {
    let stage = Stage::set().await;
    let refused = stage.create_webhook(&json!({"url": URL})).await;
    refused.is_problem(503, "webhooks_unavailable");
    assert_eq!(refused.header("retry-after"), "5");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_created_at_once_no_more_are_than_one_user_may_have() {
    let stage = Stage::set().await;
    stage.published().await;
    let body = json!({"url": URL, "tenant_id": stage.tenant.id});
    let more = 10;
    let racing = (0..usize::from(MAX_WEBHOOKS) + more).map(|_| stage.create_webhook(&body));
    let (mut created, mut refused) = (0, 0);
    for reply in futures::future::join_all(racing).await {
        match reply.status {
            StatusCode::CREATED => created += 1,
            _ => {
                reply.is_problem(409, "too_many_webhooks");
                refused += 1;
            }
        }
    }
    assert_eq!((created, refused), (usize::from(MAX_WEBHOOKS), more));
}

#[tokio::test]
async fn deliveries_are_described_type_by_type_as_the_log_has_them() {
    let document: Value = serde_json::from_str(&atlas_api::deliveries_document()).unwrap();
    let body_of = |event_type: &str| {
        let operation = &document["webhooks"][event_type]["post"];
        let parameters = operation["parameters"].as_array().unwrap().iter();
        let headers = parameters.map(|one| resolve_in(&document, one)["name"].as_str().unwrap());
        let headers: Vec<&str> = headers.collect();
        assert_eq!(
            headers,
            ["webhook-id", "webhook-timestamp", "webhook-signature"]
        );
        &operation["requestBody"]["content"]["application/json"]
    };
    let delivered = EventType::ALL.into_iter().filter(|one| is_delivered(*one));
    let mut words: Vec<&str> = delivered.map(EventType::as_str).collect();
    words.push(TEST_EVENT);
    assert_eq!(document["webhooks"].as_object().unwrap().len(), words.len());
    for word in words {
        let body = body_of(word);
        let faults = faults_in(&document, &body["schema"], &body["example"]);
        assert!(faults.is_empty(), "{word}: {faults:?}");
        assert_eq!(body["example"]["type"], word);
    }

    // Each event of two runs is as its type says.
    let stage = Stage::set().await;
    stage.synced(1).await;
    let run = stage.start(ONE_TYPE).await;
    let run = run.body["run"]["id"].as_str().unwrap().to_owned();
    stage.act(&format!("/operation-runs/{run}/cancel")).await;
    let log = stage.get(&stage.path("events")).await;
    let mut seen = HashSet::new();
    for event in log.items() {
        let word = event["type"].as_str().unwrap();
        seen.insert(word.to_owned());
        let faults = faults_in(&document, &body_of(word)["schema"], event);
        assert!(faults.is_empty(), "{faults:?}: {event}");
    }
    for word in [
        "operation_run.queued",
        "operation_run.claimed",
        "operation_run.completed",
        "inventory.changed",
    ] {
        assert!(seen.contains(word), "{word}: {seen:?}");
    }
}
