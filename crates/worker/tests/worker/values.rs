//! Which values syncs read, and what becomes of them.

use std::collections::BTreeSet;

use atlas_domain::inventory::TypeStatus;
use atlas_domain::run::Outcome;
use atlas_graph_sim::{Effect, FaultRule, MutationScript, PathMatch};
use serde_json::Value;

use crate::installation::Installation;

const CATALOG: &str =
    r#"{"policy_types": ["settingsCatalogPolicy"], "include_foundations": false}"#;

/// Reads of single policies' settings since the log was cleared, by policy.
fn policies_read(installation: &Installation) -> Vec<String> {
    let log = installation.simulator.log();
    let of_policy = |path: &str| {
        let (_, rest) = path.split_once("/configurationPolicies/")?;
        Some(rest.strip_suffix("/settings")?.to_owned())
    };
    log.iter().filter_map(|one| of_policy(&one.path)).collect()
}

/// One edit of a setting of a catalog policy, and the policy's id.
fn edit(installation: &Installation, directory: &str, seed: u64, quietly: bool) -> String {
    let script = MutationScript {
        seed,
        edit_value: usize::from(!quietly),
        edit_value_quietly: usize::from(quietly),
        keys: vec!["settingsCatalogPolicy".to_owned()],
        ..MutationScript::default()
    };
    let changes = installation.simulator.mutate(directory, &script);
    let changes = &changes["settingsCatalogPolicy"];
    let edited = changes
        .edited_value
        .iter()
        .chain(&changes.edited_value_quietly);
    let edited: Vec<_> = edited.collect();
    assert_eq!(edited.len(), 1);
    edited[0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_setting_is_a_change_and_nothing_but_its_policy_is_read_for_it() {
    let installation = Installation::of_size(1_500).await;
    let (tenant, member) = installation.tenant().await;
    let directory = tenant.directory_id.to_string();
    let worker = installation.worker();
    let sync = || async {
        installation.simulator.clear_log();
        let run = installation.press(tenant, &member, CATALOG).await;
        let (outcome, counts) = installation.ended(&member, run).await;
        assert_eq!(outcome, Outcome::Succeeded);
        (run, counts)
    };
    let (_, counts) = sync().await;
    assert!(counts.items_created > 3);
    assert_eq!(
        policies_read(&installation),
        Vec::<String>::new(),
        "the list carries settings"
    );
    let (_, counts) = sync().await;
    assert_eq!(
        (counts.items_changed, policies_read(&installation).len()),
        (0, 0)
    );

    let edited = edit(&installation, &directory, 1, false);
    let (run, counts) = sync().await;
    assert_eq!(counts.items_changed, 1);
    assert_eq!(policies_read(&installation), std::slice::from_ref(&edited));
    let connection = installation.database.connection().await;
    let change = "SELECT i.external_id, c.detail::text FROM inventory_changes c \
        JOIN inventory_items i ON i.id = c.item_id WHERE c.run_id = $1::text::uuid";
    let row = connection
        .query_one(change, &[&run.to_string()])
        .await
        .unwrap();
    let (id, detail): (String, String) = (row.get(0), row.get(1));
    let detail: Value = serde_json::from_str(&detail).unwrap();
    assert_eq!(id, edited);
    let settings: Vec<&str> = detail["fields"]
        .as_array()
        .unwrap()
        .iter()
        // Secrets of which Graph shows no token show by the policy's time.
        .filter(|field| !field["new"].to_string().contains("withheld"))
        .filter_map(|field| field["field"].as_str())
        .collect();
    // One setting may have several fields, such as those of an entry that was added.
    let edited: BTreeSet<&str> = settings
        .iter()
        .filter_map(|field| field.strip_prefix("/settings/")?.split('/').next())
        .collect();
    assert_eq!(edited.len(), 1, "{detail}");
    assert!(settings.iter().all(|field| field.starts_with("/settings/")));

    // An edit that moves nothing is found when the policy is verified.
    let edited = edit(&installation, &directory, 2, true);
    let (_, counts) = sync().await;
    assert_eq!(counts.items_changed, 0);
    let older = "UPDATE inventory_items SET values_verified_at = values_verified_at - interval '6 days' \
        WHERE external_id = $1";
    connection.execute(older, &[&edited]).await.unwrap();
    let others =
        "UPDATE inventory_items SET values_verified_at = values_verified_at - interval '1 day'";
    connection.execute(others, &[]).await.unwrap();
    let (_, counts) = sync().await;
    assert_eq!(counts.items_changed, 1);
    assert!(policies_read(&installation).contains(&edited));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_verifies_all_reads_every_value_and_runs_count_what_they_read_and_verified() {
    const ALL: &str = r#"{"policy_types": ["settingsCatalogPolicy"], "include_foundations": false,
        "verify": "all"}"#;
    let installation = Installation::of_size(1_500).await;
    let (tenant, member) = installation.tenant().await;
    let directory = tenant.directory_id.to_string();
    let worker = installation.worker();
    let sync = |selection: &'static str| {
        let (installation, member) = (&installation, &member);
        async move {
            let run = installation.press(tenant, member, selection).await;
            let (outcome, counts) = installation.ended(member, run).await;
            assert_eq!(outcome, Outcome::Succeeded);
            let results = installation.results(member, run).await;
            let result = &results["settingsCatalogPolicy"];
            assert_eq!(
                (result.seen, result.values_read, result.values_verified),
                (
                    counts.items_seen,
                    counts.values_read,
                    counts.values_verified
                )
            );
            (
                counts.items_seen,
                counts.values_read,
                counts.values_verified,
                counts.items_changed,
            )
        }
    };
    let (objects, ..) = sync(CATALOG).await;
    assert!(objects > 3);
    assert_eq!(sync(CATALOG).await, (objects, 0, 0, 0));
    edit(&installation, &directory, 1, false);
    assert_eq!(sync(CATALOG).await, (objects, 1, 0, 1));
    edit(&installation, &directory, 2, true);
    assert_eq!(sync(CATALOG).await, (objects, 0, 0, 0));
    assert_eq!(sync(ALL).await, (objects, 0, objects, 1));
    assert_eq!(sync(ALL).await, (objects, 0, objects, 0));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_cannot_be_read_stand_and_the_type_is_incomplete_until_they_can() {
    let installation = Installation::of_size(1_500).await;
    let (tenant, member) = installation.tenant().await;
    let directory = tenant.directory_id.to_string();
    let worker = installation.worker();
    let run = installation.press(tenant, &member, CATALOG).await;
    assert_eq!(installation.ended(&member, run).await.0, Outcome::Succeeded);
    let kept = || async {
        let all = "SELECT string_agg(c.value_fields::text, '' ORDER BY item_id) FROM inventory_contents c";
        let connection = installation.database.connection().await;
        let row = connection.query_one(all, &[]).await.unwrap();
        row.get::<_, String>(0)
    };
    let before = kept().await;
    let edited = edit(&installation, &directory, 1, false);
    let path = format!("/beta/deviceManagement/configurationPolicies/{edited}/settings");
    let refused = Effect::Forbidden { permission: None };
    installation
        .simulator
        .fault(FaultRule::always(PathMatch::exact(&path), refused));
    let run = installation.press(tenant, &member, CATALOG).await;
    let (outcome, counts) = installation.ended(&member, run).await;
    assert_eq!(
        (outcome, counts.items_changed),
        (Outcome::PartiallySucceeded, 0)
    );
    let results = installation.results(&member, run).await;
    let result = &results["settingsCatalogPolicy"];
    assert_eq!(result.status, TypeStatus::Incomplete);
    let error = result.error.as_ref().unwrap();
    assert!(
        error.detail.starts_with("Values of some objects"),
        "{}",
        error.detail
    );
    assert_eq!(kept().await, before);

    installation.simulator.clear_faults();
    let run = installation.press(tenant, &member, CATALOG).await;
    let (outcome, counts) = installation.ended(&member, run).await;
    assert_eq!((outcome, counts.items_changed), (Outcome::Succeeded, 1));
    assert_ne!(kept().await, before);
    worker.stop().await;
}
