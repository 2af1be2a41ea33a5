use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant, SystemTime};

use atlas_graph_sim::{
    Actor, ActorKind, AnswerChange, AuditBehaviour, MutationScript, PublishedLimits, Simulator,
    SimulatorOptions, TenantMode,
};
use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use serde_json::Value;

use crate::client::{Client, TENANT, start};

const INTUNE: &str = "/v1.0/deviceManagement/auditEvents";
const DIRECTORY: &str = "/v1.0/auditLogs/directoryAudits";

fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}

async fn changed(behaviour: AuditBehaviour) -> (Simulator, Client) {
    let (simulator, client) = start(SimulatorOptions {
        size: 600,
        ..SimulatorOptions::default()
    })
    .await;
    simulator.set_audit(behaviour);
    simulator.mutate(TENANT, &script(1));
    (simulator, client)
}

fn script(seed: u64) -> MutationScript {
    MutationScript {
        seed,
        add: 10,
        delete: 10,
        rename: 10,
        edit: 10,
        edit_value: 10,
        edit_value_quietly: 5,
        reassign: 10,
        touch: 10,
        ..MutationScript::default()
    }
}

/// Both logs, as rows of one shape: object, who, when, what, whether it changed something.
async fn events(client: &Client) -> Vec<(String, String, String, String, bool)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut all = Vec::new();
    for row in client.rows(INTUNE).await {
        let actor = &row["actor"];
        let who = match actor["auditActorType"].as_str().unwrap() {
            "ItPro" => &actor["userPrincipalName"],
            _ => &actor["applicationDisplayName"],
        };
        let changed = row["activityOperationType"] != "Get" && row["activityResult"] == "Success";
        all.push((
            text(&row["resources"][0]["resourceId"]),
            text(who),
            text(&row["activityDateTime"]),
            text(&row["activityType"]),
            changed,
        ));
    }
    for row in client.rows(DIRECTORY).await {
        let by = &row["initiatedBy"];
        let who = by["user"].get("userPrincipalName");
        all.push((
            text(&row["targetResources"][0]["id"]),
            text(who.unwrap_or(&by["app"]["displayName"])),
            text(&row["activityDateTime"]),
            text(&row["activityDisplayName"]),
            row["result"] == "success",
        ));
    }
    all
}

fn by_object(changes: &[AnswerChange]) -> BTreeMap<String, &AnswerChange> {
    changes.iter().map(|one| (one.id.clone(), one)).collect()
}

#[tokio::test]
async fn every_change_has_an_event_that_names_who_did_it_and_when() {
    let before = now();
    let (simulator, client) = changed(AuditBehaviour::default()).await;
    let after = now();
    let changes = simulator.changes_since_mark(TENANT);
    let changes = by_object(&changes);
    let events = events(&client).await;
    assert_eq!(events.len(), 65);
    assert_eq!(changes.len(), 65);
    let mut actors = BTreeSet::new();
    for (object, who, at, what, changed) in &events {
        let [actor] = changes[object].actors.as_slice() else {
            panic!("{:?}", changes[object]);
        };
        assert_eq!((&actor.actor.name, &actor.at), (who, at));
        assert_eq!(&actor.activity, what);
        assert!(*changed && actor.shown);
        let at: DateTime<Utc> = at.parse().unwrap();
        assert!(before - Duration::from_micros(1) <= at && at <= after);
        actors.insert((actor.actor.kind, who));
    }
    assert!(actors.iter().any(|(kind, _)| *kind == ActorKind::User));
    assert!(
        actors
            .iter()
            .any(|(kind, _)| *kind == ActorKind::Application)
    );
}

