//! Files of a crate do not import each other in a circle.
//!
//! An import is a path that begins with `crate::` or `super::` in the code of a file, be it in a `use`
//! or in an expression. It leads to the file of the longest module path that exists. Tests are left
//! out: they see all of the file that they test.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::sources::files;

/// Imports by file, both as module paths: `run::lease` is `src/run/lease.rs`.
type Imports = BTreeMap<String, BTreeSet<String>>;

/// The crates, with the folders of their sources.
fn sources() -> Vec<String> {
    let crates = std::fs::read_dir(crate::root().join("crates")).unwrap();
    let names = crates.map(|one| one.unwrap().file_name().into_string().unwrap());
    let mut sources: Vec<_> = names.map(|name| format!("crates/{name}/src")).collect();
    sources.extend(["bench/src", "services/src", "xtask/src"].map(str::to_owned));
    sources.sort();
    sources
}

/// Circles that are there: the folder of the sources, and all files of the circle.
const KNOWN: &[(&str, &[&str])] = &[
    // One recursive data model: objects refer to objects.
    (
        "crates/graph-sim/src",
        &[
            "content::administrative",
            "content::app_policies",
            "content::apps",
            "content::assignments",
            "content::catalog",
            "content::compliance",
            "content::enrollment",
            "content::identity",
            "content::intents",
            "content::messages",
            "content::navigation",
            "content::policy_sets",
            "content::profiles",
            "content::roles",
            "content::row",
            "content::scripts",
        ],
    ),
];

/// The module path of a file under the sources; empty for `lib.rs` and `main.rs`.
fn module(path: &Path) -> String {
    let path = path.with_extension("");
    let parts = path.iter().map(|part| part.to_str().unwrap());
    let module = parts.collect::<Vec<_>>().join("::");
    if ["lib", "main"].contains(&module.as_str()) {
        String::new()
    } else {
        module
    }
}

/// The code without comments and without the tests at its end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let lines = text.lines().map(|line| line.split("//").next().unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

fn is_word(one: char) -> bool {
    one.is_alphanumeric() || one == '_'
}

/// The paths that `text` begins with: `a::{b, c::d}` is `a::b` and `a::c::d`. Returns what follows.
fn paths<'a>(text: &'a str, before: &[&'a str], found: &mut Vec<Vec<String>>) -> &'a str {
    let mut path = before.to_vec();
    let mut rest = text.trim_start();
    loop {
        let end = rest.find(|one| !is_word(one)).unwrap_or(rest.len());
        if end > 0 {
            path.push(&rest[..end]);
            rest = &rest[end..];
        }
        match rest.strip_prefix("::") {
            Some(after) => rest = after.trim_start(),
            None => break,
        }
        if let Some(group) = rest.strip_prefix('{') {
            rest = group;
            while !rest.trim_start().starts_with('}') && !rest.is_empty() {
                let after = paths(rest, &path, found);
                // An `as`, or anything else up to the next part.
                let next = after.find([',', '}']).unwrap_or(after.len());
                rest = after[next..].strip_prefix(',').unwrap_or(&after[next..]);
            }
            return rest.trim_start().strip_prefix('}').unwrap_or(rest);
        }
    }
    found.push(path.into_iter().map(str::to_owned).collect());
    rest
}

/// The paths in a file's code that lead elsewhere in its crate, from the crate's root.
fn imported(of: &str, code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let before = &code[..at];
            if before.ends_with(is_word) || before.ends_with("::") {
                continue;
            }
            paths(&code[at..], &[], &mut found);
        }
    }
    let own: Vec<String> = of.split("::").map(str::to_owned).collect();
    let absolute = found.into_iter().map(|path| {
        let ups = path.iter().take_while(|part| *part == "super").count();
        if ups == 0 {
            return path[1..].to_vec();
        }
        let above = &own[..own.len().saturating_sub(ups)];
        [above, &path[ups..]].concat()
    });
    absolute.collect()
}

