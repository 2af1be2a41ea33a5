//! Recording a run or joining the active one, in one statement.

use atlas_domain::access::{Role, SyncPermit};
use atlas_domain::audit::{ActorKind, AuditAction};
use atlas_domain::failure::{Failure, FailureCode};
use atlas_domain::ids::{RequestId, RunId};
use atlas_domain::notification;
use atlas_domain::run::identity::RunIdentity;
use atlas_domain::run::{Completion, OperationKind, OperationRun, RunCounts, RunInputs};
use serde_json::Value;
use uuid::Uuid;

use super::row::{RunRow, to_json};
use super::start_key::{StartKey, UsedKey};
use crate::access::{parse_role, role_names};
use crate::audit::Origin;
use crate::error::StoreError;
use crate::pool::Store;
#[cfg(test)]
use crate::statement::{Info, Statement};
use crate::statement::{fetch_one, fetch_optional, row, statement};

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
    /// The membership ended, or its role changed, since the permit was given.
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

/// What became of a run that could not be put into Redis.
#[derive(Debug)]
pub enum DispatchFailure {
    /// It has failed, and the initiator was notified.
    Failed(OperationRun),
    /// A worker has it after all, or it has ended meanwhile: no failure.
    Taken(OperationRun),
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
                inputs: Value,
                verify: Option<&'static str>,
                retry_of: Option<Uuid>,
                priority: i16,
                notification: Uuid,
                title: String,
                body: String,
                audit: Uuid,
                request: Uuid,
                request_name: Option<String>,
                address: Option<String>,
                user_agent: Option<String>,
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
    key: String,
    request_hash: String,
});

