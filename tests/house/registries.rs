//! The registry of policy types has three halves: what they are (domain), where they are read
//! (graph), and where the simulator serves them. They must hold the same things.

use std::collections::{BTreeMap, BTreeSet};

use atlas_domain::policy_types::registry;

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
    assert_eq!(read_by_graph().into_keys().collect::<BTreeSet<_>>(), domain);
    assert_eq!(
        served_by_simulator().into_keys().collect::<BTreeSet<_>>(),
        domain
    );
}

#[test]
fn every_type_is_read_where_the_simulator_serves_it() {
    let served = served_by_simulator();
    for (key, addresses) in read_by_graph() {
        for address in addresses {
            assert!(
                served[&key].contains(&address),
                "{key}: {address:?} and {:?}",
                served[&key]
            );
        }
    }
}
