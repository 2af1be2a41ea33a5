//! Tenants and lists that are peculiar, one at a time: what is stored equals the answer key all the
//! same, or the run names the one policy type of which it does not.

use std::collections::BTreeSet;

use atlas_domain::inventory::TypeStatus;
use atlas_domain::run::Outcome;
use atlas_graph_sim::{Effect, FaultRule, MutationScript, PathMatch, TenantMode};
use atlas_test_support::{Member, TestTenant};

use super::{exactly, script, sync, tenants};
use crate::answers::{
    assert_same_changes, expected, expected_changes, marked_gone, shortcomings, stored,
    stored_changes,
};
use crate::house::House;

/// A list that is asked for in pages of 200.
const UPDATES: &str = "/beta/deviceManagement/windowsFeatureUpdateProfiles";
const UPDATE: &str = "windowsFeatureUpdateProfile";

/// Makes the one profile of a tiny tenant so many.
fn add_updates(house: &House, tenant: TestTenant, count: usize) {
    let more = MutationScript {
        add: count,
        keys: vec![UPDATE.to_owned()],
        ..MutationScript::default()
    };
    let directory = tenant.directory_id.to_string();
    house.simulator.mutate(&directory, &more);
    let key = house.simulator.answer_key(&directory);
    assert_eq!(key[UPDATE].len(), 1 + count);
}

/// Syncs, and asserts that the run names this policy type and no other, with this code, and that
/// all else is as the key has it.
async fn names_alone(
    house: &House,
    tenant: &(TestTenant, Member),
    policy_type: &str,
    code: &str,
) -> TypeStatus {
    let (run, outcome) = sync(house, tenant).await;
    let mut told = shortcomings(house, &tenant.1, run).await;
    told.retain(|_, (status, _)| *status != TypeStatus::Skipped);
    assert_eq!(outcome, Outcome::PartiallySucceeded, "{told:?}");
    let (status, said) = told.remove(policy_type).unwrap();
    assert!(said.starts_with(&format!("{code}: ")), "{said}");
    assert!(told.is_empty(), "{told:?}");
    let key = expected(house, tenant.0);
    assert_eq!(marked_gone(house, tenant.0, &key).await, Vec::new());
    let but = BTreeSet::from([policy_type.to_owned()]);
    let ours = stored(house, tenant.0, &key).await.without(&but);
    ours.assert_same(&key.without(&but), code);
    status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_may_be_cut_is_read_in_smaller_pages_or_named_and_never_marked_gone() {
    let house = House::of_size(123).await;
    let worker = house.worker();
    let tenant = tenants(&house, &[200]).await.remove(0);
    add_updates(&house, tenant.0, 230);
    exactly(&house, &tenant, "whole").await;
    let cut = |rows| {
        house.simulator.clear_faults();
        let effect = Effect::CutList { rows };
        let rule = FaultRule::always(PathMatch::exact(UPDATES), effect);
        house.simulator.fault(rule);
    };

    cut(Some(200));
    exactly(&house, &tenant, "smaller pages are not cut").await;
    cut(None);
    names_alone(&house, &tenant, UPDATE, "list_may_be_cut").await;

    house.simulator.clear_faults();
    let fewer = MutationScript {
        delete: 31,
        keys: vec![UPDATE.to_owned()],
        ..MutationScript::default()
    };
    let directory = tenant.0.directory_id.to_string();
    house.simulator.mutate(&directory, &fewer);
    assert_eq!(house.simulator.answer_key(&directory)[UPDATE].len(), 200);
    exactly(&house, &tenant, "exactly one full page").await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_whose_pages_are_too_large_is_read_in_smaller_ones() {
    let house = House::of_size(123).await;
    let worker = house.worker();
    let tenant = tenants(&house, &[201]).await.remove(0);
    add_updates(&house, tenant.0, 39);
    let rows = Effect::LargeRows { bytes: 1_000_000 };
    let rule = FaultRule::always(PathMatch::exact(UPDATES), rows);
    house.simulator.fault(rule);
    exactly(&house, &tenant, "rows of a megabyte").await;
    assert!(house.simulator.faults_struck() > 1);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_makes_no_progress_is_named_after_a_few_requests() {
    let house = House::paged(150, 5).await;
    let worker = house.worker();
    let tenant = tenants(&house, &[202]).await.remove(0);
    exactly(&house, &tenant, "before").await;
    let rule = FaultRule::always(PathMatch::exact(UPDATES), Effect::Endless);
    house.simulator.fault(rule);
    names_alone(&house, &tenant, UPDATE, "paging_refused").await;
    let struck = house.simulator.faults_struck();
    assert!((2..60).contains(&struck), "{struck} requests");
    house.simulator.clear_faults();
    exactly(&house, &tenant, "after").await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_no_index_takes_is_stored_and_stands_whole_in_the_content() {
    const POLICIES: &str = "/beta/deviceManagement/deviceCompliancePolicies";
    let house = House::of_size(150).await;
    let worker = house.worker();
    let tenant = tenants(&house, &[203]).await.remove(0);
    let name = Effect::LongName {
        characters: 1_200,
        row: 0,
    };
    let rule = FaultRule::always(PathMatch::exact(POLICIES), name);
    house.simulator.fault(rule);
    let (run, outcome) = sync(&house, &tenant).await;
    let told = shortcomings(&house, &tenant.1, run).await;
    assert_eq!(outcome, Outcome::Succeeded, "{told:?}");

    let key = expected(&house, tenant.0);
    let but = BTreeSet::from(["deviceCompliancePolicy".to_owned()]);
    let ours = stored(&house, tenant.0, &key).await;
    assert_eq!(ours.len(), key.len());
    ours.without(&but)
        .assert_same(&key.without(&but), "the others");
    let connection = house.database.connection().await;
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
    let house = House::of_size(400).await;
    let worker = house.worker();
    let tenant = tenants(&house, &[204]).await.remove(0);
    let directory = tenant.0.directory_id.to_string();
    house.simulator.set_modes(&directory, [TenantMode::OddIds]);
    exactly(&house, &tenant, "odd ids").await;
    house.simulator.mark(&directory);
    house.simulator.mutate(&directory, &script(9, 8));
    let run = exactly(&house, &tenant, "odd ids, changed").await;
    let ours = stored_changes(&house, &[run]).await;
    let key = expected_changes(&house, tenant.0);
    assert!(!key.is_empty());
    assert_same_changes(&ours, &key, &BTreeSet::new(), "odd ids");
    worker.stop().await;
}
