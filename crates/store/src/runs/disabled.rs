//! Runs of tenants that are disabled: none is left active.

use atlas_domain::audit::ActorKind;
use atlas_domain::failure::{Failure, FailureCode};
use atlas_domain::run::CANCEL_GRACE;
use uuid::Uuid;

use super::claim::milliseconds;
use super::sweep::{StatusRow, SweepCount};
use crate::error::StoreError;
use crate::pool::Store;
#[cfg(test)]
use crate::statement::{Info, Statement};
use crate::statement::{row, statement};

/// What the run says of it.
const REASON: &str = "The tenant was disabled.";

statement! {
    struct CancelQueuedOfDisabled {
        kind: &'static str,
        reason: &'static str,
        event: &'static str,
        notification: Uuid,
        title: String,
        body: String,
        cancelled_title: String,
        cancelled_body: String,
        audit: Uuid,
    }
    file: "runs/cancel_queued_of_disabled",
    row: StatusRow,
    pieces: ["runs/pieces/message", "runs/pieces/recorded"],
    transitions: [CancelQueued],
    constants: [actor = ActorKind::Worker.as_str()],
}

statement! {
    struct RequestCancelOfDisabled {
        reason: &'static str,
        grace_ms: i64,
    }
    file: "runs/request_cancel_of_disabled",
    row: QueuedRow,
    transitions: [RequestCancel],
}

row! {
    struct QueuedRow {
        queued: bool,
    }
}

impl Store {
    /// Cancels the active runs of tenants that are disabled: queued ones at once, up to `limit` of
    /// each kind; running ones are asked to stop and are not counted. A start that was admitted
    /// while its tenant was being disabled is found by the next call.
    ///
    /// # Errors
    /// [`StoreError`]; what was done before stays done.
    pub async fn cancel_of_disabled(&self, limit: u32) -> Result<SweepCount, StoreError> {
        let request = RequestCancelOfDisabled {
            reason: REASON,
            grace_ms: milliseconds(CANCEL_GRACE),
        };
        if !self.fetch_one(&request).await?.queued {
            return Ok(SweepCount::default());
        }
        let cancelled = Failure::permanent(FailureCode::CANCELLED, REASON);
        self.sweep(limit, &cancelled, |kind, texts| CancelQueuedOfDisabled {
            kind: kind.as_str(),
            reason: REASON,
            event: "cancelled",
            notification: self.mint(),
            title: texts.ended.title,
            body: texts.ended.body,
            cancelled_title: texts.cancelled.title,
            cancelled_body: texts.cancelled.body,
            audit: self.mint(),
        })
        .await
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] = &[
    <CancelQueuedOfDisabled as Statement>::INFO,
    <RequestCancelOfDisabled as Statement>::INFO,
];
