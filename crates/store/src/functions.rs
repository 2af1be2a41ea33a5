//! SQL functions that diesel's builder does not know.

use diesel::data_types::PgInterval;
use diesel::dsl::{AsExprOf, IntervalDsl};
use diesel::pg::Pg;
use diesel::sql_types::{BigInt, Bool, Interval, Jsonb, Nullable, Text, Timestamptz, Uuid};
use diesel::{Expression, IntoSql};

#[diesel::declare_sql_function]
extern "SQL" {
    /// The time now, also within a transaction. For values; it cannot be a condition of an index.
    fn clock_timestamp() -> Timestamptz;

    /// When the statement began. For comparing columns with now.
    fn statement_timestamp() -> Timestamptz;

    /// The text in lower case, by the database's locale.
    fn lower(text: Text) -> Text;

    /// The value of a setting, as text.
    fn current_setting(name: Text) -> Text;

    /// Takes an advisory lock that ends with the transaction, unless another session has it.
    fn pg_try_advisory_xact_lock(key: BigInt) -> Bool;

    /// Bytes that a value takes where it is stored, compressed or not. Reads no more than its header.
    fn pg_column_size(value: Nullable<Jsonb>) -> Nullable<Integer>;

    /// The first of two values that is not null.
    fn coalesce(one: Uuid, other: Uuid) -> Uuid;

    /// Whether a text begins with another, which is no pattern.
    fn starts_with(text: Text, beginning: Text) -> Bool;
}

// Of pg_trgm: whether some part of the left text is like the right one. An index of trigrams knows it.
diesel::infix_operator!(WordSimilar, " %> ", Bool, backend: Pg);
diesel::infix_operator!(Minus, " - ", Timestamptz, backend: Pg);

/// So many seconds before the statement began. For comparing columns with it.
pub(crate) fn seconds_ago(
    seconds: i32,
) -> Minus<statement_timestamp, AsExprOf<PgInterval, Interval>> {
    Minus::new(
        statement_timestamp(),
        seconds.seconds().into_sql::<Interval>(),
    )
}

/// The same time, in an order that no index has: rows are found by their condition and sorted. Of an
/// index with that order the planner would walk all when it expects many rows and there are none.
pub(crate) fn sorted<T: Expression<SqlType = Timestamptz>>(
    time: T,
) -> Minus<T, AsExprOf<PgInterval, Interval>> {
    Minus::new(time, 0.seconds().into_sql::<Interval>())
}
