//! A run's row.

use atlas_domain::failure::Failure;
use atlas_domain::ids::{RunId, TenantId, UserId, WorkerId};
use atlas_domain::run::{
    CancelRequest, InventoryCounts, InventoryProgress, OperationKind, OperationRun, Outcome,
    Progress, RunCounts, RunInputs, RunPriority, RunState, WaitReason,
};
use chrono::{DateTime, Utc};

use diesel::Queryable;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use crate::error::StoreError;
use crate::statement::row;

row! {
    /// The columns of `sql/runs/pieces/columns.sql`, from a run `r`, its tenant `t` and its initiator
    /// `u`.
    #[derive(Queryable)]
    #[diesel(check_for_backend(diesel::pg::Pg))]
    pub(crate) struct RunRow {
        id: Uuid,
        tenant_id: Uuid,
        tenant_name: String,
        kind: String,
        /// Lists do not read it.
        inputs: Option<Value>,
        /// Likewise.
        verify: Option<String>,
        initiator_id: Uuid,
        initiator_name: String,
        retry_of: Option<Uuid>,
        scheduled: bool,
        attempt: i32,
        failures: i32,
        max_failures: i32,
        created_at: DateTime<Utc>,
        updated_at: DateTime<Utc>,
        started_at: Option<DateTime<Utc>>,
        progress: Option<Value>,
        error: Option<Value>,
        status: String,
        outcome: Option<String>,
        not_before: DateTime<Utc>,
        expires_at: DateTime<Utc>,
        wait_reason: Option<String>,
        worker_id: Option<String>,
        heartbeat_at: Option<DateTime<Utc>>,
        lease_expires_at: Option<DateTime<Utc>>,
        counts: Option<Value>,
        completed_at: Option<DateTime<Utc>>,
        cancel_requested_at: Option<DateTime<Utc>>,
        cancel_requested_by: Option<Uuid>,
        cancel_requested_by_name: Option<String>,
        cancel_reason: Option<String>,
        cancel_deadline_at: Option<DateTime<Utc>>,
        not_due: bool,
        tenant_busy: bool,
        paused: bool,
        priority: i16,
    }
}

impl RunRow {
    pub(super) const fn tenant_id(&self) -> Uuid {
        self.tenant_id
    }

    pub(super) fn into_run(self) -> Result<OperationRun, StoreError> {
        let inputs = self.inputs.as_ref().unwrap_or(&Value::Null);
        let inputs = RunInputs::from_stored(self.kind()?, inputs, self.verify.as_deref())
            .map_err(|error| StoreError::corrupt("selection", error))?;
        self.with_inputs(inputs.kind(), inputs)
    }

    /// The run as lists show it.
    pub(super) fn into_listed(self) -> Result<OperationRun<OperationKind>, StoreError> {
        let kind = self.kind()?;
        self.with_inputs(kind, kind)
    }

    fn kind(&self) -> Result<OperationKind, StoreError> {
        to_kind(&self.kind)
    }

    fn with_inputs<I>(self, kind: OperationKind, inputs: I) -> Result<OperationRun<I>, StoreError> {
        let state = self.state(kind)?;
        let cancel = match (self.cancel_requested_at, self.cancel_deadline_at) {
            (Some(requested_at), Some(deadline_at)) => Some(CancelRequest {
                requested_at,
                requested_by: self
                    .cancel_requested_by
                    .map(UserId::from_uuid)
                    .zip(self.cancel_requested_by_name),
                reason: self.cancel_reason,
                deadline_at,
            }),
            _ => None,
        };
        Ok(OperationRun {
            id: RunId::from_uuid(self.id),
            tenant_id: TenantId::from_uuid(self.tenant_id),
            tenant_name: self.tenant_name,
            inputs,
            initiator_id: UserId::from_uuid(self.initiator_id),
            initiator_name: self.initiator_name,
            retry_of: self.retry_of.map(RunId::from_uuid),
            scheduled: self.scheduled,
            priority: RunPriority::of_value(self.priority),
            attempt: self.attempt,
            failures: self.failures,
            max_failures: self.max_failures,
            created_at: self.created_at,
            updated_at: self.updated_at,
            started_at: self.started_at,
            progress: progress_of(kind, self.progress)?,
            error: optional::<Failure>("failure", self.error)?,
            cancel,
            state,
        })
    }

