//! What the command line does to an installation.
//!
//! | module | subject |
//! | --- | --- |
//! | [`credentials`] | how each tenant's application proves itself |
//! | [`erasure`] | removing users, and erasing a person's data |
//! | [`members`] | who belongs to a tenant |
//! | [`refusal`] | why an act was refused |
//! | [`standing`] | disabling users, and operators of the installation |
//! | `tenant_removal` | removing a tenant with everything of it |
//! | `tenant_standing` | disabling tenants |
//! | [`tenants`] | tenants, as the installation's operator sees them |
//! | [`tokens`] | API tokens |
//! | [`users`] | adding, finding and listing users |
//! | `webhook_secrets` | encrypting the secrets of webhooks again |

pub mod credentials;
pub mod erasure;
pub mod members;
pub mod refusal;
pub mod standing;
mod tenant_removal;
mod tenant_standing;
pub mod tenants;
pub mod tokens;
pub mod users;
mod webhook_secrets;

use std::sync::Arc;

use atlas_domain::audit::{ActorKind, AuditAction, AuditOutcome};
use atlas_domain::ids::{TenantId, UserId};
use atlas_domain::tenant::Cloud;
use serde_json::{Value, json};

use crate::audit::{IdentifiedEvent, NewAuditEvent, Origin};
use crate::error::StoreError;
use crate::pool::Store;

pub use credentials::{NewCredential, StoredCredential};
pub use erasure::Erased;
pub use members::MemberRow;
pub use refusal::AccessChangeError;
pub use tenant_standing::TenantChange;
pub use tenants::{NewTenant, TenantRow};
pub use tokens::TokenRow;
pub use users::{UserRow, UserSummary};
pub use webhook_secrets::WebhookSecrets;

impl Store {
    /// The same store for acts of this person, as the operating system calls them: the audit log
    /// names them as `by`.
    #[must_use]
    pub fn administered_by(mut self, name: &str) -> Self {
        self.administrator = Some(Arc::from(name));
        self
    }

    /// An act of the installation's operator, with who it was where that is known.
    fn administered(
        &self,
        tenant: Option<TenantId>,
        action: AuditAction,
        target: (&'static str, String),
        detail: Option<Value>,
    ) -> IdentifiedEvent {
        let detail = match (detail, &self.administrator) {
            (detail, None) => detail,
            (None, Some(by)) => Some(json!({ "by": &**by })),
            (Some(mut detail), Some(by)) => {
                detail["by"] = Value::from(&**by);
                Some(detail)
            }
        };
        self.identify(NewAuditEvent {
            tenant,
            actor_kind: ActorKind::Installation,
            actor: None,
            action,
            target_kind: target.0,
            target_id: target.1,
            outcome: AuditOutcome::Allowed,
            request_id: None,
            origin: Origin::default(),
            detail,
        })
    }

    /// An act that concerns a user, whom the log names by the id alone: the name can be erased.
    fn concerning(
        &self,
        user: UserId,
        action: AuditAction,
        detail: Option<Value>,
    ) -> IdentifiedEvent {
        self.administered(None, action, ("user", user.to_string()), detail)
    }

    /// What the installation's operator did to a tenant.
    fn audited(
        &self,
        tenant: TenantId,
        action: AuditAction,
        target_kind: &'static str,
        target_id: String,
        detail: Value,
    ) -> IdentifiedEvent {
        self.administered(Some(tenant), action, (target_kind, target_id), Some(detail))
    }
}

fn or_conflict(error: StoreError, what: &'static str) -> StoreError {
    if error.is_duplicate() {
        StoreError::Conflict(what)
    } else {
        error
    }
}

/// For acts on a tenant or a user whom another command removes at the same time.
fn or_gone(error: StoreError, what: &'static str) -> StoreError {
    if error.is_about_something_gone() {
        StoreError::Gone(what)
    } else {
        error
    }
}

pub(crate) fn parse_cloud(text: &str) -> Result<Cloud, StoreError> {
    text.parse()
        .map_err(|error| StoreError::corrupt("cloud", error))
}

#[cfg(test)]
pub(crate) fn statements() -> Vec<crate::statement::Info> {
    [
        credentials::STATEMENTS,
        erasure::STATEMENTS,
        members::STATEMENTS,
        standing::STATEMENTS,
        tenant_removal::STATEMENTS,
        tenant_standing::STATEMENTS,
        tokens::STATEMENTS,
        users::STATEMENTS,
    ]
    .concat()
}
