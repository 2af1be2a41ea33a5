//! What is read is what the tenant holds.

use std::collections::BTreeMap;

use atlas_domain::failure::FailureCode;
use atlas_domain::policy_types::{PolicyType, registry};
use atlas_graph::{GraphErrorKind, Shape, collections, plan};
use atlas_graph_sim::{Effect, FaultRule, MutationScript, PathMatch};

use crate::setup::{Setup, everything};

/// Id, name and assignments of every object, by policy type.
type Items = BTreeMap<String, Vec<(String, String, Option<usize>)>>;

async fn read_from_graph(setup: &Setup) -> Items {
    let mut items_of: Items = registry()
        .all()
        .iter()
        .map(|one| (one.key.clone(), Vec::new()))
        .collect();
    let plan = plan(&everything(), false);
    for list in &plan.lists {
        let read = setup.read(&setup.graph(), list).await.unwrap();
        assert!(!read.unstable, "{}", list.path());
        for one in read.observations {
            assert!(list.keys().contains(&one.policy_type));
            let count = one
                .assignment_count
                .map(|count| usize::try_from(count).unwrap());
            let items = items_of.get_mut(one.policy_type.as_str()).unwrap();
            items.push((one.external_id, one.name, count));
        }
    }
    for items in items_of.values_mut() {
        items.sort();
    }
    items_of
}

/// The simulator's answer, with the policy type as the id of a singleton, and its label where a
/// singleton has no name of its own.
fn taken_from_answer_key(setup: &Setup) -> Items {
    setup
        .sim
        .answer_key(&setup.directory)
        .into_iter()
        .map(|(key, items)| {
            let policy_type = registry().find(&key).unwrap();
            let singleton = collections()
                .iter()
                .any(|one| one.key() == policy_type && one.shape() == Shape::Singleton);
            let items = items
                .into_iter()
                .map(|item| {
                    let nameless = singleton && item.name == item.id;
                    let label = || policy_type.describe().label.clone();
                    let name = if nameless { label() } else { item.name };
                    let id = if singleton { key.clone() } else { item.id };
                    (id, name, item.assignment_count)
                })
                .collect();
            (key, items)
        })
        .collect()
}

#[tokio::test]
async fn every_list_is_read_as_the_answer_key_says() {
    let setup = Setup::with_size(3_000).await;
    let items_of = read_from_graph(&setup).await;
    let expected = taken_from_answer_key(&setup);
    for (key, items) in &expected {
        assert_eq!(&items_of[key], items, "{key}");
    }
    assert_eq!(items_of.len(), expected.len());
    let objects: usize = items_of.values().map(Vec::len).sum();
    assert!(objects > 2_900, "{objects} objects");
    let filled = items_of.values().filter(|items| !items.is_empty()).count();
    assert_eq!(
        filled,
        registry().all().len() - 2,
        "all but the two that need a user"
    );
}

#[tokio::test]
async fn changes_in_the_tenant_show_in_ids_names_counts_and_hashes() {
    let setup = Setup::start().await;
    let list = setup.list("mobileApp");
    let before = setup
        .read(&setup.graph(), &list)
        .await
        .unwrap()
        .observations;
    let script = MutationScript {
        seed: 3,
        add: 2,
        delete: 1,
        rename: 1,
        edit: 1,
        reassign: 1,
        keys: vec!["mobileApp".to_owned()],
        ..MutationScript::default()
    };
    let changes = setup.sim.mutate(&setup.directory, &script)["mobileApp"].clone();
    let after = setup
        .read(&setup.graph(), &list)
        .await
        .unwrap()
        .observations;
    let find = |all: &[atlas_domain::inventory::Observation], id: &str| {
        all.iter().find(|one| one.external_id == id).cloned()
    };
    for id in &changes.added {
        assert!(find(&before, id).is_none() && find(&after, id).is_some());
    }
    for id in &changes.deleted {
        assert!(find(&before, id).is_some() && find(&after, id).is_none());
    }
    for id in changes.renamed.iter().chain(&changes.edited) {
        let (old, new) = (find(&before, id).unwrap(), find(&after, id).unwrap());
        assert_ne!(old.content_hash, new.content_hash);
    }
    for id in &changes.reassigned {
        let (old, new) = (find(&before, id).unwrap(), find(&after, id).unwrap());
        assert_ne!(old.assignments_hash, new.assignments_hash);
    }
    let touched = [
        &changes.renamed,
        &changes.edited,
        &changes.reassigned,
        &changes.deleted,
    ];
    let untouched = before
        .iter()
        .filter(|old| !touched.iter().any(|ids| ids.contains(&old.external_id)));
    for old in untouched {
        assert_eq!(find(&after, &old.external_id).as_ref(), Some(old));
    }
}

#[tokio::test]
async fn types_that_share_a_list_cost_its_pages_once() {
    let setup = Setup::start().await;
    let keys: Vec<_> = collections()
        .iter()
        .filter(|one| one.path() == "/deviceManagement/configurationPolicies")
        .map(atlas_graph::Collection::key)
        .collect();
    assert_eq!(keys.len(), 15);
    let plan = plan(&keys, false);
    assert_eq!(plan.lists.len(), 1);
    let read = setup.read(&setup.graph(), &plan.lists[0]).await.unwrap();
    assert_eq!(
        setup.graph_requests().len(),
        usize::try_from(read.pages).unwrap()
    );
    let seen: std::collections::BTreeSet<_> = read
        .observations
        .iter()
        .map(|one| one.policy_type)
        .collect();
    assert_eq!(seen.len(), 15, "every family is routed");
}

