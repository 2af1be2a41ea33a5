//! Ending a run as its owner: outcome, counts, notification, audit entry and event in one short
//! transaction, for one run or for many that end in the same moment. The fence is raised, so that
//! nothing is written after the end.

use std::collections::HashMap;

use atlas_domain::audit::ActorKind;
use atlas_domain::ids::RunId;
use atlas_domain::run::{Claim, Completion, Lease, Outcome, Progress};
use serde_json::Value;
use uuid::Uuid;

use super::found::FoundRun;
use super::requeue::{Texts, Unfinished};
use super::row::to_json;
use crate::error::StoreError;
use crate::pool::Store;
#[cfg(test)]
use crate::statement::{Info, Statement};
use crate::statement::{row, statement};

/// What finishing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The run has ended as said.
    Done {
        /// A run of the same tenant that waited for this one.
        next: Option<RunId>,
    },
    /// The run was not the caller's any more; nothing was written.
    Lost {
        /// Where it is.
        found: FoundRun,
    },
}

/// A run that is to end, as its owner asks.
#[derive(Debug, Clone)]
pub struct Ending {
    /// Whose it is.
    pub lease: Lease,
    /// How it ends.
    pub completion: Completion,
    /// The last progress; none leaves what was written last.
    pub progress: Option<Progress>,
}

/// The runs that a statement ends, column by column.
#[derive(Debug, Default)]
struct Endings {
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
            row: EndRow,
            pieces: [
                "runs/pieces/endings",
                "runs/pieces/end_owned",
                "runs/pieces/no_lease",
                "runs/pieces/recorded",
            ],
            transitions: [Finish],
            constants: [actor = ActorKind::Worker.as_str()],
        }

        impl<'a> From<&'a Endings> for $name<'a> {
            fn from(endings: &'a Endings) -> Self {
                Self {
                    runs: &endings.runs,
                    attempts: &endings.attempts,
                    tokens: &endings.tokens,
                    fences: &endings.fences,
                    outcomes: &endings.outcomes,
                    counts: &endings.counts,
                    errors: &endings.errors,
                    progress: &endings.progress,
                    events: &endings.events,
                    notifications: &endings.notifications,
                    titles: &endings.titles,
                    bodies: &endings.bodies,
                    cancelled_titles: &endings.cancelled_titles,
                    cancelled_bodies: &endings.cancelled_bodies,
                    audits: &endings.audits,
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
    struct EndRow {
        id: Uuid,
        attempt: i32,
        outcome: String,
        next: Option<Uuid>,
    }
}

impl Endings {
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
        self.titles.push(texts.failed.title);
        self.bodies.push(texts.failed.body);
        self.cancelled_titles.push(texts.cancelled.title);
        self.cancelled_bodies.push(texts.cancelled.body);
        self.audits.push(store.mint());
    }
}

impl Store {
    /// Ends the run. Waits for whoever holds its rows.
    ///
    /// # Errors
    /// [`Unfinished`] with the claim, when the database did not answer.
    pub async fn finish(
        &self,
        claim: Claim,
        completion: &Completion,
        progress: Option<&Progress>,
    ) -> Result<Ended, Unfinished> {
        let result = self.finish_lease(&claim.lease, completion, progress).await;
        result.map_err(|source| Unfinished { claim, source })
    }

    /// Ends those of the runs that are still their owners' and whose rows nobody holds, all in one
    /// transaction, and says of each whether it ended. One that did not may be lost, or held for a
    /// moment: [`Store::finish`] tells.
    ///
    /// # Errors
    /// [`StoreError`]; whether the runs ended is not known then. Trying again is safe.
    pub async fn finish_free(&self, endings: &[Ending]) -> Result<Vec<Option<Ended>>, StoreError> {
        let mut columns = Endings::default();
        for ending in endings {
            let progress = ending.progress.as_ref();
            columns.add(self, &ending.lease, &ending.completion, progress);
        }
        let done: HashMap<(Uuid, i32), EndRow> = self
            .fetch_all(&FinishFree::from(&columns))
            .await?
            .into_iter()
            .map(|row| ((row.id, row.attempt), row))
            .collect();
        Ok(endings
            .iter()
            .map(|ending| {
                let Lease {
                    run_id, attempt, ..
                } = ending.lease;
                let row = done.get(&(run_id.into_uuid(), attempt))?;
                Some(row.ended(&ending.completion))
            })
            .collect())
    }

    pub(super) async fn finish_lease(
        &self,
        lease: &Lease,
        completion: &Completion,
        progress: Option<&Progress>,
    ) -> Result<Ended, StoreError> {
        let mut columns = Endings::default();
        columns.add(self, lease, completion, progress);
        match self.fetch_optional(&Finish::from(&columns)).await? {
            Some(row) => Ok(row.ended(completion)),
            None => Ok(Ended::Lost {
                found: self.find_state(lease.run_id).await?,
            }),
        }
    }
}

impl EndRow {
    fn ended(&self, completion: &Completion) -> Ended {
        let asked_to_stop = self.outcome == Outcome::Cancelled.as_str();
        if asked_to_stop && completion.outcome != Outcome::Cancelled {
            tracing::info!(run_id = %self.id, "the run was asked to stop and ends as cancelled");
        }
        Ended::Done {
            next: self.next.map(RunId::from_uuid),
        }
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] = &[
    <Finish<'_> as Statement>::INFO,
    <FinishFree<'_> as Statement>::INFO,
];
