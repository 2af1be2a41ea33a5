//! Which crate may use which, as the tables of `docs/ARCHITECTURE.md` say.

use std::collections::BTreeSet;

use cargo_metadata::{Dependency, DependencyKind, MetadataCommand, Package};

/// Tests of every crate but the domain may use these.
const FOR_TESTS: [&str; 2] = ["atlas-test-support", "atlas-graph-sim"];

/// A line of the table of crates.
struct Room {
    package: String,
    /// Packages of the workspace that its code may use.
    uses: BTreeSet<String>,
    /// Beginnings of names of libraries that its code must not depend on.
    never: Vec<String>,
}

/// A line of the table of libraries that few crates use directly.
struct Library {
    /// Beginning of its name.
    name: String,
    /// Packages whose code may depend on it.
    known_by: BTreeSet<String>,
}

/// The cells of the table that has this header, without the header.
fn table<const COLUMNS: usize>(page: &str, header: [&str; COLUMNS]) -> Vec<[String; COLUMNS]> {
    let header = format!("| {} |", header.join(" | "));
    let mut lines = page.lines().skip_while(|line| *line != header);
    assert!(
        lines.next().is_some(),
        "docs/ARCHITECTURE.md has no table {header}"
    );
    lines
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells = line.trim_matches('|').split('|');
            let cells: Vec<_> = cells.map(|cell| cell.trim().to_owned()).collect();
            cells
                .try_into()
                .unwrap_or_else(|_| panic!("a line with other columns: {line}"))
        })
        .collect()
}

/// Names between commas; a dash is none.
fn names(cell: &str) -> impl Iterator<Item = String> {
    cell.split(", ")
        .map(|name| name.trim_matches('`').to_owned())
        .filter(|name| name != "–")
}

/// The package of a directory's name, which is how the tables name it.
fn package(name: &str) -> String {
    if name == "xtask" {
        name.to_owned()
    } else {
        format!("atlas-{name}")
    }
}

fn packages_of(cell: &str) -> BTreeSet<String> {
    names(cell).map(|name| package(&name)).collect()
}

fn rooms() -> Vec<Room> {
    let page = crate::read("docs/ARCHITECTURE.md");
    table(&page, ["Crate", "What it is", "May use", "Never sees"])
        .into_iter()
        .map(|[name, _, uses, never]| Room {
            package: package(name.trim_matches('`')),
            uses: packages_of(&uses),
            never: names(&never).collect(),
        })
        .collect()
}

fn libraries() -> Vec<Library> {
    let page = crate::read("docs/ARCHITECTURE.md");
    table(&page, ["Library", "Only used by"])
        .into_iter()
        .map(|[name, known_by]| Library {
            name: name.trim_matches('`').to_owned(),
            known_by: packages_of(&known_by),
        })
        .collect()
}

fn packages() -> Vec<Package> {
    let manifest = crate::root().join("Cargo.toml");
    let metadata = MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .exec()
        .unwrap();
    metadata.packages
}

/// What the package's code depends on, without what only its tests do.
fn code(package: &Package) -> impl Iterator<Item = &Dependency> {
    let all = package.dependencies.iter();
    all.filter(|dependency| dependency.kind != DependencyKind::Development)
}

/// Every package with its line.
fn lines() -> Vec<(Package, Room)> {
    let mut rooms = rooms();
    packages()
        .into_iter()
        .map(|package| {
            let at = rooms.iter().position(|room| room.package == *package.name);
            let at = at.unwrap_or_else(|| panic!("{} is not in the table", package.name));
            (package, rooms.swap_remove(at))
        })
        .collect()
}

#[test]
fn every_crate_is_in_the_table_and_the_table_holds_no_other() {
    let found: BTreeSet<_> = packages().iter().map(|one| one.name.to_string()).collect();
    let listed: BTreeSet<_> = rooms().into_iter().map(|room| room.package).collect();
    assert_eq!(found, listed);
    let used: BTreeSet<_> = rooms().into_iter().flat_map(|room| room.uses).collect();
    assert!(used.is_subset(&found), "{used:?}");
}

#[test]
fn crates_use_only_the_crates_that_they_may() {
    let ours: BTreeSet<_> = packages().iter().map(|one| one.name.to_string()).collect();
    for (package, room) in lines() {
        for dependency in package
            .dependencies
            .iter()
            .filter(|one| ours.contains(&one.name))
        {
            let name = dependency.name.as_str();
            let for_tests = dependency.kind == DependencyKind::Development
                && room.package != "atlas-domain"
                && (FOR_TESTS.contains(&name) || room.package == "atlas-tests");
            assert!(
                room.uses.contains(name) || for_tests,
                "{} must not use {name}",
                room.package
            );
        }
    }
}

#[test]
fn the_table_lists_no_use_that_there_is_not() {
    for (package, room) in lines() {
        let used: BTreeSet<_> = package
            .dependencies
            .iter()
            .map(|one| one.name.clone())
            .collect();
        let unused: Vec<_> = room.uses.difference(&used).collect();
        assert!(
            unused.is_empty(),
            "{} does not use {unused:?}",
            room.package
        );
    }
}

#[test]
fn crates_never_depend_on_a_library_that_is_not_theirs() {
    let libraries = libraries();
    assert!(libraries.len() >= 3, "diesel, apalis-redis and reqwest");
    for (package, room) in lines() {
        for dependency in code(&package) {
            let name = dependency.name.as_str();
            let hidden = room
                .never
                .iter()
                .any(|start| name.starts_with(start.as_str()));
            assert!(!hidden, "{} must never see {name}", room.package);
            for library in &libraries {
                assert!(
                    !name.starts_with(&library.name) || library.known_by.contains(&room.package),
                    "{} must not use {name}: only {:?} may",
                    room.package,
                    library.known_by
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
