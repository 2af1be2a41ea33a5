//! What syncs write and screens read.

use std::collections::{BTreeMap, BTreeSet};

use atlas_domain::access::Role;
use atlas_domain::ids::ItemId;
use atlas_domain::inventory::{JsonText, Observation, TypeResult, TypeStatus};
use atlas_domain::policy_types::{PolicyTypeKey, registry};
use atlas_domain::run::{Claim, Completion, Status};
use atlas_store::{Beginning, ItemFilter, PageRequest, TypeEffect, WriteError};
use serde_json::json;

use crate::both_ways::both_ways;
use crate::{Stage, terms};

pub(crate) fn key(text: &str) -> PolicyTypeKey {
    registry().find(text).unwrap()
}

pub(crate) fn observation(policy_type: &str, id: usize, content: u8) -> Observation {
    Observation {
        policy_type: key(policy_type),
        external_id: format!("id-{id}"),
        name: format!("Policy {}", id % 7),
        platform: "windows".to_owned(),
        scope_tags: Some(vec!["0".to_owned(), "7".to_owned()]),
        assignment_count: Some(2),
        metadata: JsonText::of(&json!({ "description": "with a NUL \u{0} in it" })),
        content_hash: [content; 32],
        former_content_hash: None,
        former_assignments_hash: None,
        assignments_hash: Some([1; 32]),
        content: JsonText::of(&json!({})),
        assignments: None,
        values: None,
        values_mark: None,
        links: Vec::new(),
    }
}

impl Stage {
    /// Starts a run of its own selection, so that runs of one test do not dedupe.
    pub(crate) async fn begin(&self, json: &str) -> Claim {
        self.scenario
            .queued_run(self.tenant.id, self.operator.id, json)
            .await;
        let claim = self.store.claim_next(&terms("w")).await.unwrap().unwrap();
        let selection = claim.inputs.selection().unwrap();
        let keys: Vec<_> = selection.keys().into_iter().collect();
        self.store
            .begin_sync(&claim.lease, claim.initiator_id, selection, &keys)
            .await
            .unwrap();
        claim
    }

    pub(crate) async fn end(&self, claim: Claim) {
        self.store
            .finish(claim, &Completion::of_results(&[]), None)
            .await
            .unwrap();
    }
}

fn only(effect: TypeEffect) -> BTreeMap<PolicyTypeKey, TypeEffect> {
    BTreeMap::from([(key("mobileApp"), effect)])
}

#[tokio::test]
async fn a_replayed_page_creates_nothing_twice_and_kinds_of_changes_are_distinguished() {
    let stage = Stage::set().await;
    let claim = stage.begin("{}").await;
    let page: Vec<_> = (0..3).map(|id| observation("mobileApp", id, 1)).collect();
    let store = &stage.store;
    let created = TypeEffect {
        seen: 3,
        created: 3,
        ..TypeEffect::default()
    };
    assert_eq!(
        store.store_page(&claim.lease, &page).await.unwrap().effect,
        only(created)
    );
    let same = TypeEffect {
        seen: 3,
        ..TypeEffect::default()
    };
    assert_eq!(
        store.store_page(&claim.lease, &page).await.unwrap().effect,
        only(same)
    );

    let mut other = page.clone();
    other[0].content_hash = [2; 32];
    other[1].assignments_hash = Some([2; 32]);
    other[2].assignments_hash = None;
    // Tags that are not reported stay, whichever statement stores the rest.
    other.iter_mut().for_each(|one| one.scope_tags = None);
    let changed = TypeEffect {
        seen: 3,
        changed: 1,
        reassigned: 1,
        ..TypeEffect::default()
    };
    assert_eq!(
        store.store_page(&claim.lease, &other).await.unwrap().effect,
        only(changed)
    );
    let items = store
        .items(
            stage.tenant.id,
            &ItemFilter::default(),
            PageRequest::first(10),
        )
        .await
        .unwrap();
    for item in items {
        assert_eq!(item.scope_tags, ["0", "7"]);
        assert_eq!(item.metadata["description"], "with a NUL \u{fffd} in it");
    }
}

