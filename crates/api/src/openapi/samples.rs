//! Examples for the description, made from the same types as answers, so that they look alike.

use atlas_domain::access::Role;
use atlas_domain::directory::GroupType;
use atlas_domain::ids::{
    AuditEventId, ChangeId, DirectoryId, GroupId, ItemId, LinkId, NotificationId, RequestId, RunId,
    TenantId, UserId, WorkerId,
};
use atlas_domain::inventory::change::ChangeKind;
use atlas_domain::inventory::link::{LinkKind, LinkSource, LinkTarget, TargetKind};
use atlas_domain::inventory::{TypeResult, TypeStatus};
use atlas_domain::policy_types::registry;
use atlas_domain::run::{
    CANCEL_GRACE, CancelRequest, InventoryCounts, InventoryProgress, OperationKind, OperationRun,
    Outcome, ProgressPhase, RunCounts, RunInputs, RunState, Status, WaitReason,
};
use atlas_domain::selection::SelectionRequest;
use atlas_domain::tenant::Cloud;
use atlas_store::{
    AuditEventView, ChangeDetail, ChangeView, EndedLastHour, FieldDifference, GroupPlace,
    GroupReading, GroupView, ItemName, ItemView, LinkView, NotificationView, QueueStats, SeenRun,
    SyncRunView, TenantView, TypeSummary, WorkerState, WorkerView,
};
use atlas_telemetry::TraceContext;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::context::RequestContext;
use crate::links::Links;
use crate::options::DEFAULT_RUN_VIEW_TEMPLATE;
use crate::problem::Problem;
use crate::wire;

/// A run.
pub(super) const RUN: &str = "0197c1a2-5d3e-7b60-8f21-6d2b9c4e1f07";
/// A tenant.
pub(super) const TENANT: &str = "0197c19f-03aa-7c11-a5d4-1f6e2b7c9d30";
/// A request.
pub(super) const REQUEST: &str = "0197c1a2-5d2f-7e44-9c0a-8b1d3f5a7e92";
/// Where a list continues.
pub(super) const CURSOR: &str = "WzEsIkdKbFJ6cTNwOVFmWCIsIjIwMjYtMDUtMDQiLCIwMTk3YzFhMiJd";

const RETRIED_RUN: &str = "0197c19f-7a10-7c3e-9d52-3b4c5d6e7f80";
const ITEM: &str = "0197c1a2-9b10-7a02-b6e3-4c5d6e7f8091";
const LINK: &str = "0197c1a2-9b11-7c3d-8e4f-5a6b7c8d9e0f";
const CHANGE: &str = "0197c1a2-9b12-7d4e-9f50-6b7c8d9e0f1a";
const GROUP: &str = "9b1f0c2d-4e5a-4b6c-8d7e-0f1a2b3c4d5e";
const NOTIFICATION: &str = "0197c1a2-5d41-7d18-9a3b-2c3d4e5f6071";
const USER: &str = "0197c19e-1111-7abc-8def-0a1b2c3d4e5f";
const TOKEN: &str = "0197c19e-2222-7abc-8def-0a1b2c3d4e5f";
const AUDIT_EVENT: &str = "0197c1a2-5d42-7f00-8a1b-3c4d5e6f7081";
const DIRECTORY: &str = "5b8e4a52-6d0c-4c38-9d1f-2a7b3c4d5e6f";

