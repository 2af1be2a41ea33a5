//! Words that others have written down: in dashboards, in filters of the audit log, in programs that
//! branch on them; and what initiators are notified of.

use atlas_domain::access::Role;
use atlas_domain::audit::{ActorKind, AuditAction, AuditOutcome};
use atlas_domain::failure::{Failure, FailureCode};
use atlas_domain::notification::{self, Phase};
use atlas_domain::run::{
    Completion, InventoryCounts, OperationKind, Outcome, RetryScope, RunCounts, WaitReason,
};
use atlas_telemetry::metrics::{self, Definition, Timing};
use serde_json::{Value, json};

use crate::recorded::hold;
use crate::tables::every_transition;

const TIMINGS: [&Timing; 3] = [
    &metrics::HEARTBEAT,
    &metrics::GRAPH_WAIT,
    &metrics::HTTP_REQUEST,
];

fn metric(definition: &Definition) -> Value {
    let is_timing = |timing: &&Timing| {
        let name = format!("name: {:?}", definition.name);
        format!("{timing:?}").contains(&name)
    };
    let kind = if definition.name.ends_with("_total") {
        "counter"
    } else if TIMINGS.iter().any(is_timing) {
        "histogram"
    } else {
        "gauge"
    };
    let programs = definition.programs.iter();
    json!({
        "name": definition.name,
        "kind": kind,
        "labels": definition.labels,
        "programs": programs.map(|program| format!("{program:?}")).collect::<Vec<_>>(),
    })
}

fn notifications() -> Vec<Value> {
    let failure = |hint: Option<&str>| {
        let failure = Failure::permanent(FailureCode::INTERNAL, "What happened.");
        match hint {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    };
    let errors = [
        None,
        Some(failure(None)),
        Some(failure(Some("What to do."))),
    ];
    let counts = [
        InventoryCounts::default(),
        InventoryCounts {
            types_failed: 2,
            items_seen: 7,
            items_created: 1,
            items_changed: 2,
            items_missing: 3,
            ..InventoryCounts::default()
        },
    ];
    let mut written = Vec::new();
    for kind in OperationKind::ALL {
        let queued = notification::queued(kind, "Contoso");
        written.push(
            json!({"kind": kind.as_str(), "phase": Phase::Queued.as_str(),
            "title": queued.title, "body": queued.body}),
        );
        for outcome in Outcome::ALL {
            for error in &errors {
                for members in counts {
                    let completion = Completion {
                        outcome,
                        counts: RunCounts::from_members(kind, members),
                        error: error.clone(),
                    };
                    let ended = notification::terminal(kind, "Contoso", &completion);
                    written.push(
                        json!({"kind": kind.as_str(), "phase": Phase::Terminal.as_str(),
                        "outcome": outcome.as_str(), "title": ended.title, "body": ended.body}),
                    );
                }
            }
        }
    }
    written
}

/// The names of events, as every transition writes them.
async fn events() -> Vec<String> {
    let installation = every_transition().await;
    let connection = installation.database.connection().await;
    let sql = "SELECT DISTINCT event FROM operation_run_events ORDER BY event";
    let rows = connection.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn words_are_what_they_were() {
    let words = |words: Vec<&str>| json!(words);
    let roles = [Role::Owner, Role::Manager, Role::Operator, Role::Readonly];
    let names = json!({
        "metrics": metrics::definitions().map(metric).collect::<Vec<_>>(),
        "audit_actions": words(AuditAction::ALL.iter().map(|one| one.as_str()).collect()),
        "audit_outcomes": words(AuditOutcome::ALL.iter().map(|one| one.as_str()).collect()),
        "audit_actors": words(ActorKind::ALL.iter().map(|one| one.as_str()).collect()),
        "events": events().await,
        "failure_codes": words(FailureCode::ALL.iter().map(FailureCode::as_str).collect()),
        "kinds": words(OperationKind::ALL.iter().map(|one| one.as_str()).collect()),
        "notifications": notifications(),
        "outcomes": words(Outcome::ALL.iter().map(|one| one.as_str()).collect()),
        "retry_scopes": words(RetryScope::ALL.iter().map(|one| one.as_str()).collect()),
        "roles": words(roles.map(Role::as_str).to_vec()),
        "wait_reasons": words(WaitReason::ALL.iter().map(|one| one.as_str()).collect()),
    });
    hold("names.json", &names);
}