row! {
    struct CreatedRow {
        created: bool,
    }
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

statement! {
    struct FailDispatch {
        run: Uuid,
        error: Value,
        event: &'static str,
        notification: Uuid,
        title: String,
        body: String,
        cancelled_title: String,
        cancelled_body: String,
        audit: Uuid,
    }
    file: "runs/fail_dispatch",
    row: RunRow,
    pieces: ["runs/pieces/message", "runs/pieces/recorded", "runs/pieces/columns"],
    transitions: [FailDispatch],
    constants: [actor = ActorKind::User.as_str()],
}

statement! {
    struct Find {
        run: Uuid,
    }
    file: "runs/find",
    row: RunRow,
    pieces: ["runs/pieces/columns"],
}

impl Store {
    /// Records the run that is asked for, with its audit entry, its notification and its first
    /// event, or joins the same run when it is active. Checks the membership again. The audit entry
    /// of a join is committed without waiting for the disk.
    ///
    /// # Errors
    /// [`AdmitError`]; nothing was recorded then.
    #[allow(clippy::needless_pass_by_value, reason = "a permit is spent")]
    pub async fn admit(
        &self,
        permit: SyncPermit,
        start: StartRun,
    ) -> Result<Admission, AdmitError> {
        let kind = start.inputs.kind();
        let identity = RunIdentity::of(permit.tenant_id(), &start.inputs);
        let message = notification::queued(kind, TENANT_NAME);
        let (inputs, verify) = start.inputs.to_stored();
        let roles = role_names(Role::that_may_sync());
        macro_rules! bound {
            ($name:ident { $($more:tt)* }) => {
                $name {
                    tenant: permit.tenant_id().into_uuid(),
                    initiator: permit.user_id().into_uuid(),
                    roles: &roles,
                    kind: kind.as_str(),
                    identity: identity.as_str(),
                    run: start.run_id.into_uuid(),
                    lock_scope: kind.lock_scope(),
                    inputs,
                    verify,
                    retry_of: start.retry_of.map(RunId::into_uuid),
                    priority: start.priority,
                    notification: self.mint(),
                    title: message.title,
                    body: message.body,
                    audit: self.mint(),
                    request: start.request_id.into_uuid(),
                    request_name: start.origin.request_name,
                    address: start.origin.address,
                    user_agent: start.origin.user_agent,
                    $($more)*
                }
            };
        }
        let key = start.key;
        let row = match &key {
            None => self.fetch_optional(&bound!(Admit {})).await,
            Some(key) => {
                let keyed = bound!(AdmitKeyed {
                    key: key.key.clone(),
                    request_hash: key.request_hash.clone(),
                });
                self.fetch_optional(&keyed).await
            }
        };
        let row = match row {
            // The user or the tenant was removed since the statement began.
            Err(error) if error.is_about_something_gone() => None,
            row => row?,
        };
        match row {
            Some((run, CreatedRow { created: true })) => Ok(Admission::Created(run.into_run()?)),
            Some((run, CreatedRow { created: false })) => {
                let run = run.into_run()?;
                if let Some(key) = &key {
                    self.correct_key(permit.user_id(), key, start.run_id, run.id)
                        .await?;
                }
                Ok(Admission::Joined(run))
            }
            None => self.repeated_or_refused(&permit, key.as_ref()).await,
        }
    }

    /// Why nothing was recorded: the key was used before, or the caller may not.
    async fn repeated_or_refused(
        &self,
        permit: &SyncPermit,
        key: Option<&StartKey>,
    ) -> Result<Admission, AdmitError> {
        let refusal = self.refusal(permit).await;
        let Some(key) = key.filter(|_| matches!(refusal, AdmitError::NotPermitted)) else {
            return Err(refusal);
        };
        match self.used_key(permit.user_id(), key).await? {
            Some(used) if used.request_hash == key.request_hash => Ok(Admission::Repeated(used)),
            Some(used) => Err(AdmitError::KeyReused(used)),
            None => Err(refusal),
        }
    }

    async fn refusal(&self, permit: &SyncPermit) -> AdmitError {
        let find = FindRefusal {
            tenant: permit.tenant_id().into_uuid(),
            user: permit.user_id().into_uuid(),
        };
        let row = self.fetch_optional(&find).await;
        match row {
            Err(error) => error.into(),
            Ok(Some(row)) if !row.disabled => match parse_role(&row.role) {
                Ok(role) if !role.may_sync() => AdmitError::NotPermitted,
                Ok(_) if !row.enabled => AdmitError::TenantDisabled,
                Ok(_) if !row.connected => AdmitError::NotConnected,
                Ok(_) => AdmitError::NotPermitted,
                Err(error) => error.into(),
            },
            Ok(_) => AdmitError::NotPermitted,
        }
    }

    /// Ends a run that could not be put into Redis as failed, notifies its initiator, and records both;
    /// unless a worker has it after all.
    ///
    /// # Errors
    /// [`StoreError`]; the run then stays queued and a sweep hands it out.
    pub async fn fail_dispatch(
        &self,
        run: RunId,
        kind: OperationKind,
    ) -> Result<DispatchFailure, StoreError> {
        let error = Failure::transient(
            FailureCode::DISPATCH_FAILED,
            "The run could not be handed to the workers.",
        )
        .with_hint(
            "Start it again in a moment; if it keeps failing, Redis takes no messages, and the API's \
             /readyz says why.",
        );
        let completion = Completion::failed(error.clone(), RunCounts::none(kind));
        let message = notification::terminal(kind, TENANT_NAME, &completion);
        let client = self.client().await?;
        let fail = FailDispatch {
            run: run.into_uuid(),
            error: to_json(&error),
            event: "dispatch_failed",
            notification: self.mint(),
            title: message.title.clone(),
            body: message.body.clone(),
            cancelled_title: message.title,
            cancelled_body: message.body,
            audit: self.mint(),
        };
        if let Some(row) = fetch_optional(&client, &fail).await? {
            return Ok(DispatchFailure::Failed(row.into_run()?));
        }
        let run = run.into_uuid();
        let row = fetch_one(&client, &Find { run }).await?;
        Ok(DispatchFailure::Taken(row.into_run()?))
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] = &[
    <Admit<'_> as Statement>::INFO,
    <AdmitKeyed<'_> as Statement>::INFO,
    <FindRefusal as Statement>::INFO,
    <FailDispatch as Statement>::INFO,
    <Find as Statement>::INFO,
];
