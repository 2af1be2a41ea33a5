//! Plans of statements, for tests.

use atlas_test_support::TestDatabase;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::Text;
use diesel_async::{AsyncConnection as _, AsyncPgConnection, RunQueryDsl};
use tokio_postgres::{Client, SimpleQueryMessage};

/// A connection that reads could run on.
pub(crate) async fn connect(database: &TestDatabase) -> AsyncPgConnection {
    AsyncPgConnection::establish(&database.url()).await.unwrap()
}

/// Runs a query and returns its plan, with the pages that each node touched.
pub(crate) async fn plan<Q>(connection: &mut AsyncPgConnection, query: Q) -> String
where
    Q: QueryFragment<Pg> + Send,
{
    let lines: Vec<String> = Explain(query).load(connection).await.unwrap();
    lines.join("\n")
}

/// The lines that statements return, such as those of a plan; the statements stand in one text.
pub(crate) async fn lines(client: &Client, statements: &str) -> String {
    let messages = client.simple_query(statements).await.unwrap();
    let lines = messages.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    lines.map(|line| format!("{line}\n")).collect()
}

/// The pages that the query of a plan touched, of tables and indexes, without those of planning it.
pub(crate) fn pages(plan: &str) -> u64 {
    let buffers = plan
        .lines()
        .find(|line| line.trim_start().starts_with("Buffers:"));
    let counts = buffers.into_iter().flat_map(|line| line.split([' ', ',']));
    let counts = counts.filter_map(|word| word.strip_prefix("hit=").or(word.strip_prefix("read=")));
    counts.map(|count| count.parse::<u64>().unwrap()).sum()
}

struct Explain<Q>(Q);

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Explain<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF) ");
        self.0.walk_ast(out)
    }
}

impl<Q> QueryId for Explain<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q> Query for Explain<Q> {
    type SqlType = Text;
}
