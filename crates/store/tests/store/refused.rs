//! Rows that the database refuses, and text as long as its indexes hold.

use std::collections::BTreeMap;

use atlas_domain::directory::{GroupPatch, GroupState, GroupUpdate};
use atlas_domain::ids::GroupId;
use atlas_domain::inventory::Observation;
use atlas_domain::inventory::link::{Link, LinkKind, LinkSet, LinkSource, LinkTarget, TargetKind};
use atlas_domain::limits::{LONGEST_EXTERNAL_ID, LONGEST_LINK_TARGET, LONGEST_NAME};
use atlas_domain::policy_types::registry;
use atlas_domain::run::{Claim, RunInputs};
use atlas_store::{
    GroupTally, PageStored, RefusedRow, StoreError, SweepPlan, TypeEffect, WriteError,
};
use atlas_test_support::Scenario;
use uuid::Uuid;

use crate::inventory::{key, observation};
use crate::{Stage, terms};

/// Text of so many bytes that PostgreSQL cannot compress: letters of a congruential sequence.
fn noise(bytes: usize) -> String {
    let mut state: u64 = 42;
    std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        char::from(b'!' + (state >> 33) as u8 % 94)
    })
    .take(bytes)
    .collect()
}

fn refused(ids: &[&str]) -> Vec<RefusedRow> {
    let rows = ids.iter().map(|id| RefusedRow {
        policy_type: key("mobileApp"),
        external_id: (*id).to_owned(),
    });
    rows.collect()
}

fn seen(stored: &PageStored) -> TypeEffect {
    stored.effect[&key("mobileApp")]
}

fn apps(count: usize, content: u8) -> Vec<Observation> {
    let ids = 0..count;
    ids.map(|id| observation("mobileApp", id, content))
        .collect()
}

impl Stage {
    /// From now on the database refuses these items for their values, whenever they are written.
    async fn refuse(&self, condition: &str) {
        self.fail(condition, "check_violation").await;
    }

    /// From now on writing these items fails for this reason.
    async fn fail(&self, condition: &str, error_code: &str) {
        self.execute(&format!(
            "CREATE FUNCTION refuse_item() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                PERFORM nextval('item_writes'); \
                IF {condition} THEN \
                    RAISE EXCEPTION 'refused by a test' USING ERRCODE = '{error_code}'; \
                END IF; RETURN NEW; END $$; \
             CREATE SEQUENCE item_writes; \
             CREATE TRIGGER refuse_item BEFORE INSERT OR UPDATE ON inventory_items \
                FOR EACH ROW EXECUTE FUNCTION refuse_item()"
        ))
        .await;
    }

