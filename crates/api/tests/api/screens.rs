//! What screens need beside the lists themselves.

use atlas_domain::access::Role;
use atlas_domain::ids::TenantId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{ONE_TYPE, Stage};

/// The stage's operator becomes a member of another tenant.
async fn join(stage: &Stage, tenant: TenantId) {
    let joined = stage
        .store
        .set_member(tenant, stage.operator.id, Role::Operator);
    joined.await.unwrap();
}

fn ids(items: &[Value]) -> Vec<&str> {
    items
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_run_shows_its_selection_as_it_was_asked_for() {
    let stage = Stage::set().await;
    let shown = async |body: &str| {
        let reply = stage.start(body).await;
        let id = reply.body["run"]["id"].as_str().unwrap().to_owned();
        let read = stage.get(&format!("/operation-runs/{id}")).await.body["selection"].clone();
        assert_eq!(read, reply.body["run"]["selection"]);
        stage.ask(&id, "cancel", "").await;
        read
    };
    let everything = shown("").await;
    let count = everything["policy_type_count"].as_u64().unwrap();
    assert!(count > 50);
    assert_eq!(everything, json!({ "policy_type_count": count }));
    let apps = shown(r#"{"categories":["Apps"],"include_dependencies":false}"#).await;
    let count = apps["policy_type_count"].as_u64().unwrap();
    assert_eq!(
        apps,
        json!({"categories": ["Apps"], "include_dependencies": false, "policy_type_count": count})
    );
    assert_eq!(
        shown(ONE_TYPE).await,
        json!({"policy_types": ["mobileApp"], "include_foundations": false, "policy_type_count": 1})
    );
}

#[tokio::test]
async fn a_run_that_an_earlier_version_recorded_is_read_as_before() {
    let stage = Stage::set().await;
    let run = stage.start("").await.body["run"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let connection = stage.database.connection().await;
    let as_before = r#"UPDATE operation_runs SET inputs =
        '{"policy_types":["mobileApp"],"include_foundations":true,"include_dependencies":true}'"#;
    connection.batch_execute(as_before).await.unwrap();
    let read = stage.get(&format!("/operation-runs/{run}")).await;
    assert_eq!(
        read.body["selection"],
        json!({
            "policy_types": ["mobileApp"],
            "include_foundations": true,
            "include_dependencies": true,
            "policy_type_count": 1,
        })
    );
}

#[tokio::test]
async fn the_callers_own_runs_are_first_among_the_active_ones_and_more_are_reported() {
    let stage = Stage::set().await;
    let other = stage.scenario.member(stage.tenant.id, Role::Operator).await;
    let keys = atlas_domain::policy_types::registry().policies().take(23);
    let mut mine = String::new();
    for (at, key) in keys.enumerate() {
        let body = format!(r#"{{"policy_types":["{key}"]}}"#);
        let path = stage.path("inventory-sync");
        let token = if at == 0 {
            &stage.operator.token
        } else {
            &other.token
        };
        let reply = stage.api.post(&path, token, &body).await;
        if at == 0 {
            mine = reply.body["run"]["id"].as_str().unwrap().to_owned();
        }
    }
    let active = stage.get("/operation-runs/active").await;
    assert_eq!(active.items().len(), 20);
    assert_eq!(active.body["more"], true);
    assert_eq!(ids(active.items())[0], mine);
    let of_others = &ids(active.items())[1..];
    assert!(
        of_others.is_sorted_by(|one, next| one > next),
        "newest first"
    );
    let own = stage.get("/operation-runs/active?initiator=me").await;
    assert_eq!(
        (ids(own.items()), &own.body["more"]),
        (vec![mine.as_str()], &json!(false))
    );
    let theirs = format!("/operation-runs/active?initiator={}", other.id);
    assert_eq!(stage.get(&theirs).await.body["more"], true);
    let groups = stage
        .get("/operation-runs/active?kind=directory_groups_sync")
        .await;
    assert!(groups.items().is_empty());
    let elsewhere = stage.scenario.tenant("Fabrikam").await;
    join(&stage, elsewhere.id).await;
    let none = stage
        .get(&format!(
            "/operation-runs/active?tenant_id={}",
            elsewhere.id
        ))
        .await;
    assert!(none.items().is_empty());
    let path = format!("/tenants/{}/inventory-sync", elsewhere.id);
    let there = stage.api.post(&path, &stage.operator.token, "").await;
    let one = stage
        .get(&format!(
            "/operation-runs/active?tenant_id={}",
            elsewhere.id
        ))
        .await;
    assert_eq!(
        ids(one.items()),
        [there.body["run"]["id"].as_str().unwrap()]
    );
    for bad in ["tenant_id=7", "kind=nope", "initiator=you"] {
        let reply = stage.get(&format!("/operation-runs/active?{bad}")).await;
        reply.is_problem(400, "validation_failed");
    }
}

#[tokio::test]
async fn a_run_that_ended_a_while_ago_is_not_among_the_active_ones() {
    let stage = Stage::set().await;
    stage.synced(1).await;
    assert_eq!(stage.get("/operation-runs/active").await.items().len(), 1);
    let connection = stage.database.connection().await;
    let earlier = "UPDATE operation_runs SET completed_at = completed_at - interval '61 seconds'";
    connection.batch_execute(earlier).await.unwrap();
    assert!(stage.get("/operation-runs/active").await.items().is_empty());
}

#[tokio::test]
async fn heartbeats_are_no_news_and_progress_is() {
    let stage = Stage::set().await;
    let claim = stage.begun(ONE_TYPE).await;
    let one = format!("/operation-runs/{}", claim.lease.run_id);
    let connection = stage.database.connection().await;
    let after = async |sql: &str| {
        connection.batch_execute(sql).await.unwrap();
        let mut tags = Vec::new();
        for path in [one.as_str(), "/operation-runs", "/operation-runs/active"] {
            tags.push(stage.get(path).await.header("etag").to_owned());
        }
        tags
    };
    let first = after("SELECT 1").await;
    assert!(first.iter().all(|tag| tag.starts_with("W/\"")), "{first:?}");
    let beaten = after(
        "UPDATE operation_runs SET heartbeat_at = clock_timestamp(), updated_at = clock_timestamp(),
            lease_expires_at = clock_timestamp() + interval '45 seconds'",
    )
    .await;
    assert_eq!(beaten, first);
    let request = stage
        .api
        .request(Method::GET, &one)
        .bearer_auth(&stage.operator.token);
    let reply = stage
        .api
        .send(request.header("if-none-match", &first[0]))
        .await;
    assert_eq!(reply.status.as_u16(), 304);
    let late = after("UPDATE operation_runs SET lease_expires_at = clock_timestamp()").await;
    let progress = after(
        r#"UPDATE operation_runs SET lease_expires_at = clock_timestamp() + interval '45 seconds',
            progress = '{"phase":"collecting","completed":1,"failed":0,"skipped":0,"total":1,
                "items_seen":7}'"#,
    )
    .await;
    for (at, tag) in first.iter().enumerate() {
        assert_ne!(late[at], *tag, "a lost worker is news");
        assert_ne!(progress[at], *tag);
    }
}

#[tokio::test]
async fn a_tenant_shows_how_each_kind_of_run_stands() {
    let stage = Stage::set().await;
    let run = stage.synced(1).await.to_string();
    let ended = stage.get(&format!("/operation-runs/{run}")).await.body["completed_at"].clone();
    let groups = stage
        .api
        .post(
            &stage.path("directory-groups-sync"),
            &stage.operator.token,
            "",
        )
        .await;
    for path in [
        "/tenants".to_owned(),
        format!("/tenants/{}", stage.tenant.id),
    ] {
        let reply = stage.get(&path).await;
        let tenant = reply.body["items"].get(0).unwrap_or(&reply.body);
        let sync = &tenant["sync"];
        assert_eq!(sync["last_success_at"], ended);
        assert!(sync.get("active_run_id").is_none(), "{sync}");
        let kinds: Vec<_> = sync["kinds"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["kind"])
            .collect();
        assert_eq!(kinds, ["inventory_sync", "directory_groups_sync"]);
        assert_eq!(sync["kinds"][0]["last_success_at"], ended);
        assert_eq!(sync["kinds"][1]["active_run_id"], groups.body["run"]["id"]);
        assert!(sync["kinds"][1].get("last_success_at").is_none());
        assert!(sync["kinds"][1]["last_attempt_at"].is_string());
    }
}

#[tokio::test]
async fn notifications_say_how_the_run_ended_and_are_filtered_by_tenant() {
    let stage = Stage::set().await;
    let failed = Stage::set_without_redis().await;
    failed.start("").await.is_problem(503, "queue_unavailable");
    let ended = failed.get("/me/notifications").await;
    let ended = &ended.items()[0];
    assert_eq!(ended["phase"], "terminal");
    assert_eq!(ended["kind"], "inventory_sync");
    assert_eq!(
        (&ended["outcome"], &ended["code"]),
        (&json!("failed"), &json!("dispatch_failed"))
    );
    assert!(ended["links"]["self"].is_string());

    stage.synced(1).await;
    let elsewhere = stage.scenario.tenant("Fabrikam").await;
    join(&stage, elsewhere.id).await;
    let path = format!("/tenants/{}/inventory-sync", elsewhere.id);
    stage.api.post(&path, &stage.operator.token, "").await;
    let all = stage.get("/me/notifications").await;
    assert_eq!(all.items().len(), 3);
    let created = all.items().iter().filter(|one| one["phase"] == "queued");
    for one in created {
        assert_eq!(one["kind"], "inventory_sync");
        assert!(one.get("outcome").is_none(), "it is about the beginning");
    }
    let there = stage
        .get(&format!("/me/notifications?tenant_id={}", elsewhere.id))
        .await;
    assert_eq!(there.items().len(), 1);
    assert_eq!(there.items()[0]["tenant"]["name"], "Fabrikam");
    let both = format!(
        "/me/notifications?tenant_id={}&tenant_id={}&unread=true&limit=2",
        elsewhere.id, stage.tenant.id
    );
    assert_eq!(stage.get(&both).await.items().len(), 2);
    stage
        .get("/me/notifications?tenant_id=7")
        .await
        .is_problem(400, "validation_failed");
}

#[tokio::test]
async fn changes_are_found_by_the_run_that_detected_them_oldest_first() {
    let stage = Stage::set().await;
    let first = stage.synced(3).await;
    let second = stage.synced(5).await;
    let changes = async |query: &str| {
        let reply = stage
            .get(&stage.path(&format!("inventory-changes?{query}")))
            .await;
        reply.items().to_vec()
    };
    let all = changes("limit=200").await;
    let of = |run: &str| -> Vec<String> {
        let mut found: Vec<_> = all
            .iter()
            .filter(|one| one["operation_run_id"] == run)
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect();
        found.reverse();
        found
    };
    for run in [first.to_string(), second.to_string()] {
        let expected = of(&run);
        assert!(!expected.is_empty(), "{all:?}");
        let found = changes(&format!("operation_run_id={run}")).await;
        assert_eq!(ids(&found), expected);
        let newest = changes(&format!("operation_run_id={run}&sort=-occurred_at")).await;
        assert!(ids(&newest).iter().rev().eq(expected.iter()));
        // Page by page.
        let path = stage.path(&format!("inventory-changes?operation_run_id={run}&limit=1"));
        let mut reply = stage.get(&path).await;
        let mut paged = vec![reply.items()[0]["id"].clone()];
        while let Some(cursor) = reply.body["next_cursor"].as_str() {
            reply = stage.get(&format!("{path}&cursor={cursor}")).await;
            paged.push(reply.items()[0]["id"].clone());
        }
        assert_eq!(paged, expected);
    }
    let ascending = changes("sort=occurred_at&limit=200").await;
    assert!(ids(&ascending).iter().rev().eq(ids(&all).iter()));
    let none = changes(&format!("operation_run_id={}", stage.operator.id)).await;
    assert!(none.is_empty());
    for (query, place) in [
        ("sort=name", "sort"),
        ("sort=occurred_at&actor=a", "sort"),
        ("operation_run_id=7", "operation_run_id"),
    ] {
        let reply = stage
            .get(&stage.path(&format!("inventory-changes?{query}")))
            .await;
        reply.is_problem(400, "validation_failed");
        assert_eq!(reply.bad_place(), place);
    }
}

#[tokio::test]
async fn runs_items_and_tenants_are_sorted_the_other_way() {
    let stage = Stage::set().await;
    stage.synced(3).await;
    stage.synced(2).await;
    for name in ["Adatum", "Wingtip"] {
        let tenant = stage.scenario.tenant(name).await.id;
        let set = stage
            .store
            .set_member(tenant, stage.operator.id, Role::Readonly);
        set.await.unwrap();
    }
    for (path, usual, reversed) in [
        ("/operation-runs".to_owned(), "-created_at", "created_at"),
        ("/tenants".to_owned(), "name", "-name"),
        (stage.path("inventory-items"), "name", "-name"),
        (stage.path("inventory-items?q=App"), "name", "-name"),
    ] {
        let sign = if path.contains('?') { '&' } else { '?' };
        let list = async |sort: &str| stage.get(&format!("{path}{sign}sort={sort}")).await;
        let mut expected = stage.get(&path).await.items().to_vec();
        assert!(expected.len() > 1);
        assert_eq!(list(usual).await.items(), expected);
        expected.reverse();
        assert_eq!(list(reversed).await.items(), expected);
        assert_eq!(list("id").await.bad_place(), "sort");
    }
}

#[tokio::test]
async fn a_run_has_the_priority_that_it_was_started_with() {
    let stage = Stage::set().await;
    let started = stage.start("").await.body["run"].clone();
    assert_eq!(started["priority"], "normal");
    let urgent = format!(
        "UPDATE operation_runs SET priority = 10 WHERE id = '{}'",
        started["id"].as_str().unwrap()
    );
    let client = stage.database.connection().await;
    client.batch_execute(&urgent).await.unwrap();
    for list in ["/operation-runs", "/operation-runs/active"] {
        assert_eq!(stage.get(list).await.items()[0]["priority"], "high");
    }
    client
        .batch_execute(&urgent.replace("10", "-10"))
        .await
        .unwrap();
    let path = format!("/operation-runs/{}", started["id"].as_str().unwrap());
    assert_eq!(stage.get(&path).await.body["priority"], "low");
}

#[tokio::test]
async fn results_are_named_for_people_and_filtered_by_status() {
    let stage = Stage::set().await;
    let run = stage.synced(1).await;
    let path = format!("/operation-runs/{run}/results");
    let succeeded = stage.get(&format!("{path}?status=succeeded")).await;
    assert_eq!(succeeded.items().len(), 1);
    assert_eq!(succeeded.items()[0]["policy_type"], "mobileApp");
    assert_eq!(succeeded.items()[0]["category"], "Apps");
    let app = atlas_domain::policy_types::registry().find("mobileApp");
    assert_eq!(succeeded.items()[0]["label"], app.unwrap().describe().label);
    let failed = stage
        .get(&format!("{path}?status=failed&status=skipped"))
        .await;
    assert!(failed.items().is_empty());
    let refused = stage.get(&format!("{path}?status=lost")).await;
    refused.is_problem(400, "validation_failed");
    assert_eq!(refused.bad_place(), "status");
}

#[tokio::test]
async fn members_are_listed_by_name_for_members() {
    let stage = Stage::set().await;
    for role in [Role::Owner, Role::Readonly] {
        stage.scenario.member(stage.tenant.id, role).await;
    }
    let all = stage.get(&stage.path("members")).await;
    assert_eq!(all.items().len(), 3);
    let names: Vec<_> = all
        .items()
        .iter()
        .map(|one| one["display_name"].as_str())
        .collect();
    assert!(names.is_sorted());
    let me = all
        .items()
        .iter()
        .find(|one| one["id"] == stage.operator.id.to_string());
    assert_eq!(me.unwrap()["role"], "operator");
    let first = stage.get(&stage.path("members?limit=2")).await;
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let second = stage
        .get(&stage.path(&format!("members?limit=2&cursor={cursor}")))
        .await;
    assert_eq!(second.items(), &all.items()[2..]);
}

#[tokio::test]
async fn the_caller_learns_what_they_may_do() {
    let stage = Stage::set().await;
    let me = stage.get("/me").await;
    assert_eq!(me.body["operator"], false);
    assert_eq!(
        me.body["tenants"],
        json!([{
            "id": stage.tenant.id.to_string(),
            "role": "operator",
            "permissions": ["can_sync_tenant", "can_cancel_run"],
        }])
    );
    assert!(me.body["server_time"].is_string());
    let again = stage.get("/me").await;
    assert_ne!(again.body["server_time"], me.body["server_time"]);
    assert_eq!(again.header("etag"), me.header("etag"));
    let operator = stage.installation_operator().await;
    let me = stage.api.get("/me", &operator).await;
    assert_eq!(me.body["operator"], true);
    assert_eq!(me.body["tenant_count"], 0);
}

#[tokio::test]
async fn a_run_names_the_scopes_with_which_it_can_be_retried() {
    let stage = Stage::set().await;
    let scopes = async |run: &str| {
        let read = stage.get(&format!("/operation-runs/{run}")).await;
        read.body["retry_scopes"].clone()
    };
    let queued = stage.start("").await.body["run"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(scopes(&queued).await, json!([]));
    stage.ask(&queued, "cancel", "").await;
    assert_eq!(scopes(&queued).await, json!(["all", "failed_only"]));
    let done = stage.synced(1).await.to_string();
    assert_eq!(scopes(&done).await, json!(["all"]));
    stage
        .ask(&done, "retry", r#"{"scope":"failed_only"}"#)
        .await
        .is_problem(409, "run_not_retryable");
    let reader = stage.scenario.member(stage.tenant.id, Role::Readonly).await;
    let read = stage
        .api
        .get(&format!("/operation-runs/{done}"), &reader.token)
        .await;
    assert_eq!(read.body["retry_scopes"], json!([]));
}

#[tokio::test]
async fn operators_of_the_installation_pause_and_resume_queues() {
    let stage = Stage::set().await;
    let operator = stage.installation_operator().await;
    let ask = async |what: &str, body: &str| {
        let path = format!("/system/queues/inventory_sync/{what}");
        stage.api.post(&path, &operator, body).await
    };
    let answer = |paused: bool, changed: bool| json!({"kind": "inventory_sync", "paused": paused, "changed": changed});
    assert_eq!(
        ask("pause", r#"{"reason":"upgrade"}"#).await.body,
        answer(true, true)
    );
    assert_eq!(ask("pause", "").await.body, answer(true, false));
    let run = stage.start("").await;
    assert_eq!(run.body["run"]["wait"]["reason"], "paused");
    let queues = stage.api.get("/system/queues", &operator).await;
    let queue = queues
        .items()
        .iter()
        .find(|one| one["kind"] == "inventory_sync")
        .unwrap();
    assert_eq!(queue["pause"]["reason"], "upgrade");
    assert_eq!(ask("resume", "").await.body, answer(false, true));
    assert_eq!(ask("resume", "").await.body, answer(false, false));
    let connection = stage.database.connection().await;
    let entries = "SELECT action, actor_id::text FROM audit_events
        WHERE target_kind = 'queue' ORDER BY occurred_at";
    let rows = connection.query(entries, &[]).await.unwrap();
    let entries: Vec<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let me = stage.api.get("/me", &operator).await;
    let by = me.body["id"].as_str().unwrap().to_owned();
    let expected = ["queue.paused", "queue.resumed"].map(|action| (action.to_owned(), by.clone()));
    assert_eq!(entries, expected);
    ask("pause", r#"{"reason":""}"#)
        .await
        .is_problem(400, "validation_failed");
    ask("pause", r#"{"why":"x"}"#)
        .await
        .is_problem(400, "validation_failed");
    let path = "/system/queues/nope/pause";
    stage
        .api
        .post(path, &operator, "")
        .await
        .is_problem(404, "not_found");
    for what in ["pause", "resume"] {
        let path = format!("/system/queues/inventory_sync/{what}");
        let refused = stage.api.post(&path, &stage.operator.token, "").await;
        refused.is_problem(403, "forbidden");
        assert_eq!(
            refused.body["required_permission"],
            "can_operate_installation"
        );
    }
}

#[tokio::test]
async fn a_worker_is_named_as_acting_for_the_initiator() {
    let stage = Stage::set().await;
    stage.synced(1).await;
    let audit = stage
        .get(&stage.path("audit-events?action=operation_run.completed"))
        .await;
    let actor = &audit.items()[0]["actor"];
    assert_eq!(actor["kind"], "worker");
    assert!(actor.get("id").is_none() && actor.get("display").is_none());
    assert_eq!(actor["on_behalf_of"]["id"], stage.operator.id.to_string());
    assert!(actor["on_behalf_of"]["display"].is_string());
}
