//! Which run had read a policy type last before a time.

use std::collections::{BTreeMap, BTreeSet};

use atlas_domain::ids::{RunId, TenantId};
use atlas_domain::inventory::TypeStatus;
use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::error::StoreError;
use crate::first_of_each::{by_two, first_of_each, second, value};
use crate::keyset::Direction;
use crate::pool::Store;
use crate::schema::inventory_type_results;

/// Results of lists that were read to their end. Of one that was not, nothing is known to be complete.
const READ: [TypeStatus; 2] = [TypeStatus::Succeeded, TypeStatus::Incomplete];

/// The last reading of a policy type before a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeReading {
    /// Key of the policy type.
    pub policy_type: String,
    pub run: RunId,
    /// When its list was read to its end.
    pub completed_at: DateTime<Utc>,
    /// Whether everything of it could be read.
    pub is_complete: bool,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = inventory_type_results, check_for_backend(Pg))]
struct ReadingRow {
    policy_type: String,
    run_id: Uuid,
    status: String,
    completed_at: Option<DateTime<Utc>>,
}

const KEY: (
    inventory_type_results::completed_at,
    inventory_type_results::run_id,
) = (
    inventory_type_results::completed_at,
    inventory_type_results::run_id,
);

impl Store {
    /// The last reading of each of these policy types that had ended at this time, by key. Types that
    /// were not read before, or by runs that retention has deleted, are left out.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn readings_before(
        &self,
        tenant: TenantId,
        policy_types: &[&str],
        time: DateTime<Utc>,
    ) -> Result<Vec<TypeReading>, StoreError> {
        let pairs = policy_types
            .iter()
            .flat_map(|key| READ.map(|status| ((*key).to_owned(), status.as_str().to_owned())));
        let pairs: Vec<(String, String)> = pairs.collect();
        let limit = i64::try_from(pairs.len()).unwrap_or(i64::MAX);
        let list = inventory_type_results::table
            .filter(inventory_type_results::tenant_id.eq(tenant.into_uuid()))
            .filter(inventory_type_results::policy_type.eq(value::<Text>()))
            .filter(inventory_type_results::status.eq(second::<Text>()))
            .filter(inventory_type_results::completed_at.le(time))
            .select(KEY)
            .order((KEY.0.desc(), KEY.1.desc()))
            .limit(1);
        let newest_first = Direction::Descending;
        let pairs = by_two::<Text, _>(pairs);
        let keys = first_of_each(KEY, newest_first, pairs, list, limit);
        let types: Vec<String> = policy_types.iter().map(|key| (*key).to_owned()).collect();
        let rows: Vec<ReadingRow> = self
            .read(async |connection| {
                let keys: Vec<(Option<DateTime<Utc>>, Uuid)> = keys.load(connection).await?;
                // Few runs, each of which has read many of the types.
                let runs: BTreeSet<Uuid> = keys.into_iter().map(|(_, run)| run).collect();
                inventory_type_results::table
                    .filter(inventory_type_results::run_id.eq_any(runs))
                    .filter(inventory_type_results::policy_type.eq_any(types))
                    .filter(inventory_type_results::status.eq_any(READ.map(TypeStatus::as_str)))
                    .filter(inventory_type_results::completed_at.le(time))
                    .select(ReadingRow::as_select())
                    .load(connection)
                    .await
            })
            .await?;
        // A run that was the last one for some types has read others, too, which later ones read again.
        let mut last: BTreeMap<String, TypeReading> = BTreeMap::new();
        for reading in rows.into_iter().filter_map(ReadingRow::into_reading) {
            let known = last.get(&reading.policy_type);
            if known.is_none_or(|known| known.completed_at < reading.completed_at) {
                last.insert(reading.policy_type.clone(), reading);
            }
        }
        Ok(last.into_values().collect())
    }
}

impl ReadingRow {
    fn into_reading(self) -> Option<TypeReading> {
        Some(TypeReading {
            run: RunId::from_uuid(self.run_id),
            completed_at: self.completed_at?,
            is_complete: self.status == TypeStatus::Succeeded.as_str(),
            policy_type: self.policy_type,
        })
    }
}
