//! Names of the groups and assignment filters that assignments refer to by id.

use std::collections::{BTreeSet, HashMap};

use atlas_domain::ids::{ItemId, TenantId};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::changes::ItemName;
use super::links::group_names;
use crate::error::StoreError;
use crate::pool::Store;
use crate::schema::inventory_items;

/// The policy type of assignment filters.
const FILTERS: &str = "assignmentFilter";

/// Where assignments of Microsoft Graph, and qualifiers of links, hold ids.
const GROUP: &str = "groupId";
const FILTER: [&str; 2] = ["deviceAndAppManagementAssignmentFilterId", "filter_id"];

/// The names of what assignments refer to, as far as it is stored.
#[derive(Debug, Clone, Default)]
pub struct AssignmentNames {
    groups: HashMap<String, String>,
    filters: HashMap<String, ItemName>,
}

/// The ids that some assignments refer to, sorted.
#[derive(Debug, Default)]
pub struct AssignmentIds {
    /// Of groups.
    pub groups: BTreeSet<String>,
    /// Of assignment filters.
    pub filters: BTreeSet<String>,
}

impl AssignmentIds {
    /// Those within the values, at any depth.
    pub fn within<'a>(values: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut ids = Self::default();
        values.into_iter().for_each(|value| ids.collect(value));
        ids
    }

    fn collect(&mut self, value: &Value) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    match member {
                        Value::String(id) if name == GROUP => {
                            self.groups.insert(id.clone());
                        }
                        Value::String(id) if FILTER.contains(&name.as_str()) => {
                            self.filters.insert(id.clone());
                        }
                        other => self.collect(other),
                    }
                }
            }
            Value::Array(elements) => elements.iter().for_each(|element| self.collect(element)),
            _ => {}
        }
    }
}

impl AssignmentNames {
    /// The name of the group, if it is stored.
    #[must_use]
    pub fn group(&self, id: &str) -> Option<&str> {
        self.groups.get(id).map(String::as_str)
    }

    /// The item that the assignment filter is, if it is stored.
    #[must_use]
    pub fn filter(&self, id: &str) -> Option<&ItemName> {
        self.filters.get(id)
    }
}

impl Store {
    /// The names of what assignments of the tenant, or qualifiers of its links, refer to.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn assignment_names(
        &self,
        tenant: TenantId,
        ids: AssignmentIds,
    ) -> Result<AssignmentNames, StoreError> {
        if ids.groups.is_empty() && ids.filters.is_empty() {
            return Ok(AssignmentNames::default());
        }
        let groups: BTreeSet<Uuid> = ids.groups.iter().filter_map(|id| id.parse().ok()).collect();
        let filters = inventory_items::table
            .filter(inventory_items::tenant_id.eq(tenant.into_uuid()))
            .filter(inventory_items::policy_type.eq(FILTERS))
            .filter(inventory_items::external_id.eq_any(ids.filters))
            .select((
                inventory_items::id,
                inventory_items::policy_type,
                inventory_items::external_id,
                inventory_items::name,
            ));
        let (groups, filters) = self
            .read(async |connection| {
                let groups = group_names(connection, tenant, groups).await?;
                let filters: Vec<(Uuid, String, String, String)> = filters.load(connection).await?;
                Ok((groups, filters))
            })
            .await?;
        let named = filters
            .into_iter()
            .map(|(id, policy_type, external_id, name)| {
                let item = ItemName {
                    id: ItemId::from_uuid(id),
                    policy_type,
                    external_id,
                    name,
                };
                (item.external_id.clone(), item)
            });
        Ok(AssignmentNames {
            groups: groups
                .into_iter()
                .map(|(id, name)| (id.to_string(), name))
                .collect(),
            filters: named.collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_of_groups_and_filters_are_found_at_any_depth() {
        let assignment = json!({"intent": "apply", "target": {
            "groupId": "g1", "deviceAndAppManagementAssignmentFilterId": "f1"}});
        let several = json!([{"target": {"groupId": "g2"}}, {"filter_id": "f2", "groupId": null}]);
        let ids = AssignmentIds::within([&assignment, &several]);
        assert!(ids.groups.iter().eq(["g1", "g2"]));
        assert!(ids.filters.iter().eq(["f1", "f2"]));
    }
}
