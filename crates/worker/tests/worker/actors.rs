//! Who changed items: every actor that changes are given is one that the simulator's answer key has for
//! the item between the two readings, and hardly any change whose event was shown has none.

use std::collections::{BTreeMap, BTreeSet};

use atlas_domain::failure::Failure;
use atlas_domain::ids::RunId;
use atlas_domain::inventory::actor::ActivityLog;
use atlas_domain::run::Outcome;
use atlas_graph_sim::{
    AnswerActor, AuditBehaviour, Effect, FaultRule, MutationScript, PathMatch, TenantMode,
};
use atlas_test_support::{Member, TestTenant};
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::answers::{external_id, shortcomings};
use crate::installation::Installation;
use crate::mutations::everything;

const EVENTS: &str = "/v1.0/deviceManagement/auditEvents";
const AUDITS: &str = "/v1.0/auditLogs/directoryAudits";

/// An actor in the words of both sides: kind, id, name, time in microseconds, activity.
type Named = (String, String, String, i64, String);

/// A change as it is stored: policy type, external id, kind, and who made it.
struct Stored {
    item: (String, String),
    kind: String,
    attributed: Option<String>,
    actors: BTreeSet<Named>,
}

/// A tenant of so many objects with a worker's answers about it.
struct Stage {
    installation: Installation,
    tenant: TestTenant,
    member: Member,
}

impl Stage {
    async fn of_size(size: usize) -> Self {
        let installation = Installation::of_size(size).await;
        let (tenant, member) = installation.tenant().await;
        Self {
            installation,
            tenant,
            member,
        }
    }

    fn directory(&self) -> String {
        self.tenant.directory_id.to_string()
    }

    fn audit(&self, behaviour: AuditBehaviour) {
        self.installation.simulator.set_audit(behaviour);
    }

    fn mutate(&self, seed: u64, times: usize) {
        let script = MutationScript {
            edit_value: 2,
            ..everything(seed, times)
        };
        let directory = self.directory();
        self.installation.simulator.mutate(&directory, &script);
    }

    async fn sync(&self) -> (RunId, Outcome) {
        let run = self
            .installation
            .press(self.tenant, &self.member, "{}")
            .await;
        (run, self.installation.ended(&self.member, run).await.0)
    }

    /// Who changed items in these rounds, by item, also those that were there between rounds only.
    fn key(&self, from: usize, to: usize) -> BTreeMap<(String, String), Vec<AnswerActor>> {
        let simulator = &self.installation.simulator;
        let mut key: BTreeMap<_, Vec<AnswerActor>> = BTreeMap::new();
        for round in from..to {
            for change in simulator.changes_between(&self.directory(), round, round + 1) {
                let id = external_id(&change.policy_type, change.id);
                let actors = key.entry((change.policy_type, id)).or_default();
                actors.extend(change.actors);
            }
        }
        key
    }

    /// The changes that a run recorded.
    async fn changes(&self, run: RunId) -> Vec<Stored> {
        let connection = self.installation.database.connection().await;
        let statement = "SELECT i.policy_type, i.external_id, c.kind, c.attributed, c.actors::text \
            FROM inventory_changes c JOIN inventory_items i ON i.id = c.item_id \
            WHERE c.run_id::text = $1";
        let rows = connection.query(statement, &[&run.to_string()]).await;
        let stored = |row: &tokio_postgres::Row| Stored {
            item: (row.get(0), row.get(1)),
            kind: row.get(2),
            attributed: row.get(3),
            actors: row
                .get::<_, Option<String>>(4)
                .map_or_else(BTreeSet::new, |actors| named(&actors)),
        };
        rows.unwrap().iter().map(stored).collect()
    }

    /// Why a run could not read logs.
    async fn unread(&self, run: RunId) -> BTreeMap<ActivityLog, Failure> {
        let store = &self.installation.store;
        let view = store.run_view(self.member.id, run).await.unwrap().unwrap();
        store.unread_logs(&view).await.unwrap()
    }

