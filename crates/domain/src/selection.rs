//! Which policy types an inventory sync reads, and their one normal form.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::hex::hex;
use crate::inventory::verification::Verify;
use crate::policy_types::{PolicyTypeKey, Registry, registry};
use crate::words::UnknownWord;

/// The longest list that a request may carry.
pub const MAX_LIST_LENGTH: usize = 200;

/// A selection as a caller writes it. Absent members mean the default: all policy types, no
/// category filter, foundations and dependencies included.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelectionRequest {
    /// Keys of policy types. An empty list selects none of them, which leaves the foundations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_types: Option<Vec<String>>,
    /// Only policy types of these categories. An empty list is no filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub categories: Option<Vec<String>>,
    /// Whether to read foundations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_foundations: Option<bool>,
    /// Whether to record what items refer to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub include_dependencies: Option<bool>,
    /// Which values to read although they are stored. Absent: those that are due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify: Option<Verify>,
}

/// A bad field of a request: where, a stable word, and a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) to the field.
    pub pointer: String,
    /// What is wrong, for programs.
    pub code: &'static str,
    /// What is wrong, for people.
    pub detail: String,
}

/// A valid selection in its normal form: sorted keys, two flags, what is verified. Selects a type at least.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Selection {
    policy_types: Arc<BTreeSet<PolicyTypeKey>>,
    include_foundations: bool,
    include_dependencies: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    verify: Option<Verify>,
    /// How it was asked for. Two selections that ask for the same in other ways have one normal form.
    #[serde(skip)]
    asked: SelectionRequest,
}

/// What most starts ask for, resolved and written once.
struct Everything {
    policy_types: Arc<BTreeSet<PolicyTypeKey>>,
    normal_form: String,
}

static EVERYTHING: LazyLock<Everything> = LazyLock::new(|| {
    let policy_types = Arc::new(registry().policies().collect());
    let everything = Selection {
        policy_types: Arc::clone(&policy_types),
        include_foundations: true,
        include_dependencies: true,
        verify: None,
        asked: SelectionRequest::default(),
    };
    Everything {
        policy_types,
        normal_form: everything.written(),
    }
});

/// A stored selection names something that this version does not know.
#[derive(Debug, thiserror::Error)]
#[error("the stored selection is not valid: {0}")]
pub struct InvalidStoredSelection(String);

impl SelectionRequest {
    /// Checks every field and resolves the defaults.
    ///
    /// # Errors
    /// Every bad field: unknown policy types and categories, foundations among the policy types,
    /// lists that are too long, and a selection that selects nothing.
    pub fn resolve(&self) -> Result<Selection, Vec<FieldError>> {
        let registry = registry();
        let mut errors = Vec::new();
        let asked = self
            .policy_types
            .as_deref()
            .map(|keys| resolve_keys(registry, keys, &mut errors));
        let categories = self.categories.as_deref().unwrap_or_default();
        check_categories(registry, categories, &mut errors);
        if !errors.is_empty() {
            return Err(errors);
        }

        let include_foundations = self.include_foundations.unwrap_or(true);
        let asked_for_none = asked.as_ref().is_some_and(BTreeSet::is_empty);
        let of_categories = |key: &PolicyTypeKey| categories.contains(&key.describe().category);
        let policy_types = match asked {
            None if categories.is_empty() => EVERYTHING.policy_types.clone(),
            None => Arc::new(registry.policies().filter(of_categories).collect()),
            Some(keys) if categories.is_empty() => Arc::new(keys),
            Some(keys) => Arc::new(keys.into_iter().filter(of_categories).collect()),
        };
        if policy_types.is_empty() && !(asked_for_none && include_foundations) {
            return Err(vec![FieldError {
                pointer: if asked_for_none {
                    "/policy_types"
                } else {
                    "/categories"
                }
                .to_owned(),
                code: "selects_nothing",
                detail: "This selection selects no policy type.".to_owned(),
            }]);
        }
        Ok(Selection {
            policy_types,
            include_foundations,
            include_dependencies: self.include_dependencies.unwrap_or(true),
            verify: self.verify,
            asked: self.clone(),
        })
    }
}

