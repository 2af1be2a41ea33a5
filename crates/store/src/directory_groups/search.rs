//! Finding groups by name, in the database alone.
//!
//! First come names that begin with what was typed, then those that hold it elsewhere, then those
//! that are like it; each by name. Each kind is looked for only when the ones before it do not fill
//! the page, so that what is typed letter by letter is answered by one range of one index.

use atlas_domain::directory::{GroupType, search_key};
use atlas_domain::ids::{GroupId, TenantId};
use const_format::concatcp;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::read::{COLUMNS, GroupRow, GroupView};
use crate::error::StoreError;
use crate::page::PageRequest;
use crate::pool::Store;
use crate::prepared::prepared;

/// Fewer characters have no trigram, and are looked for at the beginning of names only.
const SHORTEST_INSIDE: usize = 3;

/// Which groups to list; an empty filter is none.
#[derive(Debug, Clone, Default)]
pub struct GroupFilter {
    /// Whose name is found by this.
    pub q: Option<String>,
    /// Of this type.
    pub group_type: Option<GroupType>,
}

/// Where a group stands in a list, before its id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupPlace {
    /// How it was found: 0 by the beginning of its name, 1 within it, 2 by likeness.
    pub rank: i32,
    /// Its name as it is compared.
    pub name_key: String,
}

/// $2 and $3 the place of the last row, $4 limit, $5 type.
const LIST: &str = concatcp!(
    "SELECT ",
    COLUMNS,
    ", 0 AS rank FROM directory_groups g WHERE g.tenant_id = $1 AND g.removed_at IS NULL \
        AND (g.name_key, g.id) > ($2, $3) AND $5 IS NULL ORDER BY g.name_key, g.id LIMIT $4"
);
const LIST_OF_TYPE: &str = concatcp!(
    "SELECT ",
    COLUMNS,
    ", 0 AS rank FROM directory_groups g WHERE g.tenant_id = $1 AND g.removed_at IS NULL \
        AND g.group_type = $5 AND (g.name_key, g.id) > ($2, $3) \
    ORDER BY g.name_key, g.id LIMIT $4"
);

/// $2 to $5 as above, $6 what was typed and $7 the end of the names that begin with it, $8 the
/// pattern for names that hold it, $9 the last row's rank, $10 whether to look inside of names.
///
/// Likeness is judged among a bounded number of names: what so many others are like is not found by
/// it. `detail` is always there, and in no index: asking for it keeps the planner from judging all of
/// the tenant's names one by one out of the index of names, where the index of trigrams has few.
const SEARCH: &str = concatcp!(
    "WITH beginning AS MATERIALIZED ( \
        SELECT g.id, g.name_key, 0 AS rank FROM directory_groups g \
        WHERE g.tenant_id = $1 AND g.removed_at IS NULL AND $9 = 0 \
            AND g.name_key >= $6 AND g.name_key < $7 AND (g.name_key, g.id) > ($2, $3) \
            AND ($5 IS NULL OR g.group_type = $5) \
        ORDER BY g.name_key, g.id LIMIT $4), \
    holding AS MATERIALIZED ( \
        SELECT g.id, g.name_key, 1 AS rank FROM directory_groups g \
        WHERE g.tenant_id = $1 AND g.removed_at IS NULL AND $10 AND $9 <= 1 \
            AND g.name_key LIKE $8 AND NOT starts_with(g.name_key, $6) \
            AND ($9 < 1 OR (g.name_key, g.id) > ($2, $3)) \
            AND ($5 IS NULL OR g.group_type = $5) \
            AND (SELECT count(*) FROM beginning) < $4 \
        ORDER BY g.name_key, g.id LIMIT $4), \
    alike AS MATERIALIZED ( \
        SELECT g.id, g.name_key, 2 AS rank FROM directory_groups g \
        WHERE g.tenant_id = $1 AND g.removed_at IS NULL AND $10 \
            AND g.detail IS NOT NULL AND g.name_key %> $6 AND g.name_key NOT LIKE $8 \
            AND ($5 IS NULL OR g.group_type = $5) \
            AND (SELECT count(*) FROM beginning) + (SELECT count(*) FROM holding) < $4 \
        LIMIT 200), \
    found AS ( \
        SELECT * FROM beginning UNION ALL SELECT * FROM holding \
        UNION ALL SELECT * FROM alike a WHERE $9 < 2 OR (a.name_key, a.id) > ($2, $3)), \
    page AS (SELECT * FROM found ORDER BY rank, name_key, id LIMIT $4) \
    SELECT ",
    COLUMNS,
    ", p.rank FROM page p JOIN directory_groups g ON g.tenant_id = $1 AND g.id = p.id \
    ORDER BY p.rank, p.name_key, p.id"
);

