//! Schedules of tenants.

use atlas_domain::access::Role;
use atlas_domain::schedule::Firing;
use atlas_test_support::Member;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Reply, Stage};

const DAILY: &str = r#"{"time":"02:30","zone":"Europe/Berlin","jitter_minutes":60}"#;

impl Stage {
    async fn manager(&self) -> Member {
        self.scenario.member(self.tenant.id, Role::Manager).await
    }

    async fn put_schedule(&self, member: &Member, body: &str) -> Reply {
        let request = self.api.request(Method::PUT, &self.path("schedule"));
        let request = request.bearer_auth(&member.token);
        let request = request.header("content-type", "application/json");
        self.api.send(request.body(body.to_owned())).await
    }

    async fn delete_schedule(&self, member: &Member) -> Reply {
        let request = self.api.request(Method::DELETE, &self.path("schedule"));
        self.api.send(request.bearer_auth(&member.token)).await
    }

    /// A manager who has set a schedule.
    pub(crate) async fn scheduled(&self) -> Member {
        let manager = self.manager().await;
        let set = self.put_schedule(&manager, DAILY).await;
        assert_eq!(set.status, StatusCode::OK, "{set:?}");
        manager
    }

    /// The time comes, and a worker sees to it.
    async fn time_comes(&self) {
        let come = "UPDATE tenant_schedules SET next_due_at = clock_timestamp()";
        let connection = self.database.connection().await;
        connection.batch_execute(come).await.unwrap();
        for due in self.store.due_schedules(10).await.unwrap() {
            let due = due.unwrap();
            match due.firing() {
                Firing::Start(permit) => {
                    let fired = self.store.fire_schedule(permit, &due).await;
                    assert!(fired.unwrap().is_some());
                }
                Firing::Stop(reason) => {
                    assert!(self.store.stop_schedule(&due, reason).await.unwrap());
                }
                Firing::Skip(reason) => panic!("{reason}"),
            }
        }
    }
}

