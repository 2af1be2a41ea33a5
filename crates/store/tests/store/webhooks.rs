//! Webhooks: what is sent to whom, in which order, and under whose lease.

use std::time::Duration;

use atlas_domain::access::Role;
use atlas_domain::clock::{SystemClock, SystemEntropy};
use atlas_domain::ids::{DeliveryId, EventId, RequestId, RunId, TenantId, UserId, WebhookId};
use atlas_domain::run::Completion;
use atlas_domain::webhook::{
    DeliveryCause, DeliveryOutcome, MAX_WEBHOOKS, SealedSecret, WebhookDisableReason,
};
use atlas_store::{
    AfterAttempt, DeliveryAttempt, EventFilter, EventTopics, EventsFrom, NewWebhook, NextDelivery,
    NotificationFilter, Origin, PRUNE_BATCH, PageRequest, Recorded, Retention, SecretRotation,
    WebhookChange, WebhookClaim, WebhookCreateError, WebhookRequestError, WebhookSecrets,
    WebhookView,
};

use crate::{Stage, terms};

const LEASE: Duration = Duration::from_secs(45);

fn request() -> RequestId {
    RequestId::mint(&SystemClock, &SystemEntropy)
}

fn secret(byte: u8) -> SealedSecret {
    SealedSecret {
        key_id: "k".to_owned(),
        bytes: vec![byte; 80],
    }
}

fn new(tenant: Option<TenantId>, types: &[&str]) -> NewWebhook {
    NewWebhook {
        id: WebhookId::mint(&SystemClock, &SystemEntropy),
        tenant,
        url: "https://receiver.example/hook".to_owned(),
        event_types: types.iter().map(|word| (*word).to_owned()).collect(),
        public_url: "https://atlas.example".to_owned(),
        secret: secret(1),
    }
}

fn attempt(outcome: DeliveryOutcome, after: AfterAttempt) -> DeliveryAttempt {
    DeliveryAttempt {
        outcome,
        status: Some(200),
        detail: "the receiver answered".to_owned(),
        took: Duration::from_millis(3),
        after,
        receiver: "https://receiver.example".to_owned(),
    }
}

fn delivered() -> DeliveryAttempt {
    attempt(DeliveryOutcome::Delivered, AfterAttempt::Done)
}

fn failed() -> DeliveryAttempt {
    let wait = AfterAttempt::RetryIn(Duration::from_secs(3_600));
    attempt(DeliveryOutcome::Refused, wait)
}

impl Stage {
    async fn try_webhook(
        &self,
        user: UserId,
        new: NewWebhook,
    ) -> Result<WebhookId, WebhookCreateError> {
        let id = new.id;
        let published = self.store.publish_webhook_key("k", &[7; 32]);
        published.await.unwrap();
        let receiver = "https://receiver.example";
        let created = self
            .store
            .create_webhook(user, new, receiver, request(), Origin::default());
        created.await.map(|()| id)
    }

    /// An endpoint of the operator for the tenant.
    async fn webhook(&self) -> WebhookId {
        let new = new(Some(self.tenant.id), &[]);
        self.try_webhook(self.operator.id, new).await.unwrap()
    }

    /// A run of a tenant from its start to its end.
    async fn run_of(&self, tenant: TenantId) -> RunId {
        let run = self.scenario.queued_run(tenant, self.operator.id, "{}");
        let run = run.await;
        let claim = self.store.claim_next(&terms("w")).await.unwrap().unwrap();
        let completion = Completion::of_results(&[]);
        self.store.finish(claim, &completion, None).await.unwrap();
        run
    }

    async fn leased(&self) -> Vec<WebhookClaim> {
        let claimed = self.store.claim_webhooks(LEASE, 10).await.unwrap();
        claimed.unwrap_or_default()
    }

    async fn claimed(&self) -> WebhookClaim {
        let mut claimed = self.leased().await;
        assert_eq!(claimed.len(), 1);
        claimed.remove(0)
    }

    async fn upcoming(&self, claim: WebhookClaim) -> Option<NextDelivery> {
        self.store.next_delivery(claim, LEASE).await.unwrap()
    }

    async fn record(
        &self,
        claim: WebhookClaim,
        delivery: &NextDelivery,
        attempt: &DeliveryAttempt,
    ) -> Recorded {
        let recorded = self.store.record_delivery(claim, delivery, attempt).await;
        recorded.unwrap()
    }

