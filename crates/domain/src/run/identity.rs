//! Which two requests ask for the same run.

use std::fmt;

use sha2::{Digest, Sha256};

use super::kind::RunInputs;
use crate::hex::hex;
use crate::ids::TenantId;

/// The hash of tenant, kind and the normal form of the inputs. Two active runs never share one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RunIdentity(String);

impl RunIdentity {
    /// The identity of a run of `inputs` on `tenant`.
    #[must_use]
    pub fn of(tenant: TenantId, inputs: &RunInputs) -> Self {
        let mut hash = Sha256::new();
        for part in [
            tenant.to_string().as_str(),
            inputs.kind().as_str(),
            &*inputs.normal_form(),
        ] {
            // The length before each part keeps ("ab", "c") and ("a", "bc") apart.
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self(hex(&hash.finalize()))
    }

    /// 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::selection::SelectionRequest;

    #[test]
    fn identity_differs_by_tenant_and_by_selection_and_not_by_spelling() {
        let run = |tenant: u128, json: &str| {
            let request: SelectionRequest = serde_json::from_str(json).unwrap();
            let inputs = RunInputs::InventorySync(request.resolve().unwrap());
            RunIdentity::of(TenantId::from_uuid(Uuid::from_u128(tenant)), &inputs)
        };
        let base = run(1, "{}");
        assert_eq!(
            base,
            run(1, r#"{"include_foundations":true,"categories":[]}"#)
        );
        assert_ne!(base, run(2, "{}"));
        assert_ne!(base, run(1, r#"{"include_dependencies":false}"#));
        assert_ne!(base, run(1, r#"{"verify":"all"}"#));
        assert_eq!(base.as_str().len(), 64);
    }
}
