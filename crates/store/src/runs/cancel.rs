//! Stopping a run on request.

use atlas_domain::access::cancellation::CancelPermit;
use atlas_domain::audit::AuditAction;
use atlas_domain::ids::{RequestId, RunId};
use atlas_domain::notification;
use atlas_domain::run::{
    CANCEL_GRACE, CancelReason, Completion, OperationRun, Outcome, RunCounts, RunState, Transition,
};
use const_format::concatcp;
use diesel::result::Error as DieselError;
use diesel::sql_types::{BigInt, Nullable, Text, Uuid as SqlUuid};
use diesel::{OptionalExtension, sql_query};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

use super::admit::TENANT_NAME;
use super::claim::milliseconds;
use super::row::{COLUMNS, RunRow};
use crate::error::StoreError;
use crate::pool::Store;
use crate::prepared::prepared;

/// What became of a request to stop.
#[derive(Debug)]
pub enum Cancellation {
    /// The run was queued and has ended as cancelled, now or by an earlier request; or its worker
    /// had honoured one.
    Cancelled(OperationRun),
    /// The run is running and its worker is asked, now or by an earlier request. It ends as
    /// cancelled by its deadline.
    Requested(OperationRun),
}

/// Why the run was not asked to stop.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    /// The membership ended, or its role changed, since the permit was given; or the run is not one
    /// of the permit's tenant.
    #[error("the requester may not cancel this run any more")]
    NotPermitted,
    /// The run has ended otherwise.
    #[error("the run has ended")]
    AlreadyTerminal(Box<OperationRun>),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<DieselError> for CancelError {
    fn from(error: DieselError) -> Self {
        Self::Store(error.into())
    }
}

/// Holds the run's row while it is decided what to do, so that neither a claim nor the end comes in
/// between. $1 tenant, $2 requester, $3 run.
const HOLD: &str = concatcp!(
    "SELECT ",
    COLUMNS,
    " FROM operation_runs r JOIN tenants t ON t.id = r.tenant_id \
        JOIN users u ON u.id = r.initiator_id \
    WHERE r.id = $3 AND r.tenant_id = $1 AND EXISTS ( \
        SELECT 1 FROM memberships m JOIN users i ON i.id = m.user_id \
        WHERE m.user_id = $2 AND m.tenant_id = $1 AND i.disabled_at IS NULL \
            AND m.role IN ('owner', 'manager', 'operator')) \
    FOR UPDATE OF r"
);

/// Sets who asked and why. $1 run, $2 requester, $3 reason, $4 milliseconds until the deadline.
const ASKED: &str = "cancel_requested_at = clock_timestamp(), cancel_requested_by = $2, \
    cancel_reason = $3, cancel_deadline_at = clock_timestamp() + $4 * interval '1 millisecond', \
    updated_at = clock_timestamp(), event_seq = r.event_seq + 1";

/// Writes the event ($7) and the audit entry ($5 its id, $8 its action, $6 the request), in the
/// requester's name. Follows a CTE `changed` with the new version of the row.
const RECORDED: &str = ", event AS ( \
        INSERT INTO operation_run_events (run_id, seq, attempt, event, detail) \
        SELECT c.id, c.event_seq, c.attempt, $7, jsonb_build_object('requested_by', $2) \
        FROM changed c), \
    audit AS ( \
        INSERT INTO audit_events (id, tenant_id, actor_kind, actor_id, action, target_kind, \
            target_id, outcome, request_id, detail) \
        SELECT $5, c.tenant_id, 'user', $2, $8, 'operation_run', c.id::text, 'allowed', $6, \
            jsonb_strip_nulls(jsonb_build_object('attempt', c.attempt, 'reason', c.cancel_reason)) \
        FROM changed c)";

const SHOWN: &str = concatcp!(
    " SELECT ",
    COLUMNS,
    " FROM changed r JOIN tenants t ON t.id = r.tenant_id JOIN users u ON u.id = r.initiator_id"
);

const REQUEST: &str = concatcp!(
    "WITH changed AS (UPDATE operation_runs r SET ",
    ASKED,
    " WHERE r.id = $1 AND ",
    Transition::RequestCancel.guard(),
    " AND r.cancel_requested_at IS NULL RETURNING r.*)",
    RECORDED,
    SHOWN
);

/// No worker has the run, so no fence is raised: nobody holds the one that a write would need.
/// $9 notification, $10 title, $11 body.
const CANCEL_QUEUED: &str = concatcp!(
    "WITH changed AS (UPDATE operation_runs r SET status = 'completed', outcome = 'cancelled', \
        error = NULL, completed_at = clock_timestamp(), ",
    ASKED,
    " WHERE r.id = $1 AND ",
    Transition::CancelQueued.guard(),
    " RETURNING r.*)",
    RECORDED,
    ", notice AS ( \
        INSERT INTO notifications (id, user_id, tenant_id, run_id, phase, title, body) \
        SELECT $9, c.initiator_id, c.tenant_id, c.id, 'terminal', \
            replace($10, '{tenant}', t.name), replace($11, '{tenant}', t.name) \
        FROM changed c JOIN tenants t ON t.id = c.tenant_id \
        ON CONFLICT ON CONSTRAINT one_per_phase DO NOTHING)",
    SHOWN
);

