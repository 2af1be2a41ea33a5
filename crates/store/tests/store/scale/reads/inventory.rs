//! Lists of a tenant's inventory: items, links, changes, syncs.

use atlas_domain::ids::ItemId;
use atlas_domain::inventory::change::ChangeKind;
use atlas_domain::inventory::link::{LinkKind, TargetKind};
use atlas_domain::policy_types::registry;
use atlas_store::{
    ChangeFilter, ItemFilter, LinkDirection, LinkFilter, PageRequest, Place, SettingFilter, Store,
    WhichVersion,
};

use super::super::pages::Hundredth;
use super::{Read, days_ago, list, page, tenant};

/// No index finds what names contain in the order of the names. Where many names contain a text and
/// none of them comes early, the names before them are all read, in an index that holds some twenty
/// to a page, since names arrive in no order: here half of 200,000.
const BUFFERS_OF_HALF_THE_NAMES: i64 = 5_500;

/// Each of some hundred policy types is looked for in an index three times: by two results, and once more
/// in the run that was found.
const BUFFERS_OF_READINGS: i64 = 2_000;

pub(super) fn items(hundredth: &Hundredth) -> Vec<Read> {
    let none = ItemFilter::default;
    let q = |text: &str| ItemFilter {
        q: Some(text.to_owned()),
        ..none()
    };
    let types = ["androidManagedAppProtection", "assignmentFilter"].map(str::to_owned);
    let filters = [
        ("items", none()),
        (
            "items of a type",
            ItemFilter {
                policy_type: types[..1].to_vec(),
                ..none()
            },
        ),
        (
            "items of two types",
            ItemFilter {
                policy_type: types.to_vec(),
                ..none()
            },
        ),
        (
            "items of a category",
            ItemFilter {
                category: Some("Compliance".to_owned()),
                ..none()
            },
        ),
        (
            "items of a platform",
            ItemFilter {
                platform: Some("windows".to_owned()),
                ..none()
            },
        ),
        (
            "items, missing",
            ItemFilter {
                missing: Some(true),
                ..none()
            },
        ),
        (
            "items, present",
            ItemFilter {
                missing: Some(false),
                ..none()
            },
        ),
        (
            "items, foundations",
            ItemFilter {
                foundation: Some(true),
                ..none()
            },
        ),
        (
            "items, policies",
            ItemFilter {
                foundation: Some(false),
                ..none()
            },
        ),
        (
            "items by descending names",
            ItemFilter {
                descending: true,
                ..none()
            },
        ),
        ("items that many names match", q("kiosk")),
        ("items that no name matches", q("nowhere")),
    ];
    let one = |(name, filter): (&str, ItemFilter), place: Place<(String, ItemId)>| {
        list!(name, filter, place, |store, filter, page| store.items(
            tenant(1),
            &filter,
            page
        ))
    };
    let mut all: Vec<_> = filters
        .into_iter()
        .map(|filter| one(filter, Place::First))
        .collect();
    for read in &mut all {
        read.finds_nothing = read.name.contains(" no name ");
        if read.name.contains(" many names ") {
            read.most_buffers = BUFFERS_OF_HALF_THE_NAMES;
        }
    }
    all.push(one(
        ("items, hundredth page", none()),
        Place::After(hundredth.items.clone()),
    ));
    all.push(one(
        ("items, before the hundredth page", none()),
        Place::Before(hundredth.items.clone()),
    ));
    all.extend(items_as_of());
    all.push(Read::new("inventory summary", |store| async move {
        store.inventory_summary(tenant(1)).await
    }));
    all.push(list!("syncs", (), Place::First, |store, _none, page| store
        .sync_runs(tenant(1), page)));
    all
}

/// Items as they were known early, half-way and lately.
fn items_as_of() -> Vec<Read> {
    let times = [
        ("items as of an early time", days_ago(78)),
        ("items as of a time", days_ago(60)),
        ("items as of a late time", days_ago(1)),
    ];
    let lists = times.map(|(name, time)| {
        list!(name, time, Place::First, |store, time, page| async move {
            let all = ItemFilter::default();
            store.items_as_of(tenant(1), &all, time, page).await
        })
    });
    let mut readings = Read::new("readings before a time", |store| async move {
        let types: Vec<&str> = registry()
            .all()
            .iter()
            .map(|one| one.key.as_str())
            .collect();
        // The seed has results of the newest runs alone: of the last hours among a million.
        let time = days_ago(0);
        store.readings_before(tenant(1), &types, time).await
    });
    readings.most_buffers = BUFFERS_OF_READINGS;
    lists.into_iter().chain([readings]).collect()
}

