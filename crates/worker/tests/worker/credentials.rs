//! Signing in with each kind of credential, and what a run says when it does not work.

use std::fs::{Permissions, create_dir, set_permissions, write};
use std::os::unix::fs::PermissionsExt;

use atlas_domain::access::Role;
use atlas_domain::clock::SystemEntropy;
use atlas_domain::failure::{Failure, FailureCode};
use atlas_domain::run::{OperationRun, Outcome, Status};
use atlas_domain::tenant::StoredProof;
use atlas_domain::vault::{CLIENT_SECRET_COLUMN, Keyring};
use atlas_graph_sim::FederatedCredential;
use atlas_store::NewCredential;
use atlas_test_support::{
    Identity, KEYS, SIMULATOR_CLIENT_ID, SIMULATOR_SECRET, TestTenant, eventually,
};
use atlas_worker::health;
use secrecy::SecretString;
use tempfile::TempDir;

use crate::installation::Installation;

/// Stores a file's name for a tenant.
async fn refer(installation: &Installation, tenant: TestTenant, proof: StoredProof) {
    let credential = NewCredential {
        client_id: SIMULATOR_CLIENT_ID.to_owned(),
        proof,
        expires_on: None,
    };
    installation
        .store
        .set_credential(tenant.id, credential)
        .await
        .unwrap();
}

fn put(directory: &TempDir, name: &str, text: &str, mode: u32) {
    let path = directory.path().join(name);
    write(&path, text).unwrap();
    set_permissions(&path, Permissions::from_mode(mode)).unwrap();
}

