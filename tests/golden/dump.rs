//! All tables of a database, read past the store.
//!
//! Rows stand in an order that follows from their content. First come the tables whose rows a
//! scenario makes one after the other, by time; the others' rows are sorted by what they say apart
//! from identifiers without a name. In that order identifiers get their names.

use std::collections::BTreeMap;

use atlas_test_support::TestDatabase;
use chrono::DateTime;
use serde_json::{Map, Value};

use crate::layout::on_one_line;
use crate::masks::{Masks, is_minted};

/// Tables whose rows are made one after the other, with the sort of their identifiers.
const BY_TIME: [(&str, &str); 4] = [
    ("tenants", "tenant"),
    ("users", "user"),
    ("api_tokens", "token"),
    ("operation_runs", "run"),
];

/// Tables that others refer to, so that their rows get names first.
const EARLY: [(&str, &str); 1] = [("inventory_items", "item")];

/// Columns whose values are secret, or made from identifiers.
const COLUMNS: [(&str, &str); 4] = [
    ("token_hash", "<hash>"),
    ("nonce", "<nonce>"),
    ("ciphertext", "<ciphertext>"),
    ("last_four", "<last four>"),
];

/// Columns that were added after the recording. What they hold is compared with the simulator's answer
/// key by differential tests of the worker; positions in the log of events follow from when it is numbered.
const LATER: [&str; 9] = [
    "actors",
    "attributed",
    "position",
    "read_from",
    "seen_before",
    "value_fields",
    "values_hash",
    "values_mark",
    "values_verified_at",
];

/// Moments that follow from another column of the row.
const AFTER: [(&str, &str); 2] = [
    ("expires_at", "created_at"),
    ("cancel_deadline_at", "cancel_requested_at"),
];

/// Every table with its rows; those without rows too.
pub(crate) async fn dump(database: &TestDatabase, mut masks: Masks) -> Value {
    let connection = database.connection().await;
    let sql = "SELECT c.relname::text FROM pg_class c \
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') \
            AND NOT c.relispartition AND c.relname NOT LIKE '\\_\\_diesel%' ORDER BY 1";
    let names = connection.query(sql, &[]).await.unwrap();
    let mut rows: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for name in names {
        let name: String = name.get(0);
        let by_time = BY_TIME.iter().any(|(table, _)| *table == name);
        let order = if by_time { "t.created_at, t.id" } else { "1" };
        let row = row_of(&name);
        let sql = format!("SELECT {row} ORDER BY {order}");
        let found = connection.query(&sql, &[]).await.unwrap();
        let parsed = found.iter().map(|row| {
            let text: String = row.get(0);
            plain(serde_json::from_str(&text).unwrap())
        });
        rows.insert(name, parsed.collect());
    }

    let mut dumped = Map::new();
    for (table, sort) in BY_TIME {
        let named = name_rows(&rows.remove(table).unwrap(), Some(sort), &mut masks);
        dumped.insert(table.to_owned(), named);
    }
    for (table, sort) in EARLY {
        let sorted = sorted(rows.remove(table).unwrap(), &mut masks);
        dumped.insert(table.to_owned(), name_rows(&sorted, Some(sort), &mut masks));
    }
    for (table, mut rows) in rows {
        rows.iter_mut().for_each(hide_own_id);
        let sorted = sorted(rows, &mut masks);
        dumped.insert(table, name_rows(&sorted, None, &mut masks));
    }
    Value::Object(dumped)
}

/// The columns of a table's rows as JSON, and where they come from. Phases of a run are events since after
/// the recording, as often as heartbeats meet them: the numbers of the others are as they were.
fn row_of(table: &str) -> String {
    match table {
        "operation_runs" => "(to_jsonb(t) || jsonb_build_object('event_seq', t.event_seq \
            - (SELECT count(*) FROM operation_run_events e WHERE e.run_id = t.id \
                AND e.event = 'phase_reached')))::text FROM operation_runs t"
            .to_owned(),
        "operation_run_events" => "(to_jsonb(t) || jsonb_build_object('seq', \
            (SELECT count(*) FROM operation_run_events e WHERE e.run_id = t.run_id AND e.seq <= t.seq \
                AND e.event <> 'phase_reached')))::text \
            FROM operation_run_events t WHERE t.event <> 'phase_reached'"
            .to_owned(),
        _ => format!("to_jsonb(t)::text FROM {table} t"),
    }
}

fn sorted(mut rows: Vec<Value>, masks: &mut Masks) -> Vec<Value> {
    rows.sort_by_cached_key(|row| on_one_line(&masks.mask_known(row)));
    rows
}

fn name_rows(rows: &[Value], sort: Option<&str>, masks: &mut Masks) -> Value {
    let named = rows.iter().map(|row| {
        if let (Some(id), Some(sort)) = (row["id"].as_str(), sort) {
            masks.name(id, sort);
        }
        // A hash of the tenant's identifier and the inputs.
        if let Some(identity) = row["identity"].as_str() {
            let name = masks.name(identity, "identity");
            masks.replace(identity, name);
        }
        masks.mask(row)
    });
    Value::Array(named.collect())
}

/// Nothing refers to rows of these tables. Names for them would only move the names of others.
fn hide_own_id(row: &mut Value) {
    if row["id"].as_str().is_some_and(is_minted) {
        row["id"] = "<own id>".into();
    }
}

/// The row without what masks cannot recognise by its form.
fn plain(mut row: Value) -> Value {
    let columns = row.as_object_mut().unwrap();
    columns.retain(|column, _| !LATER.contains(&column.as_str()));
    let time = |columns: &Map<String, Value>, name: &str| {
        DateTime::parse_from_rfc3339(columns.get(name)?.as_str()?).ok()
    };
    for (column, since) in AFTER {
        if let (Some(end), Some(start)) = (time(columns, column), time(columns, since)) {
            // Two readings of the clock in one statement.
            let seconds = ((end - start).as_seconds_f64() / 10.0).round() * 10.0;
            let text = format!("<{since} + {seconds} s>");
            columns.insert(column.to_owned(), text.into());
        }
    }
    if let Some(link) = columns.get("delta_link").and_then(Value::as_str) {
        let (address, _) = link.split_once("deltatoken=").unwrap_or((link, ""));
        let link = format!("{address}deltatoken=<token>");
        columns.insert("delta_link".to_owned(), link.into());
    }
    for (column, mask) in COLUMNS {
        if columns.get(column).is_some_and(|value| !value.is_null()) {
            columns.insert(column.to_owned(), mask.into());
        }
    }
    let is_time = |name: &str| name == "at" || name.ends_with("_at") || name == "missing_since";
    for (name, value) in columns.iter_mut() {
        if is_time(name)
            && value
                .as_str()
                .is_some_and(|text| !text.starts_with(['<', '-']))
        {
            *value = "<time>".into();
        }
    }
    row
}
