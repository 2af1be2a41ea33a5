//! What a run was asked for.

use atlas_domain::inventory::verification;
use atlas_domain::run as domain;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a sync reads, as it was asked for: an absent member means the default.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Selection {
    /// Keys of policy types; foundations are not among them. Absent if all were selected by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 200)]
    policy_types: Option<Vec<String>>,
    /// Categories that the policy types are limited to. Absent if there is no such limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 200)]
    categories: Option<Vec<String>>,
    /// Whether foundations are read. By default they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    include_foundations: Option<bool>,
    /// Whether links of items are stored. By default they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    include_dependencies: Option<bool>,
    /// Which values are read although they are stored. Absent if those are that are due.
    #[serde(skip_serializing_if = "Option::is_none")]
    verify: Option<Verify>,
    /// Number of policy types that are selected, without foundations.
    policy_type_count: usize,
}

/// Whether a run goes before others that wait.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Priority {
    /// In the order of tenants and times.
    #[default]
    Normal,
    /// Before all runs with the normal priority.
    High,
}

/// Which values a sync reads although they are stored.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verify {
    /// Every value.
    All,
}

impl From<&atlas_domain::selection::Selection> for Selection {
    fn from(selection: &atlas_domain::selection::Selection) -> Self {
        let asked = selection.asked().clone();
        Self {
            policy_types: asked.policy_types,
            categories: asked.categories,
            include_foundations: asked.include_foundations,
            include_dependencies: asked.include_dependencies,
            verify: selection.verify().map(Verify::from),
            policy_type_count: selection.policy_types().len(),
        }
    }
}

impl From<Priority> for domain::Priority {
    fn from(priority: Priority) -> Self {
        match priority {
            Priority::Normal => Self::Normal,
            Priority::High => Self::High,
        }
    }
}

impl From<Verify> for verification::Verify {
    fn from(verify: Verify) -> Self {
        match verify {
            Verify::All => Self::All,
        }
    }
}

impl From<verification::Verify> for Verify {
    fn from(verify: verification::Verify) -> Self {
        match verify {
            verification::Verify::All => Self::All,
        }
    }
}
