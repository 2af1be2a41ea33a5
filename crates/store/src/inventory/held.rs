//! A condition for diesel's builder: whether an item is the target of a link. Links name their
//! targets by kind and id, and items of one kind may have several policy types, each in its own part
//! of the index.

use atlas_domain::inventory::link::TargetKind;
use diesel::expression::{
    AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate,
};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{Array, Bool, Text};

/// Whether an item, by the columns of its policy type and external id, is the target of a link, by
/// the columns of the target's kind and id.
pub(super) const fn is_target<I, L>(item: I, link: L) -> IsTarget<I, L> {
    IsTarget { item, link }
}

/// An item and a link.
#[derive(Debug, Clone, Copy)]
pub(super) struct IsTarget<I, L> {
    item: I,
    link: L,
}

impl<I, L> Expression for IsTarget<I, L> {
    type SqlType = Bool;
}

impl<I, L> QueryId for IsTarget<I, L> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<I, L, G> ValidGrouping<G> for IsTarget<I, L> {
    type IsAggregate = is_aggregate::No;
}

impl<I: AppearsOnTable<T>, L: AppearsOnTable<T>, T> AppearsOnTable<T> for IsTarget<I, L> {}

impl<I, L, T> SelectableExpression<T> for IsTarget<I, L> where Self: AppearsOnTable<T> {}

impl<P, E, K, T> QueryFragment<Pg> for IsTarget<(P, E), (K, T)>
where
    P: QueryFragment<Pg>,
    E: QueryFragment<Pg>,
    K: QueryFragment<Pg>,
    T: QueryFragment<Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(");
        self.item.0.walk_ast(out.reborrow())?;
        out.push_sql(" = ANY (CASE ");
        self.link.0.walk_ast(out.reborrow())?;
        for kind in TargetKind::ALL {
            out.push_sql(" WHEN ");
            out.push_bind_param::<Text, str>(kind.as_str())?;
            out.push_sql(" THEN ");
            out.push_bind_param::<Array<Text>, [&str]>(kind.policy_types())?;
        }
        out.push_sql(" END) AND ");
        self.item.1.walk_ast(out.reborrow())?;
        out.push_sql(" = ");
        self.link.1.walk_ast(out.reborrow())?;
        // As the items' column is, whose index could not be asked otherwise.
        out.push_sql(" COLLATE \"default\")");
        Ok(())
    }
}
