//! Names of settings: asked for once for all tenants, and not needed by anything else.

use std::collections::{BTreeMap, BTreeSet};

use atlas_domain::access::Role;
use atlas_domain::ids::{DirectoryId, ItemId};
use atlas_domain::run::Outcome;
use atlas_graph_sim::{Effect, FaultRule, PathMatch};
use atlas_store::{ItemFilter, ItemVersion, KnownSettings, PageRequest, WhichVersion};
use atlas_test_support::{Member, TestTenant};
use uuid::Uuid;

use crate::installation::Installation;

const CATALOG: &str =
    r#"{"policy_types": ["settingsCatalogPolicy"], "include_foundations": false}"#;
const DEFINITIONS: &str = "/beta/deviceManagement/configurationSettings/";

/// How often each definition was asked for since the log was cleared.
fn asked(installation: &Installation) -> BTreeMap<String, usize> {
    let mut times = BTreeMap::new();
    for entry in installation.simulator.log() {
        if let Some(id) = entry.path.strip_prefix(DEFINITIONS) {
            let id = id.replace("%7B", "{").replace("%7D", "}");
            *times.entry(id).or_default() += 1;
        }
    }
    times
}

/// A tenant whose contents are the same in every run of the test.
async fn tenant_of(installation: &Installation, seed: u128) -> (TestTenant, Member) {
    let directory = Uuid::from_u128(0x5e77_0000_0000_4000_8000 << 48 | seed);
    let directory = DirectoryId::from_uuid(directory);
    let name = format!("Tenant {seed}");
    let tenant = installation.scenario.tenant_of(directory, &name).await;
    let member = installation.scenario.member(tenant.id, Role::Operator);
    (tenant, member.await)
}

async fn sync(installation: &Installation, tenant: TestTenant, member: &Member) {
    let run = installation.press(tenant, member, CATALOG).await;
    let (outcome, counts) = installation.ended(member, run).await;
    assert_eq!(outcome, Outcome::Succeeded);
    assert!(counts.items_seen > 3);
}

/// Settings by id, with their names; without one where it is not known.
async fn names(installation: &Installation) -> BTreeMap<String, Option<String>> {
    let connection = installation.database.connection().await;
    let all = "SELECT id, name FROM setting_definitions WHERE in_catalog";
    let rows = connection.query(all, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// The current content of every item, with the settings that are known of it.
async fn contents(
    installation: &Installation,
    tenant: TestTenant,
) -> Vec<(ItemVersion, KnownSettings)> {
    let (store, every) = (&installation.store, ItemFilter::default());
    let items = store
        .items(tenant.id, &every, PageRequest::first(1_000))
        .await
        .unwrap();
    let ids: Vec<ItemId> = items.into_iter().map(|item| item.id).collect();
    let mut all = Vec::new();
    for id in ids {
        let version = store.item_version(tenant.id, id, WhichVersion::Current);
        let version = version.await.unwrap().unwrap();
        let policy_type = version.item.policy_type.as_str();
        let fields = version.content.as_ref().unwrap().keys();
        let fields = fields.map(|field| (policy_type, field.as_str()));
        let known = store.settings_of_fields(fields).await.unwrap();
        all.push((version, known));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_learned_once_for_all_tenants_and_shown_with_what_items_set() {
    let installation = Installation::of_size(300).await;
    let (tenant, member) = tenant_of(&installation, 1).await;
    let worker = installation.worker();
    let mut learned = BTreeSet::new();
    // A run asks for some hundred of them, later ones for the others, and the last one for none.
    loop {
        installation.simulator.clear_log();
        sync(&installation, tenant, &member).await;
        let asked = asked(&installation);
        if asked.is_empty() {
            break;
        }
        assert!(asked.len() <= 500, "{}", asked.len());
        for (id, times) in asked {
            assert_eq!(times, 1, "{id}");
            assert!(learned.insert(id), "asked for again");
        }
    }
    let names = names(&installation).await;
    assert!(learned.len() > 50, "{}", learned.len());
    assert!(learned.iter().eq(names.keys()));
    let unknown: BTreeSet<&String> = names
        .iter()
        .filter_map(|(id, name)| name.is_none().then_some(id))
        .collect();
    // The catalogue does not have those that were retired.
    assert!(
        !unknown.is_empty() && unknown.len() < names.len() / 10,
        "{unknown:?}"
    );

    let (mut with_names, mut with_options) = (0, 0);
    for (version, known) in contents(&installation, tenant).await {
        for (field, value) in version.content.as_ref().unwrap() {
            let Some((id, names)) = known.of_field(&version.item.policy_type, field) else {
                assert!(!field.starts_with("/settings/"), "{field}");
                continue;
            };
            assert_eq!(
                names.name.is_none(),
                unknown.contains(&id.to_owned()),
                "{id}"
            );
            with_names += usize::from(names.name.is_some());
            let options = names.options_in(value).count();
            if value.as_str().is_some_and(|value| value.starts_with(id)) && names.name.is_some() {
                assert_eq!(options, 1, "{field}: {value}");
                with_options += 1;
            }
        }
    }
    assert!(
        with_names > 50 && with_options > 10,
        "{with_names} {with_options}"
    );

    // Another tenant asks for those alone that no tenant had set.
    let (other, member) = tenant_of(&installation, 2).await;
    sync(&installation, other, &member).await;
    let more = asked(&installation);
    assert!(more.keys().all(|id| !learned.contains(id)), "{more:?}");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_names_everything_else_is_as_it_was() {
    let installation = Installation::of_size(300).await;
    let (tenant, member) = installation.tenant().await;
    let worker = installation.worker();
    let refused = Effect::Forbidden { permission: None };
    installation
        .simulator
        .fault(FaultRule::always(PathMatch::prefix(DEFINITIONS), refused));
    sync(&installation, tenant, &member).await;
    assert!(installation.simulator.faults_struck() > 0);
    assert!(names(&installation).await.values().all(Option::is_none));
    let contents = contents(&installation, tenant).await;
    let settings = contents.iter().flat_map(|(version, known)| {
        let fields = version.content.as_ref().unwrap().iter();
        fields.filter_map(|(field, value)| {
            let (_, names) = known.of_field(&version.item.policy_type, field)?;
            Some((names, value))
        })
    });
    let settings: Vec<_> = settings.collect();
    assert!(settings.len() > 20, "{}", settings.len());
    assert!(
        settings
            .iter()
            .all(|(names, value)| { names.name.is_none() && names.options_in(value).count() == 0 })
    );

    // Once they can be read they are learned, although nothing else is read for it.
    installation.simulator.clear_faults();
    sync(&installation, tenant, &member).await;
    let names = names(&installation).await;
    assert!(names.values().filter(|name| name.is_some()).count() > 20);
    worker.stop().await;
}
