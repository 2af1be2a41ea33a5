//! Statements against a database with every migration, and against their files.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use atlas_domain::run::Transition;
use atlas_test_support::TestDatabase;
use tokio_postgres::Client;
use tokio_postgres::error::ErrorPosition;

use super::Info;
use crate::schema_file::is_to_be_written;

/// Every statement of the crate.
fn statements() -> Vec<Info> {
    [
        crate::access::statements(),
        crate::admin::statements(),
        crate::audit::statements(),
        crate::migrations::STATEMENTS.to_vec(),
        crate::directory_groups::statements(),
        crate::events::statements(),
        crate::inventory::statements(),
        crate::notifications::STATEMENTS.to_vec(),
        crate::runs::statements(),
        crate::schedules::statements(),
        crate::system::statements(),
        crate::webhooks::statements(),
    ]
    .concat()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sql")
}

/// The `.sql` files below a directory of `sql/`, as `area/name`.
fn files(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else {
            let name = path.strip_prefix(root()).unwrap().with_extension("");
            found.insert(name.to_str().unwrap().to_owned());
        }
    }
}

fn text(name: &str) -> String {
    fs::read_to_string(root().join(name).with_extension("sql")).unwrap()
}

#[test]
fn every_file_is_a_statement_or_a_piece_and_begins_with_its_name() {
    let mut found = BTreeSet::new();
    files(&root(), &mut found);
    found.retain(|name| !name.starts_with("expanded/"));
    let all: String = found.iter().map(|name| text(name)).collect();
    let statements = statements();
    let mut wrong = Vec::new();
    for name in &found {
        if name.contains("/pieces/") {
            if !all.contains(&format!("\\ir {name}.sql\n")) {
                wrong.push(format!("sql/{name}.sql: no file includes this piece"));
            }
            continue;
        }
        match statements.iter().filter(|info| info.file == name).count() {
            0 => wrong.push(format!(
                "sql/{name}.sql: no statement! is for it, or no list of STATEMENTS that \
                 statement/tests.rs collects has that struct"
            )),
            1 => {}
            several => wrong.push(format!("sql/{name}.sql: {several} structs are for it")),
        }
        let first = format!("-- {}", name.replace('/', "."));
        if text(name).lines().next() != Some(&first) {
            wrong.push(format!("sql/{name}.sql: the first line is not `{first}`"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What PostgreSQL says, and the line of the complete text where it noticed.
fn refusal(text: &str, error: &tokio_postgres::Error) -> String {
    let Some(error) = error.as_db_error() else {
        return error.to_string();
    };
    let Some(ErrorPosition::Original(position)) = error.position() else {
        return error.message().to_owned();
    };
    let before = text.chars().take(*position as usize - 1);
    let number = before.filter(|one| *one == '\n').count();
    let line = text.lines().nth(number).unwrap_or_default();
    format!("{}, at `{}`", error.message(), line.trim())
}

#[tokio::test]
async fn the_fields_of_every_statement_have_the_types_that_postgresql_reports() {
    let database = TestDatabase::create().await;
    let client = database.connection().await;
    let mut wrong = Vec::new();
    for info in statements() {
        let prepared = match client.prepare(info.text).await {
            Ok(prepared) => prepared,
            Err(error) => {
                wrong.push(format!("{}: {}", info.file, refusal(info.text, &error)));
                continue;
            }
        };
        assert_eq!(
            prepared.params().len(),
            info.parameters.len(),
            "{}",
            info.file
        );
        for (parameter, reported) in info.parameters.iter().zip(prepared.params()) {
            if !(parameter.accepts)(reported) {
                wrong.push(format!(
                    "{}: the parameter {} is of type {reported}, as which its field, {}, cannot be sent",
                    info.file, parameter.name, parameter.rust_type
                ));
            }
        }
        let columns = (info.columns)();
        let reported = prepared.columns();
        let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
        let reported_names: Vec<&str> = reported.iter().map(|column| column.name()).collect();
        if names != reported_names {
            wrong.push(format!(
                "{}: the columns are {reported_names:?}, and the fields of the row {names:?}",
                info.file
            ));
            continue;
        }
        for (column, reported) in columns.iter().zip(reported) {
            if !(column.accepts)(reported.type_()) {
                wrong.push(format!(
                    "{}: the column {} is of type {}, which its field, {}, cannot be read from",
                    info.file,
                    column.name,
                    reported.type_(),
                    column.rust_type
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The complete text below what PostgreSQL says of it.
async fn expanded(client: &Client, info: &Info) -> String {
    let prepared = match client.prepare(info.text).await {
        Ok(prepared) => prepared,
        Err(error) => panic!("{}: {}", info.file, refusal(info.text, &error)),
    };
    let mut head = format!(
        "-- Written by `cargo xtask schema` from {}.sql.\n",
        info.file
    );
    let parameters = info.parameters.iter().zip(prepared.params());
    for (number, (parameter, reported)) in (1..).zip(parameters) {
        head += &format!("-- ${number} {}: {reported}\n", parameter.name);
    }
    for column in prepared.columns() {
        head += &format!("-- returns {}: {}\n", column.name(), column.type_());
    }
    head + info.text
}

#[tokio::test]
async fn the_expanded_statements_are_those_of_the_files() {
    let database = TestDatabase::create().await;
    let client = database.connection().await;
    let directory = root().join("expanded");
    let mut expected = BTreeSet::new();
    for info in statements() {
        expected.insert(format!("expanded/{}", info.file));
        let path = directory.join(info.file).with_extension("sql");
        let text = expanded(&client, &info).await;
        if is_to_be_written() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
        } else {
            let written = fs::read_to_string(&path).unwrap_or_default();
            assert!(
                written == text,
                "sql/expanded/{}.sql is old: run `cargo xtask schema`",
                info.file
            );
        }
    }
    let mut found = BTreeSet::new();
    files(&directory, &mut found);
    if is_to_be_written() {
        for old in found.difference(&expected) {
            fs::remove_file(root().join(old).with_extension("sql")).unwrap();
        }
    } else {
        let old: Vec<_> = found.difference(&expected).collect();
        assert!(
            old.is_empty(),
            "{old:?} are of no statement: run `cargo xtask schema`"
        );
    }
}

/// Transitions that no statement makes, or several, with the reason.
const EXCEPTIONS: &[(Transition, &[&str], &str)] = &[
    (
        Transition::Finish,
        &["runs/finish", "runs/finish_free"],
        "they differ in whether they wait for rows that somebody holds",
    ),
    (
        Transition::CancelQueued,
        &["runs/cancel_queued", "runs/cancel_queued_of_disabled"],
        "a person cancels one run, the installation those of disabled tenants",
    ),
    (
        Transition::RequestCancel,
        &["runs/request_cancel", "runs/request_cancel_of_disabled"],
        "a person asks for one run, the installation for those of disabled tenants",
    ),
    (
        Transition::Ring,
        &[],
        "nothing of the row changes: what is due is rung for in Redis",
    ),
];

/// Statements that make several transitions, with the reason.
const SEVERAL: &[(&str, &str)] = &[
    (
        "runs/requeue",
        "only the row knows whether a failure was the last, or a request to cancel came",
    ),
    (
        "runs/requeue_lost",
        "only the row knows whether a failure was the last, or a request to cancel came",
    ),
];

#[test]
fn transitions_and_guarded_statements_correspond_one_to_one_but_for_listed_exceptions() {
    let statements = statements();
    for &transition in Transition::ALL {
        let made_by: Vec<&str> = statements
            .iter()
            .filter(|info| info.transitions.contains(&transition))
            .map(|info| info.file)
            .collect();
        match EXCEPTIONS
            .iter()
            .find(|(excepted, ..)| *excepted == transition)
        {
            Some((_, expected, _)) => assert_eq!(made_by, *expected, "{transition:?}"),
            None => assert_eq!(made_by.len(), 1, "{transition:?}: {made_by:?}"),
        }
    }
    let several = statements.iter().filter(|info| info.transitions.len() > 1);
    let several: Vec<&str> = several.map(|info| info.file).collect();
    let listed: Vec<&str> = SEVERAL.iter().map(|(file, _)| *file).collect();
    assert_eq!(several, listed);
}

#[test]
fn all_transitions_of_a_statement_leave_the_status_that_guards_it() {
    for info in statements() {
        let Some(first) = info.transitions.first() else {
            continue;
        };
        for transition in info.transitions {
            assert_eq!(transition.source(), first.source(), "{}", info.file);
        }
        let guard = format!("r.status = '{}'", first.source());
        assert!(info.text.contains(&guard), "{}", info.file);
    }
}

/// Statements that change runs and leave them in their status, with the reason.
const NO_TRANSITION: &[(&str, &str)] = &[(
    "system/resume",
    "the queue limit of runs that a pause held is moved on",
)];

#[test]
fn what_changes_runs_makes_a_transition() {
    for info in statements() {
        let excepted = NO_TRANSITION.iter().any(|(file, _)| *file == info.file);
        let changes = info.text.contains("UPDATE operation_runs r") && !excepted;
        assert_eq!(changes, !info.transitions.is_empty(), "{}", info.file);
    }
}
