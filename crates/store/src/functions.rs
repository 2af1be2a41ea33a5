//! SQL functions that diesel's builder does not know.

use diesel::sql_types::{BigInt, Text};

#[diesel::declare_sql_function]
extern "SQL" {
    /// The time now, also within a transaction. For values; it cannot be a condition of an index.
    fn clock_timestamp() -> Timestamptz;

    /// When the statement began. For comparing columns with now.
    fn statement_timestamp() -> Timestamptz;

    /// The text in lower case, by the database's locale.
    fn lower(text: Text) -> Text;

    /// Takes an advisory lock that ends with the session, unless another session has it.
    fn pg_try_advisory_lock(key: BigInt) -> Bool;
}