/// The example of an operation's answer with this status.
pub(super) fn answer(operation: &str, status: &str) -> Value {
    match operation {
        "cancel_operation_run" => run_json(asked_to_stop(match status {
            "202" => running_run(),
            _ => cancelled_run(),
        })),
        "retry_operation_run" => {
            let retry = OperationRun {
                retry_of: Some(RunId::from_uuid(uuid(RETRIED_RUN))),
                ..queued_run()
            };
            json!({"disposition": "created", "run": run_json(retry)})
        }
        "start_inventory_sync" => {
            json!({"disposition": "created", "run": run_json(queued_run())})
        }
        "start_directory_groups_sync" => {
            let run = OperationRun {
                inputs: RunInputs::DirectoryGroupsSync,
                ..queued_run()
            };
            json!({"disposition": "created", "run": run_json(run)})
        }
        "list_directory_groups" => {
            let groups = crate::paging::Page {
                items: vec![wire::directory_group::DirectoryGroup::from(group())],
                next_cursor: Some(CURSOR.to_owned()),
            };
            to_json(&wire::directory_group::DirectoryGroupPage::new(
                groups,
                group_cache(),
            ))
        }
        "resolve_directory_groups" => to_json(&wire::directory_group::ResolvedGroups::new(
            &[uuid(GROUP), uuid(DIRECTORY)],
            vec![group()],
            group_cache(),
        )),
        "search_directory_groups" => {
            let group = wire::directory_group::LiveGroup {
                id: uuid(GROUP),
                name: "All staff".to_owned(),
                description: None,
                group_type: GroupType::Security.as_str(),
                assignable_to_role: false,
                on_premises: false,
            };
            to_json(&wire::directory_group::LiveGroups {
                items: vec![group],
                source: "live",
                more: false,
            })
        }
        "list_operation_runs" => page(&listed_json(completed_run())),
        "list_active_operation_runs" => json!({"items": [listed_json(running_run())]}),
        "get_operation_run" => run_json(running_run()),
        "list_operation_run_results" => {
            json!({"items": [to_json(&wire::result::OperationRunResult::new(result()))]})
        }
        "list_tenants" => json!({"items": [to_json(&wire::tenant::Tenant::from(tenant()))]}),
        "get_tenant" => to_json(&wire::tenant::Tenant::from(tenant())),
        "list_inventory_items" => page(&to_json(&wire::inventory::InventoryItem::from(item()))),
        "get_inventory_item" => to_json(&wire::inventory::InventoryItem::from(item())),
        "get_inventory_summary" => {
            to_json(&wire::inventory::InventorySummary::new(vec![summary()]))
        }
        "list_inventory_sync_runs" => page(&to_json(&wire::inventory::InventorySyncRun::new(
            sync_run(),
            &links(),
        ))),
        "list_inventory_item_links" => page(&to_json(&wire::link::InventoryLink::new(
            link(),
            Some(ItemId::from_uuid(uuid(ITEM))),
        ))),
        "list_inventory_links" => page(&to_json(&wire::link::InventoryLink::new(link(), None))),
        "list_inventory_changes" => page(&to_json(&wire::change::InventoryChange::from(change()))),
        "list_audit_events" => page(&to_json(&wire::audit::AuditEvent::from(audit_event()))),
        "list_policy_types" => policy_types(),
        "get_me" => to_json(&wire::me::Me {
            id: uuid(USER),
            email: "avery@contoso.example".to_owned(),
            display_name: "Avery Howard".to_owned(),
            token_id: uuid(TOKEN),
            tenant_count: 12,
        }),
        "list_notifications" => page(&to_json(&wire::notification::Notification::new(
            notification(),
            &links(),
        ))),
        "get_unread_count" => json!({"count": 3, "capped": false}),
        "mark_notifications_read" => json!({"marked": 3}),
        "list_queues" => to_json(&wire::system::QueueList::new(vec![queue()])),
        "list_workers" => to_json(&wire::system::WorkerList::new(vec![worker()])),
        _ => Value::Null,
    }
}

/// The example of an operation's body.
pub(super) fn request(operation: &str) -> Value {
    match operation {
        "start_inventory_sync" => json!({
            "policy_types": ["deviceCompliancePolicy", "mobileApp"],
            "include_foundations": true,
        }),
        "resolve_directory_groups" => json!({"ids": [GROUP, DIRECTORY]}),
        "search_directory_groups" => json!({"q": "all st", "limit": 25}),
        "cancel_operation_run" => json!({"reason": "Started for the wrong tenant."}),
        "retry_operation_run" => json!({"scope": "failed_only"}),
        "mark_notifications_read" => json!({"up_to": NOTIFICATION}),
        _ => Value::Null,
    }
}

