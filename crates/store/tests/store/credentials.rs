//! What is stored of each kind of credential.

use atlas_domain::clock::SystemEntropy;
use atlas_domain::ids::TenantId;
use atlas_domain::tenant::{CredentialKind, StoredProof};
use atlas_domain::vault::{CLIENT_SECRET_COLUMN, Keyring, Sealed};
use atlas_store::NewCredential;
use atlas_test_support::KEYS;
use secrecy::SecretString;

use crate::Stage;

fn sealed(tenant: TenantId) -> StoredProof {
    let ring = Keyring::parse(KEYS).unwrap();
    let secret = SecretString::from("hush");
    StoredProof::ClientSecret(ring.seal(&secret, tenant, CLIENT_SECRET_COLUMN, &SystemEntropy))
}

#[tokio::test]
async fn each_kind_replaces_the_one_before_and_comes_back_as_it_was_stored() {
    let stage = Stage::set().await;
    let tenant = stage.tenant.id;
    for proof in [
        StoredProof::Certificate("contoso.pem".parse().unwrap()),
        sealed(tenant),
        StoredProof::FederatedToken("azure-token".parse().unwrap()),
        StoredProof::Certificate("contoso-2027.pem".parse().unwrap()),
    ] {
        let new = NewCredential {
            client_id: format!("for {}", proof.kind()),
            proof: proof.clone(),
            expires_on: None,
        };
        stage
            .store
            .set_credential(tenant, new.clone())
            .await
            .unwrap();
        let stored = stage.store.credential(tenant).await.unwrap().unwrap();
        assert_eq!((stored.client_id, stored.proof), (new.client_id, new.proof));
        let known = stage.store.tenants_by_name_or_id(&tenant.to_string()).await;
        assert_eq!(known.unwrap()[0].credential, Some(proof.kind()));
    }
    let rows = stage
        .database
        .connection()
        .await
        .query(
            "SELECT detail ->> 'kind' FROM audit_events WHERE action = 'tenant.credentials_stored' \
             ORDER BY occurred_at, id",
            &[],
        )
        .await
        .unwrap();
    let reported: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(
        reported,
        [
            "certificate",
            "client_secret",
            "federated_token",
            "certificate"
        ]
    );
}

#[tokio::test]
async fn a_change_of_keys_concerns_secrets_alone() {
    let stage = Stage::set().await;
    let file = stage.scenario.tenant("File").await;
    let credential = NewCredential {
        client_id: "client".to_owned(),
        proof: StoredProof::Certificate("contoso.pem".parse().unwrap()),
        expires_on: None,
    };
    stage
        .store
        .set_credential(file.id, credential)
        .await
        .unwrap();
    let left = stage.store.credentials_not_under("other", None, 10).await;
    let left: Vec<TenantId> = left.unwrap().into_iter().map(|(id, _)| id).collect();
    assert_eq!(left, [stage.tenant.id]);
}

#[tokio::test]
async fn the_constraints_refuse_columns_that_do_not_belong_to_the_kind() {
    let stage = Stage::set().await;
    let connection = stage.database.connection().await;
    let to_file = "key_id = NULL, nonce = NULL, ciphertext = NULL, file = 'a.pem'";
    for kind in [CredentialKind::Certificate, CredentialKind::FederatedToken] {
        for change in [
            "file = NULL, key_id = NULL, nonce = NULL, ciphertext = NULL",
            "file = 'a.pem'",
            "file = 'a.pem', key_id = NULL, nonce = NULL",
            &to_file.replace("a.pem", "../a.pem"),
            &to_file.replace("a.pem", "/a.pem"),
            &to_file.replace("a.pem", ".a"),
            &to_file.replace("a.pem", ""),
        ] {
            let sql = format!("UPDATE tenant_credentials SET kind = '{kind}', {change}");
            assert!(connection.batch_execute(&sql).await.is_err(), "{sql}");
        }
    }
    for change in [
        "file = 'a.pem'",
        "ciphertext = NULL",
        "key_id = NULL, nonce = NULL, ciphertext = NULL",
        to_file,
        "kind = 'password'",
    ] {
        let sql = format!("UPDATE tenant_credentials SET {change}");
        assert!(connection.batch_execute(&sql).await.is_err(), "{sql}");
    }
    let sql = format!("UPDATE tenant_credentials SET kind = 'certificate', {to_file}");
    connection.batch_execute(&sql).await.unwrap();
}

#[tokio::test]
async fn secrets_under_the_keys_that_are_asked_about_come_first() {
    let stage = Stage::set().await;
    for (name, key) in [("A", "a"), ("B", "b"), ("C", "c")] {
        let tenant = stage.scenario.tenant(name).await.id;
        let proof = StoredProof::ClientSecret(Sealed {
            key_id: key.to_owned(),
            nonce: vec![0; 12],
            ciphertext: vec![1],
        });
        let credential = NewCredential {
            client_id: "client".to_owned(),
            proof,
            expires_on: None,
        };
        let stored = stage.store.set_credential(tenant, credential).await;
        stored.unwrap();
    }
    for key in ["a", "b", "c"] {
        let first = stage.store.some_secrets(&[key], 1).await.unwrap();
        let first: Vec<_> = first.iter().map(|(_, sealed)| &sealed.key_id).collect();
        assert_eq!(first, [key]);
    }
    let all = stage.store.some_secrets(&["none"], 100).await.unwrap();
    assert!(
        all.iter()
            .filter(|(_, sealed)| sealed.key_id.len() == 1)
            .count()
            == 3
    );
}
