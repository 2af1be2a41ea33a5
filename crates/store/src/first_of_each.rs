//! The first rows of several lists together, each found by the index that its list has. diesel's
//! builder lacks LATERAL.

use std::marker::PhantomData;

use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate,
};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_source::Column;
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::{Array, BigInt, HasSqlType, SqlType};

use crate::keyset::Direction;

/// The first `limit` rows of `lists` together. `list` selects `columns`, two by which all lists go in
/// the direction, of the one list that [`value`] and [`second`] name, and at most `limit` of them.
///
/// The cost is bounded by the number of lists times the limit, however long the lists are.
pub(crate) const fn first_of_each<C, V, Q>(
    _columns: C,
    direction: Direction,
    lists: V,
    list: Q,
    limit: i64,
) -> FirstOfEach<C, V, Q>
where
    C: Copy,
{
    FirstOfEach {
        columns: PhantomData,
        direction,
        lists,
        list,
        limit,
    }
}

/// The first rows of several lists together.
#[derive(Debug, Clone)]
pub(crate) struct FirstOfEach<C, V, Q> {
    columns: PhantomData<C>,
    direction: Direction,
    lists: V,
    list: Q,
    limit: i64,
}

/// Of each list its newest row. `list` selects it, and `columns` may name the list by [`value`] and the
/// row by an alias that is called `newest`. Lists without a row are left out.
pub(crate) const fn newest_of_each<C, V, Q>(
    columns: C,
    lists: V,
    list: Q,
) -> NewestOfEach<C, V, Q> {
    NewestOfEach {
        columns,
        lists,
        list,
    }
}

/// Of each list its newest row.
#[derive(Debug, Clone)]
pub(crate) struct NewestOfEach<C, V, Q> {
    columns: C,
    lists: V,
    list: Q,
}

/// What several lists differ by: one value each.
#[derive(Debug, Clone)]
pub(crate) struct ByOne<ST, T> {
    values: Vec<T>,
    sql_type: PhantomData<ST>,
}

/// What several lists differ by: a pair of values each.
#[derive(Debug, Clone)]
pub(crate) struct ByTwo<ST, T> {
    values: Vec<T>,
    seconds: Vec<T>,
    sql_type: PhantomData<ST>,
}

/// A list for each of the values.
pub(crate) const fn by_one<ST, T>(values: Vec<T>) -> ByOne<ST, T> {
    ByOne {
        values,
        sql_type: PhantomData,
    }
}

/// A list for each of the pairs.
pub(crate) fn by_two<ST, T>(pairs: Vec<(T, T)>) -> ByTwo<ST, T> {
    let (values, seconds) = pairs.into_iter().unzip();
    ByTwo {
        values,
        seconds,
        sql_type: PhantomData,
    }
}

/// In a list: its value.
pub(crate) const fn value<ST>() -> Value<ST> {
    Value("each.value", PhantomData)
}

/// In a list: its second value.
pub(crate) const fn second<ST>() -> Value<ST> {
    Value("each.second", PhantomData)
}

/// A value that a list is found by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Value<ST>(&'static str, PhantomData<ST>);

impl<ST: SqlType + diesel::expression::TypedExpressionType> Expression for Value<ST> {
    type SqlType = ST;
}

impl<ST> QueryId for Value<ST> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<ST, G> ValidGrouping<G> for Value<ST> {
    type IsAggregate = is_aggregate::Never;
}

impl<ST, T> AppearsOnTable<T> for Value<ST> where Self: Expression {}

impl<ST, T> SelectableExpression<T> for Value<ST> where Self: Expression {}

impl<ST> QueryFragment<Pg> for Value<ST> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(self.0);
        Ok(())
    }
}

impl<ST, T> QueryFragment<Pg> for ByOne<ST, T>
where
    Pg: HasSqlType<ST>,
    ST: SqlType,
    Vec<T>: ToSql<Array<ST>, Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("unnest(");
        out.push_bind_param::<Array<ST>, _>(&self.values)?;
        out.push_sql(") each(value)");
        Ok(())
    }
}

impl<ST, T> QueryFragment<Pg> for ByTwo<ST, T>
where
    Pg: HasSqlType<ST>,
    ST: SqlType,
    Vec<T>: ToSql<Array<ST>, Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("unnest(");
        out.push_bind_param::<Array<ST>, _>(&self.values)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<ST>, _>(&self.seconds)?;
        out.push_sql(") each(value, second)");
        Ok(())
    }
}

impl<A: Column, B: Column, V, Q> Query for FirstOfEach<(A, B), V, Q> {
    type SqlType = (A::SqlType, B::SqlType);
}

impl<C, V, Q> QueryId for FirstOfEach<C, V, Q> {
    type QueryId = ();
    /// The list may be a boxed query.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<A, B, V, Q> QueryFragment<Pg> for FirstOfEach<(A, B), V, Q>
where
    A: Column,
    B: Column,
    V: QueryFragment<Pg>,
    Q: QueryFragment<Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT first.");
        out.push_identifier(A::NAME)?;
        out.push_sql(", first.");
        out.push_identifier(B::NAME)?;
        out.push_sql(" FROM ");
        self.lists.walk_ast(out.reborrow())?;
        out.push_sql(" CROSS JOIN LATERAL (");
        self.list.walk_ast(out.reborrow())?;
        out.push_sql(") first ORDER BY first.");
        out.push_identifier(A::NAME)?;
        out.push_sql(self.direction.suffix());
        out.push_sql(", first.");
        out.push_identifier(B::NAME)?;
        out.push_sql(self.direction.suffix());
        out.push_sql(" LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}

impl<C: Expression, V, Q> Query for NewestOfEach<C, V, Q> {
    type SqlType = C::SqlType;
}

impl<C, V, Q> QueryId for NewestOfEach<C, V, Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C, V, Q> QueryFragment<Pg> for NewestOfEach<C, V, Q>
where
    C: QueryFragment<Pg>,
    V: QueryFragment<Pg>,
    Q: QueryFragment<Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("SELECT ");
        self.columns.walk_ast(out.reborrow())?;
        out.push_sql(" FROM ");
        self.lists.walk_ast(out.reborrow())?;
        out.push_sql(" CROSS JOIN LATERAL (");
        self.list.walk_ast(out.reborrow())?;
        out.push_sql(") newest");
        Ok(())
    }
}