#[tokio::test]
async fn logs_are_filtered_by_time_ordered_and_paged() {
    let (simulator, client) = start(SimulatorOptions {
        size: 600,
        max_page_size: Some(7),
        ..SimulatorOptions::default()
    })
    .await;
    simulator.mutate(TENANT, &script(1));
    let between = now().to_rfc3339_opts(chrono::SecondsFormat::Nanos, true);
    simulator.mutate(TENANT, &script(2));
    let second: BTreeSet<String> = simulator
        .changes_between(TENANT, 1, 2)
        .into_iter()
        .map(|change| change.id)
        .collect();
    for path in [INTUNE, DIRECTORY] {
        let query = format!("$filter=activityDateTime ge {between}&$orderby=activityDateTime");
        let pages = client.pages(&format!("{path}?{query}")).await;
        let rows: Vec<&Value> = pages
            .iter()
            .flat_map(|page| page["value"].as_array().unwrap())
            .collect();
        assert!(pages.len() > 1 || path == DIRECTORY);
        assert!(!rows.is_empty());
        let times: Vec<&str> = rows
            .iter()
            .map(|row| row["activityDateTime"].as_str().unwrap())
            .collect();
        assert!(times.is_sorted());
        for row in rows {
            let object = match path {
                INTUNE => &row["resources"][0]["resourceId"],
                _ => &row["targetResources"][0]["id"],
            };
            assert!(second.contains(object.as_str().unwrap()));
        }
        let all = client.rows(path).await;
        let back = client
            .rows(&format!("{path}?$orderby=activityDateTime desc"))
            .await;
        assert_eq!(all, back, "the latest first");
        assert!(all.len() > times.len());
        let wrong = client.get(&format!("{path}?$orderby=category")).await;
        assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn without_a_permission_the_logs_are_refused_with_its_name() {
    let (simulator, client) = changed(AuditBehaviour::default()).await;
    for (path, permission, code) in [
        (INTUNE, "DeviceManagementApps.Read.All", "Forbidden"),
        (
            DIRECTORY,
            "AuditLog.Read.All",
            "Authentication_MSGraphPermissionMissing",
        ),
        (
            DIRECTORY,
            "Directory.Read.All",
            "Authorization_RequestDenied",
        ),
    ] {
        simulator.set_modes(TENANT, [TenantMode::Without(permission.to_owned())]);
        let answer = client.get(path).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["error"]["code"], code);
        assert!(
            body["error"]["message"]
                .as_str()
                .unwrap()
                .contains(permission)
        );
    }
    simulator.set_modes(TENANT, []);
    let configuration = "DeviceManagementConfiguration.Read.All".to_owned();
    simulator.set_modes(TENANT, [TenantMode::Without(configuration)]);
    assert_eq!(client.get(INTUNE).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn events_are_late_and_held_ones_come_when_they_are_let() {
    let late = AuditBehaviour {
        late_from_ms: 300_000,
        late_to_ms: 900_000,
        ..AuditBehaviour::default()
    };
    let (simulator, client) = changed(late).await;
    assert_eq!(events(&client).await, []);
    let changes = simulator.changes_since_mark(TENANT);
    assert!(changes.iter().all(|one| !one.actors[0].shown));
    simulator.show_audit_events(TENANT);
    assert_eq!(events(&client).await.len(), 65);

    simulator.set_audit(AuditBehaviour {
        late_from_ms: 1,
        late_to_ms: 50,
        ..AuditBehaviour::default()
    });
    simulator.mutate(TENANT, &script(2));
    let deadline = Instant::now() + Duration::from_secs(30);
    while events(&client).await.len() < 130 {
        assert!(Instant::now() < deadline, "they do not come");
    }

    simulator.set_audit(AuditBehaviour {
        held: true,
        absent_percent: 30,
        ..AuditBehaviour::default()
    });
    simulator.mark(TENANT);
    simulator.mutate(TENANT, &script(3));
    assert_eq!(events(&client).await.len(), 130);
    simulator.show_audit_events(TENANT);
    let shown = events(&client).await.len() - 130;
    assert!((20..65).contains(&shown), "{shown}");
    let changes = simulator.changes_since_mark(TENANT);
    let with_event = changes
        .iter()
        .filter(|one| one.actors.iter().any(|actor| actor.shown));
    assert_eq!(with_event.count(), shown);
}

#[tokio::test]
async fn events_come_twice_in_disorder_and_among_others_that_changed_nothing() {
    let (simulator, client) = changed(AuditBehaviour {
        twice_percent: 50,
        unordered: true,
        noise_percent: 50,
        ..AuditBehaviour::default()
    })
    .await;
    let rows = client
        .rows(&format!("{INTUNE}?$orderby=activityDateTime"))
        .await;
    let times: Vec<&str> = rows
        .iter()
        .map(|row| row["activityDateTime"].as_str().unwrap())
        .collect();
    assert!(!times.is_sorted());
    let ids: BTreeSet<&str> = rows.iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert!(ids.len() < rows.len());
    let changes = simulator.changes_since_mark(TENANT);
    let changes = by_object(&changes);
    let (mut good, mut others) = (BTreeSet::new(), 0);
    for (object, who, at, _, changed) in events(&client).await {
        match changes.get(&object).filter(|_| changed) {
            Some(change) => {
                assert_eq!(change.actors.len(), 1);
                assert_eq!(
                    (&change.actors[0].actor.name, &change.actors[0].at),
                    (&who, &at)
                );
                good.insert(object);
            }
            None => others += 1,
        }
    }
    assert_eq!(good.len(), 65);
    assert!(others > 40, "{others}");
}

#[tokio::test]
async fn a_script_says_who_did_it_and_when_and_two_actors_are_both_named() {
    let (simulator, client) = start(SimulatorOptions::default()).await;
    let actor = |name: &str, kind| Actor {
        kind,
        id: "00000000-0000-4000-8000-0000000000aa".to_owned(),
        name: name.to_owned(),
    };
    let at: DateTime<Utc> = "2026-03-01T10:00:00Z".parse().unwrap();
    let mut script = MutationScript {
        edit_value: 1,
        keys: vec!["endpointSecurityIntent".to_owned()],
        actor: Some(actor("carol@contoso.example", ActorKind::User)),
        at: Some(at),
        ..MutationScript::default()
    };
    let changes = simulator.mutate(TENANT, &script);
    script
        .ids
        .clone_from(&changes["endpointSecurityIntent"].edited_value);
    (script.edit_value, script.rename) = (0, 1);
    script.actor = Some(actor("Pipeline", ActorKind::Application));
    script.at = Some(at + Duration::from_secs(60));
    simulator.mutate(TENANT, &script);
    let changes = simulator.changes_since_mark(TENANT);
    let names: Vec<&str> = changes[0]
        .actors
        .iter()
        .map(|one| one.actor.name.as_str())
        .collect();
    assert_eq!(names, ["Pipeline", "carol@contoso.example"]);
    assert!(changes[0].actors[0].at.starts_with("2026-03-01T10:01:00."));
    let rows = client.rows(INTUNE).await;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["actor"]["userPrincipalName"], Value::Null);
    assert_eq!(
        rows[1]["actor"]["userPrincipalName"],
        "carol@contoso.example"
    );
}

#[tokio::test]
async fn the_directory_keeps_events_for_thirty_days_and_is_asked_five_times_in_ten_seconds() {
    let (simulator, client) = start(SimulatorOptions::default()).await;
    let script = MutationScript {
        rename: 1,
        keys: vec!["conditionalAccessPolicy".to_owned()],
        ..MutationScript::default()
    };
    let old = MutationScript {
        at: Some(now() - Duration::from_secs(31 * 86_400)),
        ..script.clone()
    };
    simulator.mutate(TENANT, &old);
    assert_eq!(client.rows(DIRECTORY).await, Vec::<Value>::new());
    simulator.mutate(TENANT, &script);
    assert_eq!(client.rows(DIRECTORY).await.len(), 1);
    simulator.set_limits(PublishedLimits {
        enforce: true,
        ..PublishedLimits::default()
    });
    let mut refused = 0;
    for _ in 0..6 {
        let status = client.get(DIRECTORY).await.status();
        refused += usize::from(status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(refused, 1);
    assert_eq!(client.get(INTUNE).await.status(), StatusCode::OK);
}