/// What fifty thousand items set.
fn settings() -> Vec<Read> {
    let id = "device_vendor_msft_seed_setting_7";
    let of_id = SettingFilter {
        setting_id: Some(id.to_owned()),
        ..SettingFilter::default()
    };
    let q = |text: &str| SettingFilter {
        q: Some(text.to_owned()),
        ..SettingFilter::default()
    };
    let with_value = SettingFilter {
        value: Some(format!("{id}_1")),
        ..of_id.clone()
    };
    let one = |(name, filter): (&str, SettingFilter)| {
        list!(name, filter, Place::First, |store, filter, page| store
            .settings(tenant(1), &filter, page))
    };
    let mut all: Vec<Read> = [
        ("settings of one id", of_id),
        ("settings with a value", with_value),
        ("settings that many names match", q("seed setting")),
        ("settings that no name matches", q("nowhere")),
    ]
    .into_iter()
    .map(one)
    .collect();
    for read in &mut all {
        read.finds_nothing = read.name.contains(" no name ");
    }
    all
}

pub(super) async fn links_and_changes(store: &Store, hundredth: &Hundredth) -> Vec<Read> {
    let (tenant, none) = (tenant(1), LinkFilter::default);
    let to_a_group = LinkFilter {
        kind: Some(LinkKind::AssignedTo),
        ..none()
    };
    let link = store
        .links(tenant, &to_a_group, PageRequest::first(1))
        .await;
    let link = link.unwrap().remove(0);
    let (group, linked) = (link.target.id, link.item.id);
    let item = store.item(tenant, linked).await.unwrap().unwrap();
    let tags = Some(TargetKind::RoleScopeTag);
    let filters = [
        ("links", none()),
        ("links of a kind", to_a_group),
        (
            "links to a kind of targets",
            LinkFilter {
                target_kind: tags,
                ..none()
            },
        ),
        (
            "links to a target",
            LinkFilter {
                target_kind: Some(TargetKind::Group),
                target_id: Some(group),
                ..none()
            },
        ),
        (
            "links, dangling",
            LinkFilter {
                dangling: Some(true),
                ..none()
            },
        ),
        (
            "links, not dangling",
            LinkFilter {
                dangling: Some(false),
                ..none()
            },
        ),
    ];
    let mut all: Vec<_> = filters
        .into_iter()
        .map(|(name, filter)| {
            list!(name, filter, Place::First, |store, filter, page| store
                .links(tenant, &filter, page))
        })
        .collect();
    all.push(list!(
        "links of an item",
        item,
        Place::First,
        |store, item, page| store.item_links(tenant, &item, LinkDirection::Both, page)
    ));

    all.push(list!(
        "versions of an item",
        linked,
        Place::First,
        |store, linked, page| async move {
            let versions = store.item_versions(tenant, linked, page).await?;
            Ok(versions.unwrap_or_default())
        }
    ));
    all.extend(settings());
    for (name, which) in [
        ("content of an item", WhichVersion::Current),
        ("a version of an item", WhichVersion::Number(3)),
        ("content as of a time", WhichVersion::AsOf(days_ago(60))),
    ] {
        all.push(Read::new(name, move |store| async move {
            let version = store.item_version(tenant, linked, which).await?;
            Ok(Vec::from_iter(version))
        }));
    }

    all.push(Read::new("an item as of a time", move |store| async move {
        let item = store.item_as_of(tenant, linked, days_ago(60)).await?;
        Ok(Vec::from_iter(item))
    }));

    let none = ChangeFilter::default;
    let since = Some(days_ago(60));
    let one_type = vec!["activityBasedTimeoutPolicy".to_owned()];
    let filters = [
        ("changes", none(), Place::First),
        (
            "changes, hundredth page",
            none(),
            Place::After(hundredth.changes),
        ),
        (
            "changes, before the hundredth page",
            none(),
            Place::Before(hundredth.changes),
        ),
        (
            "changes since a moment",
            ChangeFilter { since, ..none() },
            Place::First,
        ),
        (
            "changes of an item",
            ChangeFilter {
                item: Some(linked),
                ..none()
            },
            Place::First,
        ),
        (
            "changes of a kind",
            ChangeFilter {
                kinds: vec![ChangeKind::Gone],
                ..none()
            },
            Place::First,
        ),
        (
            "changes of a type",
            ChangeFilter {
                policy_types: one_type,
                ..none()
            },
            Place::First,
        ),
        (
            "changes of an actor",
            ChangeFilter {
                actor: Some("anna@contoso.example".to_owned()),
                ..none()
            },
            Place::First,
        ),
    ];
    all.extend(filters.into_iter().map(|(name, filter, place)| {
        list!(name, filter, place, |store, filter, page| store
            .changes(tenant, &filter, page))
    }));
    all
}
