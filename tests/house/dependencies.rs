//! What may not be depended on, also where cargo-deny is not installed.

use cargo_metadata::semver::{Version, VersionReq};

/// Names and versions of everything that is built, tests included.
fn locked() -> Vec<(String, Version)> {
    let lock = crate::read("Cargo.lock");
    let quoted = |line: Option<&str>, key: &str| {
        let value = line?.strip_prefix(key)?.strip_prefix(" = \"")?;
        value.strip_suffix('"').map(str::to_owned)
    };
    let packages = lock.split("[[package]]\n").skip(1).map(|package| {
        let mut lines = package.lines();
        let name = quoted(lines.next(), "name").unwrap();
        let version = quoted(lines.next(), "version").unwrap();
        (name, version.parse().unwrap())
    });
    packages.collect()
}

/// The packages that `deny.toml` bans: names, and which versions of them.
fn banned() -> Vec<(String, VersionReq)> {
    let settings = crate::read("deny.toml");
    let (_, list) = settings.split_once("\ndeny = [\n").unwrap();
    let (list, _) = list.split_once("\n]").unwrap();
    let entries = list.lines().map(|line| {
        let entry = line.trim().strip_prefix("{ crate = \"").unwrap();
        let (entry, _) = entry.split_once('"').unwrap();
        let (name, versions) = entry.split_once(':').unwrap_or((entry, "*"));
        (name.to_owned(), versions.parse().unwrap())
    });
    entries.collect()
}

#[test]
fn nothing_that_is_banned_is_built() {
    let (locked, banned) = (locked(), banned());
    assert!(locked.len() > 100 && banned.len() > 5);
    for (name, versions) in banned {
        for (_, version) in locked.iter().filter(|(locked, _)| *locked == name) {
            assert!(!versions.matches(version), "{name} {version}");
        }
    }
}

#[test]
fn http_2_of_actix_is_off_and_its_h2_is_banned() {
    let old = Version::new(0, 3, 27);
    let bans = |(name, versions): &(String, VersionReq)| name == "h2" && versions.matches(&old);
    assert!(banned().iter().any(bans));
    let manifest = crate::read("Cargo.toml");
    let actix = manifest
        .lines()
        .find(|line| line.starts_with("actix-web = "))
        .unwrap();
    assert!(actix.contains("default-features = false") && !actix.contains("http2"));
}