fn imports(sources: &str) -> Imports {
    let root = crate::root().join(sources);
    let texts: BTreeMap<String, String> = files(sources)
        .map(|(path, text)| (module(path.strip_prefix(&root).unwrap()), text))
        .filter(|(module, _)| !module.split("::").any(|part| part == "tests"))
        .collect();
    resolve(&texts)
}

fn resolve(texts: &BTreeMap<String, String>) -> Imports {
    let file_of = |path: &[String]| {
        let ends = (0..=path.len()).rev();
        ends.map(|end| path[..end].join("::"))
            .find(|module| texts.contains_key(module))
    };
    let imports = texts.iter().map(|(module, text)| {
        let paths = imported(module, &code(text)).into_iter();
        let mut files: BTreeSet<_> = paths.filter_map(|path| file_of(&path)).collect();
        files.remove(module);
        (module.clone(), files)
    });
    imports.collect()
}

/// Sets of files each of which imports every other, directly or not.
fn circles(imports: &Imports) -> BTreeSet<BTreeSet<String>> {
    let reached = |from: &str| {
        let mut reached = BTreeSet::new();
        let mut ahead: Vec<&str> = vec![from];
        while let Some(file) = ahead.pop() {
            for next in imports.get(file).into_iter().flatten() {
                if reached.insert(next.clone()) {
                    ahead.push(next);
                }
            }
        }
        reached
    };
    let all: BTreeMap<&str, BTreeSet<String>> = imports
        .keys()
        .map(|file| (file.as_str(), reached(file)))
        .collect();
    let circle = |file: &&String| -> BTreeSet<String> {
        let both = |other: &&String| all.get(other.as_str()).is_some_and(|it| it.contains(*file));
        all[file.as_str()].iter().filter(both).cloned().collect()
    };
    let files: Vec<&String> = imports.keys().collect();
    files
        .iter()
        .map(circle)
        .filter(|circle| circle.len() > 1)
        .collect()
}

#[test]
fn files_import_each_other_in_no_circle_but_the_known_ones() {
    for sources in sources() {
        for circle in circles(&imports(&sources)) {
            let known = KNOWN.iter().any(|(of, files)| {
                *of == sources && circle.iter().all(|file| files.contains(&file.as_str()))
            });
            assert!(known, "{sources}: {circle:?}");
        }
    }
}

#[test]
fn a_known_circle_that_is_gone_is_no_longer_listed() {
    for (sources, files) in KNOWN {
        let there = circles(&imports(sources));
        let files: BTreeSet<_> = files.iter().map(|file| (*file).to_owned()).collect();
        assert!(
            there.contains(&files),
            "{sources}: {files:?} is no circle now: take it out of the list, or name those of its \
             files that still are: {there:?}"
        );
    }
}

#[test]
fn a_circle_is_noticed_however_its_paths_are_written() {
    let circle = |texts: &[(&str, &str)]| {
        let texts = texts
            .iter()
            .map(|(of, text)| ((*of).to_owned(), (*text).to_owned()));
        circles(&resolve(&texts.collect()))
    };
    let files = |names: &[&str]| {
        let names = names.iter().map(|name| (*name).to_owned());
        BTreeSet::from([names.collect::<BTreeSet<_>>()])
    };
    assert_eq!(
        circle(&[
            ("a", "use crate::{x, b::{self, c::D as E}};"),
            ("b", ""),
            ("b::c", "fn f() { super::super::d::g(); }"),
            ("d", "// crate::b\nuse crate::a::A;"),
            ("e", "use crate::a;"),
        ]),
        files(&["a", "b::c", "d"])
    );
    assert_eq!(
        circle(&[
            ("a", "fn f() { crate::b::g() }"),
            ("b", "/// crate::a\nfn g() {}")
        ]),
        BTreeSet::new()
    );
}