/// What both statements are given.
struct Request<'a> {
    run: RunId,
    permit: &'a CancelPermit,
    reason: Option<&'a CancelReason>,
    request_id: RequestId,
}

impl Store {
    /// Stops the run: at once while it is queued; while it is running its worker is asked, who
    /// learns of it by the next heartbeat and has [`CANCEL_GRACE`]. Records who asked. Once this
    /// says [`Cancellation`], the run ends as cancelled, whatever its worker does. Asking again
    /// changes nothing and answers the same. Checks the membership again.
    ///
    /// # Errors
    /// [`CancelError`]; nothing was changed then.
    #[allow(clippy::needless_pass_by_value, reason = "a permit is spent")]
    pub async fn cancel_run(
        &self,
        permit: CancelPermit,
        run: RunId,
        reason: Option<&CancelReason>,
        request_id: RequestId,
    ) -> Result<Cancellation, CancelError> {
        let request = Request {
            run,
            permit: &permit,
            reason,
            request_id,
        };
        let mut connection = self.connection().await?;
        connection
            .transaction::<Cancellation, CancelError, _>(async |connection| {
                let held = hold(connection, &request).await?;
                match held.state {
                    RunState::Completed {
                        outcome: Outcome::Cancelled,
                        ..
                    } => Ok(Cancellation::Cancelled(held)),
                    RunState::Completed { .. } => Err(CancelError::AlreadyTerminal(Box::new(held))),
                    RunState::Running { .. } if held.cancel.is_some() => {
                        Ok(Cancellation::Requested(held))
                    }
                    RunState::Running { .. } => {
                        let run = self.request_cancel(connection, &request).await?;
                        Ok(Cancellation::Requested(run))
                    }
                    RunState::Queued { .. } => {
                        let run = self.cancel_queued(connection, &request, &held).await?;
                        Ok(Cancellation::Cancelled(run))
                    }
                }
            })
            .await
    }

    async fn request_cancel(
        &self,
        connection: &mut AsyncPgConnection,
        request: &Request<'_>,
    ) -> Result<OperationRun, CancelError> {
        let row: RunRow = prepared(
            sql_query(REQUEST)
                .bind::<SqlUuid, _>(request.run.into_uuid())
                .bind::<SqlUuid, _>(request.permit.user_id().into_uuid())
                .bind::<Nullable<Text>, _>(request.reason.map(CancelReason::as_str))
                .bind::<BigInt, _>(milliseconds(CANCEL_GRACE))
                .bind::<SqlUuid, _>(self.mint())
                .bind::<SqlUuid, _>(request.request_id.into_uuid())
                .bind::<Text, _>("cancel_requested")
                .bind::<Text, _>(AuditAction::RunCancelRequested.as_str()),
        )
        .get_result(connection)
        .await?;
        Ok(row.into_run()?)
    }

    async fn cancel_queued(
        &self,
        connection: &mut AsyncPgConnection,
        request: &Request<'_>,
        held: &OperationRun,
    ) -> Result<OperationRun, CancelError> {
        let completion = Completion::cancelled(RunCounts::default());
        let message = notification::terminal(held.inputs.kind(), TENANT_NAME, &completion);
        let row: RunRow = prepared(
            sql_query(CANCEL_QUEUED)
                .bind::<SqlUuid, _>(request.run.into_uuid())
                .bind::<SqlUuid, _>(request.permit.user_id().into_uuid())
                .bind::<Nullable<Text>, _>(request.reason.map(CancelReason::as_str))
                .bind::<BigInt, _>(0)
                .bind::<SqlUuid, _>(self.mint())
                .bind::<SqlUuid, _>(request.request_id.into_uuid())
                .bind::<Text, _>("cancelled")
                .bind::<Text, _>(AuditAction::RunCancelled.as_str())
                .bind::<SqlUuid, _>(self.mint())
                .bind::<Text, _>(message.title)
                .bind::<Text, _>(message.body),
        )
        .get_result(connection)
        .await?;
        Ok(row.into_run()?)
    }
}

/// The run as it is, which nobody else changes until the transaction ends.
async fn hold(
    connection: &mut AsyncPgConnection,
    request: &Request<'_>,
) -> Result<OperationRun, CancelError> {
    let row: Option<RunRow> = prepared(
        sql_query(HOLD)
            .bind::<SqlUuid, _>(request.permit.tenant_id().into_uuid())
            .bind::<SqlUuid, _>(request.permit.user_id().into_uuid())
            .bind::<SqlUuid, _>(request.run.into_uuid()),
    )
    .get_result(connection)
    .await
    .optional()?;
    match row {
        Some(row) => Ok(row.into_run()?),
        None => Err(CancelError::NotPermitted),
    }
}
