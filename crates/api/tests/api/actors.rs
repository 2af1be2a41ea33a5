//! Who changed items.

use std::collections::BTreeMap;

use atlas_domain::clock::{Clock as _, SystemClock};
use atlas_domain::failure::{Failure, FailureCode};
use atlas_domain::inventory::Observation;
use atlas_domain::inventory::actor::{ActivityEvent, ActivityLog, Actor, ActorKind, ChangeActor};
use chrono::TimeDelta;

use crate::harness::{ONE_TYPE, Stage, observation};

const APP: &str = "00000000-0000-4000-8000-000000000001";

fn app(content: u8) -> Observation {
    Observation {
        external_id: APP.to_owned(),
        content_hash: [content; 32],
        ..observation(1)
    }
}

fn event(who: &str, kind: ActorKind, at: i64) -> ActivityEvent {
    ActivityEvent {
        log: ActivityLog::Intune,
        id: format!("event of {who}"),
        creates: false,
        by: ChangeActor {
            actor: Actor {
                kind,
                id: None,
                name: Some(who.to_owned()),
            },
            at: SystemClock.now() - TimeDelta::milliseconds(at),
            activity: "Patch MobileApp".to_owned(),
        },
        objects: vec![APP.to_owned()],
    }
}

#[tokio::test]
async fn changes_and_versions_list_their_actors_and_changes_are_found_by_actor() {
    let stage = Stage::set().await;
    stage.synced_page(&[app(1)]).await;
    let events = [
        event("anna@contoso.example", ActorKind::User, 0),
        event("Pipeline", ActorKind::Application, 0),
    ];
    stage.synced_page(&[app(2)]).await;
    let claim = stage.begun(ONE_TYPE).await;
    let lease = &claim.lease;
    let log = ActivityLog::Intune;
    let stored = stage.store.store_activity(lease, log, &events, None);
    stored.await.unwrap();
    stage.store.attribute_changes(lease).await.unwrap();

    let changes = stage.get(&stage.path("inventory-changes")).await;
    let changed = &changes.items()[0];
    assert_eq!(changed["attributed"], "window");
    assert_eq!(changed["actors"].as_array().unwrap().len(), 2);
    let actors = changed["actors"].as_array().unwrap();
    let anna = actors.iter().find(|one| one["kind"] == "user").unwrap();
    assert_eq!(anna["name"], "anna@contoso.example");
    assert_eq!(anna["activity"], "Patch MobileApp");
    let created = &changes.items()[1];
    assert_eq!(created["attributed"], "none");
    assert_eq!(created["actors"].as_array().unwrap().len(), 0);
    for (actor, found) in [
        ("Anna@contoso.example", 1),
        ("pipeline", 1),
        ("pipe", 0),
        ("pipeline&kind=created", 0),
        ("pipeline&kind=changed&policy_type=mobileApp", 1),
    ] {
        let query = format!("inventory-changes?actor={actor}");
        let reply = stage.get(&stage.path(&query)).await;
        assert_eq!(reply.items().len(), found, "{query}");
    }
    let refused = stage.get(&stage.path("inventory-changes?actor=")).await;
    assert_eq!(refused.status, 400);

    let item = changed["item"]["id"].as_str().unwrap();
    let versions = stage
        .get(&stage.path(&format!("inventory-items/{item}/versions")))
        .await;
    assert_eq!(versions.items()[0]["attributed"], "window");
    assert_eq!(versions.items()[0]["actors"], changed["actors"]);
    assert_eq!(versions.items()[1]["attributed"], "none");
    let content = stage
        .get(&stage.path(&format!("inventory-items/{item}/content")))
        .await;
    assert_eq!(content.body["version"]["actors"], changed["actors"]);
}

#[tokio::test]
async fn a_log_that_could_not_be_read_is_a_result_of_the_run() {
    let stage = Stage::set().await;
    let claim = stage.begun(ONE_TYPE).await;
    let run = claim.lease.run_id;
    let mut failure = Failure::permanent(FailureCode::PERMISSION_MISSING, "No permission.");
    failure.missing_permissions = vec!["DeviceManagementApps.Read.All".to_owned()];
    let unread = BTreeMap::from([(ActivityLog::Intune, failure)]);
    let recorded = stage.store.record_unread_logs(&claim.lease, &unread);
    recorded.await.unwrap();
    let path = format!("/operation-runs/{run}/results");
    let results = stage.get(&path).await;
    let logs: Vec<_> = results
        .items()
        .iter()
        .filter(|one| one["policy_type"] == "auditEvents")
        .collect();
    assert_eq!(logs.len(), 1);
    assert_eq!(logs[0]["status"], "incomplete");
    assert_eq!(
        logs[0]["error"]["missing_permissions"][0],
        "DeviceManagementApps.Read.All"
    );
    // By name, as policy types are, and on pages of any size.
    let mut names = Vec::new();
    let mut next = format!("{path}?limit=1");
    loop {
        let page = stage.get(&next).await;
        let items = page.items().iter();
        names.extend(items.map(|one| one["policy_type"].as_str().unwrap().to_owned()));
        let Some(cursor) = page.body["next_cursor"].as_str() else {
            break;
        };
        next = format!("{path}?limit=1&cursor={cursor}");
    }
    assert!(
        names.is_sorted() && names.contains(&"auditEvents".to_owned()),
        "{names:?}"
    );
    assert_eq!(names.len(), results.items().len());
}