#[tokio::test]
async fn only_types_that_were_read_completely_lose_what_was_not_seen_and_it_may_come_back() {
    let stage = Stage::set().await;
    let store = &stage.store;
    let claim = stage.begin("{}").await;
    let page: Vec<_> = (0..4)
        .map(|id| observation("mobileApp", id, 1))
        .chain((0..4).map(|id| observation("policySet", id, 1)))
        .collect();
    store.store_page(&claim.lease, &page).await.unwrap();
    stage.end(claim).await;

    let claim = stage.begin("{}").await;
    store.store_page(&claim.lease, &page[..2]).await.unwrap();
    let missing = store
        .mark_missing(&claim.lease, &[key("mobileApp")])
        .await
        .unwrap();
    assert_eq!(missing, BTreeMap::from([(key("mobileApp"), 2)]));
    store
        .read_to_end(&claim.lease, &[key("mobileApp")])
        .await
        .unwrap();
    let summary = store.inventory_summary(stage.tenant.id).await.unwrap();
    let counts: Vec<_> = summary
        .iter()
        .map(|row| {
            (
                row.policy_type.as_str(),
                row.present,
                row.missing,
                row.data_as_of.is_some(),
            )
        })
        .collect();
    assert_eq!(
        counts,
        [("mobileApp", 2, 2, true), ("policySet", 4, 0, false)]
    );
    stage.end(claim).await;

    let claim = stage.begin("{}").await;
    let back = store.store_page(&claim.lease, &page[..4]).await.unwrap();
    assert_eq!(
        back.effect,
        only(TypeEffect {
            seen: 4,
            back: 2,
            ..TypeEffect::default()
        })
    );
    assert_eq!(
        stage
            .count("SELECT count(*) FROM inventory_items WHERE missing_since IS NOT NULL")
            .await,
        0
    );
}

#[tokio::test]
async fn a_worker_that_was_replaced_stores_nothing() {
    let stage = Stage::set().await;
    let claim = stage.begin("{}").await;
    stage
        .execute("UPDATE tenant_fences SET fence = fence + 1")
        .await;
    let page = [observation("mobileApp", 1, 1)];
    let refused = stage.store.store_page(&claim.lease, &page).await;
    assert!(matches!(refused, Err(WriteError::Lost)), "{refused:?}");
    assert_eq!(stage.count("SELECT count(*) FROM inventory_items").await, 0);
}

#[tokio::test]
async fn pages_of_1201_items_with_equal_names_have_no_gap_and_no_repetition() {
    let stage = Stage::set().await;
    let claim = stage.begin("{}").await;
    let page: Vec<_> = (0..1201)
        .map(|id| observation("mobileApp", id, 1))
        .collect();
    let stored = stage.store.store_page(&claim.lease, &page).await.unwrap();
    assert_eq!(
        stored.effect,
        only(TypeEffect {
            seen: 1201,
            created: 1201,
            ..TypeEffect::default()
        })
    );
    for filter in [
        ItemFilter::default(),
        ItemFilter {
            policy_type: vec!["mobileApp".to_owned()],
            ..ItemFilter::default()
        },
        ItemFilter {
            category: Some("Apps".to_owned()),
            ..ItemFilter::default()
        },
        ItemFilter {
            q: Some("policy".to_owned()),
            missing: Some(false),
            ..ItemFilter::default()
        },
    ] {
        let list = |page| stage.store.items(stage.tenant.id, &filter, page);
        let items = both_ways(100, list, |item| (item.name.clone(), item.id)).await;
        let seen: BTreeSet<ItemId> = items.iter().map(|item| item.id).collect();
        assert_eq!((items.len(), seen.len()), (1201, 1201), "{filter:?}");
    }
    let other = stage.scenario.tenant("Fabrikam").await;
    let foreign = stage
        .store
        .items(other.id, &ItemFilter::default(), PageRequest::first(10))
        .await
        .unwrap();
    assert!(foreign.is_empty());
    let nothing = ItemFilter {
        q: Some("%".to_owned()),
        ..ItemFilter::default()
    };
    let found = stage
        .store
        .items(stage.tenant.id, &nothing, PageRequest::first(10))
        .await
        .unwrap();
    assert!(found.is_empty(), "a wildcard is a letter");
}

