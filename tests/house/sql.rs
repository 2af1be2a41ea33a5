//! Where SQL may stand: in files under `crates/store/sql/`, and composed by diesel's builder. A short
//! literal is allowed for what is no statement of its own, such as `SELECT 1`.

use std::path::PathBuf;

use crate::sources;

/// With what a statement begins.
const VERBS: [&str; 8] = [
    "SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH ", "CREATE ", "ALTER ", "LOCK ",
];

/// The code of a file, without the tests in it.
fn code(text: &str) -> &str {
    let end = ["#[cfg(test)]\nmod ", "#[cfg(test)]\npub(super) mod "]
        .iter()
        .filter_map(|tests| text.find(tests))
        .min();
    &text[..end.unwrap_or(text.len())]
}

/// String literals that hold SQL.
fn literals(code: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices('"') {
        let literal = &code[at + 1..];
        if VERBS
            .iter()
            .any(|verb| literal.trim_start().starts_with(verb))
        {
            found.push(literal.split('"').next().unwrap_or_default());
        }
    }
    found
}

fn offenders(directory: &str, is_wrong: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    sources::files(directory)
        .filter(|(path, text)| {
            let tests = path.ends_with("tests.rs") || path.iter().any(|part| part == "tests");
            !tests && is_wrong(code(text))
        })
        .map(|(path, _)| path)
        .collect()
}

#[test]
fn sql_in_a_literal_is_noticed() {
    assert_eq!(
        literals("let a = \"SELECT 1\"; let b = \"Select one\"; \" WITH x AS (\\\n  y)\""),
        ["SELECT 1", " WITH x AS (\\\n  y)"]
    );
}

#[test]
fn no_literal_of_the_programs_holds_sql_longer_than_a_line() {
    let longer = |code: &str| literals(code).iter().any(|sql| sql.contains('\n'));
    let found = offenders("crates", longer);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn no_statement_of_the_store_is_text_that_rust_puts_together() {
    for word in ["sql_query", "concatcp!", "concat!(\"SELECT"] {
        let found = offenders("crates/store/src", |code| code.contains(word));
        assert!(found.is_empty(), "{word}: {found:?}");
    }
}

#[test]
fn the_domain_holds_no_sql() {
    let found = offenders("crates/domain/src", |code| !literals(code).is_empty());
    assert!(found.is_empty(), "{found:?}");
}
