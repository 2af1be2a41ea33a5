//! `docs/SECURITY.md` names for each promise the tests that hold it, and they are there.

use std::collections::BTreeSet;

/// Rows of tables whose last column is "Held by": the promise, and what is in backticks in that column.
fn promises(page: &str) -> Vec<(String, Vec<String>)> {
    let mut held = false;
    let mut found = Vec::new();
    for line in page.lines() {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        if !line.starts_with("| ") {
            held = false;
        } else if cells[cells.len() - 2] == "Held by" {
            held = true;
        } else if held && !cells[1].starts_with("---") {
            let quoted = cells[cells.len() - 2].split('`').skip(1).step_by(2);
            let quoted = quoted.map(str::to_owned).collect();
            found.push((cells[1].to_owned(), quoted));
        }
    }
    found
}

/// Names of the tests in a file.
fn tests(source: &str) -> BTreeSet<String> {
    let mut lines = source.lines().map(str::trim);
    let mut found = BTreeSet::new();
    while let Some(line) = lines.next() {
        if line == "#[test]" || line.starts_with("#[tokio::test") {
            let function = lines.find_map(|line| line.split_once("fn "));
            let name = function.and_then(|(_, rest)| rest.split('(').next());
            found.extend(name.map(str::to_owned));
        }
    }
    found
}

/// What is wrong with a reference, in the order of the page: files, each with names after it.
fn faults(quoted: &[String]) -> Vec<String> {
    let (mut faults, mut of_file, mut files) = (Vec::new(), BTreeSet::new(), 0);
    for one in quoted {
        if one.starts_with("cargo xtask ") {
            files += 1;
        } else if one.contains('/') {
            files += 1;
            if one.ends_with('/') {
                if !crate::root().join(one).is_dir() {
                    faults.push(format!("{one} is no directory"));
                }
                continue;
            }
            of_file = std::fs::read_to_string(crate::root().join(one))
                .map(|source| tests(&source))
                .unwrap_or_default();
            if of_file.is_empty() {
                faults.push(format!("{one} is no file with tests"));
            }
        } else if !of_file.contains(one) {
            faults.push(format!("no test is called {one} there"));
        }
    }
    if files == 0 {
        faults.push("nothing is named that holds it".to_owned());
    }
    faults
}

#[test]
fn a_promise_without_its_test_is_noticed() {
    let page = "| Who | Held by |\n| --- | --- |\n| A | `tests/house/security.rs` \
                `a_promise_without_its_test_is_noticed` |\n| B | `tests/house/security.rs` `gone` |\n\
                | C | nobody |\n| D | `tests/house/gone.rs` |\n\n| Other |\n| --- |\n| E |\n";
    let promises = promises(page);
    let wrong: Vec<_> = promises
        .iter()
        .map(|(promise, quoted)| (promise.as_str(), faults(quoted).len()))
        .collect();
    assert_eq!(wrong, [("A", 0), ("B", 1), ("C", 1), ("D", 1)]);
}

#[test]
fn every_promise_of_the_page_about_security_names_tests_that_there_are() {
    let promises = promises(&crate::read("docs/SECURITY.md"));
    assert!(promises.len() > 30, "{}", promises.len());
    let wrong: Vec<_> = promises
        .iter()
        .flat_map(|(promise, quoted)| {
            let faults = faults(quoted).into_iter();
            faults.map(move |fault| format!("{promise}: {fault}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
