//! How long ago tenants were synced, their certificates and secrets, and how pools are used.

use std::collections::BTreeMap;

use atlas_domain::tenant::StoredProof;
use atlas_store::{NewCredential, PoolUse};

use crate::Stage;

impl Stage {
    /// Tenants by age, for one kind.
    async fn ages(&self, kind: &str) -> BTreeMap<String, i64> {
        let ages = self.store.sync_ages().await.unwrap();
        let ages = ages.into_iter().filter(|one| one.kind == kind);
        ages.map(|one| (one.age, one.tenants)).collect()
    }

    /// Moves the ends of all runs so far back.
    async fn ended_before(&self, age: &str) {
        let connection = self.database.connection().await;
        let earlier = format!(
            "UPDATE operation_runs SET completed_at = now() - interval '{age}', created_at = now()
             - interval '{age}' - interval '1 minute' WHERE status = 'completed'"
        );
        connection.batch_execute(&earlier).await.unwrap();
    }

    async fn certificate(&self, file: &str) {
        let tenant = self.scenario.tenant_with(file, None).await.id;
        let credential = NewCredential {
            client_id: "client".to_owned(),
            proof: StoredProof::Certificate("shared.pem".parse().unwrap()),
            expires_on: None,
        };
        self.store.set_credential(tenant, credential).await.unwrap();
    }
}

fn one(age: &str, tenants: i64) -> BTreeMap<String, i64> {
    BTreeMap::from([(age.to_owned(), tenants)])
}

#[tokio::test]
async fn tenants_are_counted_by_the_age_of_their_last_good_run_of_each_kind() {
    let stage = Stage::set().await;
    assert_eq!(stage.ages("inventory_sync").await, one("never", 1));
    stage.done().await;
    for (age, word) in [
        ("59 minutes", "1h"),
        ("5 hours", "6h"),
        ("23 hours", "1d"),
        ("2 days", "3d"),
        ("6 days", "7d"),
        ("29 days", "30d"),
        ("31 days", "longer"),
    ] {
        stage.ended_before(age).await;
        assert_eq!(stage.ages("inventory_sync").await, one(word, 1), "{age}");
    }
    assert_eq!(stage.ages("directory_groups_sync").await, one("never", 1));

    // A later run that failed makes nothing fresh, and one that succeeded in part does.
    let connection = stage.database.connection().await;
    for (outcome, word) in [("failed", "longer"), ("partially_succeeded", "1h")] {
        stage.done().await;
        let newest = format!(
            "UPDATE operation_runs SET outcome = '{outcome}'
             WHERE id = (SELECT id FROM operation_runs ORDER BY created_at DESC LIMIT 1)"
        );
        connection.batch_execute(&newest).await.unwrap();
        assert_eq!(stage.ages("inventory_sync").await, one(word, 1));
    }
    let disable = "UPDATE tenants SET enabled = false";
    connection.batch_execute(disable).await.unwrap();
    assert_eq!(stage.ages("inventory_sync").await, BTreeMap::new());
}

#[tokio::test]
async fn files_of_certificates_are_counted_and_secrets_come_in_batches() {
    let stage = Stage::set().await;
    stage.certificate("One").await;
    stage.certificate("Two").await;
    let files = stage.store.certificate_files().await.unwrap();
    let files: Vec<_> = files
        .iter()
        .map(|one| (one.file.as_ref().unwrap().to_string(), one.tenants))
        .collect();
    assert_eq!(files, [("shared.pem".to_owned(), 2)]);

    // The stage's tenant has a secret, too.
    for name in ["Three", "Four"] {
        stage.scenario.tenant(name).await;
    }
    let mut seen = Vec::new();
    loop {
        let after = seen.last().copied();
        let batch = stage.store.sealed_secrets(after, 2).await.unwrap();
        if batch.is_empty() {
            break;
        }
        assert!(batch.len() <= 2);
        seen.extend(batch.into_iter().map(|(tenant, _)| tenant));
    }
    assert_eq!(seen.len(), 3);
    let mut sorted = seen.clone();
    sorted.sort_unstable();
    assert_eq!(seen, sorted);
}

#[tokio::test]
async fn the_ends_of_secrets_are_counted_by_day_and_those_that_nobody_said_apart() {
    let stage = Stage::set().await;
    for (name, day) in [
        ("One", "2027-03-31"),
        ("Two", "2027-03-31"),
        ("Three", "2027-01-01"),
    ] {
        let tenant = stage.scenario.tenant(name).await.id;
        let (_, sealed) = stage.store.sealed_secrets(None, 1).await.unwrap().remove(0);
        let credential = NewCredential {
            client_id: "client".to_owned(),
            proof: StoredProof::ClientSecret(sealed),
            expires_on: Some(day.parse().unwrap()),
        };
        stage
            .store
            .set_credential(tenant, credential)
            .await
            .unwrap();
    }
    stage.certificate("Four").await;
    let ends = async || -> Vec<_> {
        let ends = stage.store.secret_ends().await.unwrap().into_iter();
        ends.map(|one| (one.expires_on.map(|day| day.to_string()), one.tenants))
            .collect()
    };
    let (early, late) = ("2027-01-01".to_owned(), "2027-03-31".to_owned());
    // The stage's own tenant has a secret, too.
    assert_eq!(
        ends().await,
        [(Some(early.clone()), 1), (Some(late.clone()), 2), (None, 1)]
    );
    let connection = stage.database.connection().await;
    let disable = "UPDATE tenants SET enabled = false WHERE name = 'One'";
    connection.batch_execute(disable).await.unwrap();
    assert_eq!(ends().await, [(Some(early), 1), (Some(late), 1), (None, 1)]);
}

#[tokio::test]
async fn a_pool_shows_what_is_open_and_idle_and_how_much_it_may_open() {
    let stage = Stage::set().await;
    stage.store.ping().await.unwrap();
    let [main, reads] = stage.store.pools();
    assert_eq!((main.pool, main.most, main.waiting), ("main", 8, 0));
    assert!(main.idle >= 1, "{main:?}");
    let expected = PoolUse {
        pool: "reads",
        most: 4,
        ..reads
    };
    assert_eq!(reads, expected);
}
