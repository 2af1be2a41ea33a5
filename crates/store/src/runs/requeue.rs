//! Returning a run to the queue as its owner. Consumes the claim and raises the fence, so that
//! nothing is written afterwards.

use std::time::Duration;

use atlas_domain::audit::ActorKind;
use atlas_domain::failure::Failure;
use atlas_domain::notification;
use atlas_domain::run::{Claim, Completion, Lease, OperationKind, Outcome, RunCounts, WaitReason};
use serde_json::Value;
use uuid::Uuid;

use super::admit::TENANT_NAME;
use super::claim::milliseconds;
use super::exit::{Exit, ExitError};
use super::row::{parse_outcome, to_json};
use crate::error::StoreError;
use crate::pool::Store;
#[cfg(test)]
use crate::statement::{Info, Statement};
use crate::statement::{row, statement};

statement! {
    struct Requeue<'a> {
        run: Uuid,
        attempt: i32,
        token: Uuid,
        fence: i64,
        failures: i32,
        delay_ms: i64,
        error: Option<Value>,
        wait_reason: &'static str,
        event: &'static str,
        notification: Uuid,
        title: &'a str,
        body: &'a str,
        cancelled_title: &'a str,
        cancelled_body: &'a str,
        audit: Uuid,
    }
    file: "runs/requeue",
    row: RequeuedRow,
    pieces: ["runs/pieces/message", "runs/pieces/no_lease", "runs/pieces/recorded"],
    transitions: [Retry, HandBack, FailRetried],
    constants: [actor = ActorKind::Worker.as_str()],
}

row! {
    struct RequeuedRow {
        status: String,
        outcome: Option<String>,
    }
}

/// The two notifications of which a statement writes one: it finds out whether somebody cancelled
/// the run.
pub(super) struct Texts {
    /// What it says when nobody did.
    pub(super) ended: notification::Message,
    pub(super) cancelled: notification::Message,
}

impl Texts {
    pub(super) fn of(kind: OperationKind, completion: &Completion) -> Self {
        let cancelled = Completion::cancelled(RunCounts::none(kind));
        Self {
            ended: notification::terminal(kind, TENANT_NAME, completion),
            cancelled: notification::terminal(kind, TENANT_NAME, &cancelled),
        }
    }
}

impl Store {
    /// Returns the run to the queue after a failure that may pass; it is due again after `delay`. The last
    /// permitted failure ends it.
    ///
    /// # Errors
    /// [`ExitError`] with the claim, when the database did not answer.
    pub async fn retry_later(
        &self,
        claim: Claim,
        delay: Duration,
        failure: &Failure,
    ) -> Result<Exit, ExitError> {
        let result = self
            .requeue(
                &claim.lease,
                "retried",
                1,
                delay,
                Some(failure),
                WaitReason::Backoff,
            )
            .await;
        result.map_err(|source| ExitError { claim, source })
    }

    /// Returns the run to the queue because this process ends. It is due at once, and no failure is counted.
    ///
    /// # Errors
    /// [`ExitError`] with the claim, when the database did not answer.
    pub async fn hand_back(&self, claim: Claim) -> Result<Exit, ExitError> {
        let result = self
            .requeue(
                &claim.lease,
                "handed_back",
                0,
                Duration::ZERO,
                None,
                WaitReason::HandedBack,
            )
            .await;
        result.map_err(|source| ExitError { claim, source })
    }

    async fn requeue(
        &self,
        lease: &Lease,
        event: &'static str,
        failures: i32,
        delay: Duration,
        failure: Option<&Failure>,
        reason: WaitReason,
    ) -> Result<Exit, StoreError> {
        let completion = Completion {
            outcome: Outcome::Failed,
            counts: RunCounts::none(lease.kind),
            error: failure.cloned(),
        };
        let texts = Texts::of(lease.kind, &completion);
        let row = self
            .fetch_optional(&Requeue {
                run: lease.run_id.into_uuid(),
                attempt: lease.attempt,
                token: lease.token.into_uuid(),
                fence: lease.fence,
                failures,
                delay_ms: milliseconds(delay),
                error: failure.map(to_json),
                wait_reason: reason.as_str(),
                event,
                notification: self.mint(),
                title: &texts.ended.title,
                body: &texts.ended.body,
                cancelled_title: &texts.cancelled.title,
                cancelled_body: &texts.cancelled.body,
                audit: self.mint(),
            })
            .await?;
        Ok(match row {
            None => Exit::Lost {
                found: self.find_state(lease.run_id).await?,
            },
            Some(row) if row.status == "queued" => Exit::Queued,
            Some(row) => Exit::Completed {
                outcome: parse_outcome(row.outcome.as_deref())?,
                next: None,
            },
        })
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] = &[<Requeue<'_> as Statement>::INFO];