    /// Delivers until there is nothing to be sent.
    async fn drained(&self, claim: WebhookClaim) -> Vec<EventId> {
        let mut sent = Vec::new();
        while let Some(delivery) = self.upcoming(claim).await {
            sent.push(delivery.sent.id());
            let recorded = self.record(claim, &delivery, &delivered()).await;
            assert_eq!(recorded, Recorded::GoOn);
        }
        sent
    }

    /// The identifiers of a tenant's log, after so many.
    async fn log(&self, tenant: TenantId, after: usize) -> Vec<EventId> {
        let (topics, filter) = (EventTopics::Tenant(tenant), EventFilter::default());
        let page = self
            .store
            .events(&topics, &filter, EventsFrom::Start, 1_000);
        let events = page.await.unwrap().events.into_iter().skip(after);
        events.map(|event| event.id).collect()
    }

    async fn webhook_view(&self, id: WebhookId) -> WebhookView {
        let webhook = self.store.webhook(self.operator.id, id).await.unwrap();
        webhook.unwrap()
    }

    /// What the delivery log has, the newest first.
    async fn causes(&self, id: WebhookId) -> Vec<(String, String)> {
        let page = PageRequest::first(100);
        let rows = self.store.webhook_deliveries(self.operator.id, id, page);
        let rows = rows.await.unwrap().into_iter();
        rows.map(|row| (row.cause, row.outcome)).collect()
    }
}

#[tokio::test]
async fn an_endpoint_gets_what_happens_after_it_was_created_in_the_order_of_the_log() {
    let stage = Stage::set().await;
    assert!(
        stage
            .store
            .claim_webhooks(LEASE, 10)
            .await
            .unwrap()
            .is_none()
    );
    stage.run_of(stage.tenant.id).await;
    let before = stage.log(stage.tenant.id, 0).await.len();
    let id = stage.webhook().await;
    assert!(stage.leased().await.is_empty(), "nothing happened since");
    for _ in 0..3 {
        stage.run_of(stage.tenant.id).await;
    }
    let claim = stage.claimed().await;
    let sent = stage.drained(claim).await;
    assert_eq!(sent, stage.log(stage.tenant.id, before).await);
    assert_eq!(sent.len(), 9, "no notification, which is for a user alone");
    assert!(stage.leased().await.is_empty());
    assert_eq!(stage.causes(id).await.len(), 9);
    // The lease has ended, and what happens next is sent next.
    stage.run_of(stage.tenant.id).await;
    let claim = stage.claimed().await;
    assert_eq!(stage.drained(claim).await.len(), 3);
}