#[tokio::test]
async fn a_manager_sets_replaces_and_removes_the_schedule_and_every_member_sees_it() {
    let stage = Stage::set().await;
    stage
        .get(&stage.path("schedule"))
        .await
        .is_problem(404, "not_found");
    let manager = stage.manager().await;
    let set = stage.put_schedule(&manager, DAILY).await;
    assert_eq!(set.status, StatusCode::OK, "{set:?}");
    assert_eq!(set.body["time"], "02:30");
    assert_eq!(set.body["zone"], "Europe/Berlin");
    assert_eq!(set.body["jitter_minutes"], 60);
    assert_eq!(set.body["catch_up"], "latest");
    assert_eq!(set.body["set_by"]["id"], manager.id.to_string());
    assert_eq!(set.body["next_due"].as_array().unwrap().len(), 3);
    for absent in ["cron", "last_fired", "skipped", "stopped"] {
        assert!(set.body.get(absent).is_none(), "{absent}: {set:?}");
    }
    let seen = stage.get(&stage.path("schedule")).await;
    assert_eq!(seen.body, set.body);

    let weekly = r#"{"cron":"0 4 * * mon","zone":"Etc/UTC","catch_up":"none"}"#;
    let replaced = stage.put_schedule(&manager, weekly).await;
    assert_eq!(replaced.body["cron"], "0 4 * * mon");
    assert_eq!(replaced.body["catch_up"], "none");
    assert!(replaced.body.get("time").is_none());
    assert_eq!(stage.audited("schedule.set").await.len(), 2);

    for _ in 0..2 {
        let removed = stage.delete_schedule(&manager).await;
        assert_eq!(removed.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(stage.audited("schedule.removed").await.len(), 1);
    stage
        .get(&stage.path("schedule"))
        .await
        .is_problem(404, "not_found");
}

#[tokio::test]
async fn operators_and_readers_may_look_and_change_nothing() {
    let stage = Stage::set().await;
    stage.scheduled().await;
    let reader = stage.scenario.member(stage.tenant.id, Role::Readonly).await;
    for member in [&stage.operator, &reader] {
        for reply in [
            // What the body holds makes no difference.
            stage.put_schedule(member, "{}").await,
            stage.put_schedule(member, DAILY).await,
            stage.delete_schedule(member).await,
        ] {
            reply.is_problem(403, "forbidden");
            assert_eq!(reply.body["required_permission"], "can_set_schedule");
        }
        let seen = stage.api.get(&stage.path("schedule"), &member.token).await;
        assert_eq!(seen.status, StatusCode::OK);
    }
    let denied = stage.audited("schedule.change_denied").await;
    assert_eq!(denied.len(), 6);
    let tenant = stage.path("");
    let tenant = tenant.trim_end_matches('/');
    let manager = stage.manager().await;
    let permissions = async |member: &Member| {
        let seen = stage.api.get(tenant, &member.token).await;
        seen.body["permissions"].as_array().unwrap().clone()
    };
    let permission = Value::from("can_set_schedule");
    assert!(permissions(&manager).await.contains(&permission));
    assert!(!permissions(&stage.operator).await.contains(&permission));
}

#[tokio::test]
async fn a_schedule_that_is_not_valid_is_refused_with_what_is_wrong_and_changes_nothing() {
    let stage = Stage::set().await;
    let manager = stage.scheduled().await;
    let zone = |rest: &str| format!(r#"{{{rest},"zone":"Europe/Berlin"}}"#);
    for (body, place, code, detail) in [
        (
            zone(r#""cron":"61 * * * *""#),
            "/cron",
            "bad_cron",
            "minute: '61' is not between 0 and 59",
        ),
        (
            zone(r#""cron":"0 3 * *""#),
            "/cron",
            "bad_cron",
            "this one has 4",
        ),
        (
            zone(r#""cron":"0 3 30 2 *""#),
            "/cron",
            "never_fires",
            "never fires",
        ),
        (
            zone(r#""cron":"*/5 * * * *""#),
            "/cron",
            "too_often",
            "at least 15 minutes",
        ),
        (zone(r#""time":"25:00""#), "/time", "bad_time", "02:30"),
        (
            zone(r#""time":"02:30","cron":"0 3 * * *""#),
            "/cron",
            "time_and_cron",
            "not both",
        ),
        (
            zone(r#""time":"02:30","jitter_minutes":721"#),
            "/jitter_minutes",
            "out_of_range",
            "720",
        ),
        (
            zone(r#""time":"02:30","jitter_minutes":-1"#),
            "/jitter_minutes",
            "out_of_range",
            "720",
        ),
        (
            zone(r#""time":"02:30","catch_up":"all""#),
            "/catch_up",
            "invalid_value",
            "latest",
        ),
        (
            zone(r#""time":"02:30","kind":"x""#),
            "/kind",
            "unknown_member",
            "not known",
        ),
        (
            r#"{"zone":"Europe/Berlin"}"#.to_owned(),
            "",
            "missing",
            "time or a cron",
        ),
        (
            r#"{"time":"02:30"}"#.to_owned(),
            "/zone",
            "missing",
            "time zone",
        ),
        (
            r#"{"time":"02:30","zone":"Berlin"}"#.to_owned(),
            "/zone",
            "unknown_zone",
            "IANA",
        ),
    ] {
        let reply = stage.put_schedule(&manager, &body).await;
        reply.is_problem(400, "validation_failed");
        assert_eq!(reply.bad_place(), place, "{body}");
        let error = &reply.body["errors"][0];
        assert_eq!(error["code"], code, "{body}");
        let said = error["detail"].as_str().unwrap();
        assert!(said.contains(detail), "{body}: {said}");
    }
    let empty = stage.put_schedule(&manager, "").await;
    empty.is_problem(400, "validation_failed");
    let seen = stage.get(&stage.path("schedule")).await;
    assert_eq!(seen.body["time"], "02:30");
    assert_eq!(stage.audited("schedule.set").await.len(), 1);
}

#[tokio::test]
async fn a_scheduled_run_is_shown_as_one_of_who_set_the_schedule() {
    let stage = Stage::set().await;
    let manager = stage.scheduled().await;
    stage.time_comes().await;
    let seen = stage.get(&stage.path("schedule")).await;
    let fired = &seen.body["last_fired"];
    let run = fired["operation_run_id"].as_str().unwrap();
    let link = fired["links"]["self"].as_str().unwrap();
    let shown = stage.get(link.strip_prefix(&stage.api.base).unwrap()).await;
    assert_eq!(shown.body["id"], run);
    assert_eq!(shown.body["scheduled"], true);
    assert_eq!(shown.body["initiator"]["id"], manager.id.to_string());
    let listed = stage.get("/operation-runs").await;
    assert_eq!(listed.items()[0]["scheduled"], true);
    let notified = stage.api.get("/me/notifications", &manager.token).await;
    assert_eq!(notified.items()[0]["operation_run_id"], run);
    // Who presses sync meanwhile joins it.
    let started = stage.start("").await;
    assert_eq!(started.body["disposition"], "joined");
    assert_eq!(started.body["run"]["id"], run);
    let pressed = stage.start(crate::harness::ONE_TYPE).await;
    assert!(pressed.body["run"].get("scheduled").is_none());
}

#[tokio::test]
async fn a_schedule_that_stopped_says_why_and_the_owners_are_notified() {
    let stage = Stage::set().await;
    let owner = stage.scenario.member(stage.tenant.id, Role::Owner).await;
    let manager = stage.scheduled().await;
    let removed = stage.store.remove_member(stage.tenant.id, manager.id);
    removed.await.unwrap();
    stage.time_comes().await;
    let seen = stage.get(&stage.path("schedule")).await;
    assert_eq!(seen.body["stopped"]["reason"], "setter_left");
    assert_eq!(seen.body["next_due"], json!([]));
    let notified = stage.api.get("/me/notifications", &owner.token).await;
    let notice = &notified.items()[0];
    assert_eq!(notice["phase"], "schedule_stopped");
    assert_eq!(notice["tenant"]["id"], stage.tenant.id.to_string());
    assert!(notice.get("operation_run_id").is_none() && notice.get("links").is_none());
    let unread = stage
        .api
        .get("/me/notifications/unread-count", &owner.token)
        .await;
    assert_eq!(unread.body["count"], 1);
    let body = json!({"up_to": notice["id"]}).to_string();
    let marked = stage
        .api
        .post("/me/notifications/mark-read", &owner.token, &body)
        .await;
    assert_eq!(marked.body["marked"], 1);
    let again = stage.put_schedule(&owner, DAILY).await;
    assert!(again.body.get("stopped").is_none(), "{again:?}");
}
