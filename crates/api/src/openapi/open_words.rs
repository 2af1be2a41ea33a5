//! The words of members whose sets of words may grow. Schemas of answers name them and do not limit
//! answers to them (`x-extensible-enum`), so that clients of this version read the next one.

use atlas_domain::access::Permission;
use atlas_domain::audit;
use atlas_domain::directory::GroupType;
use atlas_domain::event::{EventType, REQUEUES};
use atlas_domain::failure::{FailureCode, RowDefect};
use atlas_domain::inventory::actor;
use atlas_domain::inventory::change::ChangeKind;
use atlas_domain::inventory::link::{LinkKind, LinkSource, TargetKind};
use atlas_domain::notification::{Phase, SCHEDULE_STOPPED, WEBHOOK_DISABLED};
use atlas_domain::run::{
    OperationKind, Outcome, ProgressPhase, RetryScope, RunAction, RunPriority, WaitReason,
};
use atlas_domain::schedule::{SkipReason, StopReason};
use atlas_domain::webhook::{DeliveryCause, DeliveryOutcome, WebhookDisableReason};
use serde_json::{Value, json};

use crate::problem::{FIELD_CODES, PROBLEM_SCHEMA, ProblemKind, RUN_PROBLEM_SCHEMA};

/// The member of a schema that names the words.
const WORDS: &str = "x-extensible-enum";

/// Adds the words to the schemas of the document.
pub(super) fn complete(schemas: &mut Value) {
    for (schema, property, words) in all() {
        let property = &mut schemas[schema]["properties"][property];
        let holder = if property["type"] == "array" {
            &mut property["items"]
        } else {
            property
        };
        holder[WORDS] = json!(words);
    }
}

/// Every such member: its schema, its name, and its words.
fn all() -> Vec<(&'static str, &'static str, Vec<String>)> {
    let kinds = || owned(&OperationKind::WORDS);
    let failures = || FailureCode::ALL.iter().map(|code| code.as_str().to_owned());
    let phases = Phase::WORDS
        .into_iter()
        .chain([SCHEDULE_STOPPED, WEBHOOK_DISABLED]);
    // Why a run went back to the queue, or a schedule stopped.
    let requeues = REQUEUES.trim_matches(['{', '}']).split(',');
    let reasons = requeues.chain(StopReason::WORDS).map(str::to_owned);
    let permissions = || owned(&Permission::WORDS);
    let problems = || ProblemKind::ALL.iter().map(|kind| kind.code()).collect();
    vec![
        ("AffectedRow", "defect", owned(&RowDefect::WORDS)),
        (
            "AssignmentTarget",
            "kind",
            owned(&["group", "assignment_filter"]),
        ),
        ("AuditActor", "kind", owned(&audit::ActorKind::WORDS)),
        ("AuditEvent", "action", owned(&audit::AuditAction::WORDS)),
        ("AuditEvent", "outcome", owned(&audit::AuditOutcome::WORDS)),
        ("ChangeActor", "kind", owned(&actor::ActorKind::WORDS)),
        ("DirectoryGroup", "type", owned(&GroupType::WORDS)),
        (
            "DirectorySearchCapability",
            "needs",
            owned(&["delegated_token"]),
        ),
        ("Event", "type", owned(&EventType::WORDS)),
        ("EventData", "error_code", failures().collect()),
        ("EventData", "kind", kinds()),
        ("EventData", "reason", reasons.collect()),
        ("FieldProblem", "code", owned(FIELD_CODES)),
        ("InventoryChange", "kind", owned(&ChangeKind::WORDS)),
        ("InventoryLink", "kind", owned(&LinkKind::WORDS)),
        ("InventoryLink", "source", owned(&LinkSource::WORDS)),
        ("KindSync", "kind", kinds()),
        ("LinkTarget", "kind", owned(&TargetKind::WORDS)),
        ("LiveGroup", "type", owned(&GroupType::WORDS)),
        ("MyTenant", "permissions", permissions()),
        ("Notification", "code", failures().collect()),
        ("Notification", "kind", kinds()),
        ("Notification", "outcome", owned(&Outcome::WORDS)),
        ("Notification", "phase", phases.map(str::to_owned).collect()),
        ("OperationRun", "actions", owned(&RunAction::WORDS)),
        ("OperationRun", "kind", kinds()),
        ("OperationRun", "priority", owned(&RunPriority::WORDS)),
        ("OperationRun", "retry_scopes", owned(&RetryScope::WORDS)),
        (PROBLEM_SCHEMA, "code", problems()),
        (PROBLEM_SCHEMA, "required_permission", permissions()),
        ("Progress", "phase", owned(&ProgressPhase::WORDS)),
        ("Queue", "kind", kinds()),
        ("QueueControl", "kind", kinds()),
        ("RunError", "code", failures().collect()),
        (RUN_PROBLEM_SCHEMA, "code", problems()),
        (RUN_PROBLEM_SCHEMA, "required_permission", permissions()),
        ("ScheduleSkip", "reason", owned(&SkipReason::WORDS)),
        ("ScheduleStop", "reason", owned(&StopReason::WORDS)),
        ("SettingAssignment", "kind", owned(&LinkKind::WORDS)),
        ("Tenant", "permissions", permissions()),
        ("Wait", "reason", owned(&WaitReason::WORDS)),
        (
            "Webhook",
            "disable_reason",
            owned(&WebhookDisableReason::WORDS),
        ),
        ("WebhookDelivery", "cause", owned(&DeliveryCause::WORDS)),
        ("WebhookDelivery", "outcome", owned(&DeliveryOutcome::WORDS)),
    ]
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::openapi::Description;

    #[test]
    fn every_member_whose_words_may_grow_names_all_of_them() {
        let description = Description::of_this_version();
        let schemas = &description.document()["components"]["schemas"];
        let mut named = 0;
        for (schema, value) in schemas.as_object().into_iter().flat_map(Map::iter) {
            let properties = value["properties"].as_object();
            for (name, property) in properties.into_iter().flat_map(Map::iter) {
                let text = property["description"].as_str().unwrap_or_default();
                let is_open = text.contains("may be added") || text.contains("must accept");
                let words = property.get(WORDS).or_else(|| property["items"].get(WORDS));
                assert!(
                    !is_open || words.is_some(),
                    "{schema}.{name} names no words"
                );
                named += usize::from(words.is_some());
            }
        }
        assert_eq!(
            named,
            all().len(),
            "a member of the table is not in the document"
        );
    }
}
