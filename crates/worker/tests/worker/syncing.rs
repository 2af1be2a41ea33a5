//! Syncs that work.

use std::collections::BTreeMap;

use atlas_domain::failure::FailureCode;
use atlas_domain::policy_types::registry;
use atlas_domain::run::{InventoryProgress, Outcome, Status};
use atlas_graph_sim::{Changes, GateRule, MutationScript, PathMatch, PublishedLimits, TenantMode};

use crate::answers::external_id;
use crate::installation::Installation;

/// Policy type, external id, name (nothing where Graph gives none), assignments.
type Expected = (String, String, Option<String>, Option<i32>);

fn expected(installation: &Installation, directory: &str) -> Vec<Expected> {
    let mut items: Vec<Expected> = Vec::new();
    for (key, list) in installation.simulator.answer_key(directory) {
        // What Graph shows to signed-in users only.
        if !registry().find(&key).unwrap().describe().app_only {
            continue;
        }
        items.extend(list.into_iter().map(|item| {
            let assignments = item.assignment_count.map(|n| i32::try_from(n).unwrap());
            // The key calls what has no name by its id.
            let name = (item.name != item.id).then_some(item.name);
            let id = external_id(&key, item.id);
            (key.clone(), id, name, assignments)
        }));
    }
    items.sort();
    items
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_sync_stores_exactly_what_the_tenant_has_and_notifies_its_initiator_twice() {
    let installation = Installation::build().await;
    let (tenant, member) = installation.tenant().await;
    let directory = tenant.directory_id.to_string();
    let worker = installation.worker();
    let run = installation.press(tenant, &member, "{}").await;
    let (outcome, counts) = installation.ended(&member, run).await;
    worker.stop().await;

    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!((counts.types_failed, counts.types_skipped), (0, 2));
    assert_eq!(counts.types_succeeded + 2, registry().all().len() as u32);
    let mut stored = installation.items(tenant).await;
    stored.sort();
    let expected = expected(&installation, &directory);
    assert_eq!(counts.items_seen, expected.len() as u64);
    assert_eq!(counts.items_created, expected.len() as u64);
    assert_eq!((counts.items_changed, counts.items_missing), (0, 0));
    assert_eq!(stored.len(), expected.len());
    for ((key, id, name, assignments), expected) in stored.into_iter().zip(expected) {
        let name = expected.2.as_ref().map(|_| name);
        // The key counts what lists carry; the others' assignments were read in batches.
        let assignments = expected.3.and(assignments);
        assert_eq!((key, id, name, assignments), expected);
    }

    let notices = "SELECT count(*) FROM notifications WHERE run_id = $1::text::uuid";
    assert_eq!(installation.count(notices, run).await, 2);
    let gaps = "SELECT max(seq) - count(*) FROM operation_run_events WHERE run_id = $1::text::uuid";
    assert_eq!(installation.count(gaps, run).await, 0);
    let log = installation.simulator.log();
    let tokens = log.iter().filter(|entry| entry.path.ends_with("/token"));
    assert_eq!(tokens.count(), 1, "one token serves all lists");
    let secrets = "SELECT count(*) FROM inventory_items WHERE last_seen_run = $1::text::uuid AND \
        metadata::text ~* 'scriptContent|preSharedKey|payload'";
    assert_eq!(installation.count(secrets, run).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_sync_counts_exactly_what_was_created_changed_and_removed() {
    let installation = Installation::build().await;
    let (tenant, member) = installation.tenant().await;
    let directory = tenant.directory_id.to_string();
    let worker = installation.worker();
    let selection = r#"{"policy_types": ["settingsCatalogPolicy", "deviceCompliancePolicy",
        "conditionalAccessPolicy"], "include_foundations": false}"#;
    let first = installation.press(tenant, &member, selection).await;
    assert_eq!(
        installation.ended(&member, first).await.0,
        Outcome::Succeeded
    );

    let script = MutationScript {
        seed: 7,
        add: 2,
        delete: 1,
        rename: 1,
        edit: 1,
        reassign: 1,
        keys: vec![
            "settingsCatalogPolicy".to_owned(),
            "deviceCompliancePolicy".to_owned(),
        ],
        ..MutationScript::default()
    };
    let changes: BTreeMap<String, Changes> = installation.simulator.mutate(&directory, &script);
    let sum = |pick: fn(&Changes) -> &Vec<String>| -> u64 {
        changes
            .values()
            .map(|change| pick(change).len() as u64)
            .sum()
    };
    assert!(sum(|c| &c.added) > 0 && sum(|c| &c.deleted) > 0);
    let mut changed: Vec<&String> = changes
        .values()
        .flat_map(|c| c.renamed.iter().chain(&c.edited))
        .collect();
    changed.sort();
    changed.dedup();

    let second = installation.press(tenant, &member, selection).await;
    let (outcome, counts) = installation.ended(&member, second).await;
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!(counts.items_created, sum(|c| &c.added));
    assert_eq!(counts.items_missing, sum(|c| &c.deleted));
    // Other assignments move the time by which an edited secret shows.
    let edits = changed.len() as u64;
    let reassigned = sum(|c| &c.reassigned);
    assert!((edits..=edits + reassigned).contains(&counts.items_changed));
    assert_eq!(counts.items_reassigned, reassigned);

    let third = installation.press(tenant, &member, selection).await;
    let (_, counts) = installation.ended(&member, third).await;
    let nothing = (
        counts.items_created,
        counts.items_changed,
        counts.items_reassigned,
        counts.items_missing,
    );
    assert_eq!(nothing, (0, 0, 0, 0));
    worker.stop().await;
    let known: Vec<_> = installation
        .items(tenant)
        .await
        .into_iter()
        .map(|item| item.1)
        .collect();
    for gone in changes.values().flat_map(|change| &change.deleted) {
        assert!(!known.contains(gone), "{gone} is still present");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_tenant_is_waited_for_while_another_tenant_is_served() {
    let installation = Installation::build().await;
    let (busy, member) = installation.tenant().await;
    let (other, other_member) = installation.tenant().await;
    let path = PathMatch::exact("/beta/deviceManagement/roleScopeTags");
    let rule = GateRule::new(path).for_tenant(&busy.directory_id.to_string());
    let gate = installation.simulator.hold(rule);
    let worker = installation.worker();
    let one = r#"{"policy_types": ["mobileApp"]}"#;
    let first = installation.press(busy, &member, one).await;
    gate.someone_waiting().await;

    let two = r#"{"policy_types": ["policySet"]}"#;
    let second = installation.press(busy, &member, two).await;
    let elsewhere = installation.press(other, &other_member, one).await;
    assert_eq!(
        installation.ended(&other_member, elsewhere).await.0,
        Outcome::Succeeded
    );
    assert_eq!(installation.status(&member, first).await, Status::Running);
    assert_eq!(installation.status(&member, second).await, Status::Queued);

    gate.release();
    assert_eq!(
        installation.ended(&member, first).await.0,
        Outcome::Succeeded
    );
    assert_eq!(
        installation.ended(&member, second).await.0,
        Outcome::Succeeded
    );
    worker.stop().await;
    let attempts = "SELECT attempt::bigint FROM operation_runs WHERE id = $1::text::uuid";
    assert_eq!(
        installation.count(attempts, second).await,
        1,
        "waiting uses no attempt"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_found_and_done_while_redis_is_dead() {
    let installation = Installation::build().await;
    let (tenant, member) = installation.tenant().await;
    let worker = installation.worker_with(&[&format!(
        "--redis-url={}",
        atlas_test_support::dead_redis_url()
    )]);
    let one = r#"{"policy_types": ["mobileApp"], "include_foundations": false}"#;
    let run = installation
        .scenario
        .queued_run(tenant.id, member.id, one)
        .await;
    assert_eq!(installation.ended(&member, run).await.0, Outcome::Succeeded);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_reported_while_a_run_works() {
    let installation = Installation::build().await;
    let (tenant, member) = installation.tenant().await;
    let path = PathMatch::exact("/beta/deviceAppManagement/mobileApps");
    let gate = installation.simulator.hold(GateRule::new(path));
    let worker = installation.worker();
    let both = r#"{"policy_types": ["mobileApp", "policySet"], "include_foundations": false}"#;
    let run = installation.press(tenant, &member, both).await;
    let progress = atlas_test_support::eventually("one of two types to be done", || async {
        let run = installation.run(&member, run).await;
        let progress = run.progress.map(InventoryProgress::from);
        progress.filter(|progress| progress.completed == 1)
    })
    .await;
    assert_eq!(progress.total, 2);
    assert!(progress.items_seen > 0);
    gate.release();
    installation.ended(&member, run).await;
    let last = installation.run(&member, run).await;
    assert_eq!(
        InventoryProgress::from(last.progress.unwrap()).completed,
        2,
        "the last progress is written with the end"
    );
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_keeps_below_the_published_limits_of_every_service_and_never_comes_too_early() {
    let installation = Installation::of_size(2_000).await;
    installation.simulator.set_limits(PublishedLimits {
        enforce: true,
        ..PublishedLimits::default()
    });
    let (tenant, member) = installation.tenant().await;
    // Of this service one request a second is allowed. On a busy machine one may arrive half a second
    // after it was sent, and the next one in time.
    let worker = installation.worker_with(&["--graph-conditional-access-interval=1600ms"]);
    let run = installation.press(tenant, &member, "{}").await;
    assert_eq!(installation.ended(&member, run).await.0, Outcome::Succeeded);
    worker.stop().await;
    let traffic = installation
        .simulator
        .traffic(&tenant.directory_id.to_string());
    for (service, seen) in &traffic.services {
        let wrong = (
            seen.refused,
            seen.over_limit,
            seen.early_retries,
            seen.early_others,
        );
        assert_eq!(wrong, (0, 0, 0, 0), "{service}: {seen:?}");
    }
    assert!(traffic.services.len() > 10, "{traffic:?}");
}

/// The paths that were asked, in batches too, but for tokens.
fn asked(installation: &Installation) -> Vec<String> {
    let log = installation.simulator.log();
    let graph = log.iter().filter(|entry| !entry.path.ends_with("/token"));
    graph.map(|entry| entry.path.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_out_is_neither_asked_for_nor_stored() {
    let installation = Installation::build().await;
    let (tenant, member) = installation.tenant().await;
    let worker = installation.worker();
    let bare = r#"{"include_dependencies": false, "include_foundations": false}"#;
    let run = installation.press(tenant, &member, bare).await;
    assert_eq!(installation.ended(&member, run).await.0, Outcome::Succeeded);
    let stored = installation.items(tenant).await;
    assert!(!stored.is_empty());
    for (key, ..) in &stored {
        let described = registry().find(key).unwrap().describe();
        assert!(!described.foundation, "{key} is a foundation");
    }
    let links = "SELECT count(*) FROM inventory_links WHERE tenant_id = \
        (SELECT tenant_id FROM operation_runs WHERE id = $1::text::uuid)";
    assert_eq!(installation.count(links, run).await, 0);
    let paths = asked(&installation);
    let made_of = ["/assignments", "/relationships", "Relationships"];
    let of_links = |path: &&String| made_of.iter().any(|end| path.ends_with(end));
    assert_eq!(paths.iter().find(of_links), None, "what links are made of");
    let filters = paths.iter().find(|path| path.contains("assignmentFilters"));
    assert_eq!(filters, None, "a foundation");

    installation.simulator.clear_log();
    let run = installation.press(tenant, &member, "{}").await;
    assert_eq!(installation.ended(&member, run).await.0, Outcome::Succeeded);
    worker.stop().await;
    assert!(installation.count(links, run).await > 0);
    let paths = asked(&installation);
    assert!(paths.iter().any(|path| path.contains("assignmentFilters")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_without_intune_still_has_its_entra_policies_and_the_run_says_why() {
    let installation = Installation::build().await;
    let (tenant, member) = installation.tenant().await;
    let directory = tenant.directory_id.to_string();
    installation
        .simulator
        .set_modes(&directory, [TenantMode::NoIntune]);
    let worker = installation.worker();
    let run = installation.press(tenant, &member, "{}").await;
    assert_eq!(
        installation.ended(&member, run).await.0,
        Outcome::PartiallySucceeded
    );
    worker.stop().await;
    let stored = installation.items(tenant).await;
    let results = installation.results(&member, run).await;
    let (mut without, mut with) = (0, 0);
    for result in results.into_values() {
        let key = result.policy_type.as_str();
        let Some(error) = result.error else {
            with += 1;
            continue;
        };
        if error.code == FailureCode::INTUNE_NOT_AVAILABLE {
            without += 1;
            assert!(stored.iter().all(|item| item.0 != key), "{key}");
        } else {
            assert_eq!(error.code, FailureCode::DELEGATED_ONLY, "{key}");
        }
    }
    assert!(without > 50 && with > 5, "{without} without, {with} with");
    assert!(
        stored
            .iter()
            .any(|item| item.0 == "conditionalAccessPolicy")
    );
}
