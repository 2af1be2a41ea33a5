//! What a release changes on purpose.

mod access;
mod actors;
mod columns;
mod daily_use;
mod events;
mod hints;
mod inventory;
mod numbers;
mod paging;
mod problems;
mod schedules;
mod values;
mod webhooks;

use serde_json::{Value, json};

use crate::later;

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
    // Refusals are declared by the operations that send them: a cancellation names its own permission,
    // and a search is not refused for missing credentials.
    ("openapi", own_refusals),
    ("openapi", of_this_version),
    // Policy types are added without recording.
    ("answers/list_policy_types", later::types_listed),
    ("answers/start_inventory_sync", later::types_selected),
    // Values whose members are not ours to name have two schemas instead of one at each place, and
    // patterns cover the whole text.
    ("openapi", values_described_once),
    ("openapi", anchored_patterns),
    // Nobody asks for the cancellations of a tenant that is disabled.
    ("openapi", access::cancelled_by_nobody),
    // Every act of administration and every failed sign-in has an entry of the audit log, with where a
    // request came from; a person's data can be erased.
    ("names", access::audited_administration),
    ("tables", access::entries_of_administration),
    // The schema says which programs work with it. Its value changes with migrations that take something
    // away.
    ("tables", columns::schema_that_names_programs),
    // It can be said when a client secret ends.
    ("tables", columns::credentials_that_end),
    // A search inside of names is answered by parts of three characters, and refused below.
    ("answers/list_inventory_items", short_searches_refused),
    // Whether the caller may see a run is decided before anything else of the request is read.
    ("answers/get_operation_run", foreign_runs_not_found),
    ("answers/list_operation_run_results", foreign_runs_not_found),
    // Titles of problems name the problem in the words of HTTP and of the product.
    ("answers", problem_titles),
    ("outcomes/answers", problem_titles),
    // Errors of the database are distinguished by their SQLSTATE.
    ("outcomes/answers_by_database_error", waiting_answers),
    ("outcomes/runs_by_database_error", waiting_runs),
    // A sync of groups has no policy types that could fail.
    ("names", groups_without_policy_types),
    // Retention also deletes recorded changes, which was counted under a label that was not declared.
    ("names", pruned_changes),
    // A list may have more objects than a worker has memory for.
    ("outcomes/graph_errors", too_many_objects),
    // Redis may refuse a message though it is reached.
    ("answers/without_the_queue", hints::any_fault_of_redis),
    ("tables/lifecycle", hints::any_fault_of_redis),
    // What operators could not see: Graph's throttling, how old what is stored is, certificates that end,
    // pools, and what was built.
    ("names", numbers::of_graph_tenants_and_pools),
    // Changes list who made them.
    ("answers/list_inventory_changes", actors::listed),
    ("openapi", actors::described),
    // Settings have names, and items are shown as of earlier times.
    ("openapi", inventory::described),
    // Tenants are synced by themselves.
    ("openapi", schedules::described),
    ("names", schedules::named),
    ("tables", schedules::stored),
    ("answers/get_tenant", schedules::permitted),
    ("answers/list_tenants", schedules::permitted),
    // What happens is a log, whose words the tables had in part.
    ("openapi", events::described),
    ("names", events::named),
    // Events are delivered to addresses of users.
    ("openapi", webhooks::described),
    ("names", webhooks::named),
    // Values that were read and verified are counted, and a start may verify all of them.
    ("openapi", values::described),
    ("answers", values::counted),
    // The API in daily use.
    ("answers", daily_use::answers),
    ("outcomes/answers", daily_use::answers),
    ("answers/get_tenant", daily_use::permitted),
    ("answers/list_tenants", daily_use::permitted),
    ("answers/no_operation", daily_use::uncounted),
    (
        "answers/list_inventory_items",
        daily_use::unknown_words_refused,
    ),
    (
        "answers/list_inventory_changes",
        daily_use::unknown_words_refused,
    ),
    ("answers", daily_use::nothing_there),
    (
        "answers/resolve_directory_groups",
        daily_use::identifiers_missing,
    ),
    ("openapi", daily_use::described),
    // Lists are read back as well.
    ("answers/list_", paging::named_before),
    // Most problems show no run.
    ("openapi", problems::described),
    // A full sync there asks for what was recorded, and that is kept as it is.
    ("tables/administration", daily_use::stored),
    ("tables/changes", daily_use::stored),
    ("tables/faults", daily_use::stored),
    ("tables/groups", daily_use::stored),
    ("tables/lifecycle", daily_use::stored),
    ("tables/refused_rows", daily_use::stored),
    ("tables/retention", daily_use::stored),
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