fn resolve_keys(
    registry: &'static Registry,
    keys: &[String],
    errors: &mut Vec<FieldError>,
) -> BTreeSet<PolicyTypeKey> {
    check_length("/policy_types", keys.len(), errors);
    let mut resolved = BTreeSet::new();
    for (at, text) in keys.iter().enumerate().take(MAX_LIST_LENGTH) {
        let pointer = || format!("/policy_types/{at}");
        match registry.find(text) {
            Some(key) if key.describe().foundation => errors.push(FieldError {
                pointer: pointer(),
                code: "foundation",
                detail: format!(
                    "{key} is a foundation; foundations are chosen by include_foundations."
                ),
            }),
            Some(key) => {
                resolved.insert(key);
            }
            None => errors.push(FieldError {
                pointer: pointer(),
                code: "unknown_policy_type",
                detail: "Unknown policy type; GET /policy-types lists them.".to_owned(),
            }),
        }
    }
    resolved
}

fn check_categories(
    registry: &'static Registry,
    categories: &[String],
    errors: &mut Vec<FieldError>,
) {
    check_length("/categories", categories.len(), errors);
    for (at, category) in categories.iter().enumerate().take(MAX_LIST_LENGTH) {
        let known = registry.categories().contains(category);
        if !known {
            errors.push(FieldError {
                pointer: format!("/categories/{at}"),
                code: "unknown_category",
                detail: "Unknown category; GET /policy-types lists them.".to_owned(),
            });
        }
    }
}

fn check_length(pointer: &str, length: usize, errors: &mut Vec<FieldError>) {
    if length > MAX_LIST_LENGTH {
        errors.push(FieldError {
            pointer: pointer.to_owned(),
            code: "too_many",
            detail: format!("At most {MAX_LIST_LENGTH} entries."),
        });
    }
}

impl Selection {
    /// What a request without members selects.
    #[must_use]
    pub fn everything() -> Self {
        Self {
            policy_types: EVERYTHING.policy_types.clone(),
            include_foundations: true,
            include_dependencies: true,
            verify: None,
            asked: SelectionRequest::default(),
        }
    }

    /// How it was asked for: members that are absent mean the default.
    #[must_use]
    pub const fn asked(&self) -> &SelectionRequest {
        &self.asked
    }

    /// The selected policy types, without foundations, in order.
    #[must_use]
    pub fn policy_types(&self) -> &BTreeSet<PolicyTypeKey> {
        &self.policy_types
    }

    /// Whether foundations are read.
    #[must_use]
    pub const fn include_foundations(&self) -> bool {
        self.include_foundations
    }

    /// Whether dependencies are recorded.
    #[must_use]
    pub const fn include_dependencies(&self) -> bool {
        self.include_dependencies
    }

    /// Which values are read although they are stored. `None`: those that are due.
    #[must_use]
    pub const fn verify(&self) -> Option<Verify> {
        self.verify
    }

    /// Everything to be read: the policy types and, when included, the foundations.
    #[must_use]
    pub fn keys(&self) -> BTreeSet<PolicyTypeKey> {
        let mut keys = BTreeSet::clone(&self.policy_types);
        if self.include_foundations {
            keys.extend(registry().foundations());
        }
        keys
    }

    /// The selection less these types; `None` when nothing is left. Foundations are selected
    /// together: they stay as long as one of them is left.
    #[must_use]
    pub fn without(&self, done: &BTreeSet<PolicyTypeKey>) -> Option<Self> {
        let left: BTreeSet<_> = self.keys().difference(done).copied().collect();
        let (foundations, policy_types): (BTreeSet<_>, BTreeSet<_>) =
            left.into_iter().partition(|key| key.describe().foundation);
        let include_foundations = !foundations.is_empty();
        (include_foundations || !policy_types.is_empty()).then(|| Self {
            asked: SelectionRequest {
                policy_types: Some(policy_types.iter().map(ToString::to_string).collect()),
                categories: None,
                include_foundations: Some(include_foundations),
                include_dependencies: self.asked.include_dependencies,
                verify: self.verify,
            },
            policy_types: Arc::new(policy_types),
            include_foundations,
            include_dependencies: self.include_dependencies,
            verify: self.verify,
        })
    }