    /// Holds the actors of a run's changes against the key of these rounds: each is right, and the
    /// word says how many there are. Returns how many changes have an actor of those of which the key
    /// has one that is shown, and how many these are.
    async fn right(&self, run: RunId, from: usize, to: usize, case: &str) -> (usize, usize) {
        let key = self.key(from, to);
        let (mut with, mut shown) = (0, 0);
        for change in self.changes(run).await {
            let theirs = key.get(&change.item).cloned().unwrap_or_default();
            let all: BTreeSet<Named> = theirs.iter().map(theirs_named).collect();
            let wrong: Vec<_> = change.actors.difference(&all).collect();
            assert!(
                wrong.is_empty(),
                "{case}: {:?} {} has {wrong:?}, and the key {all:?}",
                change.item,
                change.kind
            );
            let expected = match change.actors.len() {
                0 => None,
                1 => Some("exact"),
                _ => Some("window"),
            };
            assert_eq!(change.attributed.as_deref(), expected, "{case}");
            // Objects of which a tenant has exactly one are stored under their policy type, and events
            // name them by another id (docs/adr/0014-actors-by-windows.md).
            let singleton = change.item.0 == change.item.1;
            if !singleton && theirs.iter().any(|one| one.shown) {
                shown += 1;
                with += usize::from(!change.actors.is_empty());
            }
        }
        (with, shown)
    }
}

fn named(actors: &str) -> BTreeSet<Named> {
    let actors: Value = serde_json::from_str(actors).unwrap();
    let text = |one: &Value, member: &str| one[member].as_str().unwrap_or_default().to_owned();
    let actors = actors.as_array().unwrap().iter();
    actors
        .map(|one| {
            let at: DateTime<Utc> = text(one, "at").parse().unwrap();
            (
                text(one, "kind"),
                text(one, "id"),
                text(one, "name"),
                at.timestamp_micros(),
                text(one, "activity"),
            )
        })
        .collect()
}

fn theirs_named(one: &AnswerActor) -> Named {
    let at: DateTime<Utc> = one.at.parse().unwrap();
    let kind = serde_json::to_value(one.actor.kind).unwrap();
    (
        kind.as_str().unwrap().to_owned(),
        one.actor.id.to_lowercase(),
        one.actor.name.clone(),
        at.timestamp_micros(),
        one.activity.clone(),
    )
}

/// Nearly all changes of which an event was shown have an actor.
fn assert_nearly_all(found: (usize, usize), case: &str) {
    assert_percent(found, 98, case);
}

