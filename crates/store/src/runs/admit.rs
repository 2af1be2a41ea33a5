//! Recording a run or joining the active one, in one statement.

use atlas_domain::access::{Role, SyncPermit};
use atlas_domain::audit::AuditAction;
use atlas_domain::ids::{RequestId, RunId};
use atlas_domain::notification;
use atlas_domain::run::identity::RunIdentity;
use atlas_domain::run::{OperationRun, RunInputs};
use serde_json::Value;
use uuid::Uuid;

use super::asked::{Admitted, AskedStart, CreatedRow};
use super::row::RunRow;
use super::start_key::{StartKey, UsedKey};
use crate::access::{parse_role, role_names};
use crate::audit::Origin;
use crate::error::StoreError;
use crate::pool::Store;
#[cfg(test)]
use crate::statement::{Info, Statement};
use crate::statement::{row, statement};

/// Stands for the tenant's name in texts that the database completes.
pub(crate) const TENANT_NAME: &str = "{tenant}";

/// What is asked for. Tenant and initiator come from the permit.
#[derive(Debug, Clone)]
pub struct StartRun {
    /// The id that the run gets if it is created.
    pub run_id: RunId,
    /// Kind and inputs.
    pub inputs: RunInputs,
    /// The request in which it is asked for.
    pub request_id: RequestId,
    /// Where that request came from.
    pub origin: Origin,
    /// The run that it repeats.
    pub retry_of: Option<RunId>,
    /// Greater goes first.
    pub priority: i16,
    /// By which the start is recognised when it is repeated.
    pub key: Option<StartKey>,
}

/// What became of the request.
#[derive(Debug)]
pub enum Admission {
    /// A run was recorded. It must now be put into Redis.
    Created(OperationRun),
    /// The same run is active already; nothing of it was written.
    Joined(OperationRun),
    /// The start was made before, with the same key: nothing was written.
    Repeated(UsedKey),
}

/// Why nothing was recorded.
#[derive(Debug, thiserror::Error)]
pub enum AdmitError {
    /// The membership ended since the permit was given, perhaps with the tenant.
    #[error("the initiator does not belong to the tenant any more")]
    NotMember,
    /// The role changed, or the user was disabled, since the permit was given.
    #[error("the initiator may not sync this tenant any more")]
    NotPermitted,
    /// The tenant is switched off.
    #[error("the tenant is disabled")]
    TenantDisabled,
    /// The tenant has no credentials.
    #[error("the tenant has no credentials")]
    NotConnected,
    /// The key was used for another start.
    #[error("the key was used for another start")]
    KeyReused(UsedKey),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Two statements that differ in whether a key is written first.
macro_rules! admit {
    ($name:ident, $file:literal, { $($key:ident: $type:ty,)* }) => {
        statement! {
            struct $name<'a> {
                tenant: Uuid,
                initiator: Uuid,
                roles: &'a [&'static str],
                kind: &'static str,
                identity: &'a str,
                run: Uuid,
                lock_scope: &'static str,
                inputs: &'a Value,
                verify: Option<&'static str>,
                retry_of: Option<Uuid>,
                priority: i16,
                notification: Uuid,
                title: &'a str,
                body: &'a str,
                audit: Uuid,
                request: Uuid,
                request_name: Option<&'a str>,
                address: Option<&'a str>,
                user_agent: Option<&'a str>,
                $($key: $type,)*
            }
            file: $file,
            row: (RunRow, CreatedRow),
            pieces: ["runs/pieces/admitted", "runs/pieces/admission", "runs/pieces/columns"],
            constants: [
                scheduled = "false",
                started = AuditAction::RunStarted.as_str(),
                joined = AuditAction::RunJoined.as_str(),
            ],
        }
    };
}

admit!(Admit, "runs/admit", {});
admit!(AdmitKeyed, "runs/admit_keyed", {
    key: &'a str,
    request_hash: &'a str,
});

fn asked(permit: &SyncPermit, start: StartRun) -> AskedStart {
    let kind = start.inputs.kind();
    let (inputs, verify) = start.inputs.to_stored();
    AskedStart {
        tenant: permit.tenant_id().into_uuid(),
        initiator: permit.user_id().into_uuid(),
        kind,
        identity: RunIdentity::of(permit.tenant_id(), &start.inputs),
        run: start.run_id.into_uuid(),
        inputs,
        verify,
        retry_of: start.retry_of.map(RunId::into_uuid),
        priority: start.priority,
        message: notification::queued(kind, TENANT_NAME),
        request: start.request_id.into_uuid(),
        request_name: start.origin.request_name,
        address: start.origin.address,
        user_agent: start.origin.user_agent,
    }
}