#[tokio::test]
async fn results_are_kept_per_type_and_a_new_attempt_begins_anew() {
    let stage = Stage::set().await;
    let claim = stage
        .begin(r#"{"policy_types":["mobileApp"],"include_foundations":false}"#)
        .await;
    let run = claim.lease.run_id;
    let mut result = TypeResult::pending(key("mobileApp"));
    result.status = TypeStatus::Succeeded;
    result.seen = 9;
    stage
        .store
        .record_result(&claim.lease, &result)
        .await
        .unwrap();
    let view = stage.store.run_view(stage.operator.id, run).await.unwrap();
    let stored = stage.store.run_results(&view.unwrap()).await.unwrap();
    assert_eq!(stored, [result]);
    let stranger = stage.scenario.stranger().await;
    let view = stage.store.run_view(stranger.id, run).await;
    assert_eq!(view.unwrap(), None);

    stage.store.hand_back(claim).await.unwrap();
    let claim = stage.store.claim_next(&terms("w")).await.unwrap().unwrap();
    let selection = claim.inputs.selection().unwrap();
    stage
        .store
        .begin_sync(
            &claim.lease,
            claim.initiator_id,
            selection,
            &[key("mobileApp")],
        )
        .await
        .unwrap();
    let (sync, results) = stage
        .store
        .sync_run(stage.tenant.id, run)
        .await
        .unwrap()
        .unwrap();
    let recorded = r#"SELECT count(*) FROM inventory_sync_runs WHERE selection->'policy_types' = '["mobileApp"]'"#;
    assert_eq!(stage.count(recorded).await, 1);
    assert_eq!((sync.run_id, sync.status), (run, Status::Running));
    assert_eq!(results, [TypeResult::pending(key("mobileApp"))]);
}

#[tokio::test]
async fn results_are_by_key_whatever_the_collation_of_the_database() {
    let stage = Stage::set().await;
    stage
        .execute(
            r#"ALTER TABLE inventory_type_results
            ALTER COLUMN policy_type TYPE text COLLATE "en-US-x-icu""#,
        )
        .await;
    let types = ["appManagementPolicy", "appleUserInitiatedEnrollmentProfile"];
    let claim = stage
        .begin(&json!({ "policy_types": types, "include_foundations": false }).to_string())
        .await;
    let run = claim.lease.run_id;
    let view = stage.store.run_view(stage.operator.id, run).await.unwrap();
    let results = stage.store.run_results(&view.unwrap()).await.unwrap();
    let sync = stage.store.sync_run(stage.tenant.id, run).await.unwrap();
    let expected = types.map(|name| TypeResult::pending(key(name)));
    assert_eq!(results, expected);
    assert_eq!(sync.unwrap().1, expected);
}

/// What runs that begin together record, whose fence is another's, and whose row is held.
#[tokio::test]
async fn runs_that_begin_together_are_recorded_but_for_the_lost_and_the_held() {
    let stage = Stage::set().await;
    let mut claims = Vec::new();
    for name in ["free", "lost", "held"] {
        let tenant = stage.scenario.tenant(name).await;
        let operator = stage.scenario.member(tenant.id, Role::Operator).await;
        stage
            .scenario
            .queued_run(tenant.id, operator.id, "{}")
            .await;
        claims.push(stage.store.claim_next(&terms("w")).await.unwrap().unwrap());
    }
    let begin = |claim: &Claim, keys: &[&str]| {
        let selection = claim.inputs.selection().unwrap();
        Beginning {
            lease: claim.lease.clone(),
            initiator: claim.initiator_id,
            selection: selection.clone(),
            keys: keys.iter().map(|name| key(name)).collect(),
        }
    };
    let mut beginnings = vec![
        begin(&claims[0], &["mobileApp", "roleScopeTag"]),
        begin(&claims[1], &["mobileApp"]),
        begin(&claims[2], &["mobileApp"]),
    ];
    beginnings[1].lease.fence += 1;
    let stranger = stage.database.connection().await;
    let hold = format!(
        "BEGIN; SELECT 1 FROM tenant_fences WHERE tenant_id = '{}' FOR UPDATE",
        claims[2].lease.tenant_id
    );
    stranger.batch_execute(&hold).await.unwrap();
    let begun = stage.store.begin_syncs_free(&beginnings).await.unwrap();
    assert_eq!(begun, [true, false, false]);

    let recorded = async |claim: &Claim| {
        let lease = &claim.lease;
        let found = stage.store.sync_run(lease.tenant_id, lease.run_id).await;
        found.unwrap().map(|(_, results)| results)
    };
    let pending = ["mobileApp", "roleScopeTag"].map(|name| TypeResult::pending(key(name)));
    assert_eq!(recorded(&claims[0]).await.unwrap(), pending);
    assert_eq!(recorded(&claims[1]).await, None);
    assert_eq!(recorded(&claims[2]).await, None);

    stranger.batch_execute("COMMIT").await.unwrap();
    let begun = stage.store.begin_syncs_free(&beginnings[2..]).await;
    assert_eq!(begun.unwrap(), [true]);
}
