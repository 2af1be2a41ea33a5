//! What a release changes on purpose.

use serde_json::Value;

/// Files, by the beginning of their names, and what has changed in them since they were recorded.
type Change = (&'static str, fn(Value) -> Value);

/// A release that changes an answer, a row or a word on purpose says so here, with a sentence on why.
/// The recorded files are never edited.
const CHANGES: &[Change] = &[
    // Lists of runs do not read what the runs were asked with: it was half of every page.
    (
        "answers/list_active_operation_runs",
        lists_without_selections,
    ),
    ("answers/list_inventory_sync_runs", lists_without_selections),
    ("answers/list_operation_runs", lists_without_selections),
    ("answers/without_the_queue", lists_without_selections),
    ("openapi", sync_runs_without_selections),
    // A search inside of names is answered by parts of three characters, and refused below.
    ("answers/list_inventory_items", short_searches_refused),
    // Errors of the database are distinguished by their SQLSTATE.
    ("outcomes/answers_by_database_error", waiting_answers),
    ("outcomes/runs_by_database_error", waiting_runs),
];

/// The recorded value of a file, with what has changed on purpose.
pub(crate) fn intended(name: &str, recorded: Value) -> Value {
    let of_file = CHANGES.iter().filter(|(file, _)| name.starts_with(file));
    of_file.fold(recorded, |value, (_, change)| change(value))
}

fn lists_without_selections(mut answers: Value) -> Value {
    for answer in answers.as_array_mut().into_iter().flatten() {
        let items = answer.pointer_mut("/answer/items");
        for item in items.and_then(Value::as_array_mut).into_iter().flatten() {
            item.as_object_mut().unwrap().remove("selection");
        }
    }
    answers
}

fn sync_runs_without_selections(mut document: Value) -> Value {
    let schema = &mut document["components"]["schemas"]["InventorySyncRun"];
    let properties = schema["properties"].as_object_mut().unwrap();
    properties.remove("selection").unwrap();
    let required = schema["required"].as_array_mut().unwrap();
    required.retain(|name| name != "selection");
    document
}

fn short_searches_refused(answers: Value) -> Value {
    answers
}

/// Of a full disk, of too little memory, and of a server that takes no writes.
const WAITED_FOR: [&str; 3] = ["53100", "53200", "25006"];

/// Nothing is wrong with the request, and the same one may succeed soon.
fn waiting_answers(mut answers: Value) -> Value {
    let away = of_state(&answers, "53300")["answer"].clone();
    for answer in answers.as_array_mut().unwrap() {
        if is_waited_for(answer) {
            answer["answer"] = away.clone();
        }
    }
    answers
}

/// A sync waits for as long as it keeps its lease.
fn waiting_runs(mut runs: Value) -> Value {
    let waited = of_state(&runs, "53300");
    let runs_by_error = runs.as_array_mut().unwrap();
    runs_by_error.retain(|run| !(is_waited_for(run) && run["times"] == 1_000));
    for run in runs_by_error {
        if is_waited_for(run) {
            let mut became = waited.clone();
            became["state"] = run["state"].clone();
            became["text"] = run["text"].clone();
            *run = became;
        }
    }
    runs
}

fn is_waited_for(entry: &Value) -> bool {
    WAITED_FOR.iter().any(|state| entry["state"] == *state)
}

fn of_state(entries: &Value, state: &str) -> Value {
    let mut entries = entries.as_array().unwrap().iter();
    entries
        .find(|entry| entry["state"] == state)
        .unwrap()
        .clone()
}
