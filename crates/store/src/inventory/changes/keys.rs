//! What a page of changes is found by: when they were recorded, and their ids, which indexes have.

use std::collections::BTreeSet;

use atlas_domain::ids::{ChangeId, TenantId};
use atlas_domain::inventory::change::ChangeKind;
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::QueryFragment;
use diesel::sql_types::{Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::ChangeFilter;
use crate::first_of_each::{by_one, by_two, first_of_each, second, value};
use crate::keyset::{Direction, beyond, ordered};
use crate::page::PageRequest;
use crate::schema::{inventory_change_actors, inventory_changes};

/// A query for the keys of a tenant's changes: when they were recorded, and their ids.
pub(super) type Keys = Box<dyn QueryFragment<Pg> + Send>;
type BoxedKeys = inventory_changes::BoxedQuery<'static, Pg, (Timestamptz, SqlUuid)>;

pub(super) const KEY: (inventory_changes::occurred_at, inventory_changes::id) =
    (inventory_changes::occurred_at, inventory_changes::id);

/// Pairs of a policy type and a kind that are looked for one by one; more are looked for among all
/// changes of the tenant, of which they are then many.
const MAX_PAIRS: usize = 50;

/// A run and the time in which it detected changes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) run: Uuid,
    pub(super) from: DateTime<Utc>,
    pub(super) to: Option<DateTime<Utc>>,
}

impl ChangeFilter {
    /// The keys of the page, of any kind, policy type and actor.
    fn of_any_words(
        &self,
        tenant: TenantId,
        page: &PageRequest<(DateTime<Utc>, ChangeId)>,
    ) -> BoxedKeys {
        let direction = self.direction(page);
        let mut keys = inventory_changes::table
            .filter(inventory_changes::tenant_id.eq(tenant.into_uuid()))
            .select(KEY)
            .into_boxed()
            .order(ordered(KEY, direction))
            .limit(page.limit);
        if let Some((time, id)) = page.key() {
            keys = keys.filter(beyond(KEY, (*time, id.into_uuid()), direction));
        }
        if let Some(time) = self.since {
            keys = keys.filter(inventory_changes::occurred_at.ge(time));
        }
        if let Some(item) = self.item {
            keys = keys.filter(inventory_changes::item_id.eq(item.into_uuid()));
        }
        keys
    }

    fn direction(&self, page: &PageRequest<(DateTime<Utc>, ChangeId)>) -> Direction {
        page.reads(Direction::ascending(self.ascending))
    }

    /// The keys of the page of what a run detected: a part of the tenant's changes by time.
    pub(super) fn of_run(
        &self,
        tenant: TenantId,
        span: Span,
        page: &PageRequest<(DateTime<Utc>, ChangeId)>,
    ) -> BoxedKeys {
        let keys = of_words(self.of_any_words(tenant, page), self.kinds(), self.types());
        let mut keys = keys
            .filter(inventory_changes::run_id.eq(span.run))
            .filter(inventory_changes::occurred_at.ge(span.from));
        if let Some(end) = span.to {
            keys = keys.filter(inventory_changes::occurred_at.le(end));
        }
        keys
    }

    /// The keys of the page. Where several kinds or types are asked for, each gives its own, so
    /// that rare ones are not looked for among many others.
    pub(super) fn keys(
        &self,
        tenant: TenantId,
        page: &PageRequest<(DateTime<Utc>, ChangeId)>,
    ) -> Keys {
        let (kinds, types) = (self.kinds(), self.types());
        if let Some(actor) = &self.actor {
            return self.of_actor(tenant, &actor.to_lowercase(), page);
        }
        let (direction, limit) = (self.direction(page), page.limit);
        let keys = self.of_any_words(tenant, page);
        if self.item.is_some() {
            return Box::new(of_words(keys, kinds, types));
        }
        let every_kind = || ChangeKind::WORDS.map(str::to_owned).to_vec();
        let kinds_of_types = if kinds.is_empty() {
            every_kind()
        } else {
            kinds.clone()
        };
        match (types.is_empty(), kinds.is_empty()) {
            (true, true) => Box::new(keys),
            (true, false) => {
                let list = keys.filter(inventory_changes::kind.eq(value::<Text>()));
                let kinds = by_one::<Text, _>(kinds);
                Box::new(first_of_each(KEY, direction, kinds, list, limit))
            }
            (false, _) if types.len() * kinds_of_types.len() <= MAX_PAIRS => {
                let pairs = types.iter().flat_map(|one| {
                    kinds_of_types
                        .iter()
                        .map(|kind| (one.clone(), kind.clone()))
                });
                let list = keys
                    .filter(inventory_changes::policy_type.eq(value::<Text>()))
                    .filter(inventory_changes::kind.eq(second::<Text>()));
                let pairs = by_two::<Text, _>(pairs.collect());
                Box::new(first_of_each(KEY, direction, pairs, list, limit))
            }
            (false, _) => Box::new(of_words(keys, kinds, types)),
        }
    }

    /// The keys of the page of an actor's changes, which an index has with all that is asked for.
    fn of_actor(
        &self,
        tenant: TenantId,
        actor: &str,
        page: &PageRequest<(DateTime<Utc>, ChangeId)>,
    ) -> Keys {
        let direction = self.direction(page);
        let key = (
            inventory_change_actors::occurred_at,
            inventory_change_actors::change_id,
        );
        let mut keys = inventory_change_actors::table
            .filter(inventory_change_actors::tenant_id.eq(tenant.into_uuid()))
            .filter(inventory_change_actors::actor.eq(actor.to_owned()))
            .select(key)
            .into_boxed()
            .order(ordered(key, direction))
            .limit(page.limit);
        if let Some((time, id)) = page.key() {
            keys = keys.filter(beyond(key, (*time, id.into_uuid()), direction));
        }
        if let Some(time) = self.since {
            keys = keys.filter(inventory_change_actors::occurred_at.ge(time));
        }
        if let Some(item) = self.item {
            keys = keys.filter(inventory_change_actors::item_id.eq(item.into_uuid()));
        }
        let (kinds, types) = (self.kinds(), self.types());
        if !kinds.is_empty() {
            keys = keys.filter(inventory_change_actors::kind.eq_any(kinds));
        }
        if !types.is_empty() {
            keys = keys.filter(inventory_change_actors::policy_type.eq_any(types));
        }
        Box::new(keys)
    }

    /// The kinds, each once.
    fn kinds(&self) -> Vec<String> {
        let kinds: BTreeSet<&str> = self.kinds.iter().map(|kind| kind.as_str()).collect();
        kinds.into_iter().map(str::to_owned).collect()
    }

    /// The policy types, each once.
    fn types(&self) -> Vec<String> {
        let types: BTreeSet<&String> = self.policy_types.iter().collect();
        types.into_iter().cloned().collect()
    }
}

/// The keys of changes of these kinds and policy types.
fn of_words(mut keys: BoxedKeys, kinds: Vec<String>, types: Vec<String>) -> BoxedKeys {
    if !kinds.is_empty() {
        keys = keys.filter(inventory_changes::kind.eq_any(kinds));
    }
    if !types.is_empty() {
        keys = keys.filter(inventory_changes::policy_type.eq_any(types));
    }
    keys
}
