//! Migrations, and what the statements rely on in the schema.

use std::collections::{BTreeMap, BTreeSet};

use atlas_domain::access::Role;
use atlas_domain::audit::{ActorKind, AuditOutcome};
use atlas_domain::inventory::TypeStatus;
use atlas_domain::inventory::actor::{self, ActivityLog, Attribution};
use atlas_domain::inventory::change::ChangeKind;
use atlas_domain::inventory::link::LinkSource;
use atlas_domain::notification::Phase;
use atlas_domain::run::{Outcome, Status};
use atlas_domain::schedule::{CatchUp, SkipReason, StopReason};
use atlas_domain::tenant::{Cloud, CredentialKind};
use atlas_domain::webhook::{DeliveryCause, DeliveryOutcome, WebhookDisableReason};
use atlas_store::{SchemaState, SweepPlan, migrate, migrate_to, revert_all};
use atlas_test_support::TestDatabase;
use secrecy::SecretString;

use crate::Stage;

/// Every column, constraint and index, as text that can be compared.
const CATALOG: &str = "SELECT string_agg(line, E'\n' ORDER BY line) FROM ( \
    SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable \
        || ' ' || coalesce(column_default, '') AS line \
    FROM information_schema.columns WHERE table_schema = 'public' \
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' \
    UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) \
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace \
    UNION ALL SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace) lines";

async fn catalog(database: &TestDatabase) -> String {
    database
        .connection()
        .await
        .query_one(CATALOG, &[])
        .await
        .unwrap()
        .get(0)
}

#[tokio::test]
async fn migrations_go_up_down_and_up_and_arrive_at_the_same_schema() {
    let database = TestDatabase::empty().await;
    let url = SecretString::from(database.url());
    let store = database.store();
    let SchemaState::Behind { missing } = store.schema_state().await.unwrap() else {
        panic!("an empty database is behind")
    };
    assert_eq!(migrate(&url).await.unwrap().len(), missing.len());
    assert_eq!(store.schema_state().await.unwrap(), SchemaState::Current);
    let first = catalog(&database).await;
    assert!(
        migrate(&url).await.unwrap().is_empty(),
        "nothing is applied twice"
    );
    assert_eq!(revert_all(&url).await.unwrap().len(), missing.len());
    let empty = catalog(&database).await;
    assert!(!empty.contains("operation_runs"), "{empty}");
    migrate(&url).await.unwrap();
    assert_eq!(catalog(&database).await, first);
}

#[tokio::test]
async fn a_schema_with_one_migration_more_fits_until_it_needs_a_newer_program() {
    let stage = Stage::set().await;
    stage.database.expand_schema().await;
    let later = "29990101000000".to_owned();
    let expanded = SchemaState::Compatible {
        missing: vec![],
        unknown: vec![later.clone()],
    };
    assert_eq!(stage.store.schema_state().await.unwrap(), expanded);
    assert!(expanded.fits());

    stage.database.contract_schema().await;
    let contracted = SchemaState::Ahead {
        oldest_program: later,
    };
    assert_eq!(stage.store.schema_state().await.unwrap(), contracted);
    assert!(!contracted.fits());
    let plan = stage.store.plan_sweep().await.unwrap();
    assert_eq!(plan, SweepPlan::Unfit(contracted));

    stage.database.accept_this_version().await;
    assert_eq!(stage.store.schema_state().await.unwrap(), expanded);
}

#[tokio::test]
async fn a_schema_with_one_migration_less_does_not_fit() {
    let database = TestDatabase::empty().await;
    let url = SecretString::from(database.url());
    let (before, last) = last_two_versions();
    migrate_to(&url, before).await.unwrap();
    let store = database.store();
    let state = store.schema_state().await.unwrap();
    assert_eq!(
        state,
        SchemaState::Behind {
            missing: vec![last]
        }
    );
    assert!(!state.fits());
    assert_eq!(store.plan_sweep().await.unwrap(), SweepPlan::Unfit(state));

    // One that lacks the tables, too.
    let empty = TestDatabase::empty().await;
    let plan = empty.store().plan_sweep().await.unwrap();
    assert!(matches!(plan, SweepPlan::Unfit(_)), "{plan:?}");
}

