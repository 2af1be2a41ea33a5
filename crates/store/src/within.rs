//! Rows of a table by several columns from a query, which diesel's builder lacks.

use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate,
};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::Bool;

/// `(a, b) IN (query)`: the rows whose columns are among those that the query selects. A list of wide
/// rows finds its page in an index alone, by such a query, and reads these rows afterwards.
pub(crate) const fn within<C, Q>(columns: C, query: Q) -> Within<C, Q> {
    Within { columns, query }
}

/// Columns and the query that they are looked for in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Within<C, Q> {
    columns: C,
    query: Q,
}

impl<C, Q> Expression for Within<C, Q> {
    type SqlType = Bool;
}

impl<C, Q> QueryId for Within<C, Q> {
    type QueryId = ();
    /// The query may be a boxed one.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C, Q, G> ValidGrouping<G> for Within<C, Q> {
    type IsAggregate = is_aggregate::No;
}

impl<C: AppearsOnTable<T>, Q, T> AppearsOnTable<T> for Within<C, Q> {}

impl<C: SelectableExpression<T>, Q, T> SelectableExpression<T> for Within<C, Q> {}

impl<C: QueryFragment<Pg>, Q: QueryFragment<Pg>> QueryFragment<Pg> for Within<C, Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(");
        self.columns.walk_ast(out.reborrow())?;
        out.push_sql(") IN (");
        self.query.walk_ast(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}
