//! Syncs of which something fails.

use atlas_domain::failure::FailureCode;
use atlas_domain::inventory::TypeStatus;
use atlas_domain::run::{Outcome, RunState, WaitReason};
use atlas_graph_sim::{Effect, FaultRule, PathMatch, RetryAfter};
use atlas_store::Store;
use atlas_test_support::{TestDatabase, eventually};
use atlas_worker::health;
use secrecy::SecretString;

use crate::installation::Installation;

const APPS: &str = "/beta/deviceAppManagement/mobileApps";
const TWO_TYPES: &str =
    r#"{"policy_types": ["mobileApp", "deviceCompliancePolicy"], "include_foundations": false}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_type_that_is_forbidden_makes_a_partial_success_that_names_the_permission() {
    let installation = Installation::build().await;
    let (tenant, member) = installation.tenant().await;
    let worker = installation.worker();
    let first = installation.press(tenant, &member, TWO_TYPES).await;
    assert_eq!(
        installation.ended(&member, first).await.0,
        Outcome::Succeeded
    );
    let before = installation.items(tenant).await;

    installation.simulator.fault(FaultRule::always(
        PathMatch::exact(APPS),
        Effect::Forbidden { permission: None },
    ));
    let second = installation.press(tenant, &member, TWO_TYPES).await;
    let (outcome, counts) = installation.ended(&member, second).await;
    worker.stop().await;
    assert_eq!(outcome, Outcome::PartiallySucceeded);
    assert_eq!((counts.types_succeeded, counts.types_failed), (1, 1));
    assert_eq!(counts.items_missing, 0);
    assert_eq!(
        installation.items(tenant).await,
        before,
        "nothing is missing because it is forbidden"
    );

    let results = installation.results(&member, second).await;
    let apps = &results["mobileApp"];
    assert_eq!(apps.status, TypeStatus::Failed);
    let error = apps.error.as_ref().unwrap();
    assert_eq!(error.code, FailureCode::PERMISSION_MISSING);
    assert_eq!(error.missing_permissions, ["DeviceManagementApps.Read.All"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_breaks_off_marks_nothing_missing_and_keeps_what_was_read() {
    let installation = Installation::build().await;
    let (tenant, member) = installation.tenant().await;
    let worker = installation.worker();
    let one =
        r#"{"policy_types": ["settingsCatalogPolicy", "mobileApp"], "include_foundations": false}"#;
    let first = installation.press(tenant, &member, one).await;
    assert_eq!(
        installation.ended(&member, first).await.0,
        Outcome::Succeeded
    );
    let before = installation.items(tenant).await.len();

    let path = PathMatch::exact("/beta/deviceManagement/configurationPolicies");
    let nowhere = Effect::ForeignNextLink {
        origin: "http://127.0.0.1:9".to_owned(),
    };
    installation
        .simulator
        .fault(FaultRule::always(path, nowhere));
    let second = installation.press(tenant, &member, one).await;
    let (outcome, counts) = installation.ended(&member, second).await;
    worker.stop().await;
    assert_eq!(outcome, Outcome::PartiallySucceeded);
    assert_eq!(counts.items_missing, 0);
    assert_eq!(installation.items(tenant).await.len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_is_waited_out_within_the_run() {
    let installation = Installation::build().await;
    let (tenant, member) = installation.tenant().await;
    let throttled = Effect::Throttled {
        retry_after: RetryAfter::Decimal(0.05),
    };
    installation
        .simulator
        .fault(FaultRule::always(PathMatch::exact(APPS), throttled).times(Some(2)));
    let worker = installation.worker();
    let run = installation.press(tenant, &member, TWO_TYPES).await;
    assert_eq!(installation.ended(&member, run).await.0, Outcome::Succeeded);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_service_that_is_away_lets_the_run_be_tried_again_later() {
    let installation = Installation::build().await;
    let (tenant, member) = installation.tenant().await;
    let worker =
        installation.worker_with(&["--login-url=http://127.0.0.1:9", "--graph-max-wait=10ms"]);
    let run = installation.press(tenant, &member, TWO_TYPES).await;
    let waiting = eventually("the run to wait for its next attempt", || async {
        let run = installation.run(&member, run).await;
        matches!(
            run.state,
            RunState::Queued {
                wait: Some(WaitReason::Backoff),
                ..
            }
        )
        .then_some(run)
    })
    .await;
    assert_eq!((waiting.attempt, waiting.failures), (1, 1));
    assert_eq!(waiting.error.unwrap().code, FailureCode::GRAPH_UNREACHABLE);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_is_not_ready_on_a_foreign_schema_and_becomes_ready_with_the_right_one() {
    let installation = Installation::over(TestDatabase::empty().await).await;
    let worker = installation.worker();
    let file = installation.health_file();
    let reason = eventually("the reason to be reported", || async {
        health::read(&file)
            .err()
            .filter(|reason| reason.contains("schema"))
    })
    .await;
    assert!(reason.contains("atlas migrate"), "{reason}");

    atlas_store::migrate(&SecretString::from(installation.database.url()))
        .await
        .unwrap();
    eventually("the worker to be ready", || async {
        health::read(&file).ok()
    })
    .await;
    let store: Store = installation.store.clone();
    assert!(store.ping().await.is_ok());
    let (tenant, member) = installation.tenant().await;
    let run = installation.press(tenant, &member, TWO_TYPES).await;
    assert_eq!(installation.ended(&member, run).await.0, Outcome::Succeeded);
    worker.stop().await;
    assert!(
        health::read(&file).is_err(),
        "a stopped worker is not ready"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_waits_for_a_database_that_takes_writes() {
    let database = TestDatabase::create().await;
    let admin = database.connection().await;
    let row = admin.query_one("SELECT current_database()::text", &[]);
    let name: String = row.await.unwrap().get(0);
    let read_only = format!("ALTER DATABASE {name} SET default_transaction_read_only = on");
    admin.batch_execute(&read_only).await.unwrap();
    let installation = Installation::over(database).await;
    let worker = installation.worker();
    let file = installation.health_file();
    eventually("the reason to be reported", || async {
        health::read(&file)
            .err()
            .filter(|reason| reason.contains("the database takes no writes"))
    })
    .await;
    let writable = format!(
        "ALTER DATABASE {name} RESET default_transaction_read_only;
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()"
    );
    admin.batch_execute(&writable).await.unwrap();
    eventually("the worker to be ready", || async {
        health::read(&file).ok()
    })
    .await;
    worker.stop().await;
}

/// Ends the pause before the run's next attempt.
async fn hurry(installation: &Installation) {
    let connection = installation.database.connection().await;
    let now = "UPDATE operation_runs SET not_before = now() WHERE status = 'queued'";
    connection.execute(now, &[]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stays_unusable_is_tried_once_more_and_ends_the_run_with_its_code() {
    let redirect = || Effect::Answer {
        status: 302,
        body: String::new(),
    };
    let tokens = || PathMatch::Suffix("/oauth2/v2.0/token".to_owned());
    for (path, effect) in [
        (tokens(), redirect()),
        (tokens(), Effect::CompressedBlanks { bytes: 1_000_000 }),
        (PathMatch::prefix("/beta"), redirect()),
        (PathMatch::prefix("/beta"), Effect::DamagedGzip),
    ] {
        let installation = Installation::build().await;
        let (tenant, member) = installation.tenant().await;
        installation
            .simulator
            .fault(FaultRule::always(path, effect.clone()));
        let worker = installation.worker();
        let run = installation.press(tenant, &member, TWO_TYPES).await;
        eventually("the run to wait for its next attempt", || async {
            let run = installation.run(&member, run).await;
            (run.failures == 1).then_some(())
        })
        .await;
        hurry(&installation).await;
        let (outcome, _) = installation.ended(&member, run).await;
        worker.stop().await;
        let run = installation.run(&member, run).await;
        assert_eq!((outcome, run.attempt), (Outcome::Failed, 2), "{effect:?}");
        let code = run.error.unwrap().code;
        assert_eq!(code, FailureCode::GRAPH_INVALID_RESPONSE, "{effect:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_too_large_are_not_tried_again() {
    let installation = Installation::build().await;
    let (tenant, member) = installation.tenant().await;
    installation.simulator.fault(FaultRule::always(
        PathMatch::prefix("/beta"),
        Effect::EndlessBody,
    ));
    let worker = installation.worker_with(&["--max-bytes-in-flight=8MiB"]);
    let run = installation.press(tenant, &member, TWO_TYPES).await;
    let (outcome, _) = installation.ended(&member, run).await;
    worker.stop().await;
    let run = installation.run(&member, run).await;
    assert_eq!((outcome, run.attempt), (Outcome::Failed, 1));
    let error = run.error.unwrap();
    assert_eq!(error.code, FailureCode::GRAPH_INVALID_RESPONSE);
    assert!(
        error.detail.contains("larger than the limit"),
        "{}",
        error.detail
    );
}
