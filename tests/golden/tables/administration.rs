//! What the command line and the workers write besides runs, and what retention deletes.

use std::time::Duration;

use atlas_domain::access::Role;
use atlas_domain::clock::{SystemClock, SystemEntropy};
use atlas_domain::ids::{DirectoryId, TenantId, WorkerId};
use atlas_domain::run::Completion;
use atlas_domain::run::lease::LeaseTerms;
use atlas_domain::tenant::{Cloud, StoredProof};
use atlas_domain::vault::{CLIENT_SECRET_COLUMN, Keyring};
use atlas_store::{NewCredential, NewTenant, Retention, WorkerReport};
use atlas_test_support::{KEYS, SIMULATOR_CLIENT_ID};
use secrecy::SecretString;
use uuid::Uuid;

use crate::installation::{Installation, REPORTED_VERSION, token};
use crate::recorded::hold;

const HOUR: Duration = Duration::from_secs(3_600);

fn report(name: &str, draining: bool) -> WorkerReport {
    WorkerReport {
        id: WorkerId::from_name(name.to_owned()),
        version: REPORTED_VERSION.to_owned(),
        host: "host".to_owned(),
        slots: 4,
        draining,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn administration_leaves_these_rows() {
    let installation = Installation::set_up().await;
    let store = &installation.store;
    let (contoso, member) = installation.tenant(1, "Contoso").await;
    let unconnected = NewTenant {
        id: TenantId::mint(&SystemClock, &SystemEntropy),
        name: "Unconnected".to_owned(),
        directory_id: DirectoryId::from_uuid(Uuid::from_u128(2)),
        cloud: Cloud::China,
        credential: None,
    };
    store.add_tenant(unconnected.clone()).await.unwrap();
    for role in [Role::Readonly, Role::Owner] {
        let set = store.set_member(contoso.id, member.id, role);
        set.await.unwrap();
    }
    // The last owner of a tenant stays one, which is not what these rows are about.
    installation
        .execute("UPDATE memberships SET role = 'operator' WHERE role = 'owner'")
        .await;
    let set = store.set_member(contoso.id, member.id, Role::Manager);
    set.await.unwrap();
    let lost = token(store, member.id, "lost").await;
    let sql = "SELECT id::text FROM api_tokens WHERE name = 'lost'";
    let connection = installation.database.connection().await;
    let id: String = connection.query_one(sql, &[]).await.unwrap().get(0);
    assert!(store.revoke_token(id.parse().unwrap()).await.unwrap());
    assert!(!store.revoke_token(id.parse().unwrap()).await.unwrap());
    assert!(lost.starts_with("tap_"));
    let operator = store.add_operator("ops@example.test", "Ops");
    operator.await.unwrap();

    let keys = Keyring::parse(KEYS).unwrap();
    let secret = SecretString::from("another secret");
    let sealed = || keys.seal(&secret, contoso.id, CLIENT_SECRET_COLUMN, &SystemEntropy);
    let (old, new) = (sealed(), sealed());
    let stored = |proof| NewCredential {
        client_id: SIMULATOR_CLIENT_ID.to_owned(),
        proof,
        expires_on: None,
    };
    let secret = stored(StoredProof::ClientSecret(old.clone()));
    store.set_credential(contoso.id, secret).await.unwrap();
    let replaced = store.replace_sealed(contoso.id, &old, &new).await.unwrap();
    assert!(replaced);
    let replaced = store.replace_sealed(contoso.id, &old, &new).await.unwrap();
    assert!(!replaced, "it was replaced before");
    let file = "contoso.pem".parse().unwrap();
    let file = stored(StoredProof::Certificate(file));
    store.set_credential(unconnected.id, file).await.unwrap();

    for (name, draining) in [
        ("one", false),
        ("one", true),
        ("two", false),
        ("gone", false),
    ] {
        store.report_worker(&report(name, draining)).await.unwrap();
    }
    let gone = WorkerId::from_name("gone".to_owned());
    store.forget_worker(&gone).await.unwrap();
    hold("tables/administration.json", &installation.dump().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn retention_leaves_these_rows() {
    let installation = Installation::set_up().await;
    let store = &installation.store;
    let (tenant, member) = installation.tenant(1, "Contoso").await;
    let worker = installation.worker();
    let apps = r#"{"policy_types": ["policySet"], "include_foundations": false}"#;
    for _ in 0..2 {
        installation.sync(tenant, &member, apps).await;
    }
    worker.stop().await;
    store.report_worker(&report("silent", false)).await.unwrap();
    let aged = "BEGIN; ALTER TABLE audit_events DISABLE TRIGGER USER; \
        UPDATE operation_runs SET completed_at = completed_at - interval '2 h'; \
        UPDATE notifications SET created_at = created_at - interval '2 h' \
            WHERE phase = 'queued'; \
        UPDATE audit_events SET occurred_at = occurred_at - interval '2 h' \
            WHERE action = 'member.set'; \
        UPDATE inventory_changes SET occurred_at = occurred_at - interval '2 h'; \
        UPDATE workers SET heartbeat_at = heartbeat_at - interval '2 days'; \
        ALTER TABLE audit_events ENABLE TRIGGER USER; COMMIT";
    installation.execute(aged).await;
    let terms = LeaseTerms {
        worker_id: WorkerId::from_name("worker-1".to_owned()),
        duration: HOUR,
    };
    let scenario = &installation.scenario;
    scenario.queued_run(tenant.id, member.id, apps).await;
    let claim = store.claim_next(&terms).await.unwrap().unwrap();
    let completion = Completion::of_results(&[]);
    store.finish(claim, &completion, None).await.unwrap();
    let retention = Retention {
        runs: HOUR,
        notifications: HOUR,
        audit: HOUR,
        changes: HOUR,
        versions: HOUR,
        deliveries: HOUR,
        events: HOUR,
    };
    store.prune(&retention, 100).await.unwrap();
    hold("tables/retention.json", &installation.dump().await);
}
