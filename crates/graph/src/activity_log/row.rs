//! Events of the two logs: from rows to events. Old and new values of what changed, addresses of
//! callers and further details are not taken over.

use atlas_domain::guid::fold_guids;
use atlas_domain::inventory::actor::{ActivityEvent, ActivityLog, Actor, ActorKind, ChangeActor};
use atlas_domain::limits::{LONGEST_EXTERNAL_ID, shortened};
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::request::parse;

/// The longest id or name of an actor, and the longest activity, in bytes.
const LONGEST_TEXT: usize = 500;
/// The longest id of an event. Ids are not shortened.
const LONGEST_EVENT_ID: usize = 200;
/// Objects of one event that are kept.
const MOST_OBJECTS: usize = 100;

/// What stands where Intune knows no id.
const NO_ID: &str = "00000000-0000-0000-0000-000000000000";

/// Types of objects in Entra's log that are no inventory items.
const NO_ITEMS: [&str; 5] = ["User", "Device", "Group", "ServicePrincipal", "Application"];

/// A page of events.
#[derive(Debug, Default)]
pub(super) struct EventsRead {
    /// Those that changed objects and name who did it.
    pub(super) events: Vec<ActivityEvent>,
    /// Ids of all events of the page.
    pub(super) ids: Vec<String>,
    /// Times of all events of the page.
    pub(super) times: Vec<DateTime<Utc>>,
    pub(super) rows: u64,
    /// Rows that could not be read.
    pub(super) unreadable: usize,
    pub(super) next: Option<String>,
}

/// Reads a page.
///
/// # Errors
/// Why it is no page.
pub(super) fn read(log: ActivityLog, body: &[u8]) -> Result<EventsRead, &'static str> {
    let page = parse::open(body)?;
    let mut read = EventsRead {
        rows: u64::try_from(page.rows.len()).unwrap_or(u64::MAX),
        next: page.next,
        ..EventsRead::default()
    };
    for raw in &page.rows {
        let row = raw.read().ok().map(|row| row.value);
        let known = row.as_ref().and_then(|row| {
            let at = row.get("activityDateTime")?.as_str()?;
            let at = DateTime::parse_from_rfc3339(at).ok()?.to_utc();
            Some((row, id(row)?, at))
        });
        let Some((row, id, at)) = known else {
            read.unreadable += 1;
            continue;
        };
        read.times.push(at);
        read.events.extend(match log {
            ActivityLog::Intune => intune(row, &id, at),
            ActivityLog::Directory => directory(row, &id, at),
        });
        read.ids.push(id);
    }
    Ok(read)
}

/// The event's id.
fn id(row: &Value) -> Option<String> {
    text(row, "/id").filter(|id| id.len() <= LONGEST_EVENT_ID)
}

fn intune(row: &Value, id: &str, at: DateTime<Utc>) -> Option<ActivityEvent> {
    let operation = text(row, "/activityOperationType").unwrap_or_default();
    let succeeded = is(row, "/activityResult", "Success");
    if !succeeded || operation.eq_ignore_ascii_case("Get") {
        return None;
    }
    let at_actor = |member: &str| text(row, &format!("/actor/{member}"));
    let known = |id: &String| id != NO_ID;
    let user = Actor {
        kind: ActorKind::User,
        id: at_actor("userId").filter(known),
        name: at_actor("userPrincipalName"),
    };
    // What a person does comes through an application, too.
    let application = Actor {
        kind: ActorKind::Application,
        id: at_actor("applicationId").filter(known),
        name: at_actor("applicationDisplayName").or_else(|| at_actor("servicePrincipalName")),
    };
    let actor = [user, application].into_iter().find(is_known)?;
    let activity = text(row, "/activityType").or_else(|| text(row, "/activity"));
    Some(ActivityEvent {
        log: ActivityLog::Intune,
        id: id.to_owned(),
        creates: operation.eq_ignore_ascii_case("Create"),
        by: by(actor, at, activity.unwrap_or(operation)),
        objects: objects(row, "/resources", |resource| {
            text(resource, "/resourceId").filter(|_| !is(resource, "/type", "ManagedDevice"))
        })?,
    })
}

fn directory(row: &Value, id: &str, at: DateTime<Utc>) -> Option<ActivityEvent> {
    if !is(row, "/result", "success") {
        return None;
    }
    let at_actor = |member: &str| text(row, &format!("/initiatedBy/{member}"));
    let user = Actor {
        kind: ActorKind::User,
        id: at_actor("user/id"),
        name: at_actor("user/userPrincipalName").or_else(|| at_actor("user/displayName")),
    };
    let application = Actor {
        kind: ActorKind::Application,
        id: at_actor("app/appId").or_else(|| at_actor("app/servicePrincipalId")),
        name: at_actor("app/displayName").or_else(|| at_actor("app/servicePrincipalName")),
    };
    let actor = [user, application].into_iter().find(is_known)?;
    let operation = text(row, "/operationType").unwrap_or_default();
    let activity = text(row, "/activityDisplayName");
    Some(ActivityEvent {
        log: ActivityLog::Directory,
        id: id.to_owned(),
        creates: operation.eq_ignore_ascii_case("Add") || operation.eq_ignore_ascii_case("Create"),
        by: by(actor, at, activity.unwrap_or(operation)),
        objects: objects(row, "/targetResources", |target| {
            let no_item = NO_ITEMS.iter().any(|word| is(target, "/type", word));
            text(target, "/id").filter(|_| !no_item)
        })?,
    })
}

fn is_known(actor: &Actor) -> bool {
    actor.id.is_some() || actor.name.is_some()
}

fn by(actor: Actor, at: DateTime<Utc>, activity: String) -> ChangeActor {
    ChangeActor {
        actor: Actor {
            id: actor.id.map(|id| fold_guids(&id).into_owned()),
            ..actor
        },
        at,
        activity,
    }
}

