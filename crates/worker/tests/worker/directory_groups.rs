//! Syncs of directory groups: the stored groups are the directory's, whatever happened to them.

use std::collections::BTreeMap;

use atlas_domain::failure::FailureCode;
use atlas_domain::run::{InventoryCounts, Outcome};
use atlas_graph_sim::{Effect, FaultRule, GateRule, MutationScript, PathMatch};
use atlas_test_support::{Member, TestTenant};
use serde_json::{Value, json};

use crate::installation::Installation;

const GROUPS: usize = 20_000;
/// Of each change that is made to one in four hundred.
const CHANGED: usize = GROUPS / 400;
/// Pages that report one in a hundred, ample.
const FEW: usize = GROUPS / 5_000;

fn delta() -> PathMatch {
    PathMatch::exact("/v1.0/groups/delta")
}

/// One in a hundred is new, gone, back or different.
fn one_percent(seed: u64) -> MutationScript {
    MutationScript {
        seed,
        add: CHANGED,
        delete: CHANGED,
        restore: 2,
        rename: CHANGED,
        edit: CHANGED,
        keys: vec!["directoryGroup".to_owned()],
        ..MutationScript::default()
    }
}

impl Installation {
    /// What the directory holds, by id, in our words.
    fn in_directory(&self, tenant: TestTenant) -> BTreeMap<String, Value> {
        let groups = self.simulator.groups(&tenant.directory_id.to_string());
        let has = |group: &Value, word: &str| {
            let types = group["groupTypes"].as_array().unwrap();
            types.contains(&json!(word))
        };
        let shown = groups.iter().map(|group| {
            let row = json!({
                "name": group["displayName"],
                "description": group["description"],
                "unified": has(group, "Unified"),
                "dynamic": has(group, "DynamicMembership"),
                "security": group["securityEnabled"],
                "mail": group["mailEnabled"],
                "membership_rule": group["membershipRule"],
                "membership_rule_state": group["membershipRuleProcessingState"],
                "assignable_to_role": group["isAssignableToRole"],
                "on_premises": group["onPremisesSyncEnabled"],
                "visibility": group["visibility"],
            });
            let mut row = row.as_object().unwrap().clone();
            row.retain(|_, value| !value.is_null());
            (group["id"].as_str().unwrap().to_owned(), Value::Object(row))
        });
        shown.collect()
    }

    /// What is stored of it and there.
    async fn stored(&self, tenant: TestTenant) -> BTreeMap<String, Value> {
        let connection = self.database.connection().await;
        let statement = "SELECT id::text, (detail - 'name_key')::text FROM directory_groups \
            WHERE tenant_id = $1::text::uuid AND removed_at IS NULL";
        let rows = connection
            .query(statement, &[&tenant.id.to_string()])
            .await
            .unwrap();
        let shown = rows.iter().map(|row| {
            let detail: String = row.get(1);
            (row.get(0), serde_json::from_str(&detail).unwrap())
        });
        shown.collect()
    }

    async fn sync_groups(&self, tenant: TestTenant, member: &Member) -> InventoryCounts {
        let run = self.press_groups(tenant, member).await;
        let (outcome, counts) = self.ended(member, run).await;
        assert_eq!(outcome, Outcome::Succeeded);
        assert_eq!(self.stored(tenant).await, self.in_directory(tenant));
        counts
    }

