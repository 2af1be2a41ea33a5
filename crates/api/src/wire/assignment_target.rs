//! Names of what assignments refer to by id.

use atlas_domain::inventory::link::TargetKind;
use atlas_store::{AssignmentIds, AssignmentNames, ItemName};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// A group or an assignment filter that assignments refer to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AssignmentTarget {
    /// `group` or `assignment_filter`. New kinds may be added.
    #[schema(max_length = 64, pattern = "^[a-z][a-z0-9_]*$")]
    kind: &'static str,
    /// Its identifier, as the assignments have it.
    #[schema(max_length = 1024)]
    id: String,
    /// Its name.
    #[schema(max_length = 4096)]
    name: String,
    /// Its identifier in the inventory, if it is an item.
    #[serde(skip_serializing_if = "Option::is_none")]
    item_id: Option<Uuid>,
}

impl AssignmentTarget {
    /// Those in the assignments whose names are known.
    pub(crate) fn among<'a>(
        assignments: impl IntoIterator<Item = &'a Value>,
        names: &AssignmentNames,
    ) -> Vec<Self> {
        let ids = AssignmentIds::within(assignments);
        let groups = ids.groups.into_iter().filter_map(|id| {
            let name = names.group(&id)?.to_owned();
            Some(Self {
                kind: TargetKind::Group.as_str(),
                id,
                name,
                item_id: None,
            })
        });
        let filters = ids.filters.into_iter();
        let filters = filters.filter_map(|id| names.filter(&id).map(Self::of_filter));
        groups.chain(filters).collect()
    }

    /// An assignment filter.
    pub(crate) fn of_filter(filter: &ItemName) -> Self {
        Self {
            kind: TargetKind::AssignmentFilter.as_str(),
            id: filter.external_id.clone(),
            name: filter.name.clone(),
            item_id: Some(filter.id.into_uuid()),
        }
    }
}
