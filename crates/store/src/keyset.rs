//! Keyset pages in either direction: their order, and the comparison of rows that they stand on, which
//! diesel's builder lacks.

use diesel::expression::expression_types::NotSelectable;
use diesel::expression::{
    AppearsOnTable, AsExpression, Expression, SelectableExpression, ValidGrouping, is_aggregate,
};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{Bool, SingleValue, SqlType};

/// In which direction the rows of a list go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Ascending,
    Descending,
}

impl Direction {
    pub(crate) const fn ascending(is_ascending: bool) -> Self {
        if is_ascending {
            Self::Ascending
        } else {
            Self::Descending
        }
    }

    pub(crate) const fn reversed(self) -> Self {
        match self {
            Self::Ascending => Self::Descending,
            Self::Descending => Self::Ascending,
        }
    }

    /// What follows a column that is ordered by.
    pub(crate) const fn suffix(self) -> &'static str {
        match self {
            Self::Ascending => "",
            Self::Descending => " DESC",
        }
    }

    /// Compares what follows with what it follows.
    const fn sign(self) -> &'static str {
        match self {
            Self::Ascending => " > ",
            Self::Descending => " < ",
        }
    }
}

/// `(a, b) > (x, y)`: what follows the row with these values in a list that ascends, and with `<` in one
/// that descends.
pub(crate) fn beyond<L, V: Values<L>>(
    columns: L,
    values: V,
    direction: Direction,
) -> Comparison<L, V::Expressions> {
    Comparison {
        left: columns,
        sign: direction.sign(),
        right: values.into_expressions(),
    }
}

/// `a DESC, b DESC`, or without: columns that a list is ordered by in one direction.
pub(crate) const fn ordered<L>(columns: L, direction: Direction) -> Ordered<L> {
    Ordered { columns, direction }
}

/// Columns with the direction that a list has by them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ordered<L> {
    columns: L,
    direction: Direction,
}

impl<L> Expression for Ordered<L> {
    type SqlType = NotSelectable;
}

impl<L> QueryId for Ordered<L> {
    type QueryId = ();
    /// The direction is no part of the type.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<L, G> ValidGrouping<G> for Ordered<L> {
    type IsAggregate = is_aggregate::No;
}

impl<L: AppearsOnTable<T>, T> AppearsOnTable<T> for Ordered<L> {}

macro_rules! ordered_by {
    ($first:ident $(, $column:ident: $index:tt)*) => {
        impl<$first: QueryFragment<Pg> $(, $column: QueryFragment<Pg>)*> QueryFragment<Pg>
            for Ordered<($first, $($column,)*)>
        {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
                self.columns.0.walk_ast(out.reborrow())?;
                out.push_sql(self.direction.suffix());
                $(
                    out.push_sql(", ");
                    self.columns.$index.walk_ast(out.reborrow())?;
                    out.push_sql(self.direction.suffix());
                )*
                Ok(())
            }
        }
    };
}

ordered_by!(A);
ordered_by!(A, B: 1);
ordered_by!(A, B: 1, C: 2);

/// Values of the types of columns, one for each.
pub(crate) trait Values<L> {
    /// The values as SQL.
    type Expressions;

    fn into_expressions(self) -> Self::Expressions;
}

impl<A, X> Values<(A,)> for (X,)
where
    A: Expression<SqlType: SqlType + SingleValue>,
    X: AsExpression<A::SqlType>,
{
    type Expressions = (X::Expression,);

    fn into_expressions(self) -> Self::Expressions {
        (self.0.as_expression(),)
    }
}

impl<A, B, X, Y> Values<(A, B)> for (X, Y)
where
    A: Expression<SqlType: SqlType + SingleValue>,
    B: Expression<SqlType: SqlType + SingleValue>,
    X: AsExpression<A::SqlType>,
    Y: AsExpression<B::SqlType>,
{
    type Expressions = (X::Expression, Y::Expression);

    fn into_expressions(self) -> Self::Expressions {
        (self.0.as_expression(), self.1.as_expression())
    }
}

impl<A, B, C, X, Y, Z> Values<(A, B, C)> for (X, Y, Z)
where
    A: Expression<SqlType: SqlType + SingleValue>,
    B: Expression<SqlType: SqlType + SingleValue>,
    C: Expression<SqlType: SqlType + SingleValue>,
    X: AsExpression<A::SqlType>,
    Y: AsExpression<B::SqlType>,
    Z: AsExpression<C::SqlType>,
{
    type Expressions = (X::Expression, Y::Expression, Z::Expression);

    fn into_expressions(self) -> Self::Expressions {
        (
            self.0.as_expression(),
            self.1.as_expression(),
            self.2.as_expression(),
        )
    }
}

/// Two rows, side by side.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Comparison<L, R> {
    left: L,
    sign: &'static str,
    right: R,
}

impl<L, R> Expression for Comparison<L, R> {
    type SqlType = Bool;
}

impl<L, R> QueryId for Comparison<L, R> {
    type QueryId = ();
    /// The sign is no part of the type.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<L, R, G> ValidGrouping<G> for Comparison<L, R> {
    type IsAggregate = is_aggregate::No;
}

impl<L: AppearsOnTable<T>, R: AppearsOnTable<T>, T> AppearsOnTable<T> for Comparison<L, R> {}

impl<L: SelectableExpression<T>, R: SelectableExpression<T>, T> SelectableExpression<T>
    for Comparison<L, R>
{
}

impl<L: QueryFragment<Pg>, R: QueryFragment<Pg>> QueryFragment<Pg> for Comparison<L, R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(");
        self.left.walk_ast(out.reborrow())?;
        out.push_sql(")");
        out.push_sql(self.sign);
        out.push_sql("(");
        self.right.walk_ast(out.reborrow())?;
        out.push_sql(")");
        Ok(())
    }
}
