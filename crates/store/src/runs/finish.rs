//! FinishRun a run as its owner: outcome, counts, notification, audit entry and event in one short
//! transaction, for one run or for many that end in the same moment. The fence is raised, so that
//! nothing is written after the end.

use std::collections::HashMap;

use atlas_domain::audit::ActorKind;
use atlas_domain::ids::RunId;
use atlas_domain::run::{Claim, Completion, Lease, Outcome, Progress};
use serde_json::Value;
use uuid::Uuid;

use super::exit::{Exit, ExitError};
use super::requeue::Texts;
use super::row::{parse_outcome, to_json};
use crate::error::StoreError;
use crate::pool::Store;
#[cfg(test)]
use crate::statement::{Info, Statement};
use crate::statement::{row, statement};

/// A run that its owner ends together with others.
#[derive(Debug, Clone)]
pub struct FinishRun {
    /// What the owner holds.
    pub lease: Lease,
    /// How the run ends.
    pub completion: Completion,
    /// The last progress; `None` keeps what was written last.
    pub progress: Option<Progress>,
}

/// The runs that a statement ends, column by column.
#[derive(Debug, Default)]
struct FinishColumns {
    runs: Vec<Uuid>,
    attempts: Vec<i32>,
    tokens: Vec<Uuid>,
    fences: Vec<i64>,
    outcomes: Vec<&'static str>,
    counts: Vec<Value>,
    errors: Vec<Option<Value>>,
    progress: Vec<Option<Value>>,
    events: Vec<&'static str>,
    notifications: Vec<Uuid>,
    titles: Vec<String>,
    bodies: Vec<String>,
    cancelled_titles: Vec<String>,
    cancelled_bodies: Vec<String>,
    audits: Vec<Uuid>,
}

/// Two statements that differ in what they do about rows that somebody holds.
macro_rules! finish {
    ($(#[$doc:meta])* $name:ident, $file:literal) => {
        statement! {
            $(#[$doc])*
            struct $name<'a> {
                runs: &'a [Uuid],
                attempts: &'a [i32],
                tokens: &'a [Uuid],
                fences: &'a [i64],
                outcomes: &'a [&'static str],
                counts: &'a [Value],
                errors: &'a [Option<Value>],
                progress: &'a [Option<Value>],
                events: &'a [&'static str],
                notifications: &'a [Uuid],
                titles: &'a [String],
                bodies: &'a [String],
                cancelled_titles: &'a [String],
                cancelled_bodies: &'a [String],
                audits: &'a [Uuid],
            }
            file: $file,
            row: FinishedRow,
            pieces: [
                "runs/pieces/endings",
                "runs/pieces/end_owned",
                "runs/pieces/no_lease",
                "runs/pieces/recorded",
            ],
            transitions: [Finish],
            constants: [actor = ActorKind::Worker.as_str()],
        }

        impl<'a> From<&'a FinishColumns> for $name<'a> {
            fn from(columns: &'a FinishColumns) -> Self {
                Self {
                    runs: &columns.runs,
                    attempts: &columns.attempts,
                    tokens: &columns.tokens,
                    fences: &columns.fences,
                    outcomes: &columns.outcomes,
                    counts: &columns.counts,
                    errors: &columns.errors,
                    progress: &columns.progress,
                    events: &columns.events,
                    notifications: &columns.notifications,
                    titles: &columns.titles,
                    bodies: &columns.bodies,
                    cancelled_titles: &columns.cancelled_titles,
                    cancelled_bodies: &columns.cancelled_bodies,
                    audits: &columns.audits,
                }
            }
        }
    };
}

finish!(
    /// Waits for whoever holds the rows.
    Finish,
    "runs/finish"
);
finish!(
    /// Leaves out the runs whose rows somebody holds.
    FinishFree,
    "runs/finish_free"
);