    /// Requests for pages of groups since the last question.
    fn pages(&self) -> usize {
        let log = self.simulator.log();
        self.simulator.clear_log();
        let asked = log
            .iter()
            .filter(|entry| entry.path == "/v1.0/groups/delta");
        asked.count()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_groups_are_the_directorys_after_everything_after_changes_and_after_a_lost_link() {
    let installation = Installation::with_groups(GROUPS).await;
    let (tenant, member) = installation.tenant().await;
    let directory = tenant.directory_id.to_string();
    let worker = installation.worker();

    let counts = installation.sync_groups(tenant, &member).await;
    assert_eq!(counts.items_created, GROUPS as u64);
    assert!(installation.pages() >= GROUPS / 100);

    installation.simulator.mutate(&directory, &one_percent(1));
    let counts = installation.sync_groups(tenant, &member).await;
    assert_eq!(
        (
            counts.items_created,
            counts.items_missing,
            counts.items_changed
        ),
        (CHANGED as u64, CHANGED as u64, 2 * CHANGED as u64)
    );
    assert!(installation.pages() <= FEW, "only what changed was read");
    let counts = installation.sync_groups(tenant, &member).await;
    assert_eq!(counts, InventoryCounts::default());

    // What changed before the link was lost is found by reading everything, deletions too.
    installation.simulator.mutate(&directory, &one_percent(2));
    installation.simulator.expire_group_links(&directory);
    installation.pages();
    let counts = installation.sync_groups(tenant, &member).await;
    assert_eq!(
        (
            counts.items_created,
            counts.items_missing,
            counts.items_changed,
            counts.items_back
        ),
        (CHANGED as u64, CHANGED as u64, 2 * CHANGED as u64, 2)
    );
    assert!(installation.pages() > GROUPS / 100);

    // And later ones go on from there again.
    installation.simulator.mutate(&directory, &one_percent(3));
    installation.pages();
    installation.sync_groups(tenant, &member).await;
    assert!(installation.pages() <= FEW);
    let reading = installation
        .store
        .group_reading(tenant.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        reading.present,
        installation.stored(tenant).await.len() as u64
    );
    assert!(reading.removed > 0 && reading.full_at < reading.data_as_of);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_breaks_off_moves_nothing_on_and_marks_nothing_gone() {
    let installation = Installation::with_groups(400).await;
    let (tenant, member) = installation.tenant().await;
    let worker = installation.worker();
    installation.sync_groups(tenant, &member).await;
    let before = installation
        .store
        .group_delta_link(tenant.id)
        .await
        .unwrap();

    let directory = tenant.directory_id.to_string();
    installation.simulator.mutate(&directory, &one_percent(1));
    installation.simulator.fault(FaultRule::always(
        delta(),
        Effect::Forbidden { permission: None },
    ));
    let run = installation.press_groups(tenant, &member).await;
    assert_eq!(installation.ended(&member, run).await.0, Outcome::Failed);
    let error = installation.run(&member, run).await;
    let error = error.error.unwrap();
    assert_eq!(error.missing_permissions, ["Group.Read.All"]);
    let after = installation
        .store
        .group_delta_link(tenant.id)
        .await
        .unwrap();
    assert_eq!(after, before);

    installation.simulator.clear_faults();
    installation.sync_groups(tenant, &member).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_cannot_be_read_marks_no_group_gone_and_is_read_again() {
    let installation = Installation::with_groups(40).await;
    let (tenant, member) = installation.tenant().await;
    let directory = tenant.directory_id.to_string();
    let worker = installation.worker();
    installation.sync_groups(tenant, &member).await;
    let before = installation.stored(tenant).await;
    let link = installation
        .store
        .group_delta_link(tenant.id)
        .await
        .unwrap();

    // The link is of no use any more, and of all groups one row cannot be read.
    installation.simulator.expire_group_links(&directory);
    let mut rows = installation.simulator.groups(&directory);
    rows.truncate(39);
    rows.push(Value::Null);
    let next = format!(
        "{}/v1.0/groups/delta?$deltatoken=x",
        installation.simulator.base_url()
    );
    let damaged = Effect::Answer {
        status: 200,
        body: json!({"value": rows, "@odata.deltaLink": next}).to_string(),
    };
    installation
        .simulator
        .fault(FaultRule::once(delta(), damaged).nth(2));
    let run = installation.press_groups(tenant, &member).await;
    let (outcome, counts) = installation.ended(&member, run).await;
    assert_eq!(outcome, Outcome::PartiallySucceeded);
    assert_eq!((counts.items_seen, counts.items_missing), (39, 0));
    let run = installation.run(&member, run).await;
    let error = run.error.unwrap();
    assert_eq!(error.code, FailureCode::ROWS_UNREADABLE);
    let rows = error.rows.unwrap();
    assert_eq!((rows.count, rows.first[0].position), (1, Some(40)));
    assert_eq!(installation.stored(tenant).await, before);
    let after = installation
        .store
        .group_delta_link(tenant.id)
        .await
        .unwrap();
    assert_eq!(after, link, "the next reading begins where this one began");

    // What was lost is found by the next one, a group that is gone too.
    let gone = MutationScript {
        delete: 1,
        keys: vec!["directoryGroup".to_owned()],
        ..MutationScript::default()
    };
    installation.simulator.mutate(&directory, &gone);
    let counts = installation.sync_groups(tenant, &member).await;
    assert_eq!(counts.items_missing, 1);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_bring_nothing_new_fail_a_run_once() {
    let installation = Installation::with_groups(0).await;
    let (tenant, member) = installation.tenant().await;
    for turn in 1..=30_u32 {
        let base = installation.simulator.base_url();
        let link = format!("{base}/v1.0/groups/delta?$skiptoken={turn}");
        let group = json!({"id": "00000000-0000-4000-8000-000000000001", "displayName": "A"});
        let body = json!({"@odata.nextLink": link, "value": [group]}).to_string();
        let answer = Effect::Answer { status: 200, body };
        installation
            .simulator
            .fault(FaultRule::once(delta(), answer).nth(turn));
    }
    let worker = installation.worker();
    let run = installation.press_groups(tenant, &member).await;
    assert_eq!(installation.ended(&member, run).await.0, Outcome::Failed);
    let run = installation.run(&member, run).await;
    assert_eq!(run.error.unwrap().code, FailureCode::PAGING_REFUSED);
    assert_eq!(
        installation.pages(),
        6,
        "one that is new, five that are not, and no second attempt"
    );
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_given_back_counts_what_all_its_attempts_changed() {
    let installation = Installation::with_groups(1_000).await;
    let (tenant, member) = installation.tenant().await;
    let directory = tenant.directory_id.to_string();
    // The first worker goes away before the last pages.
    let mut hold = GateRule::new(delta());
    hold.after = 7;
    let gate = installation.simulator.hold(hold);
    let worker = installation.worker_with(&["--shutdown-grace=1ms"]);
    let run = installation.press_groups(tenant, &member).await;
    gate.someone_waiting().await;
    worker.stop().await;
    let stored = installation.stored(tenant).await.len();
    assert!((1..1_000).contains(&stored), "{stored}");
    installation.simulator.mutate(
        &directory,
        &MutationScript {
            rename: 1_000,
            keys: vec!["directoryGroup".to_owned()],
            ..MutationScript::default()
        },
    );
    gate.release();

    let worker = installation.worker();
    let (outcome, counts) = installation.ended(&member, run).await;
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!(
        installation.stored(tenant).await,
        installation.in_directory(tenant)
    );
    assert_eq!(
        (
            counts.items_seen,
            counts.items_created,
            counts.items_changed
        ),
        (1_000, 1_000, stored as u64)
    );
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_and_policies_of_one_tenant_are_read_side_by_side_and_a_run_of_groups_can_be_stopped()
 {
    let installation = Installation::with_groups(400).await;
    let (tenant, member) = installation.tenant().await;
    let gate = installation.simulator.hold(GateRule::new(delta()));
    let worker = installation.worker();
    let groups = installation.press_groups(tenant, &member).await;
    gate.someone_waiting().await;
    let types = r#"{"policy_types": ["mobileApp"], "include_foundations": false}"#;
    let policies = installation.press(tenant, &member, types).await;
    assert_eq!(
        installation.ended(&member, policies).await.0,
        Outcome::Succeeded
    );

    installation.ask_to_cancel(groups).await;
    assert_eq!(
        installation.ended(&member, groups).await.0,
        Outcome::Cancelled
    );
    gate.release();
    assert!(installation.stored(tenant).await.is_empty());
    worker.stop().await;
}
