//! Keys of the installation, changed from a shell.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::process::{Command, Output};

use atlas_domain::access::Role;
use atlas_domain::clock::{SystemClock, SystemEntropy};
use atlas_domain::ids::{RequestId, UserId, WebhookId};
use atlas_domain::vault::Keyring;
use atlas_store::{NewWebhook, Origin, Store};
use atlas_test_support::{KEYS, Scenario, TestDatabase};
use atlas_webhooks::{OpeningKeys, Secret};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

/// The new key before the one of the stored secrets.
const NEW: &str = "new:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

struct Stage {
    database: TestDatabase,
    store: Store,
    user: UserId,
}

impl Stage {
    /// With one tenant, whose secret is encrypted.
    async fn set() -> Self {
        let database = TestDatabase::create().await;
        let store = database.store();
        let scenario = Scenario::new(&store);
        let tenant = scenario.tenant("Contoso").await;
        let user = scenario.member(tenant.id, Role::Operator).await.id;
        Self {
            database,
            store,
            user,
        }
    }

    fn rotate(&self, keys: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_atlas"))
            .args(["--json", "keys", "rotate"])
            .env_clear()
            .env("DATABASE_URL", self.database.url())
            .env("ATLAS_SECRET_KEYS", keys)
            .output()
            .unwrap()
    }

    fn rotated(&self, keys: &str) -> Value {
        let output = self.rotate(keys);
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Publishes the key as a worker does.
    async fn published(&self, keys: &OpeningKeys) {
        let key = keys.sealing_key();
        let published = self.store.publish_webhook_key(key.id(), key.public());
        published.await.unwrap();
    }

    async fn webhook(&self, keys: &OpeningKeys, secret: &Secret) -> WebhookId {
        let id = WebhookId::mint(&SystemClock, &SystemEntropy);
        let new = NewWebhook {
            id,
            tenant: None,
            url: "https://receiver.example/hook".to_owned(),
            event_types: Vec::new(),
            public_url: "https://atlas.example".to_owned(),
            secret: keys.sealing_key().seal(secret, id).unwrap(),
        };
        let created =
            self.store
                .create_webhook(self.user, new, "receiver", request(), Origin::default());
        created.await.unwrap();
        id
    }

    async fn rotate_secret(&self, keys: &OpeningKeys, id: WebhookId, secret: &Secret) {
        let sealed = keys.sealing_key().seal(secret, id).unwrap();
        let rotated =
            self.store
                .rotate_webhook_secret(self.user, id, &sealed, request(), Origin::default());
        rotated.await.unwrap();
    }
}

fn request() -> RequestId {
    RequestId::mint(&SystemClock, &SystemEntropy)
}

fn opening(keys: &str) -> OpeningKeys {
    OpeningKeys::new(&Keyring::parse(keys).unwrap()).unwrap()
}

fn text(secret: &Secret) -> String {
    secret.to_text().expose_secret().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_rotation_the_new_key_alone_opens_the_secrets_of_tenants_and_webhooks() {
    let stage = Stage::set().await;
    let old = opening(KEYS);
    stage.published(&old).await;
    let (first, second) = (
        Secret::generate(&SystemEntropy),
        Secret::generate(&SystemEntropy),
    );
    let webhook = stage.webhook(&old, &first).await;
    stage.rotate_secret(&old, webhook, &second).await;
    let both = format!("{NEW},{KEYS}");
    let done = stage.rotated(&both);
    assert_eq!(done, json!({"rotated": 1, "webhooks": 1, "key_id": "new"}));
    let again = stage.rotated(NEW);
    assert_eq!(again, json!({"rotated": 0, "webhooks": 0, "key_id": "new"}));

    let new = opening(NEW);
    let (id, public) = stage.store.webhook_key().await.unwrap().unwrap();
    let key = new.sealing_key();
    assert_eq!((id.as_str(), public.as_slice()), (key.id(), key.public()));
    let all = stage.store.webhook_secrets_not_under("none", None, 10);
    let (found, secrets) = all.await.unwrap().remove(0);
    assert_eq!(found, webhook);
    let opened = |sealed| text(&new.open(sealed, webhook).unwrap());
    assert_eq!(opened(&secrets.current), text(&second));
    assert_eq!(opened(secrets.previous.as_ref().unwrap()), text(&first));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_whose_key_is_not_given_is_named_and_one_that_has_expired_is_none() {
    let stage = Stage::set().await;
    let lost = opening("lost:QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8=");
    stage.published(&lost).await;
    let webhook = stage
        .webhook(&lost, &Secret::generate(&SystemEntropy))
        .await;
    let both = format!("{NEW},{KEYS}");
    let refused = stage.rotate(&both);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("webhook {webhook}")), "{said}");
    assert!(said.contains("\"lost\""), "{said}");

    // Its owner makes another secret, and the one before ends.
    let new = opening(&both);
    stage
        .rotate_secret(&new, webhook, &Secret::generate(&SystemEntropy))
        .await;
    assert_eq!(stage.rotate(&both).status.code(), Some(1));
    let end = "UPDATE webhook_endpoints SET previous_until = clock_timestamp()";
    let connection = stage.database.connection().await;
    connection.batch_execute(end).await.unwrap();
    let done = stage.rotated(&both);
    assert_eq!(done["webhooks"], 0);
}
