//! Only tests run programs in which things can be made to go wrong.

use std::collections::BTreeSet;

use cargo_metadata::MetadataCommand;

const FEATURE: &str = "crash-points";

#[test]
fn no_package_has_crash_points_unless_somebody_asks_for_them() {
    let manifest = crate::root().join("Cargo.toml");
    let metadata = MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .exec()
        .unwrap();
    let mut having = BTreeSet::new();
    for package in metadata.packages {
        for (feature, enables) in &package.features {
            let theirs = enables.iter().any(|enabled| enabled.contains(FEATURE));
            assert!(!theirs || feature == FEATURE, "{} {feature}", package.name);
        }
        for dependency in &package.dependencies {
            let asked = dependency.features.iter().any(|name| name == FEATURE);
            assert!(!asked, "{} {}", package.name, dependency.name);
        }
        if package.features.contains_key(FEATURE) {
            having.insert(package.name.to_string());
        }
    }
    let expected = ["atlas-api", "atlas-telemetry", "atlas-worker"];
    assert_eq!(having, expected.map(str::to_owned).into());
}

#[test]
fn neither_the_image_nor_any_command_but_those_of_tests_asks_for_them() {
    for file in ["Dockerfile", "docker-compose.yml", ".cargo/config.toml"] {
        let text = crate::read(file);
        for word in [FEATURE, "--features", "--all-features"] {
            assert!(!text.contains(word), "{file}: {word}");
        }
    }
    let naming = |word: &str| -> BTreeSet<String> {
        ["services/src", "xtask/src"]
            .into_iter()
            .flat_map(crate::sources::files)
            .filter(|(_, text)| text.contains(word))
            .map(|(path, _)| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect()
    };
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(naming(FEATURE), set(&["workspace.rs"]));
    let tests: BTreeSet<String> =
        set(&["ci.rs", "programs.rs", "soak.rs", "test.rs", "workspace.rs"]);
    assert_eq!(naming("FOR_TESTS"), tests);
    // Conformance and the console's tests run the programs that were built for the other tests.
    let tests: BTreeSet<String> = set(&[
        "browser.rs",
        "installation.rs",
        "programs.rs",
        "soak.rs",
        "test.rs",
    ]);
    assert_eq!(naming("build_for_tests"), tests);
}