/// The example of a parameter.
pub(super) fn parameter(operation: &str, name: &str) -> Value {
    match name {
        "kind" if operation == "list_inventory_links" => json!("assigned_to"),
        "kind" if operation == "list_inventory_changes" => json!("changed"),
        "target_kind" => json!("group"),
        "target_id" => json!(GROUP),
        "direction" => json!("both"),
        "tenant_id" => json!(TENANT),
        "run_id" => json!(RUN),
        "item_id" => json!(ITEM),
        "notification_id" => json!(NOTIFICATION),
        "ids" => json!(RUN),
        "actor" => json!(USER),
        "kind" => json!("inventory_sync"),
        "status" => json!("queued"),
        "outcome" => json!("failed"),
        "initiator" => json!("me"),
        "action" => json!("operation_run.started"),
        "policy_type" => json!("mobileApp"),
        "category" => json!("Apps"),
        "platform" => json!("windows"),
        "q" if operation == "list_directory_groups" => json!("all st"),
        "q" => json!("baseline"),
        "type" => json!("security"),
        "X-Graph-Token" => json!("eyJ0eXAiOiJKV1QifQ.eyJvaWQiOiJ4In0.c2ln"),
        "missing" | "foundation" | "unread" | "dangling" => json!(true),
        "since" | "created_after" | "occurred_after" => json!("2026-05-01T00:00:00Z"),
        "created_before" | "occurred_before" => json!("2026-06-01T00:00:00Z"),
        _ => Value::Null,
    }
}

/// The example of a problem.
pub(super) fn problem(problem: &Problem) -> Value {
    let trace = TraceContext::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        .expect("the example of the specification is valid");
    let context = RequestContext {
        id: RequestId::from_uuid(uuid(REQUEST)),
        shown_id: REQUEST.to_owned(),
        trace,
    };
    serde_json::from_slice(&problem.body(&context, &links())).expect("a problem is JSON")
}

/// A run that has ended, as a problem shows it.
pub(super) fn ended_run() -> Value {
    run_json(completed_run())
}

/// The links of the example's run.
pub(super) fn run_links() -> Value {
    to_json(&links().run(RunId::from_uuid(uuid(RUN))))
}

fn links() -> Links {
    Links::new("https://atlas.example", DEFAULT_RUN_VIEW_TEMPLATE)
}

fn run_json(run: OperationRun) -> Value {
    let seen = SeenRun {
        run,
        role: Role::Operator,
    };
    to_json(&wire::run::OperationRun::new(seen, &links(), moment()))
}

/// A run as lists show it.
fn listed_json(run: OperationRun) -> Value {
    let mut run = run_json(run);
    if let Some(members) = run.as_object_mut() {
        members.shift_remove("selection");
    }
    run
}

fn page(item: &Value) -> Value {
    json!({"items": [item], "next_cursor": CURSOR})
}

fn to_json<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).expect("answers are plain data")
}

fn uuid(text: &str) -> Uuid {
    text.parse().expect("the ids above are UUIDs")
}

fn moment() -> DateTime<Utc> {
    DateTime::from_timestamp(1_777_888_999, 0).expect("the moment exists")
}

fn run(state: RunState, attempt: i32) -> OperationRun {
    let request = SelectionRequest {
        policy_types: Some(vec![
            "deviceCompliancePolicy".to_owned(),
            "mobileApp".to_owned(),
        ]),
        ..SelectionRequest::default()
    };
    let selection = request.resolve().expect("the example selects policy types");
    let created_at = moment() - TimeDelta::seconds(20);
    OperationRun {
        id: RunId::from_uuid(uuid(RUN)),
        tenant_id: TenantId::from_uuid(uuid(TENANT)),
        tenant_name: "Contoso".to_owned(),
        inputs: RunInputs::InventorySync(selection),
        initiator_id: UserId::from_uuid(uuid(USER)),
        initiator_name: "Avery Howard".to_owned(),
        retry_of: None,
        attempt,
        failures: 0,
        max_failures: 5,
        created_at,
        updated_at: created_at,
        started_at: (attempt > 0).then_some(created_at),
        progress: None,
        error: None,
        cancel: None,
        state,
    }
}

fn queued_run() -> OperationRun {
    let state = RunState::Queued {
        not_before: moment(),
        expires_at: moment() + TimeDelta::hours(24),
        wait: Some(WaitReason::TenantBusy),
    };
    run(state, 0)
}

fn running_run() -> OperationRun {
    let state = RunState::Running {
        worker_id: WorkerId::from_name("worker-1-0197c19a3f2e7d10".to_owned()),
        heartbeat_at: moment() - TimeDelta::seconds(3),
        lease_expires_at: moment() + TimeDelta::seconds(42),
    };
    let mut run = run(state, 1);
    run.progress = Some(
        InventoryProgress {
            phase: ProgressPhase::Collecting,
            completed: 9,
            failed: 0,
            skipped: 1,
            total: 38,
            items_seen: 214,
        }
        .into(),
    );
    run
}

