//! Who may use whom. `docs/ARCHITECTURE.md` has the same table for people.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

struct Room {
    name: &'static str,
    /// Rooms of the house that its code may use.
    uses: &'static [&'static str],
    /// Beginnings of crate names that must not be among its direct dependencies.
    never: &'static [&'static str],
}

const ROOMS: &[Room] = &[
    Room {
        name: "atlas-domain",
        uses: &[],
        never: &["diesel", "actix", "redis", "apalis", "reqwest", "tokio"],
    },
    Room {
        name: "atlas-telemetry",
        uses: &["atlas-domain"],
        never: &["diesel", "actix", "redis", "apalis", "reqwest"],
    },
    Room {
        name: "atlas-store",
        uses: &["atlas-domain"],
        never: &["actix", "apalis", "redis", "reqwest"],
    },
    Room {
        name: "atlas-queue",
        uses: &["atlas-domain", "atlas-telemetry"],
        never: &["diesel", "actix", "reqwest"],
    },
    Room {
        name: "atlas-graph",
        uses: &["atlas-domain"],
        never: &["diesel", "actix", "apalis", "redis"],
    },
    Room {
        name: "atlas-api",
        uses: &[
            "atlas-domain",
            "atlas-store",
            "atlas-queue",
            "atlas-telemetry",
            "atlas-graph",
        ],
        never: &["diesel", "apalis", "redis"],
    },
    Room {
        name: "atlas-worker",
        uses: &[
            "atlas-domain",
            "atlas-store",
            "atlas-queue",
            "atlas-graph",
            "atlas-telemetry",
        ],
        never: &["diesel", "actix", "redis", "reqwest", "apalis-redis"],
    },
    Room {
        name: "atlas-cli",
        uses: &["atlas-domain", "atlas-store", "atlas-telemetry"],
        never: &["diesel", "actix", "apalis", "redis"],
    },
    Room {
        name: "atlas-graph-sim",
        uses: &[],
        never: &["diesel", "apalis", "redis"],
    },
    Room {
        name: "atlas-test-support",
        uses: &[
            "atlas-domain",
            "atlas-store",
            "atlas-queue",
            "atlas-telemetry",
            "atlas-graph",
            "atlas-graph-sim",
            "atlas-api",
            "atlas-worker",
        ],
        never: &["diesel"],
    },
    Room {
        name: "xtask",
        uses: &[],
        never: &["diesel", "actix", "apalis", "redis", "tokio"],
    },
    Room {
        name: "atlas-tests",
        uses: &[],
        never: &["diesel"],
    },
];

/// What only tests use: of any room, and by any room that is not the domain.
const FOR_TESTS: [&str; 2] = ["atlas-test-support", "atlas-graph-sim"];

/// What one room alone knows. Tests may call it to look from outside.
const KNOWN_BY_ONE: &[(&str, &[&str])] = &[
    ("diesel", &["atlas-store"]),
    ("apalis-redis", &["atlas-queue"]),
    ("reqwest", &["atlas-graph", "atlas-cli"]),
];

fn packages() -> Vec<Package> {
    let manifest = crate::root().join("Cargo.toml");
    let metadata = MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .exec()
        .unwrap();
    metadata.packages
}

fn ours(name: &str) -> bool {
    name.starts_with("atlas-") || name == "xtask"
}

#[test]
fn every_room_is_in_the_table_and_the_table_holds_no_other() {
    let found: BTreeSet<String> = packages()
        .iter()
        .map(|package| package.name.to_string())
        .collect();
    let listed: BTreeSet<String> = ROOMS.iter().map(|room| room.name.to_owned()).collect();
    assert_eq!(found, listed);
}

#[test]
fn rooms_use_only_the_rooms_that_they_may() {
    for package in packages() {
        let room = ROOMS
            .iter()
            .find(|room| *package.name == room.name)
            .unwrap();
        for dependency in package
            .dependencies
            .iter()
            .filter(|other| ours(&other.name))
        {
            let for_tests = dependency.kind == DependencyKind::Development
                && room.name != "atlas-domain"
                && (FOR_TESTS.contains(&dependency.name.as_str()) || room.name == "atlas-tests");
            assert!(
                room.uses.contains(&dependency.name.as_str()) || for_tests,
                "{} must not use {}",
                room.name,
                dependency.name
            );
        }
    }
}

#[test]
fn rooms_never_see_what_is_not_theirs() {
    for package in packages() {
        let room = ROOMS
            .iter()
            .find(|room| *package.name == room.name)
            .unwrap();
        let code = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind != DependencyKind::Development);
        for dependency in code {
            let name = &dependency.name;
            let hidden = room.never.iter().any(|start| name.starts_with(start));
            assert!(!hidden, "{} must never see {name}", room.name);
            for (known, by) in KNOWN_BY_ONE {
                assert!(
                    !name.starts_with(known) || by.contains(&room.name),
                    "{} must not know {name}: only {by:?} does",
                    room.name
                );
            }
        }
    }
}

#[test]
fn the_api_speaks_to_graph_in_one_file() {
    let speaking: Vec<_> = crate::sources::files("crates/api/src")
        .filter(|(_, text)| text.contains("atlas_graph"))
        .map(|(path, _)| path)
        .collect();
    let [only] = speaking.as_slice() else {
        panic!("not one file: {speaking:?}");
    };
    assert!(only.ends_with("directory_search.rs"), "{speaking:?}");
}