impl Store {
    /// A tenant's groups that are there, by name, or as they are found by what was typed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn groups(
        &self,
        tenant: TenantId,
        filter: &GroupFilter,
        page: PageRequest<(GroupPlace, GroupId)>,
    ) -> Result<Vec<GroupView>, StoreError> {
        let typed = filter.q.as_deref().map(search_key).unwrap_or_default();
        let group_type = filter.group_type.map(GroupType::as_str);
        // Before every name that begins with what was typed.
        let first = || {
            let name_key = typed.clone();
            (GroupPlace { rank: 0, name_key }, Uuid::nil())
        };
        let after = page.after.map(|(place, id)| (place, id.into_uuid()));
        let (place, after) = after.unwrap_or_else(first);
        let mut connection = self.connection().await?;
        let rows: Vec<GroupRow> = if typed.is_empty() {
            let statement = if group_type.is_some() {
                LIST_OF_TYPE
            } else {
                LIST
            };
            prepared(
                sql_query(statement)
                    .bind::<SqlUuid, _>(tenant.into_uuid())
                    .bind::<Text, _>(place.name_key)
                    .bind::<SqlUuid, _>(after)
                    .bind::<BigInt, _>(page.limit)
                    .bind::<Nullable<Text>, _>(group_type),
            )
            .load(&mut connection)
            .await?
        } else {
            let inside = typed.chars().count() >= SHORTEST_INSIDE;
            prepared(
                sql_query(SEARCH)
                    .bind::<SqlUuid, _>(tenant.into_uuid())
                    .bind::<Text, _>(place.name_key)
                    .bind::<SqlUuid, _>(after)
                    .bind::<BigInt, _>(page.limit)
                    .bind::<Nullable<Text>, _>(group_type)
                    .bind::<Text, _>(&typed)
                    .bind::<Text, _>(format!("{typed}\u{10ffff}"))
                    .bind::<Text, _>(pattern(&typed))
                    .bind::<Integer, _>(place.rank)
                    .bind::<Bool, _>(inside),
            )
            .load(&mut connection)
            .await?
        };
        rows.into_iter().map(GroupRow::into_view).collect()
    }
}

/// Names that hold this text.
fn pattern(typed: &str) -> String {
    let mut pattern = String::with_capacity(typed.len() + 2);
    pattern.push('%');
    for letter in typed.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use atlas_test_support::TestDatabase;

    use super::{LIST, LIST_OF_TYPE, SEARCH, pattern};

    #[test]
    fn what_is_typed_is_no_pattern() {
        assert_eq!(pattern(r"50%_\x"), r"%50\%\_\\x%");
    }

    async fn plan(connection: &tokio_postgres::Client, statement: &str) -> String {
        let typed = [
            ("$10", "true"),
            ("$1", "md5('t')::uuid"),
            ("$2", "'sales'"),
            ("$3", "'00000000-0000-0000-0000-000000000000'"),
            ("$4", "51"),
            ("$5", "null::text"),
            ("$6", "'sales'"),
            ("$7", "'salet'"),
            ("$8", "'%sales%'"),
            ("$9", "0"),
        ];
        let statement = typed.iter().fold(statement.to_owned(), |text, (from, to)| {
            text.replace(from, to)
        });
        let rows = connection
            .simple_query(&format!("EXPLAIN {statement}"))
            .await
            .unwrap();
        rows.iter()
            .filter_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
                _ => None,
            })
            .map(|line| format!("{line}\n"))
            .collect()
    }

    /// With as many groups as a large tenant has, every part of a search is answered by an index,
    /// and names are not read one by one.
    #[tokio::test]
    async fn searches_use_the_indexes_of_names_and_of_trigrams() {
        let database = TestDatabase::create().await;
        let connection = database.connection().await;
        let seed = "INSERT INTO tenants (id, name, directory_id) \
                VALUES (md5('t')::uuid, 't', md5('d')::uuid); \
            INSERT INTO directory_groups (tenant_id, id, detail, fence) \
            SELECT md5('t')::uuid, md5(n::text)::uuid, \
                jsonb_build_object('name', md5(n::text), 'name_key', md5(n::text)), 1 \
            FROM generate_series(1, 20000) n; ANALYZE directory_groups";
        connection.batch_execute(seed).await.unwrap();
        let search = plan(&connection, SEARCH).await;
        for index in ["tenant_id_name_key_id_idx", "name_key_idx"] {
            assert!(search.contains(index), "{search}");
        }
        for statement in [SEARCH, LIST, LIST_OF_TYPE] {
            let plan = plan(&connection, statement).await;
            assert!(!plan.contains("Seq Scan"), "{plan}");
        }
    }
}