    /// The normal form: JSON with members in a fixed order and keys sorted. Two requests that ask
    /// for the same have the same text.
    #[must_use]
    pub fn normal_form(&self) -> Cow<'static, str> {
        if self.is_everything() {
            Cow::Borrowed(&EVERYTHING.normal_form)
        } else {
            Cow::Owned(self.written())
        }
    }

    fn written(&self) -> String {
        serde_json::to_string(self).expect("strings and flags always serialize")
    }

    /// Whether it is what most starts ask for, and was resolved by a default.
    fn is_everything(&self) -> bool {
        Arc::ptr_eq(&self.policy_types, &EVERYTHING.policy_types)
            && self.include_foundations
            && self.include_dependencies
            && self.verify.is_none()
    }

    /// SHA-256 of the normal form, in lower-case hexadecimal.
    #[must_use]
    pub fn hash(&self) -> String {
        hex(&Sha256::digest(self.normal_form().as_bytes()))
    }

    /// What rows keep: what was asked for, without what is verified, which [`Selection::verify`] returns
    /// and rows keep beside it. Programs of the version before refuse members that they do not know. A
    /// version with other policy types selects its own by a default; what the run's version selected is
    /// in the run's identity.
    #[must_use]
    pub fn to_stored(&self) -> serde_json::Value {
        let stored = SelectionRequest {
            verify: None,
            ..self.asked.clone()
        };
        serde_json::to_value(stored).expect("strings and flags always serialize")
    }

    /// Reads back what rows keep, and the word that stands beside it.
    ///
    /// # Errors
    /// [`InvalidStoredSelection`] when it was written by a version with other policy types or words.
    pub fn from_stored(
        value: &serde_json::Value,
        verify: Option<&str>,
    ) -> Result<Self, InvalidStoredSelection> {
        let mut request = SelectionRequest::deserialize(value)
            .map_err(|error| InvalidStoredSelection(error.to_string()))?;
        request.verify = verify
            .map(str::parse)
            .transpose()
            .map_err(|error: UnknownWord| InvalidStoredSelection(error.to_string()))?;
        request.resolve().map_err(|errors| {
            InvalidStoredSelection(errors.into_iter().map(|error| error.pointer).collect())
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(json: &str) -> SelectionRequest {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn everything_is_what_a_request_without_members_selects() {
        let request = SelectionRequest::default();
        assert_eq!(request.resolve(), Ok(Selection::everything()));
        // Also where its normal form was not written before.
        let keys = registry().policies().map(|key| key.to_string()).collect();
        let spelled_out = SelectionRequest {
            policy_types: Some(keys),
            ..SelectionRequest::default()
        };
        let spelled_out = spelled_out.resolve().unwrap();
        assert!(!spelled_out.is_everything());
        assert_eq!(
            spelled_out.normal_form(),
            Selection::everything().normal_form()
        );
    }

    fn only_error(json: &str) -> FieldError {
        let mut errors = request(json).resolve().unwrap_err();
        assert_eq!(errors.len(), 1, "{errors:?}");
        errors.remove(0)
    }

    #[test]
    fn an_empty_request_selects_every_policy_type_and_both_flags() {
        let selection = request("{}").resolve().unwrap();
        assert_eq!(
            selection.policy_types().len(),
            registry().policies().count()
        );
        assert!(selection.include_foundations() && selection.include_dependencies());
        assert_eq!(selection.keys().len(), registry().all().len());
        let no_filter = request(r#"{"categories": []}"#).resolve().unwrap();
        assert_eq!(no_filter.normal_form(), selection.normal_form());
    }

    #[test]
    fn the_normal_form_is_blind_to_order_repetition_and_spelled_out_defaults() {
        let first = request(r#"{"policy_types":["mobileApp","policySet","mobileApp"]}"#);
        let second = request(
            r#"{"policy_types":["policySet","mobileApp"],"categories":["Apps"],"include_foundations":true}"#,
        );
        let (first, second) = (first.resolve().unwrap(), second.resolve().unwrap());
        assert_eq!(first.normal_form(), second.normal_form());
        assert_eq!(first.hash(), second.hash());
        for selection in [first, second] {
            let stored = Selection::from_stored(&selection.to_stored(), None);
            assert_eq!(stored.unwrap(), selection);
        }
    }

    #[test]
    fn a_selection_is_kept_as_it_was_asked_for_and_rows_of_earlier_versions_are_read() {
        let everything = request("{}").resolve().unwrap();
        assert_eq!(everything.to_stored(), serde_json::json!({}));
        let apps = request(r#"{"categories":["Apps"],"include_dependencies":false}"#);
        let stored = apps.resolve().unwrap().to_stored();
        assert_eq!(
            stored,
            serde_json::json!({"categories": ["Apps"], "include_dependencies": false})
        );
        let earlier: serde_json::Value = serde_json::from_str(&everything.normal_form()).unwrap();
        let read = Selection::from_stored(&earlier, None).unwrap();
        assert_eq!(read.hash(), everything.hash());
        let count = everything.policy_types().len();
        assert_eq!(
            read.asked().policy_types.as_ref().map(Vec::len),
            Some(count)
        );
    }

    #[test]
    fn a_selection_that_verifies_all_is_another_one_and_rows_keep_the_word_beside_it() {
        let usual = request(r#"{"policy_types":["mobileApp"]}"#);
        let all = request(r#"{"policy_types":["mobileApp"],"verify":"all"}"#);
        let (usual, all) = (usual.resolve().unwrap(), all.resolve().unwrap());
        assert_ne!(usual.hash(), all.hash());
        assert_eq!(usual.to_stored(), all.to_stored());
        let read = |word| Selection::from_stored(&all.to_stored(), word);
        assert_eq!(read(all.verify().map(Verify::as_str)).unwrap(), all);
        assert_eq!(read(None).unwrap(), usual);
        assert!(read(Some("most")).is_err());
        let foundations = registry().foundations().collect();
        assert_eq!(all.without(&foundations).unwrap().verify(), all.verify());
        let other: Result<SelectionRequest, _> = serde_json::from_str(r#"{"verify":"due"}"#);
        assert!(other.is_err());
    }

    #[test]
    fn each_bad_field_is_named_by_a_pointer() {
        let error = only_error(r#"{"policy_types":["mobileApp","nonsense"]}"#);
        assert_eq!(
            (error.pointer.as_str(), error.code),
            ("/policy_types/1", "unknown_policy_type")
        );
        let error = only_error(r#"{"policy_types":["assignmentFilter"]}"#);
        assert_eq!(
            (error.pointer.as_str(), error.code),
            ("/policy_types/0", "foundation")
        );
        let error = only_error(r#"{"categories":["Nope"]}"#);
        assert_eq!(
            (error.pointer.as_str(), error.code),
            ("/categories/0", "unknown_category")
        );
    }

    #[test]
    fn a_selection_that_selects_nothing_is_refused_and_foundations_alone_are_allowed() {
        let error = only_error(r#"{"policy_types":[],"include_foundations":false}"#);
        assert_eq!(
            (error.pointer.as_str(), error.code),
            ("/policy_types", "selects_nothing")
        );
        let error = only_error(r#"{"policy_types":["mobileApp"],"categories":["Compliance"]}"#);
        assert_eq!(
            (error.pointer.as_str(), error.code),
            ("/categories", "selects_nothing")
        );
        let foundations = request(r#"{"policy_types":[]}"#).resolve().unwrap();
        assert_eq!(foundations.keys(), registry().foundations().collect());
    }

    proptest! {
        #[test]
        fn any_valid_selection_survives_its_row(
            picked in proptest::collection::vec(any::<proptest::sample::Index>(), 1..40),
            include_foundations: bool,
            include_dependencies: bool,
            verify_all: bool,
        ) {
            let all: Vec<_> = registry().policies().collect();
            let keys = picked.iter().map(|index| index.get(&all).to_string()).collect();
            let selection = SelectionRequest {
                policy_types: Some(keys),
                categories: None,
                include_foundations: Some(include_foundations),
                include_dependencies: Some(include_dependencies),
                verify: verify_all.then_some(Verify::All),
            }
            .resolve()
            .unwrap();
            let (stored, word) = (selection.to_stored(), selection.verify().map(Verify::as_str));
            prop_assert_eq!(Selection::from_stored(&stored, word).unwrap(), selection);
        }
    }
}
