//! Sweeps: end or requeue runs whose worker, deadline or queue limit has passed. Every worker
//! sweeps; concurrent sweeps skip each other's rows, and a sweep that finds nothing changes nothing.
//! One run per transaction, so that one locked row does not delay the others.

use atlas_domain::audit::ActorKind;
use atlas_domain::failure::{Failure, FailureCode};
use atlas_domain::run::{Completion, OperationKind, RunCounts};
use serde_json::Value;
use uuid::Uuid;

use super::requeue::Texts;
use super::row::to_json;
use crate::error::StoreError;
use crate::pool::Store;
#[cfg(test)]
use crate::statement::Info;
use crate::statement::{Statement, fetch_optional, row, statement};

/// What one sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SweepCount {
    /// Runs that are queued again.
    pub requeued: u32,
    /// Runs that have ended.
    pub completed: u32,
}

statement! {
    struct RequeueLost {
        kind: &'static str,
        error: Value,
        event: &'static str,
        notification: Uuid,
        title: String,
        body: String,
        cancelled_title: String,
        cancelled_body: String,
        audit: Uuid,
    }
    file: "runs/requeue_lost",
    row: StatusRow,
    pieces: ["runs/pieces/take_over", "runs/pieces/no_lease", "runs/pieces/message", "runs/pieces/recorded"],
    transitions: [Reclaim, FailLost],
    constants: [actor = ActorKind::Worker.as_str()],
}

statement! {
    struct CancelOverdue {
        kind: &'static str,
        event: &'static str,
        notification: Uuid,
        title: String,
        body: String,
        cancelled_title: String,
        cancelled_body: String,
        audit: Uuid,
    }
    file: "runs/cancel_overdue",
    row: StatusRow,
    pieces: ["runs/pieces/take_over", "runs/pieces/no_lease", "runs/pieces/message", "runs/pieces/recorded"],
    transitions: [CancelOverdue],
    constants: [actor = ActorKind::Worker.as_str()],
}

statement! {
    struct FailQueueTimeout {
        kind: &'static str,
        error: Value,
        event: &'static str,
        notification: Uuid,
        title: String,
        body: String,
        cancelled_title: String,
        cancelled_body: String,
        audit: Uuid,
    }
    file: "runs/fail_queue_timeout",
    row: StatusRow,
    pieces: ["runs/pieces/message", "runs/pieces/recorded"],
    transitions: [FailQueueTimeout],
    constants: [actor = ActorKind::Worker.as_str()],
}

row! {
    pub(super) struct StatusRow {
        status: String,
    }
}

impl Store {
    /// Reclaims runs whose lease ran out: each is queued again, or ended as `worker_lost` when that
    /// happened too often, or as cancelled when somebody had asked for that.
    ///
    /// # Errors
    /// [`StoreError`]; what was done before stays done.
    pub async fn reclaim_expired(&self, limit: u32) -> Result<SweepCount, StoreError> {
        let failure = Failure::transient(
            FailureCode::WORKER_LOST,
            "The worker that had the run stopped without a word.",
        )
        .with_hint(
            "If it happens again, look for the worker's end in its log: it may lack memory.",
        );
        let error = to_json(&failure);
        self.sweep(limit, &failure, |kind, texts| RequeueLost {
            kind: kind.as_str(),
            error: error.clone(),
            event: "lease_lost",
            notification: self.mint(),
            title: texts.ended.title,
            body: texts.ended.body,
            cancelled_title: texts.cancelled.title,
            cancelled_body: texts.cancelled.body,
            audit: self.mint(),
        })
        .await
    }

    /// Ends running runs whose worker did not honour a cancellation in time, and cancels what is
    /// still active of tenants that are disabled.
    ///
    /// # Errors
    /// [`StoreError`]; what was done before stays done.
    pub async fn cancel_overdue(&self, limit: u32) -> Result<SweepCount, StoreError> {
        let mut count = self.cancel_of_disabled(limit).await?;
        let cancelled = Failure::permanent(FailureCode::CANCELLED, "The run was cancelled.");
        let overdue = self.sweep(limit, &cancelled, |kind, texts| CancelOverdue {
            kind: kind.as_str(),
            event: "cancelled",
            notification: self.mint(),
            title: texts.ended.title,
            body: texts.ended.body,
            cancelled_title: texts.cancelled.title,
            cancelled_body: texts.cancelled.body,
            audit: self.mint(),
        });
        count.completed += overdue.await?.completed;
        Ok(count)
    }

    /// Ends queued runs that waited longer than their limit.
    ///
    /// # Errors
    /// [`StoreError`]; what was done before stays done.
    pub async fn fail_queue_timeouts(&self, limit: u32) -> Result<SweepCount, StoreError> {
        let failure = Failure::transient(
            FailureCode::QUEUE_TIMEOUT,
            "The run waited in the queue longer than its limit.",
        )
        .with_hint("Run more workers, or look why they do not take work.");
        let error = to_json(&failure);
        self.sweep(limit, &failure, |kind, texts| FailQueueTimeout {
            kind: kind.as_str(),
            error: error.clone(),
            event: "queue_timeout",
            notification: self.mint(),
            title: texts.ended.title,
            body: texts.ended.body,
            cancelled_title: texts.cancelled.title,
            cancelled_body: texts.cancelled.body,
            audit: self.mint(),
        })
        .await
    }

    /// Runs the statement for each kind until it finds no run, at most `limit` times: the kind's name
    /// is in the notifications.
    pub(super) async fn sweep<S: Statement<Row = StatusRow> + Sync>(
        &self,
        limit: u32,
        failure: &Failure,
        statement: impl Fn(OperationKind, Texts) -> S,
    ) -> Result<SweepCount, StoreError> {
        let client = self.client().await?;
        let mut count = SweepCount::default();
        for kind in OperationKind::ALL {
            let completion = Completion::failed(failure.clone(), RunCounts::none(kind));
            for _ in 0..limit {
                let next = statement(kind, Texts::of(kind, &completion));
                match fetch_optional(&client, &next).await? {
                    None => break,
                    Some(row) if row.status == "queued" => count.requeued += 1,
                    Some(_) => count.completed += 1,
                }
            }
        }
        Ok(count)
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] = &[
    <RequeueLost as Statement>::INFO,
    <CancelOverdue as Statement>::INFO,
    <FailQueueTimeout as Statement>::INFO,
];