/// The administrator is a member of no tenant.
fn foreign_runs_not_found(mut answers: Value) -> Value {
    let answers_in_order = answers.as_array_mut().unwrap();
    let not_found = answers_in_order
        .iter()
        .find(|answer| answer["status"] == 404)
        .map(|answer| answer["answer"].clone());
    for answer in answers_in_order {
        if answer["by"] == "administrator" && answer["status"] == 400 {
            answer["status"] = json!(404);
            answer["answer"] = not_found.clone().unwrap();
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

fn own_refusals(mut document: Value) -> Value {
    let refusals = [
        ("/operation-runs/{run_id}/cancel", "403", "CancelForbidden"),
        (
            "/tenants/{tenant_id}/directory-groups/search",
            "409",
            "TenantDisabled",
        ),
    ];
    for (path, status, component) in refusals {
        let responses = &mut document["components"]["responses"];
        responses[component] = responses["Forbidden"].clone();
        let operation = &mut document["paths"][path]["post"];
        operation["responses"][status]["$ref"] =
            format!("#/components/responses/{component}").into();
    }
    document
}

fn of_this_version(mut document: Value) -> Value {
    document["info"]["version"] = json!("0.2.0");
    document
}

fn values_described_once(mut document: Value) -> Value {
    let value = document["components"]["schemas"]["FieldChange"]["properties"]["old"].clone();
    let object = json!({"type": "object", "additionalProperties": value, "maxProperties": 1000});
    refer(&mut document, &object, "AnyObject");
    refer(&mut document, &value, "AnyValue");
    let mut value_or_object = value;
    for member in ["additionalProperties", "maxProperties"] {
        value_or_object[member] = object[member].clone();
    }
    let schemas = &mut document["components"]["schemas"];
    schemas["AnyValue"] = value_or_object;
    schemas["AnyObject"] = object;
    document
}

/// Replaces a schema by a reference wherever it is.
fn refer(document: &mut Value, schema: &Value, name: &str) {
    if document == schema {
        *document = json!({"$ref": format!("#/components/schemas/{name}")});
        return;
    }
    match document {
        Value::Object(members) => members.values_mut().for_each(|it| refer(it, schema, name)),
        Value::Array(elements) => elements.iter_mut().for_each(|it| refer(it, schema, name)),
        _ => {}
    }
}

/// A pattern says how the whole text looks.
fn anchored_patterns(mut document: Value) -> Value {
    anchor(&mut document);
    document
}

fn anchor(value: &mut Value) {
    match value {
        Value::String(pattern) if pattern == "^https?://" => pattern.push_str(".+$"),
        Value::String(pattern) if pattern == "^urn:uuid:" => pattern.push_str("[0-9a-f-]{36}$"),
        Value::Object(members) => members.values_mut().for_each(anchor),
        Value::Array(elements) => elements.iter_mut().for_each(anchor),
        _ => {}
    }
}

/// Of the requests with a text of one character the first is refused as an empty text is, and no
/// further page follows.
fn short_searches_refused(mut answers: Value) -> Value {
    let is_short = |answer: &Value| {
        let path = answer["ask"].as_str().unwrap_or_default();
        ["q=a", "q=%25"]
            .iter()
            .any(|text| path.split(['?', '&']).any(|part| part == *text))
    };
    let answers_in_order = answers.as_array_mut().unwrap();
    let mut refusal = answers_in_order
        .iter()
        .find(|answer| {
            answer["ask"]
                .as_str()
                .is_some_and(|path| path.ends_with("?q="))
        })
        .unwrap()
        .clone();
    refusal["answer"]["detail"] = "Must have at least 3 characters.".into();
    refusal["answer"]["errors"][0]["detail"] = "Must have at least 3 characters.".into();
    answers_in_order.retain(|answer| {
        !(is_short(answer)
            && answer["ask"]
                .as_str()
                .is_some_and(|path| path.contains("cursor=")))
    });
    for answer in answers_in_order
        .iter_mut()
        .filter(|answer| is_short(answer))
    {
        let mut refused = refusal.clone();
        refused["ask"] = answer["ask"].take();
        *answer = refused;
    }
    answers
}

/// Titles as they were recorded, and as they are.
const TITLES: [(&str, &str); 14] = [
    ("The request cannot be read", "The request is malformed"),
    (
        "A part of the request is not valid",
        "The request is not valid",
    ),
    ("A valid API token is needed", "Authentication is required"),
    ("Your role does not permit this", "Permission denied"),
    (
        "Your own token for Microsoft Graph is needed",
        "A delegated token for Microsoft Graph is required",
    ),
    ("There is nothing here", "Not found"),
    (
        "The method is not allowed here",
        "The method is not allowed",
    ),
    ("Nothing of the run failed", "The run has nothing to retry"),
    (
        "The body's media type is not supported",
        "The media type is not supported",
    ),
    (
        "Microsoft Graph asks to slow down",
        "Microsoft Graph is throttling requests",
    ),
    ("The API failed", "Internal error"),
    ("The request took too long", "The request timed out"),
    (
        "A part that the API needs is not available",
        "The database is not available",
    ),
    (
        "The run could not be handed to the workers",
        "The job queue is not available",
    ),
];

fn problem_titles(mut answers: Value) -> Value {
    match &mut answers {
        Value::Array(values) => {
            for value in values {
                *value = problem_titles(value.take());
            }
        }
        Value::Object(members) => {
            let is_problem = members.contains_key("instance");
            for (name, member) in members {
                let changed = TITLES.iter().find(|(recorded, _)| *member == *recorded);
                match changed {
                    Some((_, title)) if is_problem && name == "title" => *member = (*title).into(),
                    _ => *member = problem_titles(member.take()),
                }
            }
        }
        _ => {}
    }
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

/// Of a broken constraint and of a value that the database cannot hold, and the only object of each
/// tenant, in the order of the runs.
const ABOUT_VALUES: [&str; 3] = ["23505", "23514", "22021"];
const ONLY_OBJECTS: [&str; 5] = [
    "0751547b-a127-4e57-b83f-f832be0eba0e",
    "1b1c023f-8461-43b3-84b4-147c0ac1daa5",
    "fbcb8836-e118-4ecf-a86c-d61f1390f9fd",
    "c574e52b-4933-4498-8b9c-ca3bca0e46c3",
    "2380e11c-438a-45cd-9cc9-5b31687f62a5",
];

/// A sync waits for as long as it keeps its lease. What the database says of values is looked for
/// among the rows, without trying whether the statement fails without them.
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
    let runs_by_error = runs.as_array_mut().unwrap().iter_mut();
    let about_values = runs_by_error.filter(|run| ABOUT_VALUES.iter().any(|s| run["state"] == *s));
    for (run, object) in about_values.zip(ONLY_OBJECTS) {
        let error = not_stored(object);
        run["error"] = error.clone();
        run["events"] = json!(["queued", "claimed", "finished"]);
        run["failures"] = json!(0);
        run["outcome"] = json!("partially_succeeded");
        run["status"] = json!("completed");
        run["wait_reason"] = Value::Null;
        run["results"] =
            json!([{"error": error, "policy_type": "mobileApp", "status": "incomplete"}]);
    }
    runs
}

fn groups_without_policy_types(mut names: Value) -> Value {
    for message in names["notifications"].as_array_mut().unwrap() {
        if message["kind"] == "directory_groups_sync" {
            let body = message["body"].as_str().unwrap();
            message["body"] = body.replace(" 2 policy types failed.", "").into();
        }
    }
    names
}

fn too_many_objects(mut errors: Value) -> Value {
    let errors_in_order = errors.as_array_mut().unwrap();
    let pages = errors_in_order
        .iter()
        .position(|error| error["error"] == "paging: too_many_pages");
    let at = pages.unwrap() + 1;
    let detail = "The list was not read to its end: there are more objects than the worker has memory \
                  for (ATLAS_MAX_BYTES_IN_FLIGHT).";
    let new = json!({
        "error": "paging: too_many_objects",
        "failure": {"code": "paging_refused", "detail": detail, "retryable": false},
        "fatal": false,
        "retry_after": null,
    });
    errors_in_order.insert(at, new);
    errors
}

fn pruned_changes(mut names: Value) -> Value {
    for metric in names["metrics"].as_array_mut().unwrap() {
        if metric["name"] == "atlas_rows_pruned_total" {
            let tables = metric["labels"][0][1].as_array_mut().unwrap();
            tables.insert(3, "inventory_changes".into());
            tables.insert(4, "inventory_versions".into());
            tables.insert(5, "activity_events".into());
        }
    }
    names
}

fn not_stored(object: &str) -> Value {
    json!({
        "code": "rows_not_stored",
        "detail": format!(
            "1 object was not stored ({object}: refused by the database); no object of this type \
             was marked as missing."
        ),
        "hint": "The worker's log has the cause for each of them.",
        "retryable": false,
        "rows": {"count": 1, "first": [{"defect": "not_stored", "id": object}]},
    })
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
