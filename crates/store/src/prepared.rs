//! Constant SQL whose prepared statement each connection keeps.
//!
//! `sql_query` is prepared anew at every call, which costs a round trip. Its text is built at
//! compile time everywhere in this crate, so keeping the statement is safe.

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;

/// A query over constant text. Make it with [`prepared`].
#[derive(Debug)]
pub(crate) struct Prepared<Q>(Q);

/// Marks a query whose SQL text is the same at every call as worth keeping prepared.
pub(crate) const fn prepared<Q>(query: Q) -> Prepared<Q> {
    Prepared(query)
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Prepared<Q> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, _backend: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Q> QueryId for Prepared<Q> {
    type QueryId = ();
    /// Without a static id the statement is found by its text.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: Query> Query for Prepared<Q> {
    type SqlType = Q::SqlType;
}

impl crate::pool::Store {
    pub(crate) async fn connection(
        &self,
    ) -> Result<
        diesel_async::pooled_connection::deadpool::Object<diesel_async::AsyncPgConnection>,
        crate::error::StoreError,
    > {
        Ok(self.reads.get().await?)
    }
}
