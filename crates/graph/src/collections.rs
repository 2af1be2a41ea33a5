//! The graph half of the registry: where each policy type is read from, and how its rows are told
//! apart.
//!
//! The data are facts of the published metadata, SDKs and documentation of Microsoft Graph (beta
//! for Intune, v1.0 for Entra where it is complete). The domain's half has the same keys.

use std::sync::LazyLock;

use atlas_domain::policy_types::{PolicyTypeKey, registry};
use serde::Deserialize;
use serde_json::{Map, Value};

/// What kind of address a policy type is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// A paged collection.
    List,
    /// One object.
    Singleton,
    /// A paged collection under each object of a parent collection; the path has a placeholder in
    /// braces for the parent's id.
    Children,
    /// Offered to signed-in users only.
    DelegatedOnly,
}

/// What a list tells about the assignments of its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assignments {
    /// The list carries them, expanded.
    ExpandList,
    /// The type has none.
    None,
    /// The type has them, and the list does not carry them.
    NotTold,
}

/// Where one policy type is read from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collection {
    key: String,
    version: String,
    path: String,
    shape: Shape,
    query: String,
    #[serde(default)]
    pub(crate) routing: Option<Routing>,
    /// Rows with all of these values are Microsoft's own and belong to no tenant's inventory.
    #[serde(default)]
    pub(crate) leave_out: Map<String, Value>,
    #[serde(default = "id_property")]
    pub(crate) id: String,
    /// Properties that may hold the name; the first with text is taken.
    pub(crate) name: Vec<String>,
    #[serde(default)]
    pub(crate) scope_tags: Option<String>,
    assignments: Assignments,
    #[serde(default)]
    pub(crate) entity_type: Option<String>,
}

/// How the rows of a list that feeds several policy types are told apart. Server-side filters for
/// this have been rejected or ignored by the service, so rows are routed here.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Routing {
    /// JSON pointer (RFC 6901) to the value that decides.
    pub(crate) pointer: String,
    /// The values that mean this type.
    pub(crate) values: Vec<Value>,
    /// Whether rows that no type claims belong here.
    pub(crate) otherwise: bool,
}

fn id_property() -> String {
    "id".to_owned()
}

impl Collection {
    /// The policy type's key.
    ///
    /// # Panics
    /// When the two halves of the registry have different keys, which a test rules out.
    #[must_use]
    pub fn key(&self) -> PolicyTypeKey {
        registry()
            .find(&self.key)
            .expect("both halves of the registry have the same keys: a test compares them")
    }

    /// `beta` or `v1.0`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The path under the version, beginning with a slash.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query as it is sent, without a question mark; may be empty.
    #[must_use]
    pub fn query(&self) -> &str {
        &self.query
    }

    /// What kind of address the path is.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// What the list tells about assignments.
    #[must_use]
    pub const fn assignments(&self) -> Assignments {
        self.assignments
    }

    /// Whether both are read from the same address.
    pub(crate) fn shares_list_with(&self, other: &Self) -> bool {
        self.version == other.version && self.path == other.path
    }
}

static COLLECTIONS: LazyLock<Vec<Collection>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../data/collections.json"))
        .expect("the embedded collections are valid JSON: a test reads them")
});

/// Every collection, one per policy type and foundation, in the registry's order.
#[must_use]
pub fn collections() -> &'static [Collection] {
    &COLLECTIONS
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn both_halves_of_the_registry_have_the_same_keys() {
        let ours: BTreeSet<_> = collections().iter().map(|one| one.key.as_str()).collect();
        let domains: BTreeSet<_> = registry()
            .all()
            .iter()
            .map(|one| one.key.as_str())
            .collect();
        assert_eq!(ours, domains);
        assert_eq!(ours.len(), collections().len(), "a key occurs twice");
        for one in collections() {
            assert_eq!(
                one.shape == Shape::DelegatedOnly,
                !one.key().describe().app_only,
                "{}",
                one.key
            );
        }
    }

    #[test]
    fn keys_that_share_a_list_agree_on_the_request_and_route_every_row_to_one_key() {
        let mut lists: BTreeMap<_, Vec<&Collection>> = BTreeMap::new();
        for one in collections() {
            lists
                .entry((&one.version, &one.path))
                .or_default()
                .push(one);
        }
        assert_eq!(lists.len(), 99);
        for ((_, path), sharing) in lists {
            assert!(
                sharing.iter().all(|one| one.query == sharing[0].query),
                "{path}"
            );
            if sharing.len() == 1 {
                continue;
            }
            let routings: Vec<_> = sharing
                .iter()
                .map(|one| one.routing.as_ref().unwrap())
                .collect();
            let values: Vec<_> = routings.iter().flat_map(|one| &one.values).collect();
            let distinct: BTreeSet<_> = values.iter().map(|value| value.to_string()).collect();
            assert_eq!(
                distinct.len(),
                values.len(),
                "{path}: a value routes to two keys"
            );
            assert!(
                routings
                    .iter()
                    .all(|one| one.pointer == routings[0].pointer),
                "{path}"
            );
            assert!(
                routings.iter().filter(|one| one.otherwise).count() <= 1,
                "{path}"
            );
        }
    }

    #[test]
    fn queries_expand_assignments_exactly_where_the_entry_says_so() {
        for one in collections() {
            assert_eq!(
                one.query.contains("$expand=assignments"),
                one.assignments == Assignments::ExpandList,
                "{}",
                one.key
            );
            assert!(one.path.starts_with('/'), "{}", one.key);
            assert!(
                ["beta", "v1.0"].contains(&one.version.as_str()),
                "{}",
                one.key
            );
            assert_eq!(
                one.path.contains('{'),
                one.shape == Shape::Children,
                "{}",
                one.key
            );
        }
    }
}
