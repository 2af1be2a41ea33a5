//! The table of collections: which paths there are, what their rows look like and which policy
//! types they feed.
//!
//! The data (`data/collections.json`) are facts of the published metadata, SDKs and documentation
//! of Microsoft Graph.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A paged collection.
    List,
    /// One object.
    Singleton,
    /// A paged collection under each object of a parent collection; the path holds a placeholder
    /// in braces for the parent's id.
    Children,
    /// A collection that answers 403 to every application: only users may read it.
    DelegatedOnly,
}

/// How the assignments of a collection's objects can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Assignments {
    /// By `$expand=assignments` on the list and on the object, and at `/{id}/assignments`.
    Expand,
    /// At `/{id}/assignments` and expanded on the object, not on the list.
    Subresource,
    /// Expanded on the object only.
    Item,
    /// There are none.
    None,
}

/// What payload the rows have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shape {
    Plain,
    ConfigurationPolicy,
    ReusableSetting,
    Intent,
    DeviceConfiguration,
    CompliancePolicy,
    CompliancePolicyV2,
    MobileApp,
    AppConfiguration,
    ManagedAppPolicy,
    PolicySet,
    CloudPcPolicy,
    CloudPcUserSetting,
    ConditionalAccess,
    HealthScript,
    Script,
    GroupPolicy,
    AssignmentFilter,
    ScopeTag,
    NotificationTemplate,
    Group,
    Enrollment,
    NamedLocation,
    RoleDefinition,
    RoleAssignment,
    VppToken,
    DepToken,
    PartnerTenant,
    Organization,
}

/// What the ids of a collection look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IdForm {
    /// A GUID.
    Guid,
    /// `T_` and a GUID.
    ManagedApp,
    /// Counted from 0.
    Number,
    /// `c` and a number counted from 1.
    Context,
    /// The id of another tenant, in `tenantId`; the row has no `id`.
    Tenant,
    /// A GUID and a suffix that names the kind.
    Enrollment,
    /// The parent's id and a GUID.
    Child,
    /// A GUID and `_1`.
    Template,
}

/// A policy type that is read from a collection.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Variant {
    pub(crate) key: String,
    /// The type's share of a tenant's objects beyond the first one: 0 for what tenants have one or two
    /// of, 1 for what they have some of.
    pub(crate) weight: u32,
    /// The values of `@odata.type` that its rows have; empty when rows carry none.
    #[serde(default)]
    pub(crate) odata_types: Vec<String>,
    /// The values of `templateReference.templateFamily` that its rows have.
    #[serde(default)]
    pub(crate) template_families: Vec<String>,
}

/// One path of Graph.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collection {
    /// Under the version, beginning with a slash.
    path: String,
    /// Where clients should read it: `v1.0` when everything that is compared is there, else `beta`.
    version: String,
    /// The versions under which the path answers at all.
    pub(crate) versions: Vec<String>,
    kind: Kind,
    /// The entity's name in the metadata, with its namespace: `microsoft.graph.mobileApp`.
    pub(crate) entity_type: String,
    pub(crate) shape: Shape,
    pub(crate) id_form: IdForm,
    /// Properties of the row, where it has them.
    pub(crate) name_property: Option<String>,
    pub(crate) created_property: Option<String>,
    pub(crate) modified_property: Option<String>,
    pub(crate) version_property: Option<String>,
    pub(crate) scope_tag_property: Option<String>,
    /// Whether `v1.0` has the scope tags, too, and not only `beta`.
    pub(crate) scope_tags_in_v1: bool,
    pub(crate) assignments: Assignments,
    /// Rows of a page when `$top` is not given. Where no documentation says it: 1000.
    pub(crate) page_size: usize,
    /// The largest `$top` that is honoured; a larger one is cut down to it. Where no documentation says
    /// it: 1000.
    pub(crate) max_top: usize,
    /// The application permission that reading needs.
    pub(crate) permission: Option<String>,
    /// How many of Microsoft's own objects stand in the list beside the tenant's.
    #[serde(default)]
    pub(crate) built_in: u32,
    pub(crate) variants: Vec<Variant>,
}

impl Collection {
    /// The path under the version, beginning with a slash.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The version that clients should read it from: `beta` or `v1.0`. Some paths answer under
    /// both.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What stands at the path.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The keys of the policy types that are read from it.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.variants.iter().map(|variant| variant.key.as_str())
    }

    /// The segments of the path.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &str> {
        self.path.split('/').skip(1)
    }

    /// Whether the path is one of Intune's, which have errors and counts of their own kind.
    pub(crate) fn is_intune(&self) -> bool {
        self.path.starts_with("/deviceManagement") || self.path.starts_with("/deviceAppManagement")
    }
}

static TABLE: LazyLock<Vec<Collection>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../data/collections.json"))
        .expect("crates/graph-sim/data/collections.json is valid: a test reads it")
});

static INDEX: LazyLock<HashMap<&'static str, usize>> = LazyLock::new(|| {
    let paths = TABLE.iter().map(Collection::path);
    paths.zip(0..).collect()
});

/// Where a path stands in the table.
///
/// # Panics
/// When it does not: paths in the code are the table's.
pub(crate) fn index_of(path: &str) -> usize {
    INDEX[path]
}

/// Every path that the simulator answers on.
#[must_use]
pub fn collections() -> &'static [Collection] {
    &TABLE
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code ends at the first surprise")]

    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_key_and_every_path_stands_in_the_table_once() {
        let (mut paths, mut keys) = (BTreeSet::new(), BTreeSet::new());
        for one in collections() {
            assert!(paths.insert(one.path()), "{} occurs twice", one.path());
            assert!(!one.variants.is_empty(), "{} has no variant", one.path());
            for key in one.keys() {
                assert!(keys.insert(key), "{key} occurs twice");
            }
        }
    }

    #[test]
    fn rows_of_shared_lists_can_be_distinguished() {
        for collection in collections().iter().filter(|one| one.variants.len() > 1) {
            // App configurations share a type; a member of the row distinguishes them.
            if collection.shape == Shape::AppConfiguration {
                continue;
            }
            let mut marks_before = BTreeSet::new();
            for variant in &collection.variants {
                let marks: BTreeSet<_> = variant
                    .odata_types
                    .iter()
                    .chain(&variant.template_families)
                    .collect();
                assert!(
                    !marks.is_empty() && marks.is_disjoint(&marks_before),
                    "{}",
                    variant.key
                );
                marks_before.extend(marks);
            }
        }
    }

    #[test]
    fn a_path_answers_under_the_version_it_is_read_from() {
        for collection in collections() {
            let path = collection.path();
            assert!(collection.versions.contains(&collection.version), "{path}");
            assert!(collection.page_size > 0 && collection.max_top > 0, "{path}");
        }
    }
}
