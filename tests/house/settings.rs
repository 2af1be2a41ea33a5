//! The table of settings in `README.md` against what the programs say about themselves.

use std::collections::{BTreeMap, BTreeSet};

use crate::programs;

/// The programs of an installation, each with the word for it in the column "Used by".
const PROGRAMS: [(&str, &str); 3] = [
    ("atlas", "`atlas"),
    ("atlas-api", "API"),
    ("atlas-worker", "worker"),
];

/// Variables of ours in a text.
fn variables(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_uppercase() && c != '_');
    words
        .filter(|word| {
            let ours = ["ATLAS_", "DATABASE_", "REDIS_"];
            ours.iter().any(|start| word.starts_with(start)) && !word.ends_with('_')
        })
        .map(str::to_owned)
        .collect()
}

/// The names of the commands below the one whose help this is.
fn commands(help: &str) -> Vec<String> {
    let after = help
        .split_once("\nCommands:\n")
        .map_or("", |(_, after)| after);
    after
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

/// What the program reads, with all of its commands.
fn read_by(program: &str, command: &[&str]) -> BTreeSet<String> {
    let help = programs::help(program, command);
    let mut found = variables(&help);
    for name in commands(&help) {
        found.extend(read_by(program, &[command, &[&name]].concat()));
    }
    found
}

/// Each variable of the table, with who uses it.
fn table() -> BTreeMap<String, String> {
    let page = crate::read("README.md");
    let (_, settings) = page.split_once("\n## Settings\n").unwrap();
    let (settings, _) = settings.split_once("\n## ").unwrap();
    let rows = settings.lines().filter(|line| line.starts_with("| `"));
    rows.flat_map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let used_by = cells[2].to_owned();
        variables(cells[1])
            .into_iter()
            .map(move |name| (name, used_by.clone()))
    })
    .collect()
}

#[test]
fn commands_and_variables_are_found_in_a_help_text() {
    let help = "Do.\n\nUsage: a\n\nCommands:\n  one    First\n             and more\n  two-b  Second\n  \
                help   Print\n\nOptions:\n  --url [env: ATLAS_URL=] with REDIS_URL, and ATLAS_*\n";
    assert_eq!(commands(help), ["one", "two-b"]);
    let found: Vec<_> = variables(help).into_iter().collect();
    assert_eq!(found, ["ATLAS_URL", "REDIS_URL"]);
}

#[test]
fn the_table_of_settings_has_every_variable_of_every_program_and_no_other() {
    let table = table();
    let mut differences = Vec::new();
    for (program, word) in PROGRAMS {
        let read = read_by(program, &[]);
        assert!(read.len() > 5, "{program}: {read:?}");
        for name in &read {
            match table.get(name) {
                None => differences.push(format!("{name} of {program} is not in the table")),
                Some(by) if by != "all" && !by.contains(word) => {
                    differences.push(format!(
                        "{name} is also used by {program}, not only by {by}"
                    ));
                }
                Some(_) => {}
            }
        }
        for (name, by) in &table {
            if (by == "all" || by.contains(word)) && !read.contains(name) {
                differences.push(format!("{program} does not read {name}"));
            }
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn the_api_reads_no_key_of_the_tenants_secrets() {
    for name in read_by("atlas-api", &[]) {
        assert!(!name.contains("KEYS"), "{name}");
    }
    for (path, text) in crate::sources::files("crates/api/src") {
        for word in ["Keyring", "vault::"] {
            assert!(!text.contains(word), "{}: {word}", path.display());
        }
    }
}

/// Flags with a value, of a program and of all of its commands.
fn flags(program: &str, command: &[&str]) -> BTreeSet<String> {
    let help = programs::help(program, command);
    let flags = help.lines().filter_map(|line| {
        let line = line.trim_start();
        let (_, flag) = line.split_at(line.find("--").filter(|at| *at < 5)?);
        let (name, value) = flag.split_once(' ')?;
        value.starts_with('<').then(|| name.to_owned())
    });
    let mut found: BTreeSet<String> = flags.collect();
    for name in commands(&help) {
        found.extend(self::flags(program, &[command, &[&name]].concat()));
    }
    found
}

#[test]
fn no_program_takes_a_secret_or_a_token_as_an_argument() {
    for (program, _) in PROGRAMS {
        let flags = flags(program, &[]);
        assert!(flags.len() > 5, "{program}: {flags:?}");
        for flag in flags {
            let secret = ["secret", "token", "key", "password"];
            if secret.iter().any(|word| flag.contains(word)) {
                assert!(
                    flag.ends_with("-file"),
                    "{program} {flag}: its name says that its value is a secret, which would stand in the \
                     process list"
                );
            }
        }
    }
}
