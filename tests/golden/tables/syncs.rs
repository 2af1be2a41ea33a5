//! Syncs that work: of whole tenants, of what changed, and of groups.

use atlas_graph_sim::{MutationScript, SimulatorOptions};

use crate::installation::Installation;
use crate::recorded::{hold, recorded};

const SOME_TYPES: &str = r#"{"policy_types": ["conditionalAccessPolicy", "deviceCompliancePolicy",
    "deviceConfiguration", "mobileApp", "settingsCatalogPolicy"], "include_foundations": false}"#;

/// A sync of all policy types that there were when its rows were recorded.
async fn a_full_sync(seed: u64) {
    let name = format!("tables/full_sync_of_seed_{seed}.json");
    let selection = recorded(&name).map(|tables| tables["operation_runs"][0]["inputs"].to_string());
    let installation = Installation::with(SimulatorOptions {
        seed,
        ..SimulatorOptions::default()
    })
    .await;
    let (tenant, member) = installation.tenant(1, "Contoso").await;
    let worker = installation.worker();
    let selection = selection.as_deref().unwrap_or("{}");
    installation.sync(tenant, &member, selection).await;
    worker.stop().await;
    hold(&name, &installation.dump().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_sync_of_one_tenant_leaves_these_rows() {
    a_full_sync(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_sync_of_another_tenant_leaves_these_rows() {
    a_full_sync(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn later_syncs_record_what_was_added_changed_reassigned_removed_and_came_back() {
    let installation = Installation::set_up().await;
    let (tenant, member) = installation.tenant(1, "Contoso").await;
    let directory = tenant.directory_id.to_string();
    let worker = installation.worker();
    installation.sync(tenant, &member, SOME_TYPES).await;
    let keys = [
        "settingsCatalogPolicy",
        "deviceCompliancePolicy",
        "mobileApp",
    ];
    let grown = MutationScript {
        seed: 5,
        add: 4,
        keys: keys.map(str::to_owned).to_vec(),
        ..MutationScript::default()
    };
    installation.simulator.mutate(&directory, &grown);
    installation.sync(tenant, &member, SOME_TYPES).await;
    let moved = MutationScript {
        seed: 7,
        add: 1,
        delete: 1,
        rename: 1,
        edit: 1,
        edit_nested: 1,
        edit_secret: 1,
        reassign: 1,
        reassign_unlisted: 1,
        touch: 1,
        ..grown
    };
    installation.simulator.mutate(&directory, &moved);
    installation.sync(tenant, &member, SOME_TYPES).await;
    let back = MutationScript {
        seed: 9,
        restore: 1,
        keys: moved.keys,
        ..MutationScript::default()
    };
    installation.simulator.mutate(&directory, &back);
    installation.sync(tenant, &member, SOME_TYPES).await;
    // Nothing has changed.
    installation.sync(tenant, &member, SOME_TYPES).await;
    worker.stop().await;
    hold("tables/changes.json", &installation.dump().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn syncs_of_groups_leave_these_rows() {
    let installation = Installation::with(SimulatorOptions {
        groups: 12,
        ..SimulatorOptions::default()
    })
    .await;
    let (tenant, member) = installation.tenant(1, "Contoso").await;
    let directory = tenant.directory_id.to_string();
    let worker = installation.worker();
    installation.sync_groups(tenant, &member).await;
    let script = |seed, restore| MutationScript {
        seed,
        add: 1,
        delete: 2,
        restore,
        rename: 1,
        edit: 1,
        keys: vec!["directoryGroup".to_owned()],
        ..MutationScript::default()
    };
    installation.simulator.mutate(&directory, &script(1, 0));
    installation.sync_groups(tenant, &member).await;
    installation.simulator.mutate(&directory, &script(2, 1));
    installation.simulator.expire_group_links(&directory);
    installation.sync_groups(tenant, &member).await;
    worker.stop().await;
    hold("tables/groups.json", &installation.dump().await);
}