/// Syncs, and reports how the run failed.
async fn failure(installation: &Installation, tenant: TestTenant) -> Failure {
    let member = installation.scenario.member(tenant.id, Role::Manager).await;
    let run = installation.press(tenant, &member, "{}").await;
    assert_eq!(installation.ended(&member, run).await.0, Outcome::Failed);
    let run: OperationRun = installation.run(&member, run).await;
    let error = run.error.unwrap();
    assert!(error.hint.is_some(), "{error:?} says what to do");
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_that_do_not_work_fail_the_run_with_their_reason_at_once() {
    let installation = Installation::build().await;
    let wrong = installation
        .scenario
        .tenant_with("Wrong", Some("not-the-secret"))
        .await;
    let unreadable = installation.scenario.tenant("Unreadable").await;
    let none = installation.scenario.tenant("Later without").await;
    let connection = installation.database.connection().await;
    connection
        .execute(
            "UPDATE tenant_credentials SET ciphertext = '\\x00' WHERE tenant_id = $1::text::uuid",
            &[&unreadable.id.to_string()],
        )
        .await
        .unwrap();
    // They go while the run waits: without credentials there would be no run.
    let member = installation.scenario.member(none.id, Role::Manager).await;
    let waiting = installation.press(none, &member, "{}").await;
    connection
        .execute(
            "DELETE FROM tenant_credentials WHERE tenant_id = $1::text::uuid",
            &[&none.id.to_string()],
        )
        .await
        .unwrap();
    let worker = installation.worker();
    assert_eq!(
        failure(&installation, wrong).await.code,
        FailureCode::CREDENTIALS_INVALID
    );
    assert_eq!(
        failure(&installation, unreadable).await.code,
        FailureCode::CREDENTIALS_UNREADABLE
    );
    assert_eq!(
        installation.ended(&member, waiting).await.0,
        Outcome::Failed
    );
    let run = installation.run(&member, waiting).await;
    assert_eq!(run.error.unwrap().code, FailureCode::CREDENTIALS_MISSING);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_keys_open_no_secret_claims_nothing_and_says_why_until_they_do() {
    let installation = Installation::build().await;
    let (tenant, member) = installation.tenant().await;
    let run = installation.press(tenant, &member, "{}").await;
    let (id, _) = KEYS.split_once(':').unwrap();
    let key = |id: &str| format!("{id}:{}=", "A".repeat(43));
    let file = installation.health_file();
    let reported = async |expected: &str| {
        eventually(expected, || async {
            health::read(&file)
                .err()
                .filter(|reason| reason.contains(expected))
        })
        .await
    };

    // The right name, and other bytes.
    let worker = installation.worker_with_keys(&key(id));
    let reason = reported("does not open with its key").await;
    assert!(reason.starts_with("ATLAS_SECRET_KEYS "), "{reason}");
    assert_eq!(installation.status(&member, run).await, Status::Queued);
    worker.stop().await;

    let worker = installation.worker_with_keys(&key("other"));
    let reason = reported("is not configured").await;
    assert!(reason.contains(id), "{reason}");
    // A secret under its key is stored, so that the key is one of this installation: the run of the
    // first tenant then says what is wrong with that one.
    let second = installation.scenario.tenant("Fabrikam").await;
    let ring = Keyring::parse(&key("other")).unwrap();
    let secret = SecretString::from(SIMULATOR_SECRET);
    let sealed = ring.seal(&secret, second.id, CLIENT_SECRET_COLUMN, &SystemEntropy);
    let credential = NewCredential {
        client_id: SIMULATOR_CLIENT_ID.to_owned(),
        proof: StoredProof::ClientSecret(sealed),
        expires_on: None,
    };
    let stored = installation.store.set_credential(second.id, credential);
    stored.await.unwrap();
    eventually("the worker to be ready", || async {
        health::read(&file).ok()
    })
    .await;
    assert_eq!(installation.ended(&member, run).await.0, Outcome::Failed);
    let error = installation.run(&member, run).await.error.unwrap();
    assert_eq!(error.code, FailureCode::CREDENTIALS_UNREADABLE);
    worker.stop().await;
}

/// What the application is trusted to be signed in by, and its tokens.
const ISSUER: &str = "https://issuer.example.test/";
const SUBJECT: &str = "system:serviceaccount:atlas:worker";
const AUDIENCE: &str = "api://AzureADTokenExchange";

fn trust(installation: &Installation, issuer: &Identity) {
    installation.simulator.trust(FederatedCredential {
        issuer: ISSUER.to_owned(),
        subject: SUBJECT.to_owned(),
        audience: AUDIENCE.to_owned(),
        public_key_pem: issuer.public_key(),
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_and_federated_tokens_are_exchanged_in_their_files_while_the_worker_runs() {
    let installation = Installation::build().await;
    let directory = TempDir::new().unwrap();
    let (tenant, member) = installation.tenant().await;
    let flag = format!("--credentials-dir={}", directory.path().display());
    let worker = installation.worker_with(&[&flag]);
    let some = r#"{"policy_types": ["policySet"], "include_foundations": false}"#;

    let (first, second) = (Identity::fresh(), Identity::fresh());
    refer(
        &installation,
        tenant,
        StoredProof::Certificate("app.pem".parse().unwrap()),
    )
    .await;
    for identity in [&first, &second] {
        installation
            .simulator
            .add_certificate(&identity.certificate());
        put(&directory, "app.pem", &identity.with_key(), 0o600);
        let run = installation.press(tenant, &member, some).await;
        assert_eq!(installation.ended(&member, run).await.0, Outcome::Succeeded);
    }

    let directory_id = tenant.directory_id.to_string();
    assert_eq!(installation.simulator.issued_tokens(&directory_id), 2);

    trust(&installation, &first);
    refer(
        &installation,
        tenant,
        StoredProof::FederatedToken("token".parse().unwrap()),
    )
    .await;
    for seconds in [600, 900] {
        let token = first.token(ISSUER, SUBJECT, AUDIENCE, seconds);
        put(&directory, "token", &token, 0o644);
        let run = installation.press(tenant, &member, some).await;
        assert_eq!(installation.ended(&member, run).await.0, Outcome::Succeeded);
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_microsoft_entra_does_not_take_fails_the_run_with_its_reason() {
    let installation = Installation::build().await;
    let directory = TempDir::new().unwrap();
    let (tenant, _) = installation.tenant().await;
    let flag = format!("--credentials-dir={}", directory.path().display());
    let worker = installation.worker_with(&[&flag]);
    let (trusted, stranger, expired) = (Identity::fresh(), Identity::fresh(), Identity::expired());
    installation
        .simulator
        .add_certificate(&trusted.certificate());
    installation
        .simulator
        .add_certificate(&expired.certificate());
    trust(&installation, &trusted);
    put(&directory, "stranger.pem", &stranger.with_key(), 0o400);
    put(&directory, "expired.pem", &expired.with_key(), 0o400);
    for (name, token) in [
        ("forged", stranger.token(ISSUER, SUBJECT, AUDIENCE, 600)),
        ("other", trusted.token(ISSUER, "other", AUDIENCE, 600)),
        ("late", trusted.token(ISSUER, SUBJECT, AUDIENCE, -600)),
    ] {
        put(&directory, name, &token, 0o400);
    }
    let certificate = |name: &str| StoredProof::Certificate(name.parse().unwrap());
    let token = |name: &str| StoredProof::FederatedToken(name.parse().unwrap());
    for (proof, code) in [
        (
            certificate("stranger.pem"),
            FailureCode::CREDENTIALS_INVALID,
        ),
        (certificate("expired.pem"), FailureCode::CREDENTIALS_EXPIRED),
        (token("forged"), FailureCode::CREDENTIALS_INVALID),
        (token("other"), FailureCode::FEDERATION_MISMATCH),
        (token("late"), FailureCode::CLOCK_SKEW),
    ] {
        let case = format!("{proof:?}");
        refer(&installation, tenant, proof).await;
        assert_eq!(failure(&installation, tenant).await.code, code, "{case}");
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_used_fail_the_run_and_name_the_file_and_no_path() {
    let installation = Installation::build().await;
    let directory = TempDir::new().unwrap();
    put(&directory, "exposed.pem", "anything", 0o444);
    put(&directory, "empty.pem", "", 0o400);
    put(&directory, "words.pem", "not what it should be", 0o400);
    let alone = Identity::fresh().certificate();
    put(&directory, "alone.pem", &alone, 0o400);
    put(&directory, "words", "not what it should be", 0o400);
    create_dir(directory.path().join("folder")).unwrap();
    let (tenant, _) = installation.tenant().await;
    let flag = format!("--credentials-dir={}", directory.path().display());
    let worker = installation.worker_with(&[&flag]);
    for (proof, reason) in [
        (
            StoredProof::Certificate("none.pem".parse().unwrap()),
            "no such file",
        ),
        (
            StoredProof::Certificate("exposed.pem".parse().unwrap()),
            "others than its owner",
        ),
        (
            StoredProof::Certificate("empty.pem".parse().unwrap()),
            "no private key",
        ),
        (
            StoredProof::Certificate("words.pem".parse().unwrap()),
            "no private key",
        ),
        (
            StoredProof::Certificate("alone.pem".parse().unwrap()),
            "no private key",
        ),
        (
            StoredProof::Certificate("folder".parse().unwrap()),
            "not a regular file",
        ),
        (
            StoredProof::FederatedToken("none".parse().unwrap()),
            "no such file",
        ),
        (
            StoredProof::FederatedToken("words".parse().unwrap()),
            "cannot be read",
        ),
    ] {
        refer(&installation, tenant, proof).await;
        let failure = failure(&installation, tenant).await;
        assert_eq!(failure.code, FailureCode::CREDENTIALS_UNREADABLE);
        assert!(failure.detail.contains(reason), "{failure:?}");
        let reported = format!("{failure:?}");
        let path = directory.path().to_str().unwrap();
        assert!(!reported.contains(path) && !failure.retryable, "{reported}");
    }
    worker.stop().await;
}