fn assert_percent((with, shown): (usize, usize), percent: usize, case: &str) {
    assert!(shown > 20, "{case}: {shown} changes show nothing");
    assert!(with * 100 >= shown * percent, "{case}: {with} of {shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_actor_is_right_and_nearly_every_change_has_one() {
    let stage = Stage::of_size(600).await;
    let worker = stage.installation.worker();
    stage.audit(AuditBehaviour {
        twice_percent: 30,
        unordered: true,
        noise_percent: 40,
        ..AuditBehaviour::default()
    });
    let (first, outcome) = stage.sync().await;
    assert_eq!(outcome, Outcome::Succeeded);
    let changes = stage.changes(first).await;
    assert!(
        changes.iter().all(|change| change.actors.is_empty()),
        "a first reading explains nothing"
    );
    // A sync that finds nothing asks each log once.
    stage.installation.simulator.clear_log();
    stage.sync().await;
    let log = stage.installation.simulator.log();
    for path in [EVENTS, AUDITS] {
        assert_eq!(
            log.iter().filter(|one| one.path == path).count(),
            1,
            "{path}"
        );
    }
    for round in 1..=3 {
        let case = format!("round {round}");
        stage.mutate(round as u64, 15);
        let (run, outcome) = stage.sync().await;
        assert_eq!(outcome, Outcome::Succeeded, "{case}");
        let found = stage.right(run, round - 1, round, &case).await;
        assert_nearly_all(found, &case);
    }
    // Two rounds between two syncs: items that both changed list both actors.
    stage.mutate(4, 40);
    stage.mutate(5, 40);
    let (run, _) = stage.sync().await;
    let found = stage.right(run, 3, 5, "two rounds").await;
    assert_nearly_all(found, "two rounds");
    let changes = stage.changes(run).await;
    let several = |change: &Stored| change.attributed.as_deref() == Some("window");
    assert!(changes.iter().any(several), "none was changed twice");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_asked_for_while_lists_are_read_once_one_was_answered() {
    let stage = Stage::of_size(300).await;
    let worker = stage.installation.worker();
    stage.sync().await;
    let (logs, lists): (Vec<_>, Vec<_>) = stage
        .installation
        .simulator
        .log()
        .into_iter()
        .filter(|one| one.path.starts_with("/v1.0/") || one.path.starts_with("/beta/"))
        .partition(|one| [EVENTS, AUDITS].contains(&one.path.as_str()));
    assert_eq!(logs.len(), 2);
    for log in logs {
        let before = lists.iter().filter(|one| one.ended_us <= log.started_us);
        assert!(before.count() > 0, "{} was asked for first", log.path);
        let after = lists.iter().filter(|one| one.started_us > log.started_us);
        assert!(after.count() > 0, "{} was asked for last", log.path);
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_come_late_explain_changes_of_the_last_day() {
    let stage = Stage::of_size(300).await;
    let worker = stage.installation.worker();
    stage.audit(AuditBehaviour {
        held: true,
        absent_percent: 20,
        ..AuditBehaviour::default()
    });
    stage.sync().await;
    stage.mutate(1, 12);
    let (run, _) = stage.sync().await;
    let found = stage.right(run, 0, 1, "held").await;
    assert_eq!(found.0, 0);
    let changes = stage.changes(run).await;
    assert!(changes.iter().all(|change| change.actors.is_empty()));
    stage
        .installation
        .simulator
        .show_audit_events(&stage.directory());
    stage.sync().await;
    let found = stage.right(run, 0, 1, "shown").await;
    assert_nearly_all(found, "shown");
    let changes = stage.changes(run).await;
    assert!(
        changes.iter().any(|change| change.actors.is_empty()),
        "absent events name nobody"
    );
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_trouble_no_actor_is_wrong_and_later_syncs_find_those_that_lack() {
    let stage = Stage::of_size(300).await;
    let worker = stage.installation.worker_with(&["--graph-max-wait=2s"]);
    stage.sync().await;
    let mut runs = Vec::new();
    let simulator = &stage.installation.simulator;
    for round in 1..=3 {
        stage.mutate(round, 10);
        let error = |status| Effect::ServerError {
            status,
            body: atlas_graph_sim::ErrorBody::Empty,
            retry_after: atlas_graph_sim::RetryAfter::Absent,
        };
        simulator.fault(FaultRule::always(PathMatch::prefix("/"), error(503)).probably(0.3, round));
        simulator
            .fault(FaultRule::always(PathMatch::prefix(EVENTS), error(500)).probably(0.6, round));
        simulator.fault(
            FaultRule::always(
                PathMatch::prefix("/beta"),
                Effect::Forbidden { permission: None },
            )
            .probably(0.2, round),
        );
        runs.push(stage.sync().await.0);
        simulator.clear_faults();
    }
    runs.push(stage.sync().await.0);
    let mut all = (0, 0);
    for run in runs {
        // What a run missed, a later one finds, between further rounds.
        let (with, shown) = stage.right(run, 0, 3, "in trouble").await;
        all = (all.0 + with, all.1 + shown);
    }
    assert_percent(all, 98, "in trouble");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_permission_the_log_is_named_and_the_run_ends_as_ever() {
    let stage = Stage::of_size(150).await;
    let worker = stage.installation.worker();
    stage.sync().await;
    for (permission, log, names) in [
        (
            "DeviceManagementApps.Read.All",
            ActivityLog::Intune,
            vec!["DeviceManagementApps.Read.All"],
        ),
        (
            "AuditLog.Read.All",
            ActivityLog::Directory,
            vec!["AuditLog.Read.All", "Directory.Read.All"],
        ),
    ] {
        let modes = [TenantMode::Without(permission.to_owned())];
        stage
            .installation
            .simulator
            .set_modes(&stage.directory(), modes);
        let (run, _) = stage.sync().await;
        let unread = stage.unread(run).await;
        assert_eq!(unread.keys().collect::<Vec<_>>(), [&log]);
        assert_eq!(unread[&log].missing_permissions, names);
        let hint = unread[&log].hint.as_deref().unwrap();
        assert!(hint.contains(permission), "{hint}");
        let reported = shortcomings(&stage.installation, &stage.member, run).await;
        assert!(
            !reported.contains_key("deviceConfiguration"),
            "{reported:?}"
        );
    }
    stage
        .installation
        .simulator
        .set_modes(&stage.directory(), []);
    let (run, outcome) = stage.sync().await;
    assert_eq!(outcome, Outcome::Succeeded);
    assert_eq!(stage.unread(run).await, BTreeMap::new());
    worker.stop().await;
}
