//! Stopping a run on request.

use atlas_domain::access::Role;
use atlas_domain::access::cancellation::CancelPermit;
use atlas_domain::audit::AuditAction;
use atlas_domain::ids::{RequestId, RunId};
use atlas_domain::notification;
use atlas_domain::run::{
    CANCEL_GRACE, CancelReason, Completion, OperationRun, Outcome, RunCounts, RunState,
};
use deadpool_postgres::Transaction;
use uuid::Uuid;

use super::admit::TENANT_NAME;
use super::claim::milliseconds;
use super::row::RunRow;
use crate::access::role_names;
use crate::audit::Origin;
use crate::error::StoreError;
use crate::pool::Store;
#[cfg(test)]
use crate::statement::{Info, Statement};
use crate::statement::{fetch_one, fetch_optional, statement};

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

impl From<tokio_postgres::Error> for CancelError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Store(error.into())
    }
}

statement! {
    struct Hold<'a> {
        run: Uuid,
        tenant: Uuid,
        user: Uuid,
        roles: &'a [&'static str],
    }
    file: "runs/hold",
    row: RunRow,
    pieces: ["runs/pieces/columns"],
}

statement! {
    struct RequestCancel<'a> {
        run: Uuid,
        user: Uuid,
        reason: Option<&'a str>,
        grace_ms: i64,
        audit: Uuid,
        request: Uuid,
        request_name: Option<&'a str>,
        address: Option<&'a str>,
        user_agent: Option<&'a str>,
    }
    file: "runs/request_cancel",
    row: RunRow,
    pieces: [
        "runs/pieces/cancel_asked",
        "runs/pieces/cancel_recorded",
        "runs/pieces/columns",
    ],
    transitions: [RequestCancel],
    constants: [
        event = "cancel_requested",
        action = AuditAction::RunCancelRequested.as_str(),
    ],
}

statement! {
    struct CancelQueued<'a> {
        run: Uuid,
        user: Uuid,
        reason: Option<&'a str>,
        grace_ms: i64,
        audit: Uuid,
        request: Uuid,
        request_name: Option<&'a str>,
        address: Option<&'a str>,
        user_agent: Option<&'a str>,
        notification: Uuid,
        title: String,
        body: String,
    }
    file: "runs/cancel_queued",
    row: RunRow,
    pieces: [
        "runs/pieces/cancel_asked",
        "runs/pieces/cancel_recorded",
        "runs/pieces/columns",
    ],
    transitions: [CancelQueued],
    constants: [
        event = "cancelled",
        action = AuditAction::RunCancelled.as_str(),
    ],
}

/// What both statements are given.
struct Request<'a> {
    run: RunId,
    permit: &'a CancelPermit,
    reason: Option<&'a CancelReason>,
    request_id: RequestId,
    origin: &'a Origin,
}

impl Store {
    /// Cancels the run: at once while it is queued. While it is running, the next heartbeat returns
    /// the request to its worker, which has [`CANCEL_GRACE`]. Records who asked. Once this returns a
    /// [`Cancellation`], the run ends as cancelled, whatever its worker does. Asking again changes
    /// nothing and returns the same. Checks the membership again.
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
        origin: &Origin,
    ) -> Result<Cancellation, CancelError> {
        let request = Request {
            run,
            permit: &permit,
            reason,
            request_id,
            origin,
        };
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let held = hold(&transaction, &request).await?;
        let cancellation = match held.state {
            RunState::Completed {
                outcome: Outcome::Cancelled,
                ..
            } => Cancellation::Cancelled(held),
            RunState::Completed { .. } => {
                return Err(CancelError::AlreadyTerminal(Box::new(held)));
            }
            RunState::Running { .. } if held.cancel.is_some() => Cancellation::Requested(held),
            RunState::Running { .. } => {
                Cancellation::Requested(self.request_cancel(&transaction, &request).await?)
            }
            RunState::Queued { .. } => {
                Cancellation::Cancelled(self.cancel_queued(&transaction, &request, &held).await?)
            }
        };
        transaction.commit().await?;
        Ok(cancellation)
    }

    async fn request_cancel(
        &self,
        transaction: &Transaction<'_>,
        request: &Request<'_>,
    ) -> Result<OperationRun, StoreError> {
        let statement = RequestCancel {
            run: request.run.into_uuid(),
            user: request.permit.user_id().into_uuid(),
            reason: request.reason.map(CancelReason::as_str),
            grace_ms: milliseconds(CANCEL_GRACE),
            audit: self.mint(),
            request: request.request_id.into_uuid(),
            request_name: request.origin.request_name.as_deref(),
            address: request.origin.address.as_deref(),
            user_agent: request.origin.user_agent.as_deref(),
        };
        fetch_one(transaction, &statement).await?.into_run()
    }

    async fn cancel_queued(
        &self,
        transaction: &Transaction<'_>,
        request: &Request<'_>,
        held: &OperationRun,
    ) -> Result<OperationRun, StoreError> {
        let kind = held.inputs.kind();
        let completion = Completion::cancelled(RunCounts::none(kind));
        let message = notification::terminal(kind, TENANT_NAME, &completion);
        let statement = CancelQueued {
            run: request.run.into_uuid(),
            user: request.permit.user_id().into_uuid(),
            reason: request.reason.map(CancelReason::as_str),
            grace_ms: 0,
            audit: self.mint(),
            request: request.request_id.into_uuid(),
            request_name: request.origin.request_name.as_deref(),
            address: request.origin.address.as_deref(),
            user_agent: request.origin.user_agent.as_deref(),
            notification: self.mint(),
            title: message.title,
            body: message.body,
        };
        fetch_one(transaction, &statement).await?.into_run()
    }
}

/// The run as it is, which nobody else changes until the transaction ends.
async fn hold(
    transaction: &Transaction<'_>,
    request: &Request<'_>,
) -> Result<OperationRun, CancelError> {
    let statement = Hold {
        run: request.run.into_uuid(),
        tenant: request.permit.tenant_id().into_uuid(),
        user: request.permit.user_id().into_uuid(),
        roles: &role_names(Role::that_may_cancel()),
    };
    match fetch_optional(transaction, &statement).await? {
        Some(row) => Ok(row.into_run()?),
        None => Err(CancelError::NotPermitted),
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] = &[
    <Hold<'_> as Statement>::INFO,
    <RequestCancel<'_> as Statement>::INFO,
    <CancelQueued<'_> as Statement>::INFO,
];