/// The statement of this name for a start.
macro_rules! bound {
    ($name:ident, $store:expr, $start:expr, { $($key:ident: $value:expr),* }) => {
        $name {
            tenant: $start.tenant,
            initiator: $start.initiator,
            roles: &role_names(Role::that_may_sync()),
            kind: $start.kind.as_str(),
            identity: $start.identity.as_str(),
            run: $start.run,
            lock_scope: $start.kind.lock_scope(),
            inputs: &$start.inputs,
            verify: $start.verify,
            retry_of: $start.retry_of,
            priority: $start.priority,
            notification: $store.mint(),
            title: &$start.message.title,
            body: &$start.message.body,
            audit: $store.mint(),
            request: $start.request,
            request_name: $start.request_name.as_deref(),
            address: $start.address.as_deref(),
            user_agent: $start.user_agent.as_deref(),
            $($key: $value),*
        }
    };
}

statement! {
    struct FindRefusal {
        tenant: Uuid,
        user: Uuid,
    }
    file: "runs/find_refusal",
    row: RefusalRow,
}

row! {
    struct RefusalRow {
        role: String,
        enabled: bool,
        connected: bool,
        disabled: bool,
    }
}

impl Store {
    /// Records the run that is asked for, with its audit entry, its notification and its first
    /// event, or joins the same run when it is active. Checks the membership again. Starts without a
    /// key that arrive together share a statement. The audit entry of a join is committed without
    /// waiting for the disk, unless a run was recorded with it.
    ///
    /// # Errors
    /// [`AdmitError`]; nothing was recorded then.
    #[allow(clippy::needless_pass_by_value, reason = "a permit is spent")]
    pub async fn admit(
        &self,
        permit: SyncPermit,
        mut start: StartRun,
    ) -> Result<Admission, AdmitError> {
        let (run, key) = (start.run_id, start.key.take());
        let start = asked(&permit, start);
        // Boxed, as whoever awaits this one holds all of it.
        let row = match &key {
            None => Box::pin(self.admit_together(start)).await,
            Some(key) => Box::pin(self.admit_keyed(&start, key)).await,
        };
        let row = match row {
            // The user or the tenant was removed since the statement began.
            Err(error) if error.is_about_something_gone() => None,
            row => row?,
        };
        match row {
            Some((row, CreatedRow { created: true })) => Ok(Admission::Created(row.into_run()?)),
            Some((row, CreatedRow { created: false })) => {
                let joined = row.into_run()?;
                if let Some(key) = &key {
                    self.correct_key(permit.user_id(), key, run, joined.id)
                        .await?;
                }
                Ok(Admission::Joined(joined))
            }
            None => self.repeated_or_refused(&permit, key.as_ref()).await,
        }
    }

    /// Records or joins a run, by itself.
    pub(super) async fn admit_alone(&self, start: &AskedStart) -> Result<Admitted, StoreError> {
        self.fetch_optional(&bound!(Admit, self, start, {})).await
    }

    async fn admit_keyed(
        &self,
        start: &AskedStart,
        key: &StartKey,
    ) -> Result<Admitted, StoreError> {
        let keyed = bound!(AdmitKeyed, self, start, {
            key: &key.key,
            request_hash: &key.request_hash
        });
        self.fetch_optional(&keyed).await
    }

    /// Why nothing was recorded: the caller may not, or the key was used before.
    async fn repeated_or_refused(
        &self,
        permit: &SyncPermit,
        key: Option<&StartKey>,
    ) -> Result<Admission, AdmitError> {
        if let Some(refusal) = self.refusal(permit).await? {
            return Err(refusal);
        }
        let used = match key {
            None => None,
            Some(key) => self
                .used_key(permit.user_id(), key)
                .await?
                .map(|used| (key, used)),
        };
        match used {
            Some((key, used)) if used.request_hash == key.request_hash => {
                Ok(Admission::Repeated(used))
            }
            Some((_, used)) => Err(AdmitError::KeyReused(used)),
            // Whatever it was is no more.
            None => Err(AdmitError::NotPermitted),
        }
    }

    /// What keeps the permit's user from starting a run of its tenant.
    async fn refusal(&self, permit: &SyncPermit) -> Result<Option<AdmitError>, StoreError> {
        let find = FindRefusal {
            tenant: permit.tenant_id().into_uuid(),
            user: permit.user_id().into_uuid(),
        };
        let Some(row) = self.fetch_optional(&find).await? else {
            return Ok(Some(AdmitError::NotMember));
        };
        let may_sync = parse_role(&row.role)?.may_sync();
        Ok(if row.disabled || !may_sync {
            Some(AdmitError::NotPermitted)
        } else if !row.enabled {
            Some(AdmitError::TenantDisabled)
        } else if !row.connected {
            Some(AdmitError::NotConnected)
        } else {
            None
        })
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] = &[
    <Admit<'_> as Statement>::INFO,
    <AdmitKeyed<'_> as Statement>::INFO,
    <FindRefusal as Statement>::INFO,
];
