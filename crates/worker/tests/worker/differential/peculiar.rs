//! Tenants and lists that are peculiar, one at a time: what is stored equals the answer key all the
//! same, or the run names the one policy type of which it does not.

use std::collections::BTreeSet;

use atlas_domain::inventory::TypeStatus;
use atlas_domain::run::Outcome;
use atlas_graph_sim::{Effect, FaultRule, MutationScript, PathMatch, TenantMode};
use atlas_test_support::{Member, TestTenant};

use super::{exactly, sync, tenants};
use crate::answers::{
    assert_same_changes, expected, expected_changes, marked_gone, shortcomings, stored,
    stored_changes,
};
use crate::installation::Installation;
use crate::mutations::everything;

/// A list that is asked for in pages of 200.
const UPDATES: &str = "/beta/deviceManagement/windowsFeatureUpdateProfiles";
const UPDATE: &str = "windowsFeatureUpdateProfile";

/// Makes the one profile of a tiny tenant so many.
fn add_updates(installation: &Installation, tenant: TestTenant, count: usize) {
    let more = MutationScript {
        add: count,
        keys: vec![UPDATE.to_owned()],
        ..MutationScript::default()
    };
    let directory = tenant.directory_id.to_string();
    installation.simulator.mutate(&directory, &more);
    let key = installation.simulator.answer_key(&directory);
    assert_eq!(key[UPDATE].len(), 1 + count);
}

/// Syncs, and asserts that the run names this policy type and no other, with this code, and that
/// all else is as the key has it.
async fn names_alone(
    installation: &Installation,
    tenant: &(TestTenant, Member),
    policy_type: &str,
    code: &str,
) -> TypeStatus {
    let (run, outcome) = sync(installation, tenant).await;
    let mut reported = shortcomings(installation, &tenant.1, run).await;
    reported.retain(|_, (status, _)| *status != TypeStatus::Skipped);
    assert_eq!(outcome, Outcome::PartiallySucceeded, "{reported:?}");
    let (status, said) = reported.remove(policy_type).unwrap();
    assert!(said.starts_with(&format!("{code}: ")), "{said}");
    assert!(reported.is_empty(), "{reported:?}");
    let key = expected(installation, tenant.0);
    assert_eq!(marked_gone(installation, tenant.0, &key).await, Vec::new());
    let but = BTreeSet::from([policy_type.to_owned()]);
    let ours = stored(installation, tenant.0, &key).await.without(&but);
    ours.assert_same(&key.without(&but), code);
    status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_may_be_cut_is_read_in_smaller_pages_or_named_and_never_marked_gone() {
    let installation = Installation::of_size(1).await;
    let worker = installation.worker();
    let tenant = tenants(&installation, &[200]).await.remove(0);
    add_updates(&installation, tenant.0, 230);
    exactly(&installation, &tenant, "whole").await;
    let cut = |rows| {
        installation.simulator.clear_faults();
        let effect = Effect::CutList { rows };
        let rule = FaultRule::always(PathMatch::exact(UPDATES), effect);
        installation.simulator.fault(rule);
    };

    cut(Some(200));
    exactly(&installation, &tenant, "smaller pages are not cut").await;
    cut(None);
    names_alone(&installation, &tenant, UPDATE, "list_may_be_cut").await;

    installation.simulator.clear_faults();
    let fewer = MutationScript {
        delete: 31,
        keys: vec![UPDATE.to_owned()],
        ..MutationScript::default()
    };
    let directory = tenant.0.directory_id.to_string();
    installation.simulator.mutate(&directory, &fewer);
    assert_eq!(
        installation.simulator.answer_key(&directory)[UPDATE].len(),
        200
    );
    exactly(&installation, &tenant, "exactly one full page").await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_whose_pages_are_too_large_is_read_in_smaller_ones() {
    let installation = Installation::of_size(1).await;
    let worker = installation.worker();
    let tenant = tenants(&installation, &[201]).await.remove(0);
    add_updates(&installation, tenant.0, 39);
    let rows = Effect::LargeRows { bytes: 1_000_000 };
    let rule = FaultRule::always(PathMatch::exact(UPDATES), rows);
    installation.simulator.fault(rule);
    exactly(&installation, &tenant, "rows of a megabyte").await;
    assert!(installation.simulator.faults_struck() > 1);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_makes_no_progress_is_named_after_a_few_requests() {
    let installation = Installation::paged(150, 5).await;
    let worker = installation.worker();
    let tenant = tenants(&installation, &[202]).await.remove(0);
    exactly(&installation, &tenant, "before").await;
    let rule = FaultRule::always(PathMatch::exact(UPDATES), Effect::Endless);
    installation.simulator.fault(rule);
    names_alone(&installation, &tenant, UPDATE, "paging_refused").await;
    let struck = installation.simulator.faults_struck();
    assert!((2..60).contains(&struck), "{struck} requests");
    installation.simulator.clear_faults();
    exactly(&installation, &tenant, "after").await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_no_index_takes_is_stored_and_stands_whole_in_the_content() {
    const POLICIES: &str = "/beta/deviceManagement/deviceCompliancePolicies";
    let installation = Installation::of_size(150).await;
    let worker = installation.worker();
    let tenant = tenants(&installation, &[203]).await.remove(0);
    let name = Effect::LongName {
        characters: 1_200,
        row: 0,
    };
    let rule = FaultRule::always(PathMatch::exact(POLICIES), name);
    installation.simulator.fault(rule);
    let (run, outcome) = sync(&installation, &tenant).await;
    let reported = shortcomings(&installation, &tenant.1, run).await;
    assert_eq!(outcome, Outcome::Succeeded, "{reported:?}");

    let key = expected(&installation, tenant.0);
    let but = BTreeSet::from(["deviceCompliancePolicy".to_owned()]);
    let ours = stored(&installation, tenant.0, &key).await;
    assert_eq!(ours.len(), key.len());
    ours.without(&but)
        .assert_same(&key.without(&but), "the others");
    let connection = installation.database.connection().await;
    let longest = "SELECT char_length(i.name), char_length(c.content ->> '/displayName') \
        FROM inventory_items i JOIN inventory_contents c ON c.item_id = i.id \
        WHERE i.tenant_id = $1::text::uuid ORDER BY 2 DESC NULLS LAST LIMIT 1";
    let row = connection
        .query_one(longest, &[&tenant.0.id.to_string()])
        .await
        .unwrap();
    let (shown, whole): (i32, i32) = (row.get(0), row.get(1));
    assert_eq!(whole, 1_200);
    assert!((100..1_200).contains(&shown), "{shown}");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_with_ids_that_need_escaping_is_stored_with_assignments_and_children() {
    let installation = Installation::of_size(400).await;
    let worker = installation.worker();
    let tenant = tenants(&installation, &[204]).await.remove(0);
    let directory = tenant.0.directory_id.to_string();
    installation
        .simulator
        .set_modes(&directory, [TenantMode::OddIds]);
    exactly(&installation, &tenant, "odd ids").await;
    installation.simulator.mark(&directory);
    installation.simulator.mutate(&directory, &everything(9, 8));
    let run = exactly(&installation, &tenant, "odd ids, changed").await;
    let ours = stored_changes(&installation, &[run]).await;
    let key = expected_changes(&installation, tenant.0);
    assert!(!key.is_empty());
    assert_same_changes(&ours, &key, &BTreeSet::new(), "odd ids");
    worker.stop().await;
}