    async fn begin_groups(&self) -> Claim {
        let start = Scenario::start_of(RunInputs::DirectoryGroupsSync);
        let (tenant, user) = (self.tenant.id, self.operator.id);
        self.scenario.queued(tenant, user, start).await;
        self.store.claim_next(&terms("w")).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn the_longest_text_fits_into_the_indexes_of_every_policy_type() {
    let stage = Stage::set().await;
    let claim = stage.begin("{}").await;
    let link = Link {
        kind: LinkKind::AssignedTo,
        target: LinkTarget {
            kind: TargetKind::Group,
            id: noise(LONGEST_LINK_TARGET),
        },
        qualifier: BTreeMap::new(),
    };
    let items = registry().all().iter().map(|described| Observation {
        external_id: noise(LONGEST_EXTERNAL_ID),
        name: noise(LONGEST_NAME),
        links: vec![LinkSet::new(LinkSource::Object, vec![link.clone()])],
        ..observation(described.key.as_str(), 1, 1)
    });
    let items: Vec<_> = items.collect();
    let stored = stage.store.store_page(&claim.lease, &items).await.unwrap();
    assert_eq!(stored.refused, []);
    let longest =
        format!("SELECT count(*) FROM inventory_items WHERE octet_length(name) = {LONGEST_NAME}");
    assert_eq!(stage.count(&longest).await, items.len() as i64);
    let linked = "SELECT count(*) FROM inventory_links";
    assert_eq!(stage.count(linked).await, items.len() as i64);
}

#[tokio::test]
async fn a_name_of_900_cjk_characters_is_shortened_between_two_of_them() {
    let stage = Stage::set().await;
    let claim = stage.begin("{}").await;
    let mut page = apps(2, 1);
    let signs: Vec<char> = ('\u{4e00}'..'\u{9fff}').step_by(17).collect();
    page[0].name = signs.iter().take(900).collect();
    // NUL is stored as a character of three bytes.
    page[1].name = "\0".repeat(900);
    let stored = stage.store.store_page(&claim.lease, &page).await.unwrap();
    assert_eq!((seen(&stored).created, stored.refused), (2, Vec::new()));
    let row = stage.database.connection().await;
    let names = "SELECT name FROM inventory_items ORDER BY external_id";
    let names: Vec<String> = row
        .query(names, &[])
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(names[0], signs.iter().take(666).collect::<String>());
    assert_eq!(names[1], "\u{fffd}".repeat(666));
}

#[tokio::test]
async fn refused_rows_are_named_and_the_others_of_their_batch_are_stored() {
    let stage = Stage::set().await;
    stage
        .refuse("NEW.external_id IN ('id-3', 'id-150', 'id-151')")
        .await;
    let claim = stage.begin("{}").await;
    let page = apps(200, 1);
    let bad = refused(&["id-150", "id-151", "id-3"]);
    for created in [197, 0] {
        let stored = stage.store.store_page(&claim.lease, &page).await.unwrap();
        let expected = TypeEffect {
            seen: 197,
            created,
            ..TypeEffect::default()
        };
        assert_eq!((seen(&stored), &stored.refused), (expected, &bad));
    }
    let counted = "SELECT present FROM inventory_type_summaries WHERE policy_type = 'mobileApp'";
    assert_eq!(stage.count(counted).await, 197);
    assert_eq!(
        stage.count("SELECT count(*) FROM inventory_changes").await,
        197
    );
    assert_eq!(
        stage.count("SELECT count(*) FROM inventory_contents").await,
        197
    );
}

#[tokio::test]
async fn a_refused_row_stands_as_it_stood_whether_it_differs_or_not() {
    let stage = Stage::set().await;
    let claim = stage.begin("{}").await;
    let page = apps(5, 1);
    stage.store.store_page(&claim.lease, &page).await.unwrap();
    stage.refuse("NEW.external_id = 'id-2'").await;
    // What differs from it is stored by one statement, what does not by another.
    for content in [1, 2] {
        let page = apps(5, content);
        let stored = stage.store.store_page(&claim.lease, &page).await.unwrap();
        let expected = TypeEffect {
            seen: 4,
            changed: if content == 2 { 4 } else { 0 },
            ..TypeEffect::default()
        };
        assert_eq!(seen(&stored), expected);
        assert_eq!(stored.refused, refused(&["id-2"]));
    }
    let stands = "SELECT count(*) FROM inventory_items WHERE external_id = 'id-2' \
        AND get_byte(content_hash, 0) = 1 AND missing_since IS NULL";
    assert_eq!(stage.count(stands).await, 1);
}

#[tokio::test]
async fn an_id_that_no_index_can_hold_is_refused_and_not_shortened() {
    let stage = Stage::set().await;
    let claim = stage.begin("{}").await;
    let mut page = apps(3, 1);
    page[1].external_id = noise(3_000);
    let stored = stage.store.store_page(&claim.lease, &page).await.unwrap();
    assert_eq!(seen(&stored).created, 2);
    assert_eq!(stored.refused, refused(&[&page[1].external_id]));
}

#[tokio::test]
async fn a_list_of_one_row_that_is_refused_is_no_defect_of_the_statement() {
    let stage = Stage::set().await;
    stage.refuse("true").await;
    let claim = stage.begin("{}").await;
    let stored = stage
        .store
        .store_page(&claim.lease, &apps(1, 1))
        .await
        .unwrap();
    assert_eq!(stored.effect, BTreeMap::new());
    assert_eq!(stored.refused, refused(&["id-0"]));
}

#[tokio::test]
async fn a_statement_that_does_not_fit_the_schema_is_a_defect_of_no_row() {
    let stage = Stage::set().await;
    let claim = stage.begin("{}").await;
    stage
        .execute("ALTER TABLE inventory_contents RENAME content TO contents")
        .await;
    let answer = stage.store.store_page(&claim.lease, &apps(1, 1)).await;
    assert!(
        matches!(answer, Err(WriteError::Store(StoreError::Unexpected(_)))),
        "{answer:?}"
    );
}

#[tokio::test]
async fn what_is_not_about_values_is_transient_and_not_halved() {
    for error_code in ["disk_full", "lock_not_available", "admin_shutdown"] {
        let stage = Stage::set().await;
        let claim = stage.begin("{}").await;
        stage.fail("NEW.external_id = 'id-5'", error_code).await;
        let answer = stage.store.store_page(&claim.lease, &apps(6, 1)).await;
        assert!(
            matches!(&answer, Err(WriteError::Store(error)) if error.is_transient()),
            "{error_code}: {answer:?}"
        );
        // The sixth write is the one that failed; sequences keep what transactions undo.
        let writes = stage.count("SELECT last_value FROM item_writes").await;
        assert_eq!(writes, 6, "{error_code}");
    }
}

#[tokio::test]
async fn rows_that_other_writers_deadlocked_with_are_looked_at_again_as_they_are() {
    let stage = Stage::set().await;
    let claim = stage.begin("{}").await;
    // Until its second try, which begins with the third write.
    let condition = "NEW.external_id = 'id-1' AND lastval() < 3";
    stage.fail(condition, "deadlock_detected").await;
    let stored = stage.store.store_page(&claim.lease, &apps(2, 1)).await;
    let stored = stored.unwrap();
    assert_eq!((seen(&stored).created, stored.refused), (2, Vec::new()));
    let writes = stage.count("SELECT last_value FROM item_writes").await;
    assert_eq!(writes, 4);
}

#[tokio::test]
async fn a_server_without_writes_is_transient_for_pages_and_for_groups() {
    let stage = Stage::set().await;
    let claim = stage.begin("{}").await;
    let groups = stage.begin_groups().await;
    stage
        .execute(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', \
                current_database()); END $$",
        )
        .await;
    // Its connections are new, and so have the setting.
    let store = stage.database.store();
    let page = store.store_page(&claim.lease, &apps(6, 1)).await;
    let news = [
        group(1, "Group 1".to_owned()),
        group(2, "Group 2".to_owned()),
    ];
    let news = store.store_groups(&groups.lease, &news).await;
    for error in [page.map(drop), news.map(drop)] {
        assert!(
            matches!(error, Err(WriteError::Store(StoreError::ReadOnly(_)))),
            "{error:?}"
        );
    }
    // A sweep without anything to do would otherwise not notice.
    assert_eq!(store.plan_sweep().await.unwrap(), SweepPlan::ReadOnly);
}

#[tokio::test]
async fn that_none_of_many_rows_is_stored_is_a_defect() {
    let stage = Stage::set().await;
    stage.refuse("true").await;
    let claim = stage.begin("{}").await;
    let answer = stage.store.store_page(&claim.lease, &apps(50, 1)).await;
    assert!(
        matches!(answer, Err(WriteError::Store(StoreError::Unexpected(_)))),
        "{answer:?}"
    );
}

fn group(number: u128, name: String) -> GroupUpdate {
    GroupUpdate {
        id: GroupId::from_uuid(Uuid::from_u128(number)),
        state: GroupState::Present(GroupPatch {
            name: Some(name.into()),
            ..GroupPatch::default()
        }),
    }
}

#[tokio::test]
async fn groups_with_long_names_are_stored_and_refused_ones_are_named() {
    let stage = Stage::set().await;
    stage
        .execute(
            "ALTER TABLE directory_groups ADD CONSTRAINT refuse_group CHECK (name <> 'Group 7')",
        )
        .await;
    let claim = stage.begin_groups().await;
    let mut news: Vec<_> = (0..300)
        .map(|number| group(number, format!("Group {number}")))
        .collect();
    news.push(group(300, noise(5_000)));
    let effect = stage.store.store_groups(&claim.lease, &news).await.unwrap();
    let so_far = GroupTally {
        created: 300,
        ..GroupTally::default()
    };
    assert_eq!((effect.seen, effect.so_far), (300, so_far));
    assert_eq!(effect.refused, [GroupId::from_uuid(Uuid::from_u128(7))]);
    let whole = "SELECT count(*) FROM directory_groups WHERE octet_length(name) = 5000 \
        AND octet_length(name_key) = 2000";
    assert_eq!(stage.count(whole).await, 1);
}