fn cancelled_run() -> OperationRun {
    let state = RunState::Completed {
        outcome: Outcome::Cancelled,
        completed_at: moment(),
        counts: RunCounts::none(OperationKind::InventorySync),
    };
    run(state, 0)
}

fn asked_to_stop(run: OperationRun) -> OperationRun {
    OperationRun {
        cancel: Some(CancelRequest {
            requested_at: moment(),
            requested_by: UserId::from_uuid(uuid(USER)),
            requested_by_name: "Avery Howard".to_owned(),
            reason: Some("Started for the wrong tenant.".to_owned()),
            deadline_at: moment() + CANCEL_GRACE,
        }),
        ..run
    }
}

fn completed_run() -> OperationRun {
    let state = RunState::Completed {
        outcome: Outcome::Succeeded,
        completed_at: moment(),
        counts: counts().into(),
    };
    run(state, 1)
}

fn counts() -> InventoryCounts {
    InventoryCounts {
        types_succeeded: 37,
        types_failed: 0,
        types_skipped: 1,
        types_incomplete: 0,
        items_seen: 1_204,
        items_created: 12,
        items_changed: 3,
        items_reassigned: 2,
        items_missing: 1,
        items_back: 0,
    }
}

fn result() -> TypeResult {
    let key = registry()
        .find("mobileApp")
        .expect("the registry has mobile apps");
    TypeResult {
        status: TypeStatus::Succeeded,
        pages: 2,
        seen: 140,
        created: 4,
        changed: 1,
        reassigned: 1,
        missing: 0,
        started_at: Some(moment() - TimeDelta::seconds(2)),
        completed_at: Some(moment()),
        ..TypeResult::pending(key)
    }
}

fn tenant() -> TenantView {
    TenantView {
        id: TenantId::from_uuid(uuid(TENANT)),
        name: "Contoso".to_owned(),
        directory_id: DirectoryId::from_uuid(uuid(DIRECTORY)),
        cloud: Cloud::Global,
        enabled: true,
        connected: true,
        role: Role::Operator,
        created_at: moment() - TimeDelta::days(90),
        last_success_at: Some(moment()),
        last_attempt_at: Some(moment()),
        active_run: Some(RunId::from_uuid(uuid(RUN))),
        data_as_of: Some(moment()),
    }
}

fn group() -> GroupView {
    GroupView {
        id: GroupId::from_uuid(uuid(GROUP)),
        name: "All staff".to_owned(),
        description: Some("Everybody who works here.".to_owned()),
        group_type: GroupType::Security,
        dynamic: false,
        membership_rule: None,
        assignable_to_role: false,
        on_premises: false,
        visibility: Some("Private".to_owned()),
        first_seen_at: moment() - TimeDelta::days(30),
        changed_at: moment() - TimeDelta::days(2),
        removed_at: None,
        place: GroupPlace::default(),
    }
}

fn group_cache() -> wire::directory_group::CacheState {
    let reading = GroupReading {
        present: 1_250,
        removed: 12,
        data_as_of: moment(),
        full_at: moment() - TimeDelta::days(7),
    };
    wire::directory_group::CacheState::new(Some(&reading), moment())
}

fn item() -> ItemView {
    ItemView {
        id: ItemId::from_uuid(uuid(ITEM)),
        policy_type: "deviceCompliancePolicy".to_owned(),
        external_id: "c6a7f0b2-3f2d-4d8e-9c54-1b2a3c4d5e6f".to_owned(),
        name: "Windows baseline compliance".to_owned(),
        category: "Compliance".to_owned(),
        platform: "windows".to_owned(),
        foundation: false,
        scope_tags: vec!["0".to_owned()],
        assignment_count: Some(2),
        metadata: json!({"description": "Encryption and firewall on", "version": 3}),
        content_hash: (0..32).collect(),
        first_seen_at: moment() - TimeDelta::days(60),
        last_seen_at: moment(),
        changed_at: moment() - TimeDelta::days(2),
        missing_since: None,
        last_seen_run: RunId::from_uuid(uuid(RUN)),
    }
}