#[tokio::test]
async fn whoever_lost_the_lease_records_nothing_and_the_event_is_sent_again() {
    let stage = Stage::set().await;
    let id = stage.webhook().await;
    stage.run_of(stage.tenant.id).await;
    let zombie = stage.claimed().await;
    let first = stage.upcoming(zombie).await.unwrap();
    assert!(stage.leased().await.is_empty(), "it is leased");
    stage
        .execute("UPDATE webhook_endpoints SET lease_expires_at = clock_timestamp()")
        .await;
    let successor = stage.claimed().await;
    for attempt in [delivered(), failed()] {
        let recorded = stage.record(zombie, &first, &attempt).await;
        assert_eq!(recorded, Recorded::Lost);
    }
    assert!(stage.upcoming(zombie).await.is_none());
    stage.store.release_webhook(zombie).await.unwrap();
    assert!(stage.causes(id).await.is_empty());
    let again = stage.upcoming(successor).await.unwrap();
    assert_eq!(again.sent.id(), first.sent.id());
    assert_eq!(stage.drained(successor).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_16_racing_workers_one_leases_an_endpoint() {
    let stage = Stage::set().await;
    stage.webhook().await;
    stage.run_of(stage.tenant.id).await;
    let racing = (0..16).map(|_| {
        let store = stage.store.clone();
        tokio::spawn(async move { store.claim_webhooks(LEASE, 10).await.unwrap() })
    });
    let mut claimed = Vec::new();
    for racing in racing.collect::<Vec<_>>() {
        claimed.extend(racing.await.unwrap().unwrap());
    }
    assert_eq!(claimed.len(), 1, "{claimed:?}");
}

#[tokio::test]
async fn a_failed_event_holds_up_the_others_until_it_is_delivered() {
    let stage = Stage::set().await;
    let id = stage.webhook().await;
    stage.run_of(stage.tenant.id).await;
    let claim = stage.claimed().await;
    let first = stage.upcoming(claim).await.unwrap();
    assert_eq!(first.attempt(), 1);
    let recorded = stage.record(claim, &first, &failed()).await;
    assert_eq!(recorded, Recorded::Ended);
    assert!(stage.leased().await.is_empty(), "it waits");
    let shown = stage.webhook_view(id).await;
    assert_eq!(shown.failures, 1);
    assert!(shown.failing_since.is_some());
    let due = "UPDATE webhook_endpoints SET next_at = clock_timestamp()";
    stage.execute(due).await;
    let claim = stage.claimed().await;
    let second = stage.upcoming(claim).await.unwrap();
    assert_eq!((second.sent.id(), second.attempt()), (first.sent.id(), 2));
    assert_eq!(second.failing_since, shown.failing_since);
    assert_eq!(stage.drained(claim).await.len(), 3);
    let shown = stage.webhook_view(id).await;
    assert_eq!((shown.failures, shown.failing_since), (0, None));
}

#[tokio::test]
async fn a_delivered_test_ends_the_wait_of_a_receiver_that_failed() {
    let stage = Stage::set().await;
    let id = stage.webhook().await;
    stage.run_of(stage.tenant.id).await;
    let claim = stage.claimed().await;
    let first = stage.upcoming(claim).await.unwrap();
    stage.record(claim, &first, &failed()).await;
    let user = stage.operator.id;
    let asked = stage.store.request_webhook_test(user, id).await.unwrap();
    let claim = stage.claimed().await;
    let test = stage.upcoming(claim).await.unwrap();
    assert_eq!((test.sent.id(), test.cause()), (asked, DeliveryCause::Test));
    stage.record(claim, &test, &delivered()).await;
    let sent = stage.drained(claim).await;
    assert_eq!(sent[0], first.sent.id());
    assert_eq!(sent.len(), 3);
}

#[tokio::test]
async fn an_event_is_sent_once_more_on_request_while_the_log_has_it() {
    let stage = Stage::set().await;
    let id = stage.webhook().await;
    stage.run_of(stage.tenant.id).await;
    let claim = stage.claimed().await;
    let sent = stage.drained(claim).await;
    let user = stage.operator.id;
    let page = PageRequest::first(10);
    let log = stage
        .store
        .webhook_deliveries(user, id, page)
        .await
        .unwrap();
    let oldest = log.last().unwrap();
    assert_eq!(oldest.event_id, Some(sent[0]));
    let asked = stage.store.request_redelivery(user, id, oldest.id).await;
    assert_eq!(asked.unwrap(), sent[0]);
    let claim = stage.claimed().await;
    let again = stage.upcoming(claim).await.unwrap();
    let cause = again.cause();
    assert_eq!(
        (again.sent.id(), cause),
        (sent[0], DeliveryCause::Redelivery)
    );
    // It is sent once, whatever becomes of it, and holds up nothing.
    let attempt = attempt(DeliveryOutcome::Refused, AfterAttempt::Done);
    assert_eq!(stage.record(claim, &again, &attempt).await, Recorded::GoOn);
    assert!(stage.upcoming(claim).await.is_none());

    let stranger = stage.scenario.stranger().await.id;
    let refused = stage
        .store
        .request_redelivery(stranger, id, oldest.id)
        .await;
    assert!(matches!(refused, Err(WebhookRequestError::Unknown)));
    let unknown = DeliveryId::mint(&SystemClock, &SystemEntropy);
    let refused = stage.store.request_redelivery(user, id, unknown).await;
    assert!(matches!(refused, Err(WebhookRequestError::Unknown)));
    stage.execute("DELETE FROM events").await;
    let refused = stage.store.request_redelivery(user, id, oldest.id).await;
    assert!(matches!(refused, Err(WebhookRequestError::EventGone)));
}

#[tokio::test]
async fn whoever_leaves_a_tenant_gets_its_events_no_more_and_others_go_on() {
    let stage = Stage::set().await;
    let other = stage.scenario.tenant("Fabrikam").await;
    let user = stage.operator.id;
    let join = stage.store.set_member(other.id, user, Role::Operator);
    join.await.unwrap();
    stage.try_webhook(user, new(None, &[])).await.unwrap();
    stage.webhook().await;
    stage.run_of(stage.tenant.id).await;
    stage.run_of(other.id).await;
    let all = stage.leased().await;
    assert_eq!(all.len(), 2);
    let mut sent = Vec::new();
    for claim in all {
        sent.push(stage.drained(claim).await.len());
    }
    sent.sort_unstable();
    assert_eq!(sent, [3, 6]);

    stage.run_of(stage.tenant.id).await;
    stage.run_of(other.id).await;
    let left = stage.store.remove_member(stage.tenant.id, user).await;
    left.unwrap();
    let claim = stage.claimed().await;
    assert_eq!(stage.drained(claim).await.len(), 3);
    assert!(stage.leased().await.is_empty());
}

#[tokio::test]
async fn the_endpoints_of_a_disabled_user_are_disabled() {
    let stage = Stage::set().await;
    let id = stage.webhook().await;
    stage.run_of(stage.tenant.id).await;
    let claim = stage.claimed().await;
    stage.store.disable_user(stage.operator.id).await.unwrap();
    assert!(stage.upcoming(claim).await.is_none(), "not even now");
    assert!(stage.leased().await.is_empty());
    let shown = stage.webhook_view(id).await;
    let reason = WebhookDisableReason::OwnerDisabled.as_str();
    assert_eq!(shown.disable_reason.as_deref(), Some(reason));
    let audit = format!(
        "SELECT count(*) FROM audit_events WHERE action = 'webhook.disabled' AND target_id = '{id}'
            AND actor_id = '{}' AND detail->>'reason' = '{reason}'",
        stage.operator.id
    );
    assert_eq!(stage.count(&audit).await, 1);
    assert!(stage.leased().await.is_empty());
    assert_eq!(stage.count(&audit).await, 1, "once");
}

#[tokio::test]
async fn a_receiver_that_wants_no_more_disables_the_endpoint_and_its_owner_is_notified() {
    let stage = Stage::set().await;
    let id = stage.webhook().await;
    let user = stage.operator.id;
    stage.run_of(stage.tenant.id).await;
    let unread = stage.store.unread_count(user, 100).await.unwrap();
    let claim = stage.claimed().await;
    let first = stage.upcoming(claim).await.unwrap();
    let gone = AfterAttempt::Disable(WebhookDisableReason::Gone);
    let gone = attempt(DeliveryOutcome::Gone, gone);
    assert_eq!(stage.record(claim, &first, &gone).await, Recorded::Ended);
    assert_eq!(
        stage.webhook_view(id).await.disable_reason.as_deref(),
        Some("gone")
    );
    assert!(stage.leased().await.is_empty());
    let filter = NotificationFilter::default();
    let newest = stage
        .store
        .notifications(user, &filter, PageRequest::first(1));
    let newest = newest.await.unwrap().remove(0);
    assert_eq!(newest.phase, "webhook_disabled");
    assert!(newest.title.contains("https://receiver.example"));
    let now = stage.store.unread_count(user, 100).await.unwrap();
    assert_eq!(now, unread + 1);
    let audit = "SELECT count(*) FROM audit_events WHERE action = 'webhook.disabled'";
    assert_eq!(stage.count(audit).await, 1);

    // Enabled again, it goes on where it was.
    let change = WebhookChange {
        enabled: Some(true),
        ..WebhookChange::default()
    };
    let changed = stage
        .store
        .change_webhook(user, id, &change, request(), Origin::default());
    assert!(changed.await.unwrap());
    let claim = stage.claimed().await;
    let sent = stage.drained(claim).await;
    assert_eq!(sent[0], first.sent.id());
}

#[tokio::test]
async fn what_is_disabled_meanwhile_is_not_recorded_and_from_now_leaves_out_what_was_missed() {
    let stage = Stage::set().await;
    let id = stage.webhook().await;
    let user = stage.operator.id;
    stage.run_of(stage.tenant.id).await;
    let claim = stage.claimed().await;
    let first = stage.upcoming(claim).await.unwrap();
    let change = async |enabled, from_now| {
        let change = WebhookChange {
            enabled: Some(enabled),
            from_now,
            ..WebhookChange::default()
        };
        let changed = stage
            .store
            .change_webhook(user, id, &change, request(), Origin::default());
        assert!(changed.await.unwrap());
    };
    change(false, false).await;
    let recorded = stage.record(claim, &first, &delivered()).await;
    assert_eq!(recorded, Recorded::Lost);
    let refused = stage.store.request_webhook_test(user, id).await;
    assert!(matches!(refused, Err(WebhookRequestError::Disabled)));
    change(true, true).await;
    assert!(stage.leased().await.is_empty());
    stage.run_of(stage.tenant.id).await;
    let claim = stage.claimed().await;
    assert_eq!(stage.drained(claim).await.len(), 3);
}

#[tokio::test]
async fn an_endpoint_that_the_log_has_left_behind_goes_on_and_its_delivery_log_says_so() {
    let stage = Stage::set().await;
    let id = stage.webhook().await;
    stage.run_of(stage.tenant.id).await;
    stage.log(stage.tenant.id, 0).await;
    let old = "UPDATE event_numberings SET numbered_at = clock_timestamp() - interval '40 days'";
    stage.execute(old).await;
    stage.run_of(stage.tenant.id).await;
    stage.log(stage.tenant.id, 0).await;
    let ever = Duration::from_secs(86_400 * 3_000);
    let retention = Retention {
        runs: ever,
        notifications: ever,
        audit: ever,
        changes: ever,
        versions: ever,
        deliveries: ever,
        events: Duration::from_secs(86_400 * 30),
    };
    let pruned = stage.store.prune(&retention, PRUNE_BATCH).await.unwrap();
    assert!(pruned.events > 0);
    let kept = stage.log(stage.tenant.id, 0).await;
    let claim = stage.claimed().await;
    assert_eq!(stage.drained(claim).await, kept);
    let causes = stage.causes(id).await;
    let gap = ("gap".to_owned(), "skipped".to_owned());
    assert_eq!(causes.last(), Some(&gap));
    assert_eq!(causes.len(), kept.len() + 1);
}

#[tokio::test]
async fn types_that_were_not_asked_for_are_not_sent_and_are_passed_over() {
    let stage = Stage::set().await;
    let new = new(Some(stage.tenant.id), &["operation_run.completed"]);
    stage.try_webhook(stage.operator.id, new).await.unwrap();
    stage.run_of(stage.tenant.id).await;
    let claim = stage.claimed().await;
    assert_eq!(stage.drained(claim).await.len(), 1);
    let place = "SELECT max(position) FROM webhook_endpoints";
    let end = "SELECT max(last_position) FROM event_numberings";
    assert_eq!(stage.count(place).await, stage.count(end).await);
}

#[tokio::test]
async fn strangers_make_no_endpoint_and_members_only_so_many() {
    let stage = Stage::set().await;
    let stranger = stage.scenario.stranger().await.id;
    let refused = stage.try_webhook(stranger, new(Some(stage.tenant.id), &[]));
    let refused = refused.await.unwrap_err();
    assert!(matches!(refused, WebhookCreateError::NotPermitted));
    for _ in 0..MAX_WEBHOOKS {
        stage.webhook().await;
    }
    let one_more = new(Some(stage.tenant.id), &[]);
    let refused = stage.try_webhook(stage.operator.id, one_more).await;
    assert!(matches!(refused, Err(WebhookCreateError::TooMany)));
}

#[tokio::test]
async fn a_replaced_secret_signs_beside_the_new_one_for_a_day() {
    let stage = Stage::set().await;
    let id = stage.webhook().await;
    let user = stage.operator.id;
    let other = secret(2);
    let rotate = stage
        .store
        .rotate_webhook_secret(user, id, &other, request(), Origin::default());
    assert_eq!(rotate.await.unwrap(), SecretRotation::Rotated);
    stage.run_of(stage.tenant.id).await;
    let claim = stage.claimed().await;
    let next = stage.upcoming(claim).await.unwrap();
    assert_eq!(next.secret, secret(2));
    assert_eq!(next.previous_secret, Some(secret(1)));
    stage
        .execute("UPDATE webhook_endpoints SET previous_until = clock_timestamp()")
        .await;
    let next = stage.upcoming(claim).await.unwrap();
    assert_eq!((next.secret, next.previous_secret), (secret(2), None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_are_created_at_once_no_more_are_than_one_user_may_have() {
    let stage = Stage::set().await;
    for _ in 2..MAX_WEBHOOKS {
        stage.webhook().await;
    }
    let racing = (0..8).map(|_| {
        let (store, user, new) = (stage.store.clone(), stage.operator.id, new(None, &[]));
        let receiver = "https://receiver.example";
        tokio::spawn(async move {
            let created = store.create_webhook(user, new, receiver, request(), Origin::default());
            created.await
        })
    });
    let mut created = 0;
    for racing in racing.collect::<Vec<_>>() {
        match racing.await.unwrap() {
            Ok(()) => created += 1,
            Err(error) => assert!(matches!(error, WebhookCreateError::TooMany), "{error}"),
        }
    }
    assert_eq!(created, 2);
}

#[tokio::test]
async fn once_another_key_is_published_no_secret_is_stored_for_the_one_before() {
    let stage = Stage::set().await;
    let id = stage.webhook().await;
    let (store, user) = (&stage.store, stage.operator.id);
    store.publish_webhook_key("l", &[8; 32]).await.unwrap();
    let late = store.create_webhook(user, new(None, &[]), "r", request(), Origin::default());
    assert!(matches!(late.await, Err(WebhookCreateError::KeyReplaced)));
    let old = secret(2);
    let late = store.rotate_webhook_secret(user, id, &old, request(), Origin::default());
    assert_eq!(late.await.unwrap(), SecretRotation::KeyReplaced);
    let stranger = stage.scenario.stranger().await.id;
    let refused = store.rotate_webhook_secret(stranger, id, &old, request(), Origin::default());
    assert_eq!(refused.await.unwrap(), SecretRotation::Unknown);
}

#[tokio::test]
async fn secrets_are_encrypted_again_unless_their_owner_rotated_them_meanwhile() {
    let stage = Stage::set().await;
    let id = stage.webhook().await;
    let (store, user) = (&stage.store, stage.operator.id);
    let rotate = async |byte| {
        let secret = secret(byte);
        let rotated = store.rotate_webhook_secret(user, id, &secret, request(), Origin::default());
        assert_eq!(rotated.await.unwrap(), SecretRotation::Rotated);
    };
    let under_another = async || {
        store
            .webhook_secrets_not_under("l", None, 10)
            .await
            .unwrap()
    };
    let sealed = |key_id: &str, byte| SealedSecret {
        key_id: key_id.to_owned(),
        bytes: vec![byte; 80],
    };
    rotate(2).await;
    let found = under_another().await;
    let stored = WebhookSecrets {
        current: secret(2),
        previous: Some(secret(1)),
    };
    assert_eq!(found, [(id, stored.clone())]);
    assert!(
        store
            .webhook_secrets_not_under("k", None, 10)
            .await
            .unwrap()
            .is_empty()
    );
    rotate(3).await;
    let again = WebhookSecrets {
        current: sealed("l", 4),
        previous: Some(sealed("l", 5)),
    };
    assert!(
        !store
            .replace_webhook_secrets(id, &stored, &again)
            .await
            .unwrap()
    );
    let (_, stored) = under_another().await.remove(0);
    assert!(
        store
            .replace_webhook_secrets(id, &stored, &again)
            .await
            .unwrap()
    );
    assert!(under_another().await.is_empty());
    assert!(
        !store
            .replace_webhook_secrets(id, &stored, &again)
            .await
            .unwrap()
    );
    let audit = "SELECT count(*) FROM audit_events WHERE action = 'webhook.key_rotated'";
    assert_eq!(stage.count(audit).await, 1);

    assert_eq!(store.remove_expired_webhook_secrets().await.unwrap(), 0);
    let end = "UPDATE webhook_endpoints SET previous_until = clock_timestamp()";
    stage.execute(end).await;
    assert_eq!(store.remove_expired_webhook_secrets().await.unwrap(), 1);
    let (_, left) = store
        .webhook_secrets_not_under("m", None, 10)
        .await
        .unwrap()
        .remove(0);
    assert_eq!((left.current, left.previous), (again.current, None));
}

#[tokio::test]
async fn nothing_is_left_of_the_endpoints_of_an_erased_user_or_a_removed_tenant() {
    let stage = Stage::set().await;
    let left = "SELECT count(*) FROM webhook_endpoints e FULL JOIN webhook_deliveries d ON false";
    stage.webhook().await;
    stage.run_of(stage.tenant.id).await;
    let claim = stage.claimed().await;
    stage.drained(claim).await;
    assert!(stage.count(left).await > 1);
    stage.store.erase_user(stage.operator.id).await.unwrap();
    assert_eq!(stage.count(left).await, 0);
}
