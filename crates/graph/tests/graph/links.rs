//! Links, assignments and what is read for them, held against the simulator's answer key.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use atlas_domain::failure::FailureCode;
use atlas_domain::inventory::Observation;
use atlas_domain::inventory::link::{LinkKind, LinkSource};
use atlas_domain::policy_types::{PolicyTypeKey, registry};
use atlas_graph::{Collection, Incomplete, TenantGraph, collections, plan};
use atlas_graph_sim::{AnswerLink, Effect, FaultRule, GateRule, MutationScript, PathMatch};

use crate::setup::{Setup, everything};

const SETTINGS_CATALOG: &str = "/beta/deviceManagement/configurationPolicies";
const REUSABLE_SETTINGS: &str = "/beta/deviceManagement/reusablePolicySettings";

/// What reading with links reported.
#[derive(Default)]
struct Reading {
    objects: Vec<Observation>,
    incomplete: BTreeMap<PolicyTypeKey, Incomplete>,
    unknown: BTreeMap<PolicyTypeKey, u64>,
}

async fn read(graph: &TenantGraph, keys: &[PolicyTypeKey]) -> Reading {
    let mut reading = Reading::default();
    for list in &plan(keys, true).lists {
        let mut reader = graph.list(list);
        loop {
            match reader.next_page().await {
                Ok(Some(page)) => reading.objects.extend(page.observations),
                Ok(None) => break,
                Err(error) => panic!("{}: {error:?}", list.path()),
            }
        }
        reading.incomplete.extend(reader.incomplete().clone());
        reading.unknown.extend(reader.unknown());
    }
    reading
}

fn keys(words: &[&str]) -> Vec<PolicyTypeKey> {
    words
        .iter()
        .map(|word| registry().find(word).unwrap())
        .collect()
}

/// A link as both sides can write it: policy type, id, kind, kind of target, target, qualifier.
type Line = (
    String,
    String,
    String,
    String,
    String,
    BTreeMap<String, String>,
);

/// The names of qualifiers that both sides know.
const COMPARED: [&str; 4] = ["intent", "filter_id", "filter_type", "source"];

fn compared(qualifier: impl IntoIterator<Item = (String, String)>) -> BTreeMap<String, String> {
    qualifier
        .into_iter()
        .filter(|(name, _)| COMPARED.contains(&name.as_str()))
        .collect()
}

fn lines_of(objects: &[Observation]) -> BTreeSet<Line> {
    let mut lines = BTreeSet::new();
    for object in objects {
        for link in object.links.iter().flat_map(|set| &set.links) {
            lines.insert((
                object.policy_type.to_string(),
                object.external_id.clone(),
                link.kind.to_string(),
                link.target.kind.to_string(),
                link.target.id.clone(),
                compared(link.qualifier.clone()),
            ));
        }
    }
    lines
}

fn answer_lines(links: Vec<AnswerLink>) -> BTreeSet<Line> {
    let line = |link: AnswerLink| {
        (
            link.policy_type,
            link.id,
            link.kind,
            link.target_kind,
            link.target_id,
            compared(link.qualifier),
        )
    };
    links.into_iter().map(line).collect()
}

/// Shows a few of many lines.
fn few(lines: &BTreeSet<Line>, others: &BTreeSet<Line>) -> Vec<Line> {
    lines.difference(others).take(12).cloned().collect()
}

#[tokio::test]
async fn every_link_is_reported_as_the_answer_key_says() {
    let setup = Setup::with_size(600).await;
    let reading = read(&setup.graph(), &everything()).await;
    assert_eq!(reading.incomplete, BTreeMap::new());
    let unknown: Vec<_> = reading.unknown.keys().map(|key| key.as_str()).collect();
    assert_eq!(
        unknown,
        ["settingsCatalogPolicy"],
        "newer families are there"
    );
    let (ours, theirs) = (
        lines_of(&reading.objects),
        answer_lines(setup.sim.answer_links(&setup.directory)),
    );
    assert_eq!(few(&theirs, &ours), [], "not reported");
    assert_eq!(few(&ours, &theirs), [], "reported, and not so");
    let kinds: BTreeSet<_> = ours.iter().map(|line| line.2.as_str()).collect();
    assert!(kinds.len() > 30, "{kinds:?}");
}