fn item_name() -> ItemName {
    let item = item();
    ItemName {
        id: item.id,
        policy_type: item.policy_type,
        external_id: item.external_id,
        name: item.name,
    }
}

fn link() -> LinkView {
    LinkView {
        id: LinkId::from_uuid(uuid(LINK)),
        item: item_name(),
        kind: LinkKind::AssignedTo,
        source: LinkSource::Assignments,
        target: LinkTarget {
            kind: TargetKind::Group,
            id: GROUP.to_owned(),
        },
        target_group: Some("All staff".to_owned()),
        target_item: None,
        qualifier: json!({"source": "direct"}),
        dangling: false,
    }
}

fn change() -> ChangeView {
    ChangeView {
        id: ChangeId::from_uuid(uuid(CHANGE)),
        occurred_at: moment(),
        kind: ChangeKind::Changed,
        run_id: RunId::from_uuid(uuid(RUN)),
        item: item_name(),
        detail: Some(ChangeDetail::Content {
            fields: vec![FieldDifference {
                field: "/passwordMinimumLength".to_owned(),
                old: Some(json!(8)),
                new: Some(json!(12)),
            }],
            field_count: 1,
        }),
    }
}

fn summary() -> TypeSummary {
    TypeSummary {
        policy_type: "mobileApp".to_owned(),
        present: 140,
        missing: 2,
        data_as_of: Some(moment()),
    }
}

fn sync_run() -> SyncRunView {
    SyncRunView {
        run_id: RunId::from_uuid(uuid(RUN)),
        initiator_id: UserId::from_uuid(uuid(USER)),
        initiator_name: "Avery Howard".to_owned(),
        selection_hash: "9f".repeat(32),
        created_at: moment() - TimeDelta::seconds(20),
        status: Status::Completed,
        outcome: Some(Outcome::Succeeded),
        counts: counts(),
        error_code: None,
        completed_at: Some(moment()),
    }
}

fn audit_event() -> AuditEventView {
    AuditEventView {
        id: AuditEventId::from_uuid(uuid(AUDIT_EVENT)),
        actor_kind: "user".to_owned(),
        actor_id: Some(uuid(USER)),
        actor_name: Some("Avery Howard".to_owned()),
        action: "operation_run.started".to_owned(),
        target_kind: "operation_run".to_owned(),
        target_id: RUN.to_owned(),
        outcome: "allowed".to_owned(),
        request_id: Some(uuid(REQUEST)),
        detail: None,
        occurred_at: moment() - TimeDelta::seconds(20),
    }
}

fn notification() -> NotificationView {
    NotificationView {
        id: NotificationId::from_uuid(uuid(NOTIFICATION)),
        tenant_id: TenantId::from_uuid(uuid(TENANT)),
        tenant_name: "Contoso".to_owned(),
        run_id: RunId::from_uuid(uuid(RUN)),
        phase: "terminal".to_owned(),
        title: "Inventory sync of Contoso succeeded".to_owned(),
        body: "1204 items seen: 12 new, 3 changed, 1 missing.".to_owned(),
        created_at: moment(),
        read_at: None,
    }
}

fn queue() -> QueueStats {
    QueueStats {
        kind: OperationKind::InventorySync.to_string(),
        queued: 12,
        due: 2,
        oldest_due_seconds: 4,
        overdue: 0,
        running: 4,
        lease_expired: 0,
        ended_last_hour: EndedLastHour {
            succeeded: 118,
            partially_succeeded: 3,
            failed: 1,
            cancelled: 0,
        },
        pause: None,
    }
}

fn worker() -> WorkerView {
    WorkerView {
        id: WorkerId::from_name("worker-1-0197c19a3f2e7d10".to_owned()),
        version: "0.1.0".to_owned(),
        host: "worker-1".to_owned(),
        slots: 4,
        running: 3,
        state: WorkerState::Working,
        started_at: moment() - TimeDelta::hours(30),
        heartbeat_at: moment() - TimeDelta::seconds(2),
    }
}

fn policy_types() -> Value {
    let mut list = to_json(&wire::inventory::PolicyTypeList::of_this_version());
    for name in ["items", "categories"] {
        if let Value::Array(entries) = &mut list[name] {
            entries.truncate(2);
        }
    }
    list
}