row! {
    struct FinishedRow {
        id: Uuid,
        attempt: i32,
        outcome: String,
        next: Option<Uuid>,
    }
}

impl FinishColumns {
    fn add(
        &mut self,
        store: &Store,
        lease: &Lease,
        completion: &Completion,
        progress: Option<&Progress>,
    ) {
        let texts = Texts::of(lease.kind, completion);
        self.runs.push(lease.run_id.into_uuid());
        self.attempts.push(lease.attempt);
        self.tokens.push(lease.token.into_uuid());
        self.fences.push(lease.fence);
        self.outcomes.push(completion.outcome.as_str());
        self.counts.push(to_json(&completion.counts));
        self.errors.push(completion.error.as_ref().map(to_json));
        self.progress.push(progress.map(to_json));
        self.events.push(match completion.outcome {
            Outcome::Cancelled => "cancelled",
            Outcome::Failed => "failed",
            Outcome::Succeeded | Outcome::PartiallySucceeded => "finished",
        });
        self.notifications.push(store.mint());
        self.titles.push(texts.ended.title);
        self.bodies.push(texts.ended.body);
        self.cancelled_titles.push(texts.cancelled.title);
        self.cancelled_bodies.push(texts.cancelled.body);
        self.audits.push(store.mint());
    }
}

impl Store {
    /// Ends the run. Waits for whoever holds its rows.
    ///
    /// # Errors
    /// [`ExitError`] with the claim, when the database did not answer.
    pub async fn finish(
        &self,
        claim: Claim,
        completion: &Completion,
        progress: Option<&Progress>,
    ) -> Result<Exit, ExitError> {
        let result = self.finish_lease(&claim.lease, completion, progress).await;
        result.map_err(|source| ExitError { claim, source })
    }

    /// Ends those of the runs that are still their owners' and whose rows nobody locks, all in one
    /// transaction. Returns `None` for each of the others, which may be lost, or locked for a moment:
    /// [`Store::finish`] finds out.
    ///
    /// # Errors
    /// [`StoreError`]; whether the runs ended is not known then. Trying again is safe.
    pub async fn finish_free(&self, runs: &[FinishRun]) -> Result<Vec<Option<Exit>>, StoreError> {
        let mut columns = FinishColumns::default();
        for run in runs {
            let progress = run.progress.as_ref();
            columns.add(self, &run.lease, &run.completion, progress);
        }
        let done: HashMap<(Uuid, i32), FinishedRow> = self
            .fetch_all(&FinishFree::from(&columns))
            .await?
            .into_iter()
            .map(|row| ((row.id, row.attempt), row))
            .collect();
        runs.iter()
            .map(|run| {
                let Lease {
                    run_id, attempt, ..
                } = run.lease;
                let row = done.get(&(run_id.into_uuid(), attempt));
                row.map(|row| row.exit(&run.completion)).transpose()
            })
            .collect()
    }

    pub(super) async fn finish_lease(
        &self,
        lease: &Lease,
        completion: &Completion,
        progress: Option<&Progress>,
    ) -> Result<Exit, StoreError> {
        let mut columns = FinishColumns::default();
        columns.add(self, lease, completion, progress);
        match self.fetch_optional(&Finish::from(&columns)).await? {
            Some(row) => row.exit(completion),
            None => Ok(Exit::Lost {
                found: self.find_state(lease.run_id).await?,
            }),
        }
    }
}

impl FinishedRow {
    fn exit(&self, completion: &Completion) -> Result<Exit, StoreError> {
        let outcome = parse_outcome(Some(&self.outcome))?;
        if outcome != completion.outcome {
            tracing::info!(run_id = %self.id, "the run was asked to stop and ends as cancelled");
        }
        Ok(Exit::Completed {
            outcome,
            next: self.next.map(RunId::from_uuid),
        })
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] = &[
    <Finish<'_> as Statement>::INFO,
    <FinishFree<'_> as Statement>::INFO,
];
