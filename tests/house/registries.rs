//! The registry of policy types is three tables: what they are (domain), where they are read
//! (graph), and where the simulator serves them. They must hold the same things.

use std::collections::{BTreeMap, BTreeSet};

use atlas_domain::inventory::actor::ActivityLog;
use atlas_domain::policy_types::registry;
use atlas_graph::{GROUPS_PERMISSION, activity_log_permissions};

type Addresses = BTreeMap<String, BTreeSet<(String, String)>>;

/// A path as both tables can write it: the placeholder's name is free.
fn normal(path: &str) -> String {
    path.trim_start_matches('/')
        .split('/')
        .map(|segment| {
            if segment.starts_with('{') {
                "{}"
            } else {
                segment
            }
        })
        .collect::<Vec<_>>()
        .join("/")
}

fn read_by_graph() -> Addresses {
    let mut addresses = Addresses::new();
    for collection in atlas_graph::collections() {
        let address = (collection.version().to_owned(), normal(collection.path()));
        addresses
            .entry(collection.key().to_string())
            .or_default()
            .insert(address);
    }
    addresses
}

fn served_by_simulator() -> Addresses {
    let mut addresses = Addresses::new();
    for collection in atlas_graph_sim::collections() {
        let address = (collection.version().to_owned(), normal(collection.path()));
        for key in collection.keys() {
            addresses
                .entry(key.to_owned())
                .or_default()
                .insert(address.clone());
        }
    }
    addresses
}

#[test]
fn the_three_registries_have_the_same_keys() {
    let domain: BTreeSet<_> = registry()
        .all()
        .iter()
        .map(|of_type| of_type.key().to_string())
        .collect();
    assert!(domain.len() > 50, "the registry is not empty");
    let others = [
        ("graph", read_by_graph()),
        ("graph-sim", served_by_simulator()),
    ];
    for (name, addresses) in others {
        let keys: BTreeSet<_> = addresses.into_keys().collect();
        let differing: Vec<_> = keys.symmetric_difference(&domain).collect();
        assert!(
            differing.is_empty(),
            "crates/{name}/data/collections.json and crates/domain/data/policy_types.json do not \
             both have {differing:?}"
        );
    }
}

#[test]
fn every_type_is_read_where_the_simulator_serves_it() {
    let served = served_by_simulator();
    for (key, addresses) in read_by_graph() {
        for address in addresses {
            let there = served.get(&key);
            assert!(
                there.is_some_and(|all| all.contains(&address)),
                "{key}: read at {address:?}, but crates/graph-sim/data/collections.json has {there:?}"
            );
        }
    }
}

/// The names in the first column of README's table of permissions.
fn permissions_of_the_readme() -> BTreeSet<String> {
    let page = crate::read("README.md");
    let (_, table) = page.split_once("| Permission | For |").unwrap();
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    rows.map(|row| row.split('`').nth(1).unwrap().to_owned())
        .collect()
}

#[test]
fn the_readme_names_the_permissions_that_policy_types_groups_and_logs_need() {
    let types = registry().all().iter();
    let mut needed: BTreeSet<_> = types
        .flat_map(|of_type| of_type.permissions.iter().cloned())
        .collect();
    assert!(needed.insert(GROUPS_PERMISSION.to_owned()));
    for log in ActivityLog::ALL {
        let permissions = activity_log_permissions(log);
        needed.extend(permissions.iter().map(|&one| one.to_owned()));
    }
    let named = permissions_of_the_readme();
    let differing: Vec<_> = named.symmetric_difference(&needed).collect();
    assert!(
        differing.is_empty(),
        "the table of permissions in README.md does not have, or has without need, {differing:?}"
    );
}
