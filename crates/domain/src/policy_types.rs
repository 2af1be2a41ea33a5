//! The registry of policy types and foundations: what the API can name, show and validate.
//!
//! How each is read from Microsoft Graph (path, query, discriminator, paging) is in the graph crate's
//! table, which has the same keys.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// The key of a policy type or foundation, such as `deviceCompliancePolicy`. Always one that the
/// registry knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct PolicyTypeKey(&'static str);

impl PolicyTypeKey {
    /// The key as text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// The registry's entry.
    #[must_use]
    pub fn describe(self) -> &'static PolicyType {
        &registry().types[registry().by_key[self.0]]
    }
}

impl std::fmt::Display for PolicyTypeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

/// One policy type or foundation.
#[derive(Debug, Clone, Deserialize)]
pub struct PolicyType {
    /// Its stable name in requests, rows and answers.
    pub key: String,
    /// Its name for people.
    pub label: String,
    /// The group under which people look for it.
    pub category: String,
    /// `windows`, `all`, `cloud` … or several joined by commas.
    pub platform: String,
    /// Whether it is an object that policies lean on rather than a policy.
    pub foundation: bool,
    /// The least privileged application permissions that read it.
    pub permissions: Vec<String>,
    /// Whether an application can read it at all, without a signed-in user.
    pub app_only: bool,
}

impl PolicyType {
    /// The key as the registry's own type.
    #[must_use]
    pub fn key(&'static self) -> PolicyTypeKey {
        PolicyTypeKey(&self.key)
    }
}

/// All policy types, foundations and categories of this version.
#[derive(Debug)]
pub struct Registry {
    types: Vec<PolicyType>,
    by_key: BTreeMap<String, usize>,
    categories: BTreeSet<String>,
}

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let types: Vec<PolicyType> = serde_json::from_str(include_str!("../data/policy_types.json"))
        .expect("crates/domain/data/policy_types.json is valid: a test reads it");
    let by_key = types
        .iter()
        .enumerate()
        .map(|(at, row)| (row.key.clone(), at))
        .collect();
    let categories = types
        .iter()
        .filter(|row| !row.foundation)
        .map(|row| row.category.clone())
        .collect();
    Registry {
        types,
        by_key,
        categories,
    }
});

/// The registry of this version.
#[must_use]
pub fn registry() -> &'static Registry {
    &REGISTRY
}

impl Registry {
    /// Every entry, in the registry's order.
    #[must_use]
    pub fn all(&'static self) -> &'static [PolicyType] {
        &self.types
    }

    /// The key that `text` names, when it names one.
    #[must_use]
    pub fn find(&'static self, text: &str) -> Option<PolicyTypeKey> {
        self.by_key
            .get(text)
            .map(|&at| PolicyTypeKey(&self.types[at].key))
    }

    /// The keys of all policy types; foundations are left out.
    pub fn policies(&'static self) -> impl Iterator<Item = PolicyTypeKey> {
        self.types
            .iter()
            .filter(|row| !row.foundation)
            .map(PolicyType::key)
    }

    /// The keys of all foundations.
    pub fn foundations(&'static self) -> impl Iterator<Item = PolicyTypeKey> {
        self.types
            .iter()
            .filter(|row| row.foundation)
            .map(PolicyType::key)
    }

    /// The categories that have a policy type.
    #[must_use]
    pub const fn categories(&'static self) -> &'static BTreeSet<String> {
        &self.categories
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_unique_and_every_policy_type_names_a_permission_or_is_delegated_only() {
        let registry = registry();
        let mut keys = BTreeSet::new();
        for row in registry.all() {
            assert!(keys.insert(&row.key), "{} occurs twice", row.key);
        }
        assert!(registry.policies().next().is_some() && registry.foundations().next().is_some());
        for row in registry.all() {
            assert_eq!(registry.find(&row.key), Some(row.key()));
            assert_ne!(row.app_only, row.permissions.is_empty(), "{}", row.key);
        }
    }

    #[test]
    fn every_row_is_distinct_and_names_permissions_that_only_read() {
        let mut labels = BTreeSet::new();
        for row in registry().all() {
            let key = &row.key;
            assert!(
                labels.insert(row.label.to_lowercase()),
                "{key}: {}",
                row.label
            );
            for text in [&row.label, &row.category, &row.platform] {
                assert!(!text.is_empty() && text.trim() == text, "{key}: {text:?}");
            }
            assert!(
                key.bytes().all(|byte| byte.is_ascii_alphanumeric()),
                "{key}"
            );
            let distinct: BTreeSet<_> = row.permissions.iter().collect();
            assert_eq!(distinct.len(), row.permissions.len(), "{key}");
            for permission in &row.permissions {
                let parts: Vec<_> = permission.split('.').collect();
                let reads = parts.get(1).is_some_and(|verb| verb.starts_with("Read"));
                let writes = permission.contains("Write");
                assert!(parts.len() == 3 && reads && !writes, "{key}: {permission}");
            }
        }
    }
}
