//! What the command line does to an installation.
//!
//! | module | subject |
//! | --- | --- |
//! | [`credentials`] | how each tenant's application proves itself |
//! | [`tenants`] | tenants, as the installation's operator sees them |
//! | [`users`] | users, their tokens and their roles |

pub mod credentials;
pub mod tenants;
pub mod users;

use atlas_domain::audit::{ActorKind, AuditAction, AuditOutcome};
use atlas_domain::ids::TenantId;
use atlas_domain::tenant::Cloud;

use crate::audit::{IdentifiedEvent, NewAuditEvent};
use crate::error::StoreError;
use crate::pool::Store;

pub use credentials::{NewCredential, StoredCredential};
pub use tenants::{NewTenant, TenantRow};
pub use users::UserRow;

impl Store {
    /// What the installation's operator did to a tenant.
    fn audited(
        &self,
        tenant: TenantId,
        action: AuditAction,
        target_kind: &'static str,
        target_id: String,
        detail: serde_json::Value,
    ) -> IdentifiedEvent {
        self.identify(NewAuditEvent {
            tenant: Some(tenant),
            actor_kind: ActorKind::Installation,
            actor: None,
            action,
            target_kind,
            target_id,
            outcome: AuditOutcome::Allowed,
            request_id: None,
            detail: Some(detail),
        })
    }
}

fn or_conflict(error: StoreError, what: &'static str) -> StoreError {
    if error.is_duplicate() {
        StoreError::Conflict(what)
    } else {
        error
    }
}

pub(crate) fn parse_cloud(text: &str) -> Result<Cloud, StoreError> {
    text.parse()
        .map_err(|error| StoreError::corrupt("cloud", error))
}

#[cfg(test)]
pub(crate) const STATEMENTS: &[crate::statement::Info] = credentials::STATEMENTS;