/// The versions of the last migration but one, and of the last one.
fn last_two_versions() -> (String, String) {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
    let mut versions: Vec<String> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.split_once('_').unwrap().0.replace('-', "")
        })
        .collect();
    versions.sort_unstable();
    let last = versions.pop().unwrap();
    (versions.pop().unwrap(), last)
}

#[tokio::test]
async fn the_constraints_refuse_rows_that_no_transition_makes() {
    let stage = Stage::set().await;
    let run = stage
        .scenario
        .queued_run(stage.tenant.id, stage.operator.id, "{}")
        .await;
    let connection = stage.database.connection().await;
    for change in [
        "status = 'running'",
        "status = 'completed'",
        "outcome = 'succeeded'",
        "status = 'other'",
        "worker_id = 'w'",
        "completed_at = now()",
        "status = 'completed', outcome = 'done', completed_at = now()",
        "cancel_requested_at = now()",
    ] {
        let sql = format!("UPDATE operation_runs SET {change} WHERE id = '{run}'");
        assert!(connection.batch_execute(&sql).await.is_err(), "{change}");
    }
    let audit = connection
        .batch_execute("UPDATE audit_events SET outcome = 'denied'")
        .await;
    assert!(audit.is_err(), "the audit log is append-only");
}

/// Checks that a column holds one of a list of words.
const WORD_LISTS: &str =
    "SELECT c.conrelid::regclass || '.' || a.attname, pg_get_constraintdef(c.oid)
    FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
    WHERE c.contype = 'c' AND cardinality(c.conkey) = 1
        AND c.connamespace = 'public'::regnamespace
        AND pg_get_constraintdef(c.oid) LIKE '%= ANY (ARRAY[%'";

fn words(column: &str, words: &[&str]) -> (String, BTreeSet<String>) {
    let words = words.iter().map(|word| (*word).to_owned());
    (column.to_owned(), words.collect())
}

#[tokio::test]
async fn columns_of_words_take_exactly_the_words_of_the_domain() {
    let database = TestDatabase::create().await;
    let rows = database.connection().await.query(WORD_LISTS, &[]).await;
    let found: BTreeMap<String, BTreeSet<String>> = rows
        .unwrap()
        .iter()
        .map(|row| {
            let definition: String = row.get(1);
            let quoted = definition.split('\'').skip(1).step_by(2);
            (row.get(0), quoted.map(str::to_owned).collect())
        })
        .collect();
    let attributed = Attribution::WORDS.map(|word| (word, word != Attribution::None.as_str()));
    let attributed: Vec<&str> = attributed
        .into_iter()
        .filter_map(|(word, is_stored)| is_stored.then_some(word))
        .collect();
    let expected = BTreeMap::from([
        words("activity_events.actor_kind", &actor::ActorKind::WORDS),
        words("activity_events.log", &ActivityLog::WORDS),
        words("activity_logs.log", &ActivityLog::WORDS),
        words("inventory_changes.attributed", &attributed),
        words("audit_events.actor_kind", &ActorKind::WORDS),
        words("audit_events.outcome", &AuditOutcome::WORDS),
        words("inventory_changes.kind", &ChangeKind::WORDS),
        words("inventory_links.source", &LinkSource::WORDS),
        words("inventory_type_results.status", &TypeStatus::WORDS),
        words("memberships.role", &Role::WORDS),
        words("notifications.phase", &Phase::WORDS),
        words("operation_runs.outcome", &Outcome::WORDS),
        words("operation_runs.status", &Status::WORDS),
        words("tenant_credentials.kind", &CredentialKind::WORDS),
        words("tenant_schedules.catch_up", &CatchUp::WORDS),
        words("tenant_schedules.skip_reason", &SkipReason::WORDS),
        words("tenant_schedules.stop_reason", &StopReason::WORDS),
        words("tenants.cloud", &Cloud::WORDS),
        words("webhook_deliveries.cause", &DeliveryCause::WORDS),
        words("webhook_deliveries.outcome", &DeliveryOutcome::WORDS),
        words(
            "webhook_endpoints.disable_reason",
            &WebhookDisableReason::WORDS,
        ),
    ]);
    assert_eq!(found, expected);
}
