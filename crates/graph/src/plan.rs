//! From the policy types that a run selected to the distinct lists that have to be read.

use atlas_domain::failure::{Failure, FailureCode};
use atlas_domain::policy_types::PolicyTypeKey;

use crate::collections::{Assignments, Collection, Shape, collections};
use crate::request::pacer::{Bucket, Charge};

/// What has to be read for a selection.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The lists, each once, in the registry's order.
    pub lists: Vec<ListPlan>,
    /// Policy types that an application cannot read, each with the reason.
    pub skipped: Vec<(PolicyTypeKey, Failure)>,
}

/// One list of Microsoft Graph and the policy types that are wanted from it.
#[derive(Clone, Debug)]
pub struct ListPlan {
    keys: Vec<PolicyTypeKey>,
    /// Everything that lives in the list, wanted or not: a row that belongs to a type that is not
    /// wanted must not fall to the type that takes the rest.
    sharing: Vec<&'static Collection>,
    dependencies: bool,
}

impl ListPlan {
    /// The policy types that are wanted from this list, in the registry's order.
    #[must_use]
    pub fn keys(&self) -> &[PolicyTypeKey] {
        &self.keys
    }

    /// The path under the version, such as `/deviceManagement/configurationPolicies`.
    #[must_use]
    pub fn path(&self) -> &str {
        self.sharing[0].path()
    }

    pub(crate) fn collection(&self) -> &'static Collection {
        self.sharing[0]
    }

    pub(crate) fn sharing(&self) -> &[&'static Collection] {
        &self.sharing
    }

    /// Whether Graph lets its requests start only one after the other, at a distance, together with
    /// those of every other such list.
    #[must_use]
    pub fn is_single_file(&self) -> bool {
        Charge::of_sub_request(self.path()).bucket == Bucket::ConditionalAccess
    }

    /// Whether some of its rows may be ones that the inventory leaves out.
    #[must_use]
    pub fn leaves_out(&self) -> bool {
        self.sharing.iter().any(|one| !one.leave_out.is_empty())
    }

    /// Whether its objects are read one by one besides, which takes longer than any list.
    #[must_use]
    pub fn reads_objects(&self) -> bool {
        let collection = self.collection();
        let assigned = matches!(
            collection.assignments(),
            Assignments::SubResource | Assignments::ExpandItem
        );
        self.dependencies && (assigned || !collection.related.is_empty())
    }

    /// The policy types of this list whose objects have values beside their list rows.
    #[must_use]
    pub fn keys_with_values(&self) -> Vec<PolicyTypeKey> {
        let with_values = self.sharing.iter().filter(|one| one.values.is_some());
        let keys = with_values.map(|one| one.key());
        keys.filter(|&key| self.wants(key)).collect()
    }

    /// Whether some of its objects have values beside their list rows.
    #[must_use]
    pub fn has_values(&self) -> bool {
        !self.keys_with_values().is_empty()
    }

    /// Whether links are wanted, and what has to be read for them.
    pub(crate) const fn dependencies(&self) -> bool {
        self.dependencies
    }

    /// Whether this member of a row decides which policy type claims it.
    pub(crate) fn routes_by(&self, member: &str) -> bool {
        let mut routings = self.sharing.iter().filter_map(|one| one.routing.as_ref());
        routings.any(|one| one.pointer.split('/').nth(1) == Some(member))
    }

    /// Whether a row says to which of the list's policy types it belongs.
    pub(crate) fn routes(&self, row: &serde_json::Value) -> bool {
        let mut routings = self.sharing.iter().filter_map(|one| one.routing.as_ref());
        let has = |pointer: &str| {
            let value = row.pointer(pointer);
            value.is_some_and(|value| !value.is_null() && value.as_str() != Some(""))
        };
        self.sharing.len() == 1 || routings.any(|one| has(&one.pointer))
    }

    pub(crate) fn wants(&self, key: PolicyTypeKey) -> bool {
        self.keys.contains(&key)
    }
}

