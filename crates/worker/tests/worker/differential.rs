//! Whole syncs over tenants of several sizes, with and without faults: what is stored equals the
//! simulator's answer key, or the run names every policy type of which it does not.

mod believed;
mod peculiar;
mod troubles;

use std::collections::BTreeSet;

use atlas_domain::access::Role;
use atlas_domain::ids::{DirectoryId, RunId};
use atlas_domain::inventory::TypeStatus;
use atlas_domain::run::Outcome;
use atlas_test_support::{Member, TestTenant};
use futures::future::join_all;
use uuid::Uuid;

use self::troubles::{Trouble, troubles};
use crate::answers::{
    assert_same_changes, expected, expected_changes, marked_gone, shortcomings, stored,
    stored_changes,
};
use crate::installation::Installation;
use crate::mutations::everything;

/// Tenants whose contents are the same in every run of these tests.
async fn tenants(installation: &Installation, seeds: &[u128]) -> Vec<(TestTenant, Member)> {
    let mut all = Vec::new();
    for seed in seeds {
        let directory =
            DirectoryId::from_uuid(Uuid::from_u128(0xd1ff_0000_0000_4000_8000 << 48 | seed));
        let tenant = installation
            .scenario
            .tenant_of(directory, &format!("Tenant {seed}"))
            .await;
        let member = installation
            .scenario
            .member(tenant.id, Role::Operator)
            .await;
        all.push((tenant, member));
    }
    all
}

async fn sync(
    installation: &Installation,
    (tenant, member): &(TestTenant, Member),
) -> (RunId, Outcome) {
    let run = installation.press(*tenant, member, "{}").await;
    (run, installation.ended(member, run).await.0)
}

/// Syncs without anything going wrong, and holds what is stored against the key.
async fn exactly(installation: &Installation, tenant: &(TestTenant, Member), case: &str) -> RunId {
    let (run, outcome) = sync(installation, tenant).await;
    let reported = shortcomings(installation, &tenant.1, run).await;
    assert_eq!(outcome, Outcome::Succeeded, "{case}: {reported:?}");
    assert!(
        reported
            .values()
            .all(|(status, _)| *status == TypeStatus::Skipped)
    );
    assert_eq!(reported.len(), 2, "{case}: {reported:?}");
    let key = expected(installation, tenant.0);
    let ours = stored(installation, tenant.0, &key).await;
    ours.assert_same(&key, case);
    ours.assert_same_dangling(&key, case);
    run
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_equals_the_answer_key_and_so_do_the_changes_from_sync_to_sync() {
    for (size, times) in [(1, 3), (600, 25)] {
        let installation = Installation::of_size(size).await;
        let worker = installation.worker();
        let tenants = tenants(&installation, &[1, 2, 3]).await;
        join_all(tenants.iter().zip(1..).map(|(tenant, seed)| {
            let installation = &installation;
            async move {
                let case = format!("{size} objects, tenant {seed}");
                exactly(installation, tenant, &case).await;
                let directory = tenant.0.directory_id.to_string();
                // What was deleted in the first round may come back in the second.
                for round in 0..2 {
                    let case = format!("{case}, round {round}");
                    installation.simulator.mark(&directory);
                    installation
                        .simulator
                        .mutate(&directory, &everything(10 * seed + round, times));
                    let run = exactly(installation, tenant, &case).await;
                    let key = expected_changes(installation, tenant.0);
                    assert!(key.len() >= times, "{case}");
                    let ours = stored_changes(installation, &[run]).await;
                    assert_same_changes(&ours, &key, &BTreeSet::new(), &case);
                }
            }
        }))
        .await;
        worker.stop().await;
    }
}

/// Syncs a tenant that was synced, changed, and is in trouble now: what the run says to be complete
/// is, nothing is marked as gone that is there, and once the trouble has gone nothing is lost and
/// nothing recorded twice.
async fn in_trouble(trouble: Trouble, number: u128) {
    let installation = Installation::paged(250, 6).await;
    // Nothing else ends the waits of a request that fails more often than not.
    let worker = installation.worker_with(&["--graph-max-wait=2s"]);
    let tenant = tenants(&installation, &[100 + number]).await.remove(0);
    let directory = tenant.0.directory_id.to_string();
    let case = trouble.name;
    exactly(&installation, &tenant, case).await;
    installation.simulator.mark(&directory);
    installation
        .simulator
        .mutate(&directory, &everything(7, 12));
    for rule in trouble.rules {
        installation.simulator.fault(rule);
    }

    let (during, outcome) = sync(&installation, &tenant).await;
    assert!(
        installation.simulator.faults_struck() > 0,
        "{case}: nothing went wrong"
    );
    let mut reported = shortcomings(&installation, &tenant.1, during).await;
    reported.retain(|_, (status, _)| *status != TypeStatus::Skipped);
    let lacking: BTreeSet<String> = reported.keys().cloned().collect();
    let expected_outcome = if lacking.is_empty() {
        Outcome::Succeeded
    } else {
        Outcome::PartiallySucceeded
    };
    assert_eq!(outcome, expected_outcome, "{case}: {reported:?}");
    assert!(
        !trouble.passes || lacking.is_empty(),
        "{case}: {reported:?}"
    );
    for named in trouble.names {
        assert!(lacking.contains(*named), "{case}: {named} is not named");
    }
    let key = expected(&installation, tenant.0);
    let gone = marked_gone(&installation, tenant.0, &key).await;
    assert_eq!(gone, Vec::new(), "{case}: marked as gone, and there");
    let ours = stored(&installation, tenant.0, &key)
        .await
        .without(&lacking);
    assert!(ours.len() > 0, "{case}: nothing is complete");
    ours.assert_same(&expected(&installation, tenant.0).without(&lacking), case);
    let changes = expected_changes(&installation, tenant.0);
    let recorded = stored_changes(&installation, &[during]).await;
    assert_same_changes(&recorded, &changes, &lacking, case);

    installation.simulator.clear_faults();
    let after = format!("after {case}");
    let run = exactly(&installation, &tenant, &after).await;
    let recorded = stored_changes(&installation, &[during, run]).await;
    // What was spoiled on its way is a change, and a change back.
    let spoiled = if trouble.spoils {
        lacking
    } else {
        BTreeSet::new()
    };
    assert_same_changes(&recorded, &changes, &spoiled, &after);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_trouble_a_run_is_exact_or_says_of_which_policy_types_it_is_not() {
    for (trouble, number) in troubles().into_iter().zip(0..) {
        in_trouble(trouble, number).await;
    }
}