/// Ids of the objects; `None` when there is no object that could be an item.
fn objects(row: &Value, list: &str, id: impl Fn(&Value) -> Option<String>) -> Option<Vec<String>> {
    let list = row.pointer(list)?.as_array()?.iter();
    let mut ids: Vec<String> = list
        .filter_map(id)
        .filter(|id| id.len() <= LONGEST_EXTERNAL_ID)
        .map(|id| fold_guids(&id).into_owned())
        .take(MOST_OBJECTS)
        .collect();
    ids.sort_unstable();
    ids.dedup();
    (!ids.is_empty()).then_some(ids)
}

/// A text that says something, without NUL, which PostgreSQL cannot store.
fn text(row: &Value, pointer: &str) -> Option<String> {
    let text = row.pointer(pointer)?.as_str()?.trim().replace('\0', "");
    let text = shortened(&text, LONGEST_TEXT);
    (!text.is_empty()).then(|| text.to_owned())
}

fn is(row: &Value, pointer: &str, word: &str) -> bool {
    let text = row.pointer(pointer).and_then(Value::as_str);
    text.is_some_and(|text| text.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const OBJECT: &str = "ABCDEF00-9df4-4c7d-9d50-4ef0226f57a9";

    fn page(rows: &[Value]) -> Vec<u8> {
        json!({ "value": rows }).to_string().into_bytes()
    }

    fn intune_row() -> Value {
        json!({
            "id": "e-1",
            "activityType": "Patch DeviceConfiguration",
            "activityDateTime": "2026-03-01T10:00:00.1234567Z",
            "activityOperationType": "Patch",
            "activityResult": "Success",
            "actor": {
                "userId": "ABCDEF00-0000-4000-8000-000000000001",
                "userPrincipalName": "anna@contoso.example",
                "applicationId": "5926fc8e-304e-4f59-8bed-58ca97cc39a4",
                "applicationDisplayName": "Microsoft Intune portal extension",
                "ipAddress": "192.0.2.1",
            },
            "resources": [{
                "resourceId": OBJECT,
                "type": "DeviceConfiguration",
                "modifiedProperties": [{"displayName": "Password", "oldValue": "s3cret-1", "newValue": "s3cret-2"}],
            }],
        })
    }

    fn directory_row() -> Value {
        json!({
            "id": "Directory_1",
            "activityDisplayName": "Update conditional access policy",
            "activityDateTime": "2026-03-01T10:00:00Z",
            "operationType": "Update",
            "result": "success",
            "initiatedBy": {"user": null, "app": {"appId": OBJECT, "displayName": "Pipeline"}},
            "targetResources": [
                {"id": OBJECT, "type": "Policy"},
                {"id": "00000000-0000-4000-8000-000000000002", "type": "User"},
            ],
        })
    }

    fn one(log: ActivityLog, row: Value) -> Option<ActivityEvent> {
        let read = read(log, &page(&[row])).unwrap();
        assert!(read.events.len() <= 1);
        read.events.into_iter().next()
    }

    #[test]
    fn a_person_is_named_and_not_the_portal_and_values_are_left_out() {
        let event = one(ActivityLog::Intune, intune_row()).unwrap();
        assert_eq!(event.by.actor.kind, ActorKind::User);
        assert_eq!(
            event.by.actor.keys(),
            [
                "abcdef00-0000-4000-8000-000000000001",
                "anna@contoso.example"
            ]
        );
        assert_eq!(event.by.activity, "Patch DeviceConfiguration");
        assert_eq!(event.objects, [OBJECT.to_lowercase()]);
        assert!(!event.creates);
        assert!(!format!("{event:?}").contains("s3cret"));
    }

    #[test]
    fn an_application_by_itself_is_named() {
        let mut row = intune_row();
        row["actor"]["userId"] = NO_ID.into();
        row["actor"]["userPrincipalName"] = Value::Null;
        let event = one(ActivityLog::Intune, row).unwrap();
        assert_eq!(event.by.actor.kind, ActorKind::Application);
        let event = one(ActivityLog::Directory, directory_row()).unwrap();
        assert_eq!(event.by.actor.kind, ActorKind::Application);
        assert_eq!(event.by.actor.name.as_deref(), Some("Pipeline"));
        assert_eq!(event.objects, [OBJECT.to_lowercase()]);
    }

    #[test]
    fn what_changed_nothing_or_names_nobody_is_no_event() {
        let refused = [
            ("/activityResult", json!("Failure")),
            ("/activityOperationType", json!("Get")),
            ("/actor", Value::Null),
            ("/resources", json!([])),
            ("/resources/0/type", json!("ManagedDevice")),
            ("/resources/0/resourceId", json!("")),
            ("/resources/0/resourceId", Value::Null),
        ];
        for (pointer, value) in refused {
            let mut row = intune_row();
            *row.pointer_mut(pointer).unwrap() = value.clone();
            assert_eq!(one(ActivityLog::Intune, row), None, "{pointer} {value}");
        }
        for (pointer, value) in [
            ("/result", json!("failure")),
            ("/initiatedBy/app", Value::Null),
            ("/targetResources/0/type", json!("Group")),
        ] {
            let mut row = directory_row();
            *row.pointer_mut(pointer).unwrap() = value.clone();
            assert_eq!(one(ActivityLog::Directory, row), None, "{pointer} {value}");
        }
    }

    #[test]
    fn a_row_that_cannot_be_read_costs_itself_alone() {
        let rows = [json!(null), json!({"id": "x"}), json!("row"), intune_row()];
        let read = read(ActivityLog::Intune, &page(&rows)).unwrap();
        assert_eq!((read.events.len(), read.unreadable), (1, 3));
    }
}
