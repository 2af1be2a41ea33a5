//! Syncs of which the database refuses a row.

use atlas_domain::failure::{Failure, FailureCode, RowDefect, RowProblem, RowProblems};
use atlas_domain::ids::RunId;
use atlas_domain::inventory::TypeStatus;
use atlas_domain::run::{Outcome, RunState};
use atlas_graph_sim::MutationScript;
use atlas_test_support::Member;

use crate::installation::Installation;

/// Two types of one list.
const SELECTION: &str = r#"{"policy_types": ["deviceConfiguration", "windowsUpdateRing"],
    "include_foundations": false, "include_dependencies": false}"#;

fn not_stored(id: &str) -> RowProblems {
    let mut rows = RowProblems::default();
    rows.add(RowProblem {
        position: None,
        id: Some(id.to_owned()),
        defect: RowDefect::NotStored,
    });
    rows
}

impl Installation {
    /// From now on the database refuses rows of the table of which the condition is true.
    async fn refuse(&self, table: &str, condition: &str) {
        let statement = format!(
            "CREATE FUNCTION refuse_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                IF {condition} THEN RAISE EXCEPTION 'refused by a test' \
                    USING ERRCODE = 'check_violation'; END IF; RETURN NEW; END $$; \
             CREATE TRIGGER refuse_row BEFORE INSERT OR UPDATE ON {table} \
                FOR EACH ROW EXECUTE FUNCTION refuse_row()"
        );
        let connection = self.database.connection().await;
        connection.batch_execute(&statement).await.unwrap();
    }

    /// The run's attempts and its error.
    async fn attempts(&self, member: &Member, run: RunId) -> (i32, Option<Failure>) {
        let run = self.run(member, run).await;
        let RunState::Completed { .. } = run.state else {
            panic!("it has ended");
        };
        (run.attempt, run.error)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_row_makes_its_type_incomplete_and_nothing_else() {
    let installation = Installation::of_size(600).await;
    let (tenant, member) = installation.tenant().await;
    let directory = tenant.directory_id.to_string();
    let worker = installation.worker();
    let first = installation.press(tenant, &member, SELECTION).await;
    assert_eq!(
        installation.ended(&member, first).await.0,
        Outcome::Succeeded
    );
    let before = installation.items(tenant).await;

    for key in ["deviceConfiguration", "windowsUpdateRing"] {
        let script = MutationScript {
            seed: 3,
            add: 1,
            delete: 1,
            keys: vec![key.to_owned()],
            ..MutationScript::default()
        };
        installation.simulator.mutate(&directory, &script);
    }
    let there = installation.simulator.answer_key(&directory);
    let stays = |item: &&(String, String, String, Option<i32>)| {
        item.0 == "deviceConfiguration" && there[&item.0].iter().any(|one| one.id == item.1)
    };
    let refused = &before.iter().find(stays).unwrap().1;
    installation
        .refuse("inventory_items", &format!("NEW.external_id = '{refused}'"))
        .await;

    let second = installation.press(tenant, &member, SELECTION).await;
    let (outcome, counts) = installation.ended(&member, second).await;
    worker.stop().await;
    assert_eq!(outcome, Outcome::PartiallySucceeded);
    assert_eq!((counts.items_created, counts.items_missing), (2, 1));
    let results = installation.results(&member, second).await;
    let ring = &results["windowsUpdateRing"];
    assert_eq!(
        (ring.status, ring.created, ring.missing),
        (TypeStatus::Succeeded, 1, 1),
        "a type without trouble is judged although it shares the list"
    );
    let configuration = &results["deviceConfiguration"];
    let there = there["deviceConfiguration"].len() as u64;
    assert_eq!(
        (
            configuration.status,
            configuration.seen,
            configuration.created,
            configuration.missing
        ),
        (TypeStatus::Incomplete, there - 1, 1, 0)
    );
    let error = configuration.error.clone().unwrap();
    assert_eq!(error.code, FailureCode::ROWS_NOT_STORED);
    assert!(!error.retryable);
    assert_eq!(
        error.detail,
        format!(
            "1 object was not stored ({refused}: refused by the database); no object of this type \
             was marked as missing."
        )
    );
    assert_eq!(error.rows, Some(not_stored(refused)));
    assert_eq!(
        installation.attempts(&member, second).await,
        (1, Some(error))
    );
    let present = installation.items(tenant).await;
    assert!(present.iter().any(|item| &item.1 == refused));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_group_is_named_and_asked_for_again_until_it_is_stored() {
    let installation = Installation::with_groups(300).await;
    let (tenant, member) = installation.tenant().await;
    let directory = tenant.directory_id.to_string();
    let groups = installation.simulator.groups(&directory);
    let refused = groups[7]["id"].as_str().unwrap();
    installation
        .refuse("directory_groups", &format!("NEW.id = '{refused}'"))
        .await;
    let worker = installation.worker();
    for created in [299, 0] {
        let run = installation.press_groups(tenant, &member).await;
        let (outcome, counts) = installation.ended(&member, run).await;
        assert_eq!(outcome, Outcome::PartiallySucceeded);
        assert_eq!((counts.items_created, counts.items_missing), (created, 0));
        let (attempts, error) = installation.attempts(&member, run).await;
        let error = error.unwrap();
        assert_eq!((attempts, &error.code), (1, &FailureCode::ROWS_NOT_STORED));
        assert_eq!(error.rows, Some(not_stored(refused)));
    }
    let connection = installation.database.connection().await;
    let heals = "DROP TRIGGER refuse_row ON directory_groups";
    connection.batch_execute(heals).await.unwrap();
    let run = installation.press_groups(tenant, &member).await;
    let (outcome, counts) = installation.ended(&member, run).await;
    worker.stop().await;
    assert_eq!((outcome, counts.items_created), (Outcome::Succeeded, 1));
}
