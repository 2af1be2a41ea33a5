//! `schema.rs` as a database with every migration has it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use atlas_test_support::TestDatabase;
use tokio_postgres::Client;

/// Whether generated files are to be written instead of compared.
#[allow(
    clippy::disallowed_methods,
    reason = "cargo xtask schema sets it, nobody else does"
)]
pub(crate) fn is_to_be_written() -> bool {
    std::env::var_os("ATLAS_WRITE_SCHEMA").is_some()
}

const COLUMNS: &str = include_str!("schema_file/columns.sql");

const JOINS: &str = include_str!("schema_file/joins.sql");

/// The name of a type in `diesel::sql_types`.
fn sql_type(name: &str) -> &'static str {
    match name {
        "bool" => "Bool",
        "bytea" => "Bytea",
        "date" => "Date",
        "int2" => "Int2",
        "int4" => "Int4",
        "int8" => "Int8",
        "jsonb" => "Jsonb",
        "text" => "Text",
        "_text" => "Array<Text>",
        "timestamptz" => "Timestamptz",
        "uuid" => "Uuid",
        other => panic!("say here what diesel calls {other}"),
    }
}

async fn generate(client: &Client) -> String {
    let mut tables: BTreeMap<String, (Vec<String>, Vec<String>)> = BTreeMap::new();
    for row in client.query(COLUMNS, &[]).await.unwrap() {
        let (table, column): (String, String) = (row.get(0), row.get(1));
        let (kind, not_null, is_key): (String, bool, bool) = (row.get(2), row.get(3), row.get(4));
        let (keys, columns) = tables.entry(table).or_default();
        let mut kind = sql_type(&kind).to_owned();
        if !not_null {
            kind = format!("Nullable<{kind}>");
        }
        columns.push(format!("        {column} -> {kind},\n"));
        if is_key {
            keys.push(column);
        }
    }
    let mut text = "//! The tables, written by `cargo xtask schema`.\n".to_owned();
    for (table, (keys, columns)) in &tables {
        let (keys, columns) = (keys.join(", "), columns.concat());
        write!(
            text,
            "\ndiesel::table! {{\n    {table} ({keys}) {{\n{columns}    }}\n}}\n"
        )
        .unwrap();
    }
    text.push('\n');
    for row in client.query(JOINS, &[]).await.unwrap() {
        let (from, to, column): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        writeln!(text, "diesel::joinable!({from} -> {to} ({column}));").unwrap();
    }
    let names: Vec<&str> = tables.keys().map(String::as_str).collect();
    let names = names.join(",\n    ");
    write!(
        text,
        "\ndiesel::allow_tables_to_appear_in_same_query!(\n    {names},\n);\n"
    )
    .unwrap();
    text
}

#[tokio::test]
async fn the_schema_is_that_of_the_migrations() {
    let database = TestDatabase::create().await;
    let text = generate(&database.connection().await).await;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/schema.rs");
    if is_to_be_written() {
        fs::write(path, text).unwrap();
    } else {
        let written = fs::read_to_string(path).unwrap_or_default();
        assert!(
            written == text,
            "schema.rs is old: run `cargo xtask schema`"
        );
    }
}