#[tokio::test]
async fn what_needs_a_user_is_skipped_and_nothing_is_sent_for_it() {
    let setup = Setup::start().await;
    let plan = plan(&[registry().find("termsOfUseAgreement").unwrap()], false);
    assert!(plan.lists.is_empty());
    assert_eq!(plan.skipped[0].1.code, FailureCode::DELEGATED_ONLY);
    assert!(setup.graph_requests().is_empty());
}

#[tokio::test]
async fn requests_name_the_client_and_each_attempt() {
    let setup = Setup::start().await;
    setup
        .read(&setup.graph(), &setup.list("roleScopeTag"))
        .await
        .unwrap();
    setup
        .read(&setup.graph(), &setup.list("mobileApp"))
        .await
        .unwrap();
    let requests = setup.graph_requests();
    let mut ids: Vec<_> = requests
        .iter()
        .map(|one| uuid::Uuid::parse_str(one.client_request_id.as_deref().unwrap()).unwrap())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), requests.len());
    for one in requests {
        assert!(
            one.user_agent
                .as_deref()
                .unwrap()
                .starts_with("TenantAtlas/")
        );
    }
}

#[tokio::test]
async fn no_secret_of_the_tenants_objects_is_kept() {
    let setup = Setup::with_size(1_000).await;
    let mut seen = 0;
    for list in &plan(&everything(), false).lists {
        let read = setup.read(&setup.graph(), list).await.unwrap();
        for one in read.observations {
            seen += 1;
            let shown = format!("{one:?}");
            for secret in ["psk-", "vpp-", "purl-", "password=", "KEY="] {
                assert!(!shown.contains(secret), "{shown}");
            }
            let metadata = one.metadata.value();
            let members = metadata.as_object().unwrap();
            let known = [
                "odata_type",
                "description",
                "created_at",
                "modified_at",
                "version",
                "state",
                "template_family",
                "platform",
            ];
            for (name, value) in members {
                assert!(known.contains(&name.as_str()), "{name}");
                assert!(value.as_str().unwrap().chars().count() <= 1_000);
            }
        }
    }
    assert!(seen >= registry().all().iter().map(PolicyType::key).count() - 2);
}

#[tokio::test]
async fn what_lives_under_many_objects_is_read_at_once_and_by_itself_where_that_fails() {
    let setup = Setup::with_size(6_000).await;
    let list = setup.list("depEnrollmentProfile");
    let key = setup.sim.answer_key(&setup.directory);
    let tokens = &key["depOnboardingSetting"];
    assert!(tokens.len() > 20, "{}", tokens.len());
    let mut expected: Vec<_> = key["depEnrollmentProfile"]
        .iter()
        .map(|one| one.id.clone())
        .collect();
    expected.sort();
    let ids = |read: crate::setup::Read| {
        let mut ids: Vec<_> = read
            .observations
            .into_iter()
            .map(|one| one.external_id)
            .collect();
        ids.sort();
        ids
    };
    let children =
        |id: &str| format!("/beta/deviceManagement/depOnboardingSettings/{id}/enrollmentProfiles");
    let asked_alone = || {
        let sent = setup.graph_requests();
        let alone = sent
            .iter()
            .filter(|one| one.batch.is_none() && one.path.ends_with("/enrollmentProfiles"));
        alone.count()
    };
    let envelopes = || {
        let sent = setup.graph_requests();
        let envelopes = sent.iter().filter(|one| one.path.ends_with("/$batch"));
        envelopes.count()
    };

    let read = setup.read(&setup.graph(), &list).await.unwrap();
    assert_eq!(ids(read), expected);
    assert_eq!(
        (envelopes(), asked_alone()),
        (tokens.len().div_ceil(20), 0),
        "with {} tokens",
        tokens.len()
    );

    let path = PathMatch::exact(&children(&tokens[1].id));
    let refused = Effect::Forbidden { permission: None };
    setup.fault(FaultRule::once(path.clone(), refused.clone()));
    let read = setup.read(&setup.graph(), &list).await.unwrap();
    assert_eq!(ids(read), expected);
    assert_eq!(asked_alone(), 1);

    setup.fault(FaultRule::always(path, refused));
    let error = setup.read(&setup.graph(), &list).await.unwrap_err();
    assert!(
        matches!(error.kind, GraphErrorKind::PermissionMissing),
        "{error:?}"
    );
}

#[tokio::test]
async fn what_the_inventory_leaves_out_is_named_by_its_list() {
    let setup = Setup::with_size(1_000).await;
    let key = setup.sim.answer_key(&setup.directory);
    for policy_type in ["mobileApp", "roleDefinition"] {
        let list = setup.list(policy_type);
        assert!(list.leaves_out());
        let graph = setup.graph();
        let mut reader = graph.list(&list);
        let mut rows = 0;
        while let Some(page) = reader.next_page().await.unwrap() {
            rows += page.rows;
        }
        let named: Vec<&String> = reader.left_out().values().flatten().collect();
        let own = &key[policy_type];
        assert!(own.iter().all(|one| !named.contains(&&one.id)));
        assert_eq!(named.len() + own.len(), usize::try_from(rows).unwrap());
        assert!(named.len() > 5, "{named:?}");
    }
    assert!(!setup.list("deviceCompliancePolicy").leaves_out());
}
