//! Graph's table of the registry: where each policy type is read from, and how its rows are
//! distinguished.
//!
//! The data are facts of the published metadata, SDKs and documentation of Microsoft Graph (beta
//! for Intune, v1.0 for Entra where it is complete). The domain's table has the same keys.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
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

/// Where the assignments of a list's rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assignments {
    /// The list carries them, expanded.
    ExpandList,
    /// Each object has a collection of them under its address.
    SubResource,
    /// Each object carries them, expanded, when it is read by itself.
    ExpandItem,
    /// The type has none.
    None,
}

/// What has to be read for an object's links besides its list and its assignments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Related {
    /// Scope tags and categories of an app. The list of apps carries wrong scope tags.
    App,
    /// Which apps an app replaces or needs.
    AppRelations,
    /// Certificate profiles and derived credentials of a profile.
    Certificates,
    /// Settings and rules of a compliance policy of the settings catalog.
    ComplianceRules,
    /// The uploaded definition files that an administrative template uses.
    DefinitionFiles,
    /// What a policy set bundles.
    PolicySetItems,
    /// The reusable settings that a policy refers to.
    ReusableSettings,
    /// Role, members and scopes of a role assignment.
    RoleAssignment,
}

/// Where the values of an object are that its list row does not carry (`atlas_domain::inventory::values`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ValuesAt {
    /// Settings of the settings catalog under the object. Lists carry them when they are expanded.
    Settings,
    /// Values of an administrative template under the object.
    DefinitionValues,
    /// Settings of an intent under the object.
    IntentSettings,
    /// Messages, one for each language, under the object.
    Messages,
    /// Items, expanded on the object when it is read by itself.
    PolicySetItems,
    /// Bodies of scripts, on the object when it is read by itself.
    Scripts,
}

/// Where one policy type is read from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collection {
    key: String,
    /// `beta` or `v1.0`.
    version: String,
    /// Under the version, beginning with a slash.
    path: String,
    shape: Shape,
    /// As it is sent, without a question mark; may be empty.
    query: String,
    /// For an address from which several policy types are read.
    #[serde(default)]
    pub(crate) routing: Option<Routing>,
    /// Rows with all of these values are Microsoft's own and belong to no tenant's inventory.
    #[serde(default)]
    pub(crate) leave_out: Map<String, Value>,
    /// The property that identifies a row: `id` unless said otherwise.
    #[serde(default = "id_property")]
    pub(crate) id: String,
    /// Properties that may hold the name; the first with text is taken.
    pub(crate) name: Vec<String>,
    /// The property with the ids of scope tags, for types that have them.
    #[serde(default)]
    pub(crate) scope_tags: Option<String>,
    assignments: Assignments,
    #[serde(default)]
    pub(crate) related: Vec<Related>,
    /// Where its values are, for types that have some beside the list row.
    #[serde(default)]
    pub(crate) values: Option<ValuesAt>,
    /// The `@odata.type` of rows that carry none.
    #[serde(default)]
    pub(crate) entity_type: Option<String>,
}

/// How the rows of a list that feeds several policy types are distinguished. Server-side filters for
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
    /// When the tables of the registry have different keys, which a test rules out.
    #[must_use]
    pub fn key(&self) -> PolicyTypeKey {
        registry().find(&self.key).unwrap_or_else(|| {
            panic!(
                "crates/graph/data/collections.json has {:?}, which is not in \
                 crates/domain/data/policy_types.json: a test compares them",
                self.key
            )
        })
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

    /// Where assignments are.
    #[must_use]
    pub const fn assignments(&self) -> Assignments {
        self.assignments
    }

    /// The query without the assignments, for when expanding them is too much for Graph.
    pub(crate) fn query_without_assignments(&self) -> String {
        let parts = self.query.split('&').filter_map(|part| {
            let Some(expanded) = part.strip_prefix("$expand=assignments") else {
                return Some(part.to_owned());
            };
            let others = expanded.strip_prefix(',')?;
            Some(format!("$expand={others}"))
        });
        parts.collect::<Vec<_>>().join("&")
    }

    /// Whether what brings its values brings links, too.
    pub(crate) fn links_with_values(&self) -> bool {
        let with_values = [Related::ComplianceRules, Related::DefinitionFiles];
        self.related.iter().any(|one| with_values.contains(one))
    }

    /// The query with the settings expanded beside the assignments, for lists that may be asked so.
    pub(crate) fn query_with_settings(&self) -> Option<String> {
        let settings = self.values == Some(ValuesAt::Settings);
        let expands = settings && self.query.contains("$expand=assignments");
        expands.then(|| {
            self.query
                .replace("$expand=assignments", "$expand=assignments,settings")
        })
    }

    /// Whether the list carries wrong scope tags.
    pub(crate) fn lists_wrong_scope_tags(&self) -> bool {
        self.related.contains(&Related::App)
    }

    /// Whether `object`, a row of the list, is of a kind that the published metadata do not have.
    pub(crate) fn is_unknown_kind(&self, object: &Value) -> bool {
        let Some(kinds) = KINDS.get(self.path.as_str()) else {
            return false;
        };
        let kind = object.get("@odata.type").and_then(Value::as_str);
        let kind = kind.map(|kind| kind.trim_start_matches("#microsoft.graph."));
        kind.is_some_and(|kind| !kinds.iter().any(|known| known == kind))
    }

    /// Whether both are read from the same address.
    pub(crate) fn shares_list_with(&self, other: &Self) -> bool {
        self.version == other.version && self.path == other.path
    }
}

static COLLECTIONS: LazyLock<Vec<Collection>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../data/collections.json"))
        .expect("crates/graph/data/collections.json is valid: a test reads it")
});

/// The kinds of objects in lists of several kinds, by path, without their namespace.
static KINDS: LazyLock<BTreeMap<String, Vec<String>>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../data/kinds.json"))
        .expect("crates/graph/data/kinds.json is valid: a test reads it")
});

/// Every collection, one per policy type and foundation, in the registry's order.
#[must_use]
pub fn collections() -> &'static [Collection] {
    &COLLECTIONS
}
