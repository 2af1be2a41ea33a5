//! A run that could not be put into Redis ends as failed.

use atlas_domain::audit::ActorKind;
use atlas_domain::failure::{Failure, FailureCode};
use atlas_domain::ids::RunId;
use atlas_domain::notification;
use atlas_domain::run::{Completion, OperationKind, OperationRun, RunCounts};
use serde_json::Value;
use uuid::Uuid;

use super::admit::TENANT_NAME;
use super::row::{RunRow, to_json};
use crate::error::StoreError;
use crate::pool::Store;
#[cfg(test)]
use crate::statement::{Info, Statement};
use crate::statement::{fetch_one, fetch_optional, statement};

/// What became of a run that could not be put into Redis.
#[derive(Debug)]
pub enum DispatchFailure {
    /// It has failed, and the initiator was notified.
    Failed(OperationRun),
    /// A worker has it after all, or it has ended meanwhile: no failure.
    Taken(OperationRun),
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
pub(super) const STATEMENTS: &[Info] =
    &[<FailDispatch as Statement>::INFO, <Find as Statement>::INFO];
