//! Whom an object applies to.

use atlas_domain::guid::fold_guids;
use atlas_domain::inventory::link::{LinkKind, TargetKind};
use atlas_domain::policy_types::PolicyTypeKey;
use serde_json::Value;

use super::gathered::{Gathered, NO_GUID, Qualifier, kind_of, qualify};

/// Policy types whose assignment to a group means something of its own.
const MEANINGS: [(&str, LinkKind); 1] = [("roleScopeTag", LinkKind::AutoTags)];

/// The links of an object's assignments.
pub(crate) fn of(policy_type: PolicyTypeKey, assignments: &[Value]) -> Gathered {
    let meaning = MEANINGS
        .iter()
        .find(|(key, _)| *key == policy_type.as_str())
        .map_or(LinkKind::AssignedTo, |(_, kind)| *kind);
    let mut found = Gathered::default();
    for assignment in assignments {
        of_one(meaning, assignment, &mut found);
    }
    found
}

fn of_one(meaning: LinkKind, assignment: &Value, found: &mut Gathered) {
    let Some(target) = assignment.get("target").filter(|value| value.is_object()) else {
        return;
    };
    let mut qualifier = Qualifier::new();
    qualify(&mut qualifier, "intent", assignment.get("intent"));
    qualify(
        &mut qualifier,
        "run_remediation",
        assignment.get("runRemediationScript"),
    );
    if let Some(schedule) = assignment.get("runSchedule") {
        qualifier.extend(schedule_of(schedule));
    }
    let policy_set = policy_set_of(assignment);
    if policy_set.is_some() {
        qualify(&mut qualifier, "source", assignment.get("source"));
        qualify(&mut qualifier, "source_id", assignment.get("sourceId"));
    }
    let filter = filter_of(target);
    if let Some((id, mode)) = filter {
        qualifier.insert("filter_id".to_owned(), fold_guids(id).into_owned());
        qualifier.insert("filter_type".to_owned(), mode.to_owned());
    }
    aim(meaning, target, &qualifier, found);
    if let Some((id, mode)) = filter {
        let narrowed = Qualifier::from([("filter_type".to_owned(), mode.to_owned())]);
        found.add_id(
            LinkKind::UsesAssignmentFilter,
            TargetKind::AssignmentFilter,
            id,
            narrowed,
        );
    }
    if let Some(id) = policy_set {
        found.add(
            LinkKind::AssignedViaPolicySet,
            TargetKind::PolicySet,
            Some(id),
        );
    }
}

/// An exclusion is a group target, too, in Graph's model, so its kind is looked at first.
fn aim(meaning: LinkKind, target: &Value, qualifier: &Qualifier, found: &mut Gathered) {
    let mut qualifier = qualifier.clone();
    let group = target.get("groupId");
    let everybody = TargetKind::VirtualGroup;
    match kind_of(target) {
        "exclusionGroupAssignmentTarget" => {
            found.add_group(LinkKind::ExcludedFrom, group, qualifier);
        }
        "allDevicesAssignmentTarget" => found.add_id(meaning, everybody, "all_devices", qualifier),
        "allLicensedUsersAssignmentTarget" => {
            found.add_id(meaning, everybody, "all_users", qualifier);
        }
        "configurationManagerCollectionAssignmentTarget" => {
            let collection = target.get("collectionId");
            found.add_with(meaning, TargetKind::Collection, collection, qualifier);
        }
        // What Cloud PCs are assigned to is no target of Intune; it has a group all the same.
        "groupAssignmentTarget" | "cloudPcManagementGroupAssignmentTarget" | "" => {
            qualify(
                &mut qualifier,
                "service_plan_id",
                target.get("servicePlanId"),
            );
            found.add_group(meaning, group, qualifier);
        }
        other => {
            // A kind that came after this version. What it aims at is kept as far as it can be.
            qualifier.insert("target_type".to_owned(), other.chars().take(100).collect());
            if group.is_some_and(Value::is_string) {
                found.add_group(meaning, group, qualifier);
            } else {
                found.add_id(meaning, TargetKind::Other, other, qualifier);
            }
        }
    }
}

/// The filter of a target and whether it includes or excludes.
fn filter_of(target: &Value) -> Option<(&str, &str)> {
    let text = |member: &str| target.get(member).and_then(Value::as_str);
    let mode = text("deviceAndAppManagementAssignmentFilterType")?;
    let id = text("deviceAndAppManagementAssignmentFilterId")?;
    let narrows = matches!(mode, "include" | "exclude") && !id.is_empty() && id != NO_GUID;
    (narrows && id.len() <= super::gathered::LONGEST_ID).then_some((id, mode))
}

fn policy_set_of(assignment: &Value) -> Option<&Value> {
    let source = assignment.get("source").and_then(Value::as_str);
    (source == Some("policySets"))
        .then(|| assignment.get("sourceId"))
        .flatten()
}

/// When a remediation runs: `schedule` and `schedule_interval`, in Graph's words.
fn schedule_of(schedule: &Value) -> Qualifier {
    let mut qualifier = Qualifier::new();
    let kind = kind_of(schedule)
        .trim_start_matches("deviceHealthScript")
        .trim_end_matches("Schedule");
    qualify(
        &mut qualifier,
        "schedule",
        Some(&Value::from(kind.to_ascii_lowercase())),
    );
    qualify(
        &mut qualifier,
        "schedule_interval",
        schedule.get("interval"),
    );
    qualifier
}
