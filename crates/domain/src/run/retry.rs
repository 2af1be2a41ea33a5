//! What a retry asks for: a run that has ended is not touched, a new one names it.

use std::collections::BTreeSet;

use super::kind::RunInputs;
use crate::inventory::{TypeResult, TypeStatus};
use crate::policy_types::PolicyTypeKey;
use crate::words::words;

words! {
    /// How much of a run is asked for again.
    #[derive(Default)]
    pub enum RetryScope: "scope of a retry" {
        /// All that the run was asked with.
        #[default]
        All = "all",
        /// Only what the run did not read.
        FailedOnly = "failed_only",
    }
}

/// The run read everything that can be read, so that nothing is left to be asked for again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nothing of the run failed")]
pub struct NothingFailed;

impl RunInputs {
    /// The inputs of a run that repeats one with these inputs and results.
    ///
    /// With [`RetryScope::FailedOnly`] what was read to its end or cannot be read here is left out;
    /// what failed or is incomplete, and what a run that ended early did not come to, is asked for again. A run
    /// without results is asked for again as a whole: no worker began it. Foundations are chosen
    /// together, so one that failed brings the others back.
    ///
    /// # Errors
    /// [`NothingFailed`] when only failures are asked for and there is none.
    pub fn for_retry(
        &self,
        scope: RetryScope,
        results: &[TypeResult],
    ) -> Result<Self, NothingFailed> {
        // A kind without parts failed as a whole.
        let (Self::InventorySync(selection), RetryScope::FailedOnly) = (self, scope) else {
            return Ok(self.clone());
        };
        let done: BTreeSet<PolicyTypeKey> = results
            .iter()
            .filter(|result| match result.status {
                TypeStatus::Succeeded | TypeStatus::Skipped => true,
                TypeStatus::Failed | TypeStatus::Incomplete | TypeStatus::Pending => false,
            })
            .map(|result| result.policy_type)
            .collect();
        selection
            .without(&done)
            .map(Self::InventorySync)
            .ok_or(NothingFailed)
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::policy_types::registry;
    use crate::selection::{Selection, SelectionRequest};

    fn selection(json: &str) -> Selection {
        let request: SelectionRequest = serde_json::from_str(json).unwrap();
        request.resolve().unwrap()
    }

    fn result(key: &str, status: TypeStatus) -> TypeResult {
        TypeResult {
            status,
            ..TypeResult::pending(registry().find(key).unwrap())
        }
    }

    fn failed_only(json: &str, results: &[TypeResult]) -> Result<Cow<'static, str>, NothingFailed> {
        let inputs = RunInputs::InventorySync(selection(json));
        inputs
            .for_retry(RetryScope::FailedOnly, results)
            .map(|inputs| inputs.normal_form())
    }

    const TWO: &str = r#"{"policy_types":["mobileApp","policySet"],"include_foundations":false,
        "include_dependencies":false}"#;

    #[test]
    fn only_what_failed_or_was_not_come_to_is_asked_for_again() {
        use TypeStatus::{Failed, Pending, Skipped, Succeeded};
        let one = |key: &str| {
            let json = TWO.replace(r#""mobileApp","policySet""#, &format!("{key:?}"));
            Ok(selection(&json).normal_form())
        };
        let both = |first, second| {
            let results = [result("mobileApp", first), result("policySet", second)];
            failed_only(TWO, &results)
        };
        assert_eq!(both(Failed, Succeeded), one("mobileApp"));
        assert_eq!(both(Skipped, Pending), one("policySet"));
        assert_eq!(both(Succeeded, Skipped), Err(NothingFailed));
        assert_eq!(failed_only(TWO, &[]), Ok(selection(TWO).normal_form()));
    }

    #[test]
    fn a_retry_of_what_verifies_all_verifies_all() {
        let with = |keys: &str| {
            format!(r#"{{"policy_types":{keys},"include_foundations":false,"verify":"all"}}"#)
        };
        let both = with(r#"["mobileApp","policySet"]"#);
        let results = [
            result("mobileApp", TypeStatus::Failed),
            result("policySet", TypeStatus::Succeeded),
        ];
        let expected = selection(&with(r#"["mobileApp"]"#)).normal_form();
        assert!(expected.contains("verify"));
        assert_eq!(failed_only(&both, &results), Ok(expected));
    }

    #[test]
    fn a_foundation_that_failed_brings_the_foundations_and_nothing_else() {
        let json = r#"{"policy_types":["mobileApp"]}"#;
        let mut results: Vec<_> = selection(json)
            .keys()
            .into_iter()
            .map(|key| result(key.as_str(), TypeStatus::Succeeded))
            .collect();
        let foundation = results
            .iter_mut()
            .find(|result| result.policy_type.describe().foundation)
            .unwrap();
        foundation.status = TypeStatus::Failed;
        let expected = selection(r#"{"policy_types":[]}"#).normal_form();
        assert_eq!(failed_only(json, &results), Ok(expected));
    }

    #[test]
    fn a_retry_of_all_asks_for_the_same_whatever_the_results() {
        let inputs = RunInputs::InventorySync(selection(TWO));
        let results = [result("mobileApp", TypeStatus::Succeeded)];
        let again = inputs.for_retry(RetryScope::All, &results).unwrap();
        assert_eq!(again, inputs);
    }
}
