//! Finding groups by name, in the database alone.
//!
//! First come names that begin with what was typed, then those that hold it elsewhere, then those
//! that are like it; each by name. Each kind is looked for only when the ones before it do not fill
//! the page, so that what is typed letter by letter is answered by one range of one index.

use std::collections::HashMap;

use atlas_domain::directory::{GroupType, search_key};
use atlas_domain::ids::{GroupId, TenantId};
use diesel::dsl::not;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::read::{GroupPlace, GroupRow, GroupView};
use crate::error::StoreError;
use crate::functions::{WordSimilar, starts_with};
use crate::keyset::{Direction, beyond, ordered};
use crate::page::{PageRequest, Place};
use crate::pattern::containing;
use crate::pool::Store;
use crate::schema::directory_groups;

/// Fewer characters have no trigram, and are looked for at the beginning of names only.
const SHORTEST_INSIDE: usize = 3;

/// Which groups to list; the default lists all.
#[derive(Debug, Clone, Default)]
pub struct GroupFilter {
    /// Whose name is found by this.
    pub q: Option<String>,
    pub group_type: Option<GroupType>,
}

/// Where a group stands in its list.
const KEY: (directory_groups::name_key, directory_groups::id) =
    (directory_groups::name_key, directory_groups::id);

/// A tenant's groups that are there.
type Groups = directory_groups::BoxedQuery<'static, Pg, (Text, SqlUuid)>;

/// How names are found, and in what order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Rank {
    /// They begin with the text.
    Beginning,
    /// The text is within them.
    Within,
    /// They are similar to the text.
    Likeness,
}

/// How many similar names are read, in no order: reading all names that are similar to a common word
/// would take too long.
const LOOKED_AT: i64 = 1_000;
/// Of how many of them, in no order, a page is then sorted.
const JUDGED: usize = 200;

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
        let found = self
            .read(async |connection| {
                let search = Search::new(tenant, filter, page);
                let found = search.found(connection).await?;
                let ids = found.iter().map(|(_, id)| *id);
                let rows = directory_groups::table
                    .filter(directory_groups::tenant_id.eq(tenant.into_uuid()))
                    .filter(directory_groups::id.eq_any(ids))
                    .select(GroupRow::as_select())
                    .load(connection)
                    .await?;
                Ok((found, rows))
            })
            .await?;
        let (found, rows) = found;
        let mut rows: HashMap<Uuid, GroupRow> = rows.into_iter().map(|row| (row.id, row)).collect();
        found
            .into_iter()
            .filter_map(|(rank, id)| Some(rows.remove(&id)?.into_view(rank as i32)))
            .collect()
    }
}

/// One page of a search.
struct Search {
    tenant: Uuid,
    group_type: Option<GroupType>,
    /// As names are compared; empty when nothing was typed.
    typed: String,
    /// Where it is: how the row beside it was found, its name and its id.
    page: PageRequest<(i32, String, Uuid)>,
}

/// Groups with their ranks, in order.
type FoundGroups = Vec<(Rank, Uuid)>;

impl Search {
    fn new(
        tenant: TenantId,
        filter: &GroupFilter,
        page: PageRequest<(GroupPlace, GroupId)>,
    ) -> Self {
        Self {
            tenant: tenant.into_uuid(),
            group_type: filter.group_type,
            typed: filter.q.as_deref().map(search_key).unwrap_or_default(),
            page: page.map(|(place, id)| (place.rank, place.name_key, id.into_uuid())),
        }
    }

    /// The groups of the page.
    async fn found(&self, connection: &mut AsyncPgConnection) -> QueryResult<FoundGroups> {
        let mut found = FoundGroups::new();
        let mut ranks = [Rank::Beginning, Rank::Within, Rank::Likeness];
        if self.direction() == Direction::Descending {
            ranks.reverse();
        }
        let limit = self.page.limit;
        for rank in ranks {
            let wanted = limit - i64::try_from(found.len()).unwrap_or(limit);
            if wanted <= 0 || self.is_over(rank) {
                continue;
            }
            let keys = match rank {
                Rank::Beginning => self.beginning(wanted).load(connection).await?,
                Rank::Within => self.within(wanted).load(connection).await?,
                Rank::Likeness => self.in_order(self.alike().load(connection).await?, wanted),
            };
            found.extend(keys.into_iter().map(|(_, id)| (rank, id)));
        }
        Ok(self.page.in_list_order(found))
    }

    fn direction(&self) -> Direction {
        self.page.reads(Direction::Ascending)
    }

    /// Whether this way of finding names adds nothing: what it finds is on the other side of the row
    /// beside the page, or the text is too short for it.
    fn is_over(&self, rank: Rank) -> bool {
        let earlier = match &self.page.place {
            Place::First => false,
            Place::After((beside, ..)) => *beside > rank as i32,
            Place::Before((beside, ..)) => *beside < rank as i32,
        };
        let short = self.typed.chars().count() < SHORTEST_INSIDE;
        earlier || (short && rank != Rank::Beginning)
    }

