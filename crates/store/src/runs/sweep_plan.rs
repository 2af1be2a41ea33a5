//! What a sweep has to do, asked with one statement: most sweeps find nothing.

use atlas_domain::run::{OperationKind, Status};

use crate::error::StoreError;
use crate::migrations::SchemaState;
use crate::pool::Store;
#[cfg(test)]
use crate::statement::{Info, Statement};
use crate::statement::{row, statement};

/// Whether a worker may sweep, and what it finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SweepPlan {
    /// This program does not work with the schema.
    Unfit(SchemaState),
    /// The database takes no writes.
    ReadOnly,
    /// It may.
    Steps(SweepSteps),
}

/// The steps that have something to do. Another one would find nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SweepSteps {
    /// [`Store::reclaim_expired`].
    pub reclaim: bool,
    /// [`Store::cancel_overdue`].
    pub cancel: bool,
    /// [`Store::fail_queue_timeouts`].
    pub time_out: bool,
    /// [`Store::due_schedules`].
    pub fire: bool,
    /// [`Store::number_events`].
    pub number: bool,
    /// [`Store::claim_due`]; it finds none when the tenants of all due runs are busy.
    pub claim: bool,
}

statement! {
    struct PlanSweep {
        kinds: Vec<&'static str>,
    }
    file: "runs/plan_sweep",
    row: PlanRow,
    constants: [queued = Status::Queued.as_str(), running = Status::Running.as_str()],
}

row! {
    struct PlanRow {
        applied: Vec<String>,
        oldest_program: Option<String>,
        read_only: bool,
        reclaim: bool,
        cancel: bool,
        time_out: bool,
        fire: bool,
        number: bool,
        claim: bool,
    }
}

impl Store {
    /// What a sweep has to do now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn plan_sweep(&self) -> Result<SweepPlan, StoreError> {
        let kinds = OperationKind::WORDS.to_vec();
        let row = match self.fetch_one(&PlanSweep { kinds }).await {
            Ok(row) => row,
            // A schema that does not fit may lack what the statement names.
            Err(error @ StoreError::Unexpected(_)) => {
                let schema = self.schema_state().await?;
                return if schema.fits() {
                    Err(error)
                } else {
                    Ok(SweepPlan::Unfit(schema))
                };
            }
            Err(error) => return Err(error),
        };
        let schema = SchemaState::read(&row.applied, row.oldest_program.as_deref())?;
        Ok(if !schema.fits() {
            SweepPlan::Unfit(schema)
        } else if row.read_only {
            SweepPlan::ReadOnly
        } else {
            SweepPlan::Steps(SweepSteps {
                reclaim: row.reclaim,
                cancel: row.cancel,
                time_out: row.time_out,
                fire: row.fire,
                number: row.number,
                claim: row.claim,
            })
        })
    }
}

#[cfg(test)]
pub(super) const STATEMENTS: &[Info] = &[<PlanSweep as Statement>::INFO];