/// Finds the distinct lists for `keys`. The order of `keys` and repetitions do not matter.
///
/// With `dependencies`, links are found, and assignments that a list does not carry are read for
/// each page. Without, no links are found, and assignments where their list carries them.
#[must_use]
pub fn plan(keys: &[PolicyTypeKey], dependencies: bool) -> Plan {
    let mut lists: Vec<ListPlan> = Vec::new();
    let mut skipped = Vec::new();
    for collection in collections() {
        let key = collection.key();
        if !keys.contains(&key) {
            continue;
        }
        if collection.shape() == Shape::DelegatedOnly {
            skipped.push((key, delegated_only()));
            continue;
        }
        let known = lists
            .iter_mut()
            .find(|list| list.collection().shares_list_with(collection));
        match known {
            Some(list) => list.keys.push(key),
            None => lists.push(ListPlan {
                keys: vec![key],
                sharing: collections()
                    .iter()
                    .filter(|other| other.shares_list_with(collection))
                    .collect(),
                dependencies,
            }),
        }
    }
    Plan { lists, skipped }
}

fn delegated_only() -> Failure {
    Failure::permanent(
        FailureCode::DELEGATED_ONLY,
        "Microsoft Graph shows this policy type to signed-in users only, not to applications.",
    )
    .with_hint("Leave it out of the selection, or look at it in the Microsoft admin centers.")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use atlas_domain::policy_types::{PolicyType, registry};

    use super::*;

    fn keys(words: &[&str]) -> Vec<PolicyTypeKey> {
        words
            .iter()
            .map(|word| registry().find(word).unwrap())
            .collect()
    }

    #[test]
    fn everything_needs_each_list_once_and_skips_what_needs_a_user() {
        let all: Vec<_> = registry().all().iter().map(PolicyType::key).collect();
        let plan = plan(&all, true);
        let read: Vec<_> = plan.lists.iter().map(ListPlan::path).collect();
        let distinct: BTreeSet<_> = read.iter().copied().collect();
        assert_eq!(distinct.len(), read.len(), "a list is read twice");
        let addresses = collections()
            .iter()
            .filter(|one| one.shape() != Shape::DelegatedOnly);
        assert_eq!(distinct, addresses.map(Collection::path).collect());
        let skipped = plan.skipped.iter().map(|(key, _)| *key);
        let users = registry().all().iter().filter(|one| !one.app_only);
        assert!(skipped.eq(users.map(PolicyType::key)));
        assert!(!plan.skipped.is_empty());
        assert!(
            plan.skipped
                .iter()
                .all(|(_, why)| why.code == FailureCode::DELEGATED_ONLY)
        );
        let wanted: usize = plan.lists.iter().map(|list| list.keys().len()).sum();
        assert_eq!(wanted + plan.skipped.len(), all.len());
    }

    #[test]
    fn types_of_one_collection_are_read_together_and_repetitions_change_nothing() {
        let plan = plan(
            &keys(&[
                "endpointSecurityFirewall",
                "settingsCatalogPolicy",
                "endpointSecurityFirewall",
                "roleScopeTag",
            ]),
            true,
        );
        let read: Vec<_> = plan
            .lists
            .iter()
            .map(|list| {
                (
                    list.path(),
                    list.keys().iter().map(|key| key.as_str()).collect(),
                )
            })
            .collect();
        assert_eq!(
            read,
            [
                (
                    "/deviceManagement/configurationPolicies",
                    vec!["settingsCatalogPolicy", "endpointSecurityFirewall"]
                ),
                ("/deviceManagement/roleScopeTags", vec!["roleScopeTag"]),
            ]
        );
        assert!(plan.skipped.is_empty());
    }

    #[test]
    fn lists_that_take_long_are_known_beforehand() {
        let list = |key: &str, dependencies: bool| {
            let mut lists = plan(&keys(&[key]), dependencies).lists;
            let list = lists.remove(0);
            (list.is_single_file(), list.reads_objects())
        };
        assert_eq!(list("conditionalAccessPolicy", true), (true, false));
        assert_eq!(list("namedLocation", false), (true, false));
        assert_eq!(list("mobileApp", true), (false, true));
        assert_eq!(list("mobileApp", false), (false, false));
        assert_eq!(list("roleScopeTag", false), (false, false));
    }

    #[test]
    fn nothing_selected_is_nothing_to_read() {
        let plan = plan(&[], true);
        assert!(plan.lists.is_empty() && plan.skipped.is_empty());
    }
}
