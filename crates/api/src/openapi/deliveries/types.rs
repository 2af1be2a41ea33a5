//! What each type of event says, for the document of deliveries. A test compares it with events that
//! happened.

use atlas_domain::event::EventType;
use atlas_domain::failure::FailureCode;
use atlas_domain::ids::EventId;
use atlas_domain::run::{OperationKind, Outcome};
use atlas_domain::schedule::StopReason;
use atlas_store::{EventPlace, EventView};
use serde_json::{Value, json};

use crate::example::{self, links, moment};
use crate::wire::event::Event;

/// What the event is for that is sent on request.
pub(super) const TEST: &str =
    "A test that the owner of the webhook asked for. It is in no list of events.";

/// A type of event that is delivered.
pub(super) struct DeliveredType {
    event_type: EventType,
    /// What it reports.
    pub(super) summary: &'static str,
    /// Whether it is about a run.
    pub(super) is_of_run: bool,
    /// Members of `data` that are always there.
    pub(super) required: &'static [&'static str],
    /// Members of `data` that may be absent.
    pub(super) optional: &'static [&'static str],
    data: Value,
}

/// What a type says.
pub(super) fn of(event_type: EventType) -> DeliveredType {
    let kind = OperationKind::InventorySync.as_str();
    let (summary, required, optional, data): (_, &[_], &[_], _) = match event_type {
        EventType::RunQueued => (
            "A run was started and waits for a worker.",
            &["kind", "sequence"],
            &["attempt"],
            json!({"kind": kind, "sequence": 1}),
        ),
        EventType::RunClaimed => (
            "A worker took up a run.",
            &["kind", "sequence", "attempt", "worker_id"],
            &[],
            json!({"kind": kind, "sequence": 2, "attempt": 1, "worker_id": "worker-1"}),
        ),
        EventType::RunPhaseReached => (
            "A run reached a phase.",
            &["kind", "sequence", "attempt", "phase"],
            &[],
            json!({"kind": kind, "sequence": 3, "attempt": 1, "phase": "reading"}),
        ),
        EventType::RunRequeued => (
            "A run waits for a worker again.",
            &["kind", "sequence", "reason"],
            &["attempt", "error_code"],
            json!({"kind": kind, "sequence": 3, "attempt": 1, "reason": "lease_lost"}),
        ),
        EventType::RunCancelRequested => (
            "A run was asked to stop.",
            &["kind", "sequence"],
            &["attempt", "requested_by"],
            json!({"kind": kind, "sequence": 3, "attempt": 1, "requested_by": example::USER}),
        ),
        EventType::RunCompleted => (
            "A run has ended.",
            &["kind", "sequence", "outcome"],
            &["attempt", "error_code", "counts", "requested_by"],
            json!({
                "kind": kind,
                "sequence": 5,
                "attempt": 1,
                "outcome": Outcome::Failed.as_str(),
                "error_code": FailureCode::ALL[0].as_str(),
                "counts": {"items_seen": 0},
            }),
        ),
        EventType::InventoryChanged => (
            "A run that has ended had found changes of one policy type.",
            &[
                "kind",
                "policy_type",
                "created",
                "changed",
                "reassigned",
                "missing",
                "back",
            ],
            &[],
            json!({
                "kind": kind,
                "policy_type": "settingsCatalogPolicy",
                "created": 2,
                "changed": 1,
                "reassigned": 0,
                "missing": 0,
                "back": 0,
            }),
        ),
        EventType::ScheduleStopped => (
            "The schedule of a tenant stopped.",
            &["reason"],
            &[],
            json!({"reason": StopReason::ALL[0].as_str()}),
        ),
        EventType::CredentialExpiring => (
            "The client secret of a tenant ends soon.",
            &["expires_on"],
            &[],
            json!({"expires_on": "2026-06-01"}),
        ),
        EventType::NotificationCreated => (
            "A user got a notification.",
            &["notification_id", "phase"],
            &["kind"],
            json!({"notification_id": example::NOTIFICATION, "phase": "completed"}),
        ),
    };
    let is_of_run = event_type.as_str().starts_with("operation_run.")
        || event_type == EventType::InventoryChanged;
    DeliveredType {
        event_type,
        summary,
        is_of_run,
        required,
        optional,
        data,
    }
}

impl DeliveredType {
    /// Its word.
    pub(super) const fn word(&self) -> &'static str {
        self.event_type.as_str()
    }

    /// `OperationRunCompletedEvent` of `operation_run.completed`.
    pub(super) fn schema_name(&self) -> String {
        let parts = self.word().split(['.', '_']);
        let capitalized = parts.map(|part| {
            let (first, rest) = part.split_at(1);
            format!("{}{rest}", first.to_ascii_uppercase())
        });
        format!("{}Event", capitalized.collect::<String>())
    }

    /// One that is delivered.
    pub(super) fn example(&self) -> Value {
        let event = EventView {
            id: EventId::from_uuid(example::id(0x0197c1a2_5d42_7f00_8a1b_3c4d5e6f7090)),
            place: EventPlace {
                position: 48_213,
                mark: 7_391_846_205_117_348_112,
            },
            event_type: self.word().to_owned(),
            occurred_at: moment(),
            tenant_id: example::TENANT,
            run_id: self.is_of_run.then_some(example::RUN),
            data: self.data.clone(),
        };
        serde_json::to_value(Event::new(event, &links())).expect("an event is plain data")
    }
}