#[tokio::test]
async fn a_second_reading_reports_the_same_and_what_only_moved_is_no_change() {
    let setup = Setup::with_size(400).await;
    let graph = setup.graph();
    let state = |reading: Reading| -> BTreeMap<_, _> {
        reading
            .objects
            .into_iter()
            .map(|object| {
                let key = (object.policy_type, object.external_id.clone());
                (
                    key,
                    (object.content_hash, object.assignments_hash, object.links),
                )
            })
            .collect()
    };
    let first = state(read(&graph, &everything()).await);
    let script = MutationScript {
        touch: 20,
        ..MutationScript::default()
    };
    let touched = setup.sim.mutate(&setup.directory, &script);
    assert!(touched.values().any(|changes| !changes.touched.is_empty()));
    let second = state(read(&graph, &everything()).await);
    let differing: Vec<_> = first
        .iter()
        .filter(|(key, value)| second.get(key) != Some(value))
        .map(|(key, _)| key)
        .collect();
    assert_eq!(differing, Vec::<&(PolicyTypeKey, String)>::new());
}

#[tokio::test]
async fn assignments_that_a_list_does_not_carry_are_read_in_batches() {
    let setup = Setup::with_size(2_000).await;
    let graph = setup.graph();
    graph.sign_in().await.unwrap();
    setup.sim.clear_log();
    let reading = read(&graph, &keys(&["endpointSecurityIntent"])).await;
    assert!(!reading.objects.is_empty());
    assert!(reading.objects.iter().all(|one| one.assignments.is_some()));
    let sent = setup
        .sim
        .log()
        .iter()
        .filter(|one| one.path.ends_with("/$batch"))
        .count();
    assert_eq!(sent, reading.objects.len().div_ceil(20));
}

/// How the paths of lists end whose objects have values that no row carries.
const VALUES: [&str; 7] = [
    "/configurationPolicies",
    "/compliancePolicies",
    "/groupPolicyConfigurations",
    "/intents",
    "/notificationMessageTemplates",
    "/policySets",
    "Scripts",
];

#[tokio::test]
async fn without_dependencies_nothing_but_values_is_read_besides_the_lists() {
    let setup = Setup::with_size(200).await;
    let graph = setup.graph();
    graph.sign_in().await.unwrap();
    setup.sim.clear_log();
    for list in &plan(&everything(), false).lists {
        let mut reader = graph.list(list);
        while let Some(page) = reader.next_page().await.unwrap() {
            assert!(page.observations.iter().all(|one| one.links.is_empty()));
        }
    }
    let log = setup.sim.log();
    let read = log.iter().filter(|one| one.batch.is_some());
    let with_values: Vec<&str> = collections()
        .iter()
        .map(Collection::path)
        .filter(|path| VALUES.iter().any(|of| path.ends_with(of)))
        .collect();
    for one in read {
        let path = one
            .path
            .trim_start_matches("/beta")
            .trim_start_matches("/v1.0");
        let values = with_values.iter().any(|list| path.starts_with(list));
        assert!(values && !path.ends_with("/assignments"), "{path}");
    }
}

#[tokio::test]
async fn a_read_that_is_refused_leaves_its_set_absent_and_reports_it() {
    let setup = Setup::with_size(400).await;
    let path = PathMatch::prefix("/beta/deviceManagement/roleAssignments");
    let refused = Effect::Forbidden { permission: None };
    // The list itself is answered.
    setup.sim.fault(FaultRule {
        nth: 2,
        ..FaultRule::always(path, refused)
    });
    let key = keys(&["roleAssignment"]);
    let reading = read(&setup.graph(), &key).await;
    assert!(!reading.objects.is_empty());
    let sources =
        |one: &Observation| -> Vec<_> { one.links.iter().map(|set| set.source).collect() };
    assert!(
        reading
            .objects
            .iter()
            .all(|one| sources(one) == [LinkSource::Object])
    );
    let incomplete = &reading.incomplete[&key[0]];
    assert_eq!(
        incomplete.objects,
        u64::try_from(reading.objects.len()).unwrap()
    );
    assert_eq!(incomplete.error.code, FailureCode::PERMISSION_MISSING);
}

#[tokio::test]
async fn an_object_that_was_deleted_since_it_was_listed_is_left_as_it_was_listed() {
    for (vanished, complete) in [(1, true), (u32::MAX, false)] {
        let setup = Setup::with_size(2_000).await;
        let key = keys(&["roleAssignment"]);
        let gone = Effect::Answer {
            status: 404,
            body: r#"{"error": {"code": "ResourceNotFound", "message": "gone"}}"#.to_owned(),
        };
        let path = PathMatch::prefix("/beta/deviceManagement/roleAssignments");
        // The first request is for the list.
        setup
            .sim
            .fault(FaultRule::always(path, gone).nth(2).times(Some(vanished)));
        let reading = read(&setup.graph(), &key).await;
        assert!(reading.objects.len() > 3);
        let without = reading.objects.iter().filter(|one| {
            one.links
                .iter()
                .all(|set| set.source != LinkSource::Related)
        });
        let expected = usize::try_from(vanished)
            .unwrap()
            .min(reading.objects.len());
        assert_eq!(without.count(), expected);
        assert_eq!(reading.incomplete.is_empty(), complete, "{vanished}");
    }
}

