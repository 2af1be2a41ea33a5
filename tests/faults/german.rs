//! A PostgreSQL whose messages are German: what the store reports depends on no language.

mod stage;

use atlas_domain::causes::Causes;
use atlas_domain::inventory::{JsonText, Observation};
use atlas_domain::policy_types::registry;
use atlas_store::{AdmitError, Heartbeat, NotificationFilter, PageRequest, StoreError};
use atlas_test_support::{Scenario, eventually};
use serde_json::json;

use self::stage::{SELECTIONS, Stage, terms};

/// Lets an update by this worker wait for whoever holds the advisory lock of this number.
const HOLD_UPDATES: &str = "
    CREATE FUNCTION hold_update() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(7);
        RETURN NEW;
    END $$;
    CREATE TRIGGER hold_update BEFORE UPDATE ON operation_runs
        FOR EACH ROW WHEN (NEW.worker_id = 'held') EXECUTE FUNCTION hold_update()";

/// What a log shows of the error holds these words of PostgreSQL.
fn assert_says(error: &StoreError, words: &str) {
    let text = Causes(error).to_string();
    assert!(text.contains(words), "{text}");
}

macro_rules! assert_is {
    ($answer:expr, $variant:ident, $words:literal) => {{
        let error = $answer.unwrap_err();
        assert!(matches!(error, StoreError::$variant(_)), "{error:?}");
        assert_says(&error, $words);
        error
    }};
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_of_statements_in_files_are_sorted_by_code() {
    let stage = Stage::set().await;
    let claim = stage.claimed("held").await;
    let row = "SELECT FROM operation_runs FOR UPDATE";

    // The other session waits for the run after the store's has it, and never looks for deadlocks.
    let other = stage
        .holding("SET LOCAL deadlock_timeout = '1min'; SELECT pg_advisory_xact_lock(7)")
        .await;
    stage.execute(HOLD_UPDATES).await;
    let renewing = stage.renew(&claim.lease);
    stage.blocked().await;
    other.batch_execute(row).await.unwrap();
    let error = assert_is!(renewing.await.unwrap(), Deadlock, "Verklemmung");
    assert_says(&error, "SQLSTATE 40P01");
    assert!(error.is_transient());
    drop(other);

    let holder = stage.holding(row).await;
    let error = assert_is!(
        stage.renew(&claim.lease).await.unwrap(),
        Busy,
        "Zeitüberschreitung einer Sperre"
    );
    assert_says(&error, "SQLSTATE 55P03");
    assert!(error.is_transient());

    let renewing = stage.renew(&claim.lease);
    stage
        .signal("pg_cancel_backend", stage.blocked().await)
        .await;
    let error = assert_is!(renewing.await.unwrap(), Busy, "storniere Anfrage");
    assert_says(&error, "SQLSTATE 57014");

    let renewing = stage.renew(&claim.lease);
    stage
        .signal("pg_terminate_backend", stage.blocked().await)
        .await;
    let error = assert_is!(
        renewing.await.unwrap(),
        Unavailable,
        "Anweisung des Administrators"
    );
    assert_says(&error, "SQLSTATE 57P01");
    assert!(error.is_transient());

    drop(holder);
    let renewed = stage.renew(&claim.lease).await.unwrap();
    assert!(matches!(renewed, Ok(Heartbeat::Renewed { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_statements_in_files_are_sorted_by_code() {
    let stage = Stage::set().await;
    stage.queue(SELECTIONS[0]).await;

    stage
        .execute(
            "ALTER TABLE operation_runs
            ADD CONSTRAINT refused CHECK (worker_id IS DISTINCT FROM 'refused')",
        )
        .await;
    let error = assert_is!(
        stage.store.claim_next(&terms("refused")).await,
        Unexpected,
        "verletzt Check-Constraint"
    );
    assert_says(&error, "SQLSTATE 23514");
    assert!(!error.is_transient());

    stage
        .execute("CREATE UNIQUE INDEX one_run ON operation_runs (initiator_id)")
        .await;
    let permit = Scenario::permit(stage.tenant.id, stage.operator.id);
    let second = stage
        .store
        .admit(permit, Scenario::start(SELECTIONS[1]))
        .await;
    let Err(AdmitError::Store(error)) = second else {
        panic!("{second:?}")
    };
    let error = assert_is!(Err::<(), _>(error), Unexpected, "doppelter Schlüsselwert");
    assert_says(&error, "SQLSTATE 23505");
    assert!(!error.is_transient());

    // A disk cannot be filled here; the words are PL/pgSQL's for a code without a message.
    stage
        .execute(
            "CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full'; END $$;
            CREATE TRIGGER fill BEFORE UPDATE ON operation_runs EXECUTE FUNCTION fill()",
        )
        .await;
    let error = assert_is!(stage.store.claim_next(&terms("w")).await, Full, "53100");
    assert!(error.is_transient());
    stage.execute("DROP TRIGGER fill ON operation_runs").await;

    stage
        .execute(
            "DO $$ BEGIN EXECUTE format(
                'ALTER DATABASE %I SET default_transaction_read_only = on', current_database());
            END $$",
        )
        .await;
    let standby = stage.database.store();
    let error = assert_is!(
        standby.claim_next(&terms("w")).await,
        ReadOnly,
        "Read-Only-Transaktion"
    );
    assert_says(&error, "SQLSTATE 25006");
    assert!(error.is_transient());
    let marked = standby.mark_read(stage.operator.id, stage.notification().await);
    let error = assert_is!(marked.await, ReadOnly, "Read-Only-Transaktion");
    assert!(error.is_transient());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stops_a_read_is_recognised() {
    let stage = Stage::set().await;
    stage.queue(SELECTIONS[0]).await;
    let notification = stage.notification().await;

    let holder = stage.holding("LOCK TABLE notifications").await;
    let error = assert_is!(stage.list().await.unwrap(), Busy, "Zeitüberschreitung");
    assert!(error.is_transient());

    let listing = stage.list();
    stage
        .signal("pg_terminate_backend", stage.blocked().await)
        .await;
    let error = assert_is!(
        listing.await.unwrap(),
        Unavailable,
        "Anweisung des Administrators"
    );
    assert!(error.is_transient());

    drop(holder);
    stage.list().await.unwrap().unwrap();
    stage
        .execute("ALTER TABLE notifications ADD CONSTRAINT unread CHECK (read_at IS NULL)")
        .await;
    let marked = stage.store.mark_read(stage.operator.id, notification);
    let error = assert_is!(marked.await, Unexpected, "verletzt Check-Constraint");
    assert!(!error.is_transient());
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_take_no_connections_are_unavailable() {
    let mut stage = Stage::set().await;
    let user = stage.operator.id;
    let page = || PageRequest::first(50);
    // New stores have no connection yet.
    let (full, gone) = (stage.impatient(), stage.impatient());

    let mut others = Vec::new();
    let url = stage.database.url();
    while let Ok((client, connection)) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await
    {
        tokio::spawn(connection);
        others.push(client);
    }
    let error = assert_is!(full.due_count().await, Unavailable, "zu viele Verbindungen");
    assert_says(&error, "SQLSTATE 53300");
    let listed = full
        .notifications(user, &NotificationFilter::unread(false), page())
        .await;
    assert_is!(listed, Unavailable, "zu viele Verbindungen");
    others.truncate(1);

    stage.server.shut_down_once_left();
    let leaving = eventually("the server to refuse connections", || async {
        let store = stage.impatient();
        store.due_count().await.is_err().then_some(store)
    })
    .await;
    let error = assert_is!(
        leaving.due_count().await,
        Unavailable,
        "das Datenbanksystem"
    );
    assert_says(&error, "SQLSTATE 57P03");
    let listed = leaving
        .notifications(user, &NotificationFilter::unread(false), page())
        .await;
    assert_is!(listed, Unavailable, "das Datenbanksystem");

    stage.server.stop_immediately();
    for store in [&stage.store, &gone] {
        let counted = store.due_count().await;
        assert!(
            matches!(counted, Err(StoreError::Unavailable(_))),
            "{counted:?}"
        );
        let listed = store
            .notifications(user, &NotificationFilter::unread(false), page())
            .await;
        assert!(
            matches!(listed, Err(StoreError::Unavailable(_))),
            "{listed:?}"
        );
    }
    stage.server.start_again().await;
    for store in [&stage.store, &full, &leaving, &gone] {
        assert_eq!(store.due_count().await.unwrap(), 0);
        assert!(
            store
                .notifications(user, &NotificationFilter::unread(false), page())
                .await
                .unwrap()
                .is_empty()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_loses_the_race_for_a_tenant_finds_nothing() {
    let stage = Stage::set().await;
    for selection in SELECTIONS {
        stage.queue(selection).await;
    }
    stage.execute(HOLD_UPDATES).await;
    let holder = stage.holding("SELECT pg_advisory_xact_lock(7)").await;
    let store = stage.store.clone();
    let slow = tokio::spawn(async move { store.claim_next(&terms("held")).await });
    stage.blocked().await;
    let fast = stage.store.claim_next(&terms("w")).await;
    assert!(fast.unwrap().is_some());
    drop(holder);
    let slow = slow.await.unwrap();
    assert!(slow.unwrap().is_none());
    let log = stage.server.log();
    assert!(log.contains("doppelter Schlüsselwert verletzt"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_refused_are_found_among_the_others() {
    let stage = Stage::set().await;
    let claim = stage.claimed("w").await;
    let (selection, lease) = (claim.inputs.selection().unwrap(), &claim.lease);
    let keys: Vec<_> = selection.keys().into_iter().collect();
    let begun = stage
        .store
        .begin_sync(lease, claim.initiator_id, selection, &keys);
    begun.await.unwrap();
    stage
        .execute(
            "ALTER TABLE inventory_items
            ADD CONSTRAINT refused CHECK (external_id NOT IN ('id-3', 'id-31', 'id-32'))",
        )
        .await;
    let page: Vec<_> = (0..40).map(observation).collect();
    let stored = stage.store.store_page(lease, &page).await.unwrap();
    let mut refused: Vec<_> = stored
        .refused
        .iter()
        .map(|row| row.external_id.as_str())
        .collect();
    refused.sort_unstable();
    assert_eq!(refused, ["id-3", "id-31", "id-32"]);
    let key = registry().find("mobileApp").unwrap();
    assert_eq!(stored.effect[&key].created, 37);
    let log = stage.server.log();
    assert!(log.contains("verletzt Check-Constraint"), "{log}");
}

fn observation(at: usize) -> Observation {
    Observation {
        policy_type: registry().find("mobileApp").unwrap(),
        external_id: format!("id-{at}"),
        name: format!("App {at}"),
        platform: "windows".to_owned(),
        scope_tags: None,
        assignment_count: None,
        metadata: JsonText::of(&json!({})),
        content_hash: [7; 32],
        former_content_hash: None,
        former_assignments_hash: None,
        assignments_hash: None,
        content: JsonText::of(&json!({})),
        assignments: None,
        values: None,
        values_mark: None,
        links: Vec::new(),
    }
}
