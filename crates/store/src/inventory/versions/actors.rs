//! Who made the changes that began versions. Changes are recorded in the moment from which the version is
//! valid.

use std::collections::BTreeMap;

use atlas_domain::ids::{ItemId, TenantId};
use atlas_domain::inventory::actor::{ChangeActor, attribute};
use atlas_domain::inventory::change::ChangeKind;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::VersionSummary;
use crate::error::StoreError;
use crate::inventory::changes::made_by;
use crate::pool::Store;
use crate::schema::inventory_changes;

impl Store {
    /// These versions of the item with the actors of the changes that began them.
    pub(super) async fn with_actors(
        &self,
        tenant: TenantId,
        item: ItemId,
        mut versions: Vec<VersionSummary>,
    ) -> Result<Vec<VersionSummary>, StoreError> {
        let times: Vec<_> = versions.iter().map(|one| one.valid_from).collect();
        let query = inventory_changes::table
            .filter(inventory_changes::tenant_id.eq(tenant.into_uuid()))
            .filter(inventory_changes::item_id.eq(item.into_uuid()))
            .filter(inventory_changes::occurred_at.eq_any(times))
            .filter(inventory_changes::kind.ne(ChangeKind::Gone.as_str()))
            .filter(inventory_changes::actors.is_not_null())
            .select((inventory_changes::occurred_at, inventory_changes::actors));
        let rows: Vec<(DateTime<Utc>, Option<Value>)> = self
            .read(async |connection| query.load(connection).await)
            .await?;
        let mut by_time: BTreeMap<DateTime<Utc>, Vec<ChangeActor>> = BTreeMap::new();
        for (time, actors) in rows {
            let made_by = made_by(None, actors)?;
            by_time.entry(time).or_default().extend(made_by.actors);
        }
        for version in &mut versions {
            let actors = by_time.remove(&version.valid_from).unwrap_or_default();
            version.made_by = Some(attribute(actors));
        }
        Ok(versions)
    }
}