    fn beginning(&self, limit: i64) -> Groups {
        let mut groups = self.page_of(Rank::Beginning, limit);
        if !self.typed.is_empty() {
            let end = format!("{}\u{10ffff}", self.typed);
            groups = groups
                .filter(directory_groups::name_key.ge(self.typed.clone()))
                .filter(directory_groups::name_key.lt(end));
        }
        groups
    }

    fn within(&self, limit: i64) -> Groups {
        let typed = self.typed.clone();
        self.page_of(Rank::Within, limit)
            .filter(directory_groups::name_key.like(containing(&typed)))
            .filter(not(starts_with(directory_groups::name_key, typed)))
    }

    /// So many groups from the row beside the page on, if that was found in this way.
    fn page_of(&self, rank: Rank, limit: i64) -> Groups {
        let direction = self.direction();
        let mut groups = self.groups().order(ordered(KEY, direction)).limit(limit);
        if let Some((name, id)) = self.beside(rank) {
            groups = groups.filter(beyond(KEY, (name.to_owned(), id), direction));
        }
        groups
    }

    /// Some that are like it, in no order. `detail` is always there, and in no index: asking for it
    /// keeps the planner from judging all of the tenant's names one by one out of the index of
    /// names, where the index of trigrams has few.
    fn alike(&self) -> Groups {
        let typed = self.typed.clone();
        self.groups()
            .filter(directory_groups::detail.is_not_null())
            .filter(WordSimilar::new(
                directory_groups::name_key,
                typed.into_sql::<Text>(),
            ))
            .limit(LOOKED_AT)
    }

    /// Of those that are like it and do not contain it, the ones of the page.
    fn in_order(&self, mut alike: Vec<(String, Uuid)>, limit: i64) -> Vec<(String, Uuid)> {
        alike.retain(|(key, _)| !key.contains(&self.typed));
        alike.truncate(JUDGED);
        alike.sort_unstable();
        if self.direction() == Direction::Descending {
            alike.reverse();
        }
        if let Some((name, id)) = self.beside(Rank::Likeness) {
            let is_passed = |(key, other): &(String, Uuid)| match self.direction() {
                Direction::Ascending => (key.as_str(), *other) <= (name, id),
                Direction::Descending => (key.as_str(), *other) >= (name, id),
            };
            alike.retain(|group| !is_passed(group));
        }
        alike.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        alike
    }

    fn groups(&self) -> Groups {
        let mut groups = directory_groups::table
            .filter(directory_groups::tenant_id.eq(self.tenant))
            .filter(directory_groups::removed_at.is_null())
            .select(KEY)
            .into_boxed();
        if let Some(group_type) = self.group_type {
            groups = groups.filter(directory_groups::group_type.eq(group_type.as_str()));
        }
        groups
    }

    /// The row beside the page, when its name was found in this way.
    fn beside(&self, rank: Rank) -> Option<(&str, Uuid)> {
        let (beside, name, id) = self.page.key()?;
        (*beside == rank as i32).then_some((name.as_str(), *id))
    }
}

#[cfg(test)]
mod tests {
    use atlas_domain::directory::GroupType;
    use atlas_domain::ids::TenantId;
    use atlas_test_support::TestDatabase;

    use super::{GroupFilter, Search};
    use crate::explain::{connect, plan};
    use crate::page::PageRequest;

    /// With as many groups as a large tenant has, every part of a search is answered by an index,
    /// and names are not read one by one.
    #[tokio::test]
    async fn searches_use_the_indexes_of_names_and_of_trigrams() {
        let database = TestDatabase::create().await;
        let seed = "INSERT INTO tenants (id, name, directory_id)
                VALUES (md5('t')::uuid, 't', md5('d')::uuid);
            INSERT INTO directory_groups (tenant_id, id, detail, fence)
            SELECT md5('t')::uuid, md5(n::text)::uuid,
                jsonb_build_object('name', md5(n::text), 'name_key', md5(n::text)), 1
            FROM generate_series(1, 20000) n; ANALYZE directory_groups";
        database
            .connection()
            .await
            .batch_execute(seed)
            .await
            .unwrap();
        let tenant: TenantId = "e358efa4-89f5-8062-f10d-d7316b65649e".parse().unwrap();
        let search = |q: Option<&str>, group_type| {
            let q = q.map(str::to_owned);
            Search::new(
                tenant,
                &GroupFilter { q, group_type },
                PageRequest::first(51),
            )
        };
        let connection = &mut connect(&database).await;
        let typed = search(Some("sales"), None);
        let every = search(None, None);
        let of_type = search(None, Some(GroupType::Security));
        for (groups, index) in [
            (typed.beginning(51), "name_key_id_idx"),
            (typed.within(51), "name_key_idx"),
            (typed.alike(), "name_key_idx"),
            (every.beginning(51), "name_key_id_idx"),
            (of_type.beginning(51), "group_type_name_key_id_idx"),
        ] {
            let plan = plan(connection, groups).await;
            assert!(plan.contains(index) && !plan.contains("Seq Scan"), "{plan}");
        }
    }
}