#[tokio::test]
async fn relations_are_asked_of_each_app_where_the_list_of_them_is_refused() {
    let setup = Setup::with_size(1_000).await;
    let path = PathMatch::exact("/beta/deviceAppManagement/mobileAppRelationships");
    let refused = Effect::Answer {
        status: 404,
        body: r#"{"error": {"code": "BadRequest", "message": "no such segment"}}"#.to_owned(),
    };
    setup.sim.fault(FaultRule::always(path, refused));
    let reading = read(&setup.graph(), &keys(&["mobileApp"])).await;
    assert_eq!(reading.incomplete, BTreeMap::new());
    let relations = |lines: BTreeSet<Line>| -> BTreeSet<Line> {
        let kinds = [
            LinkKind::Supersedes.as_str(),
            LinkKind::DependsOnApp.as_str(),
        ];
        lines
            .into_iter()
            .filter(|line| kinds.contains(&line.2.as_str()))
            .collect()
    };
    let ours = relations(lines_of(&reading.objects));
    assert!(!ours.is_empty());
    assert_eq!(
        ours,
        relations(answer_lines(setup.sim.answer_links(&setup.directory)))
    );
}

#[tokio::test]
async fn links_of_settings_catalog_policies_cost_few_requests() {
    let setup = Setup::with_size(10_000).await;
    let graph = setup.graph();
    graph.sign_in().await.unwrap();
    setup.sim.clear_log();
    let list = &plan(&keys(&["settingsCatalogPolicy"]), true).lists[0];
    let mut reader = graph.list(list);
    let mut rows = 0;
    while let Some(page) = reader.next_page().await.unwrap() {
        rows += page.rows;
    }
    let requests = setup.sim.log();
    let requests = requests.iter().filter(|one| one.batch.is_none()).count();
    let settings = setup.sim.answer_key(&setup.directory)["reusablePolicySetting"].len();
    let pages = usize::try_from(rows).unwrap().div_ceil(500);
    assert!(pages > 1 && settings > 20);
    // The pages, the list of reusable settings, and what refers to each of those.
    assert_eq!(requests, pages + 1 + settings.div_ceil(20));
}

#[tokio::test]
async fn what_belongs_to_a_whole_list_is_read_beside_its_first_page() {
    let setup = Setup::with_size(100).await;
    let delayed = Effect::Delayed { milliseconds: 300 };
    setup.sim.fault(FaultRule::always(
        PathMatch::exact(SETTINGS_CATALOG),
        delayed,
    ));
    let reading = read(&setup.graph(), &keys(&["settingsCatalogPolicy"])).await;
    assert!(!reading.objects.is_empty());
    let log = setup.sim.log();
    let of = |path: &str| {
        let mut entries = log.iter().filter(|entry| entry.path == path);
        entries.next().unwrap()
    };
    assert!(of(REUSABLE_SETTINGS).started_us < of(SETTINGS_CATALOG).ended_us);
    let asked = log.iter().filter(|entry| entry.path == REUSABLE_SETTINGS);
    assert_eq!(asked.count(), 1, "once for all pages");
}

#[tokio::test]
async fn the_second_page_is_requested_while_what_belongs_to_a_whole_list_is_read() {
    let setup = Setup::with_size(10_000).await;
    let held = setup.sim.hold(PathMatch::exact(REUSABLE_SETTINGS));
    let list = PathMatch::exact(SETTINGS_CATALOG);
    let second = setup.sim.hold(GateRule::new(list).after(1));
    let graph = setup.graph();
    let reading = async { read(&graph, &keys(&["settingsCatalogPolicy"])).await };
    let released = async {
        let arrives = second.someone_waiting();
        let arrives = tokio::time::timeout(Duration::from_secs(30), arrives);
        arrives.await.expect("the second page is requested");
        assert_eq!(held.waiting(), 1);
        second.release();
        held.release();
    };
    let (reading, ()) = tokio::join!(reading, released);
    assert!(reading.objects.len() > 500);
    let log = setup.sim.log();
    let pages = log.iter().filter(|entry| entry.path == SETTINGS_CATALOG);
    let pages: Vec<&str> = pages.map(|entry| entry.query.as_str()).collect();
    let once: BTreeSet<&str> = pages.iter().copied().collect();
    assert_eq!(pages.len(), once.len(), "each page once");
}
