//! The graph half of the registry: where each policy type is read from, and how its rows are
//! distinguished.
//!
//! The data are facts of the published metadata, SDKs and documentation of Microsoft Graph (beta
//! for Intune, v1.0 for Entra where it is complete). The domain's half has the same keys.

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
    pub(crate) related: Vec<Related>,
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
        .expect("the embedded collections are valid JSON: a test reads them")
});

/// The kinds of objects in lists of several kinds, by path, without their namespace.
static KINDS: LazyLock<BTreeMap<String, Vec<String>>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../data/kinds.json"))
        .expect("the embedded kinds are valid JSON: a test reads them")
});

/// Every collection, one per policy type and foundation, in the registry's order.
#[must_use]
pub fn collections() -> &'static [Collection] {
    &COLLECTIONS
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

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
        let paths: BTreeSet<_> = lists.keys().map(|(_, path)| path).collect();
        assert_eq!(paths.len(), lists.len(), "a path is read in two versions");
        for ((_, path), sharing) in lists {
            assert!(
                sharing.iter().all(|one| one.query == sharing[0].query
                    && one.assignments == sharing[0].assignments
                    && one.related == sharing[0].related),
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
                routings.iter().filter(|one| one.otherwise).count() == 1,
                "{path}: a row that is not known must have its place"
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
            assert!(
                !one.query_without_assignments().contains("assignments"),
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

    /// The option of a query, such as `$select`, cut at its commas.
    fn option<'a>(query: &'a str, name: &str) -> Option<Vec<&'a str>> {
        let given = query.split('&').find_map(|part| part.strip_prefix(name));
        given.map(|given| given.trim_start_matches('=').split(',').collect())
    }

    fn is_word(text: &str) -> bool {
        text.starts_with(|one: char| one.is_ascii_lowercase())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    }

    #[test]
    fn paths_and_queries_are_such_as_graph_takes() {
        for one in collections() {
            let key = &one.key;
            for segment in one.path.split('/').skip(1) {
                let of_parent = segment.starts_with('{') && segment.ends_with("-id}");
                assert!(of_parent || is_word(segment), "{key}: {segment}");
            }
            assert!(one.path.matches('{').count() <= 1, "{key}");
            let mut options = BTreeSet::new();
            for part in one.query.split('&').filter(|part| !part.is_empty()) {
                let (name, value) = part.split_once('=').unwrap();
                assert!(
                    ["$select", "$expand", "$top"].contains(&name),
                    "{key}: {part}"
                );
                assert!(options.insert(name), "{key}: {name} twice");
                let legible = |byte: u8| byte.is_ascii_alphanumeric() || b",()$=".contains(&byte);
                assert!(
                    !value.is_empty() && value.bytes().all(legible),
                    "{key}: {part}"
                );
            }
            if let Some(top) = option(&one.query, "$top") {
                assert_eq!(one.shape, Shape::List, "{key}: only lists have pages");
                let rows: u32 = top[0].parse().unwrap();
                assert!((1..=1_000).contains(&rows), "{key}: {rows}");
            }
        }
    }

    #[test]
    fn rows_carry_what_is_read_of_them() {
        for one in collections() {
            let key = &one.key;
            assert!(is_word(&one.id), "{key}");
            let properties = one.name.iter().chain(&one.scope_tags);
            assert!(properties.clone().all(|name| is_word(name)), "{key}");
            let given: BTreeSet<_> = one.name.iter().collect();
            assert_eq!(given.len(), one.name.len(), "{key}: a name property twice");
            // These have no name in Graph; there is one of each, or one per vendor.
            let nameless = ["mobileThreatDefenseConnector", "groupLifecyclePolicy"];
            assert_eq!(
                one.name.is_empty() && one.shape == Shape::List,
                nameless.contains(&key.as_str()),
                "{key}: the objects of a list are given apart by name"
            );
            if let Some(routing) = &one.routing {
                assert!(routing.pointer.starts_with('/'), "{key}");
                assert!(
                    routing.otherwise || !routing.values.is_empty(),
                    "{key}: no row is its own"
                );
            }
            // The type of a row comes without being selected.
            let Some(selected) = option(&one.query, "$select") else {
                continue;
            };
            let routed = one.routing.iter().map(|routing| &routing.pointer);
            let routed = routed.filter_map(|pointer| pointer.split('/').nth(1));
            let needed: Vec<&str> = [one.id.as_str()]
                .into_iter()
                .chain(properties.map(String::as_str))
                .chain(one.leave_out.keys().map(String::as_str))
                .chain(routed)
                .filter(|name| !name.starts_with('@'))
                .collect();
            for name in needed {
                assert!(selected.contains(&name), "{key}: {name} is not selected");
            }
        }
    }

    #[test]
    fn what_is_read_for_an_object_exists_where_it_is_asked_for() {
        for one in collections() {
            let key = &one.key;
            let distinct: BTreeSet<_> =
                one.related.iter().map(|read| format!("{read:?}")).collect();
            assert_eq!(distinct.len(), one.related.len(), "{key}: a read twice");
            let below = one.assignments != Assignments::None || !one.related.is_empty();
            assert!(
                !below || one.shape == Shape::List,
                "{key}: only the rows of a list have addresses of their own"
            );
            for read in &one.related {
                let paths: &[&str] = match read {
                    Related::App | Related::AppRelations => &["/deviceAppManagement/mobileApps"],
                    Related::Certificates => &["/deviceManagement/deviceConfigurations"],
                    Related::ComplianceRules => &["/deviceManagement/compliancePolicies"],
                    Related::DefinitionFiles => &["/deviceManagement/groupPolicyConfigurations"],
                    Related::PolicySetItems => &["/deviceAppManagement/policySets"],
                    Related::ReusableSettings => &["/deviceManagement/configurationPolicies"],
                    Related::RoleAssignment => &["/deviceManagement/roleAssignments"],
                };
                assert!(paths.contains(&one.path.as_str()), "{key}: {read:?}");
                assert_eq!(one.version, "beta", "{key}: {read:?}");
            }
        }
    }

    #[test]
    fn each_service_is_read_with_permissions_of_its_own() {
        for one in collections() {
            for permission in &one.key().describe().permissions {
                let intune = permission.starts_with("DeviceManagement")
                    || permission.starts_with("CloudPC.");
                let of_intune = one.path.starts_with("/deviceManagement")
                    || one.path.starts_with("/deviceAppManagement");
                // What Intune's readers may see of the organization is enough.
                let shared = one.path == "/organization";
                assert!(intune == of_intune || shared, "{}: {permission}", one.key);
            }
        }
    }

    #[test]
    fn dropping_the_assignments_keeps_what_else_is_expanded() {
        let without = |key: &str| {
            let one = collections().iter().find(|one| one.key == key);
            one.unwrap().query_without_assignments()
        };
        assert_eq!(without("settingsCatalogPolicy"), "$top=1000");
        assert_eq!(without("iosManagedAppProtection"), "$expand=apps");
        assert_eq!(
            without("deviceCompliancePolicy"),
            "$expand=scheduledActionsForRule($expand=scheduledActionConfigurations)&$top=1000"
        );
        assert_eq!(without("endpointSecurityIntent"), "$top=1000");
    }

    #[test]
    fn kinds_are_listed_for_lists_that_exist_and_cover_what_rows_are_routed_by() {
        for path in KINDS.keys() {
            assert!(collections().iter().any(|one| one.path == *path), "{path}");
        }
        for one in collections() {
            let Some(routing) = &one.routing else {
                continue;
            };
            if routing.pointer != "/@odata.type" {
                continue;
            }
            for value in &routing.values {
                let row = serde_json::json!({"@odata.type": value});
                assert!(!one.is_unknown_kind(&row), "{}: {value}", one.key);
            }
        }
    }
}