    fn state(&self, kind: OperationKind) -> Result<RunState, StoreError> {
        let broken = || StoreError::corrupt("run", "its state is incomplete");
        match self.status.as_str() {
            "queued" => Ok(RunState::Queued {
                not_before: self.not_before,
                expires_at: self.expires_at,
                wait: self.wait(),
            }),
            "running" => Ok(RunState::Running {
                worker_id: WorkerId::from_name(self.worker_id.clone().ok_or_else(broken)?),
                heartbeat_at: self.heartbeat_at.ok_or_else(broken)?,
                lease_expires_at: self.lease_expires_at.ok_or_else(broken)?,
            }),
            _ => Ok(RunState::Completed {
                outcome: parse_outcome(self.outcome.as_deref())?,
                completed_at: self.completed_at.ok_or_else(broken)?,
                counts: RunCounts::from_members(
                    kind,
                    optional::<InventoryCounts>("counts", self.counts.clone())?.unwrap_or_default(),
                ),
            }),
        }
    }

    /// Derived each time: a stored reason could outlive its cause.
    fn wait(&self) -> Option<WaitReason> {
        let stored = self.wait_reason.as_deref();
        let stored = stored.and_then(|word| word.parse::<WaitReason>().ok());
        match (self.tenant_busy, self.paused, self.not_due) {
            (true, _, _) => Some(WaitReason::TenantBusy),
            (false, true, _) => Some(WaitReason::Paused),
            (false, false, true) => Some(WaitReason::Backoff),
            (false, false, false) => stored.filter(|reason| *reason != WaitReason::Backoff),
        }
    }
}

fn to_kind(word: &str) -> Result<OperationKind, StoreError> {
    word.parse()
        .map_err(|error| StoreError::corrupt("kind", error))
}

fn progress_of(kind: OperationKind, stored: Option<Value>) -> Result<Option<Progress>, StoreError> {
    let members = optional::<InventoryProgress>("progress", stored)?;
    Ok(members.map(|members| Progress::from_members(kind, members)))
}

/// The progress of a run of the kind, as it is stored.
pub(super) fn to_progress(
    kind: &str,
    stored: Option<Value>,
) -> Result<Option<Progress>, StoreError> {
    progress_of(to_kind(kind)?, stored)
}

/// The outcome of a run that has ended.
pub(super) fn parse_outcome(word: Option<&str>) -> Result<Outcome, StoreError> {
    word.and_then(|word| word.parse().ok())
        .ok_or_else(|| StoreError::corrupt("run", "its state is incomplete"))
}

fn optional<T: DeserializeOwned>(
    what: &'static str,
    value: Option<Value>,
) -> Result<Option<T>, StoreError> {
    value
        .map(|value| {
            serde_json::from_value(value).map_err(|error| StoreError::corrupt(what, error))
        })
        .transpose()
}

/// A value that always serializes, as JSON for a row. The character NUL, which `jsonb` cannot hold,
/// becomes U+FFFD: ids of rows that a failure names come from outside.
pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> Value {
    let mut json =
        serde_json::to_value(value).expect("plain structs of strings and numbers serialize");
    replace_nul(&mut json);
    json
}

fn replace_nul(json: &mut Value) {
    match json {
        Value::String(text) if text.contains('\0') => *text = text.replace('\0', "\u{fffd}"),
        Value::Array(values) => values.iter_mut().for_each(replace_nul),
        Value::Object(members) => members.values_mut().for_each(replace_nul),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nul_is_replaced_in_every_text() {
        let value = serde_json::json!({"a": "x\0y", "b": ["\0", {"c": "\0"}], "d": [1, null]});
        let expected = serde_json::json!({"a": "x\u{fffd}y", "b": ["\u{fffd}", {"c": "\u{fffd}"}], "d": [1, null]});
        assert_eq!(to_json(&value), expected);
    }
}
