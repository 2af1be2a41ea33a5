//! What follows from errors of the database: what a start is answered, and what becomes of a sync.
//! A trigger reports each error with the state and the text that PostgreSQL has for it.

use std::sync::Arc;
use std::time::Duration;

use atlas_domain::clock::{SystemClock, SystemEntropy};
use atlas_store::{Pooling, Store, StoreOptions};
use atlas_test_support::eventually;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::runs::became;
use crate::answers::{Api, Client, Question, parts};
use crate::installation::{Installation, dead_doorbell};
use crate::masks::Masks;

const ONE_TYPE: &str = r#"{"policy_types": ["mobileApp"], "include_foundations": false}"#;

/// States and texts.
const ERRORS: [(&str, &str); 18] = [
    ("40P01", "deadlock detected"),
    (
        "40001",
        "could not serialize access due to concurrent update",
    ),
    ("57014", "canceling statement due to statement timeout"),
    ("57014", "canceling statement due to user request"),
    (
        "57P01",
        "terminating connection due to administrator command",
    ),
    (
        "57P02",
        "terminating connection because of crash of another server process",
    ),
    ("57P03", "the database system is shutting down"),
    (
        "25P03",
        "terminating connection due to idle-in-transaction timeout",
    ),
    ("53300", "sorry, too many clients already"),
    ("55P03", "canceling statement due to lock timeout"),
    ("53100", "could not extend file: No space left on device"),
    ("53200", "out of memory"),
    ("25006", "cannot execute INSERT in a read-only transaction"),
    ("23505", "duplicate key value violates unique constraint"),
    ("23514", "new row violates check constraint"),
    ("22021", "invalid byte sequence for encoding"),
    ("42P01", "relation does not exist"),
    ("XX000", "cache lookup failed"),
];

/// States with which syncs are tried for good; with every other twice.
const FOR_GOOD: [&str; 3] = ["23514", "22021", "42P01"];

/// Columns of a run with values that nobody can read.
const UNREADABLE: [(&str, &str); 4] = [
    ("kind", "other"),
    ("inputs", r#"{"policy_types": 1}"#),
    ("error", "{}"),
    ("progress", "{}"),
];

/// Lets statements that insert into a table fail, so many times.
async fn fail(installation: &Installation, table: &str, error: (&str, &str), times: i64) {
    let (state, text) = error;
    installation
        .execute(&format!(
            "CREATE SEQUENCE IF NOT EXISTS failed; SELECT setval('failed', 1, false); \
             CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 IF nextval('failed') <= {times} THEN \
                     RAISE EXCEPTION '{text}' USING ERRCODE = '{state}'; END IF; \
                 RETURN NULL; END $$; \
             CREATE OR REPLACE TRIGGER fail BEFORE INSERT ON {table} \
                 FOR EACH STATEMENT EXECUTE FUNCTION fail()"
        ))
        .await;
}

/// What a start is answered, and what is answered about a run that nobody can read, and while the
/// database is away.
pub(super) async fn answers() -> Vec<Value> {
    let installation = Installation::set_up().await;
    let (tenant, member) = installation.tenant(1, "Contoso").await;
    let by = ("operator", &*member.token);
    let api = Api::start(parts(installation.store.clone(), dead_doorbell()), None);
    let mut written = Vec::new();
    for error in ERRORS {
        fail(&installation, "audit_events", error, 1_000).await;
        let question = Question::post(format!("/tenants/{}/inventory-sync", tenant.id)).by(by);
        let answer = one_answer(&api, question).await;
        written.push(json!({"state": error.0, "text": error.1, "answer": answer}));
    }
    let works = "DROP TRIGGER fail ON audit_events";
    installation.execute(works).await;

    let scenario = &installation.scenario;
    let run = scenario.queued_run(tenant.id, member.id, ONE_TYPE).await;
    for (column, value) in UNREADABLE {
        let broken = format!(
            "CREATE TABLE kept AS SELECT {column} FROM operation_runs; \
             UPDATE operation_runs SET {column} = '{value}'"
        );
        installation.execute(&broken).await;
        let question = Question::get(format!("/operation-runs/{run}")).by(by);
        let answer = one_answer(&api, question).await;
        written.push(json!({"column": column, "value": value, "answer": answer}));
        let mended = format!(
            "UPDATE operation_runs SET {column} = (SELECT {column} FROM kept); DROP TABLE kept"
        );
        installation.execute(&mended).await;
    }

    let nowhere = StoreOptions {
        database_url: SecretString::from("postgres://nobody@127.0.0.1:9/nothing"),
        pooling: Pooling::Session,
        pool_size: 1,
        read_pool_size: 1,
        application_name: "golden".to_owned(),
        acquire_timeout: Duration::from_secs(30),
    };
    let nowhere = Store::new(&nowhere, Arc::new(SystemClock), Arc::new(SystemEntropy));
    let api = Api::start(parts(nowhere.unwrap(), dead_doorbell()), None);
    let answer = one_answer(&api, Question::get("/me").by(by)).await;
    written.push(json!({"database": "away", "answer": answer}));
    written
}

async fn one_answer(api: &Api, question: Question<'_>) -> Value {
    let mut client = Client::new(&api.base, Masks::default());
    client.ask(question).await;
    let answers = client.answers().values().flatten().cloned();
    answers.collect()
}

/// What becomes of syncs whose writes of objects fail, and of runs that their worker cannot read.
pub(super) async fn runs() -> Vec<Value> {
    let installation = Installation::set_up().await;
    let worker = installation.worker();
    let mut written = Vec::new();
    let twice = ERRORS.map(|error| (error, 2));
    let for_good = ERRORS.iter().filter(|error| FOR_GOOD.contains(&error.0));
    let for_good = for_good.map(|error| (*error, 1_000));
    for (number, (error, times)) in (1..).zip(twice.into_iter().chain(for_good)) {
        fail(&installation, "inventory_items", error, times).await;
        let (tenant, member) = installation.tenant(number, "Contoso").await;
        let run = installation.sync(tenant, &member, ONE_TYPE).await;
        let mut became = became(&installation, run).await;
        became["state"] = error.0.into();
        became["text"] = error.1.into();
        became["times"] = times.into();
        written.push(became);
    }
    let works = "DROP TRIGGER fail ON inventory_items";
    installation.execute(works).await;
    worker.stop().await;

    let (column, value) = UNREADABLE[1];
    let (tenant, member) = installation.tenant(100, "Contoso").await;
    let scenario = &installation.scenario;
    let run = scenario.queued_run(tenant.id, member.id, ONE_TYPE).await;
    let broken = format!("UPDATE operation_runs SET {column} = '{value}' WHERE id = '{run}'");
    installation.execute(&broken).await;
    let worker = installation.worker();
    let connection = installation.database.connection().await;
    eventually("the run to end", async || {
        let sql = "SELECT 1 FROM operation_runs WHERE id = $1::text::uuid AND status = 'completed'";
        let row = connection.query_opt(sql, &[&run.to_string()]).await;
        row.unwrap().map(|_| ())
    })
    .await;
    worker.stop().await;
    let mut became = became(&installation, run).await;
    became["column"] = column.into();
    became["value"] = value.into();
    written.push(became);
    written
}
