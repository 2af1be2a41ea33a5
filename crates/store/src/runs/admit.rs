//! Recording a run or joining the active one, in one statement.

use atlas_domain::access::SyncPermit;
use atlas_domain::failure::{Failure, FailureCode};
use atlas_domain::ids::{RequestId, RunId};
use atlas_domain::notification;
use atlas_domain::run::identity::RunIdentity;
use atlas_domain::run::{
    Completion, OperationKind, OperationRun, RunCounts, RunInputs, Transition,
};
use const_format::concatcp;
use diesel::sql_types::{Bool, Jsonb, Nullable, SmallInt, Text, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::RunQueryDsl;

use super::row::{COLUMNS, RunRow, TOLD, to_json};
use crate::access::parse_role;
use crate::error::StoreError;
use crate::pool::Store;
use crate::prepared::prepared;

/// Stands for the tenant's name in texts that the database completes.
pub(super) const TENANT_NAME: &str = "{tenant}";

/// What is asked for. Tenant and initiator come from the permit.
#[derive(Debug, Clone)]
pub struct StartRun {
    /// The id that the run gets if it is created.
    pub run_id: RunId,
    /// Kind and inputs.
    pub inputs: RunInputs,
    /// The request in which it is asked for.
    pub request_id: RequestId,
    /// The run that it repeats.
    pub retry_of: Option<RunId>,
    /// Greater goes first.
    pub priority: i16,
}

/// What became of the request.
#[derive(Debug)]
pub enum Admission {
    /// A run was recorded. It must now be put into Redis.
    Created(OperationRun),
    /// The same run is active already; nothing of it was written.
    Joined(OperationRun),
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
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of a run that could not be put into Redis.
#[derive(Debug)]
pub enum DispatchFailure {
    /// It has failed, and the initiator was told.
    Failed(OperationRun),
    /// A worker has it after all, or it has ended meanwhile: no failure.
    Taken(OperationRun),
}

/// One round trip, one commit. The active run is read first and joined without writing its row:
/// many callers of one run would queue for that row, before its worker's heartbeats. Only a miss
/// inserts; a race with another insert ends in `DO UPDATE`, which always gives a row. Created is
/// told by the proposed id.
///
/// $1 tenant, $2 initiator, $3 kind, $4 identity, $5 proposed id, $6 scope, $7 inputs, $8 retry of,
/// $9 priority, $10 notification, $11 title, $12 body, $13 audit entry, $14 request.
const ADMIT: &str = concatcp!(
    "WITH permitted AS ( \
        SELECT t.id AS tenant_id, t.name \
        FROM memberships m JOIN tenants t ON t.id = m.tenant_id JOIN users i ON i.id = m.user_id \
            JOIN tenant_credentials k ON k.tenant_id = t.id \
        WHERE m.user_id = $2 AND m.tenant_id = $1 AND i.disabled_at IS NULL AND t.enabled \
            AND m.role IN ('owner', 'manager', 'operator')), \
    active AS ( \
        SELECT r.* FROM permitted p JOIN operation_runs r ON r.tenant_id = p.tenant_id \
        WHERE r.kind = $3 AND r.identity = $4 AND r.status IN ('queued', 'running')), \
    inserted AS ( \
        INSERT INTO operation_runs AS r (id, tenant_id, kind, identity, lock_scope, inputs, \
            initiator_id, retry_of, priority, served_at, event_seq) \
        SELECT $5, p.tenant_id, $3, $4, $6, $7, $2, $8, $9, \
            coalesce((SELECT f.served_at FROM tenant_fences f \
                WHERE f.tenant_id = p.tenant_id AND f.scope = $6), '-infinity'), 1 \
        FROM permitted p \
        WHERE NOT EXISTS (SELECT 1 FROM active) \
        ON CONFLICT (tenant_id, kind, identity) WHERE status IN ('queued', 'running') \
        DO UPDATE SET updated_at = r.updated_at RETURNING r.*), \
    r AS (SELECT * FROM inserted UNION ALL SELECT * FROM active), \
    event AS ( \
        INSERT INTO operation_run_events (run_id, seq, attempt, event) \
        SELECT id, 1, 0, 'queued' FROM inserted WHERE id = $5), \
    notice AS ( \
        INSERT INTO notifications (id, user_id, tenant_id, run_id, phase, title, body) \
        SELECT $10, $2, $1, i.id, 'queued', replace($11, '{tenant}', p.name), \
            replace($12, '{tenant}', p.name) \
        FROM inserted i, permitted p WHERE i.id = $5), \
    audit AS ( \
        INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, \
            target_id, outcome, request_id) \
        SELECT $13, $1, 'user', $2, \
            CASE WHEN r.id = $5 THEN 'operation_run.started' ELSE 'operation_run.joined' END, \
            'operation_run', r.id::text, 'allowed', $14 FROM r) \
    SELECT ",
    COLUMNS,
    ", (r.id = $5) AS created, \
        CASE WHEN r.id = $5 THEN NULL ELSE set_config('synchronous_commit', 'off', true) END AS _ \
    FROM r JOIN tenants t ON t.id = r.tenant_id JOIN users u ON u.id = r.initiator_id"
);

/// Why [`ADMIT`] gave no row.
const REFUSAL: &str = "SELECT m.role, t.enabled, (k.tenant_id IS NOT NULL) AS connected, \
        (u.disabled_at IS NOT NULL) AS disabled \
    FROM memberships m JOIN tenants t ON t.id = m.tenant_id JOIN users u ON u.id = m.user_id \
        LEFT JOIN tenant_credentials k ON k.tenant_id = t.id \
    WHERE m.user_id = $2 AND m.tenant_id = $1";

/// $9 the run, $10 the error.
const FAIL_DISPATCH: &str = concatcp!(
    "WITH changed AS ( \
        UPDATE operation_runs r SET status = 'completed', outcome = 'failed', error = $10, \
            completed_at = clock_timestamp(), updated_at = clock_timestamp(), \
            event_seq = r.event_seq + 1 \
        WHERE r.id = $9 AND r.attempt = 0 AND ",
    Transition::FailDispatch.guard(),
    " RETURNING r.*)",
    TOLD,
    "SELECT ",
    COLUMNS,
    " FROM changed r JOIN tenants t ON t.id = r.tenant_id JOIN users u ON u.id = r.initiator_id"
);

const BY_ID: &str = concatcp!(
    "SELECT ",
    COLUMNS,
    " FROM operation_runs r JOIN tenants t ON t.id = r.tenant_id \
      JOIN users u ON u.id = r.initiator_id WHERE r.id = $1"
);

#[derive(QueryableByName)]
struct AdmittedRow {
    #[diesel(embed)]
    run: RunRow,
    #[diesel(sql_type = Bool)]
    created: bool,
}

#[derive(QueryableByName)]
struct RefusalRow {
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Bool)]
    enabled: bool,
    #[diesel(sql_type = Bool)]
    connected: bool,
    #[diesel(sql_type = Bool)]
    disabled: bool,
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
        let inputs: serde_json::Value = serde_json::from_str(&start.inputs.normal_form())
            .map_err(|error| StoreError::corrupt("normal form", error))?;
        let row: Option<AdmittedRow> = prepared(
            sql_query(ADMIT)
                .bind::<SqlUuid, _>(permit.tenant_id().into_uuid())
                .bind::<SqlUuid, _>(permit.user_id().into_uuid())
                .bind::<Text, _>(kind.as_str())
                .bind::<Text, _>(identity.as_str())
                .bind::<SqlUuid, _>(start.run_id.into_uuid())
                .bind::<Text, _>(kind.lock_scope())
                .bind::<Jsonb, _>(inputs)
                .bind::<Nullable<SqlUuid>, _>(start.retry_of.map(RunId::into_uuid))
                .bind::<SmallInt, _>(start.priority)
                .bind::<SqlUuid, _>(self.mint())
                .bind::<Text, _>(message.title)
                .bind::<Text, _>(message.body)
                .bind::<SqlUuid, _>(self.mint())
                .bind::<SqlUuid, _>(start.request_id.into_uuid()),
        )
        .get_result(&mut self.connection().await?)
        .await
        .optional()
        .map_err(StoreError::from)?;
        match row {
            Some(AdmittedRow { run, created: true }) => Ok(Admission::Created(run.into_run()?)),
            Some(AdmittedRow {
                run,
                created: false,
            }) => Ok(Admission::Joined(run.into_run()?)),
            None => Err(self.refusal(&permit).await),
        }
    }

    async fn refusal(&self, permit: &SyncPermit) -> AdmitError {
        let row: Result<Option<RefusalRow>, StoreError> = async {
            Ok(prepared(
                sql_query(REFUSAL)
                    .bind::<SqlUuid, _>(permit.tenant_id().into_uuid())
                    .bind::<SqlUuid, _>(permit.user_id().into_uuid()),
            )
            .get_result(&mut self.connection().await?)
            .await
            .optional()?)
        }
        .await;
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

    /// Ends a run that could not be put into Redis as failed, tells its initiator, and records both;
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
        .with_hint("Start it again in a moment; if it keeps failing, Redis is not reachable.");
        let completion = Completion::failed(error.clone(), RunCounts::default());
        let message = notification::terminal(kind, TENANT_NAME, &completion);
        let mut connection = self.connection().await?;
        let row: Option<RunRow> = prepared(
            sql_query(FAIL_DISPATCH)
                .bind::<Text, _>("dispatch_failed")
                .bind::<SqlUuid, _>(self.mint())
                .bind::<Text, _>(message.title.clone())
                .bind::<Text, _>(message.body.clone())
                .bind::<Text, _>(message.title)
                .bind::<Text, _>(message.body)
                .bind::<SqlUuid, _>(self.mint())
                .bind::<Text, _>("user")
                .bind::<SqlUuid, _>(run.into_uuid())
                .bind::<Jsonb, _>(to_json(&error)),
        )
        .get_result(&mut connection)
        .await
        .optional()?;
        if let Some(row) = row {
            return Ok(DispatchFailure::Failed(row.into_run()?));
        }
        let row: RunRow = prepared(sql_query(BY_ID).bind::<SqlUuid, _>(run.into_uuid()))
            .get_result(&mut connection)
            .await?;
        Ok(DispatchFailure::Taken(row.into_run()?))
    }
}
