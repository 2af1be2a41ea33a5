//! Reading runs.

use std::slice::from_ref;

use atlas_domain::access::Role;
use atlas_domain::run::{InventoryProgress, Progress, ProgressPhase};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::harness::{ONE_TYPE, Stage};

#[tokio::test]
async fn a_running_run_shows_progress_and_the_life_of_its_worker_and_ends_with_counts() {
    let stage = Stage::set().await;
    let claim = stage.begun(ONE_TYPE).await;
    let progress = Progress::from(InventoryProgress {
        phase: ProgressPhase::Collecting,
        completed: 0,
        failed: 0,
        skipped: 0,
        total: 1,
        items_seen: 12,
    });
    let path = format!("/operation-runs/{}", claim.lease.run_id);
    stage
        .store
        .heartbeat(
            &claim.lease,
            std::time::Duration::from_secs(45),
            Some(&progress),
        )
        .await
        .unwrap();
    let run = stage.get(&path).await.body;
    assert_eq!(run["status"], "running");
    assert_eq!(run["progress"]["phase"], "collecting");
    assert_eq!(run["progress"]["phase_index"], 2);
    assert_eq!(run["progress"]["phase_count"], 3);
    assert_eq!(run["progress"]["items_seen"], 12);
    assert_eq!(run["heartbeat"]["state"], "ok");
    assert_eq!(run["heartbeat"]["worker_id"], "worker-1");
    assert_eq!(run["attempt"], 1);
    assert!(run.get("counts").is_none());

    let connection = stage.database.connection().await;
    let expire = "UPDATE operation_runs SET heartbeat_at = now() - interval '2 minutes', \
        lease_expires_at = now() - interval '1 minute'";
    connection.batch_execute(expire).await.unwrap();
    assert_eq!(stage.get(&path).await.body["heartbeat"]["state"], "lost");
}

#[tokio::test]
async fn a_completed_run_has_outcome_counts_and_results_and_is_not_asked_for_again() {
    let stage = Stage::set().await;
    let run_id = stage.synced(3).await;
    let path = format!("/operation-runs/{run_id}");
    let reply = stage.get(&path).await;
    assert_eq!(reply.header("retry-after"), "");
    let run = reply.body;
    assert_eq!(run["outcome"], "succeeded");
    assert_eq!(run["counts"]["items_created"], 3);
    assert!(run["completed_at"].is_string() && run.get("heartbeat").is_none());
    let results = stage.get(&format!("{path}/results?limit=200")).await;
    assert_eq!(results.items().len(), 1);
    let result = &results.items()[0];
    assert_eq!(result["policy_type"], "mobileApp");
    assert_eq!(result["status"], "succeeded");
    assert_eq!(result["created"], 3);
}

#[tokio::test]
async fn results_come_in_pages_by_policy_type() {
    let stage = Stage::set().await;
    let claim = stage.begun("{}").await;
    let path = format!("/operation-runs/{}/results", claim.lease.run_id);
    let all = stage.get(&format!("{path}?limit=200")).await;
    let mut walked: Vec<Value> = Vec::new();
    let mut next = format!("{path}?limit=50");
    loop {
        let page = stage.get(&next).await;
        walked.extend(page.items().iter().cloned());
        match page.body["next_cursor"].as_str() {
            Some(cursor) => next = format!("{path}?limit=50&cursor={cursor}"),
            None => break,
        }
    }
    assert!(walked.len() > 50);
    assert_eq!(walked, all.items());
}

#[tokio::test]
async fn a_run_that_has_not_changed_costs_no_body() {
    let stage = Stage::set().await;
    let id = stage.synced(1).await;
    let path = format!("/operation-runs/{id}");
    let tag = stage.get(&path).await.header("etag").to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    let ask = |tag: &str| {
        let request = stage.api.request(Method::GET, &path);
        let request = request.bearer_auth(&stage.operator.token);
        stage.api.send(request.header("if-none-match", tag))
    };
    for given in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
        let reply = ask(&given).await;
        assert_eq!(reply.status, StatusCode::NOT_MODIFIED, "{given}");
        assert_eq!(
            (reply.text.as_str(), reply.header("etag")),
            ("", tag.as_str())
        );
    }
    assert_eq!(ask("\"other\"").await.status, StatusCode::OK);
}

#[tokio::test]
async fn runs_are_filtered_by_every_documented_parameter() {
    let stage = Stage::set().await;
    let done = stage.synced(1).await.to_string();
    let queued = stage
        .scenario
        .queued_run(stage.tenant.id, stage.operator.id, "{}")
        .await
        .to_string();
    let other = stage.scenario.member(stage.tenant.id, Role::Owner).await;
    let ids = async |query: &str| -> Vec<String> {
        let reply = stage.get(&format!("/operation-runs?{query}")).await;
        let id = |run: &Value| run["id"].as_str().unwrap().to_owned();
        reply.items().iter().map(id).collect()
    };
    let both = [queued.clone(), done.clone()];
    assert_eq!(ids("").await, both);
    assert_eq!(ids(&format!("tenant_id={}", stage.tenant.id)).await, both);
    assert_eq!(ids("status=queued").await, from_ref(&queued));
    assert_eq!(ids("status=queued&status=completed").await, both);
    assert_eq!(ids("outcome=succeeded").await, from_ref(&done));
    assert_eq!(ids("outcome=failed").await, [""; 0]);
    assert_eq!(ids("kind=inventory_sync").await, both);
    assert_eq!(ids("initiator=me").await, both);
    assert_eq!(ids(&format!("initiator={}", other.id)).await, [""; 0]);
    assert_eq!(ids(&format!("ids={done}")).await, from_ref(&done));
    assert_eq!(ids("created_after=2020-01-01T00:00:00Z").await, both);
    assert_eq!(ids("created_before=2020-01-01T00:00:00Z").await, [""; 0]);
}

#[tokio::test]
async fn parameters_that_are_unknown_repeated_or_malformed_are_refused_by_name() {
    let stage = Stage::set().await;
    for (query, place) in [
        ("stat=queued", "stat"),
        ("status=done", "status"),
        ("kind=nonsense", "kind"),
        ("tenant_id=7", "tenant_id"),
        ("initiator=you", "initiator"),
        ("initiator=me&initiator=me", "initiator"),
        ("created_after=yesterday", "created_after"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("cursor=garbage", "cursor"),
        ("cursor=", "cursor"),
    ] {
        let reply = stage.get(&format!("/operation-runs?{query}")).await;
        reply.is_problem(400, "validation_failed");
        assert_eq!(reply.bad_place(), place, "{query}");
    }
    let id = stage.operator.id;
    let many: Vec<_> = (0..101).map(|_| format!("ids={id}")).collect();
    let reply = stage
        .get(&format!("/operation-runs?{}", many.join("&")))
        .await;
    assert_eq!(reply.bad_place(), "ids");
    let run = stage.synced(1).await;
    let reply = stage.get(&format!("/operation-runs/{run}?expand=1")).await;
    assert_eq!(reply.bad_place(), "expand");
}

#[tokio::test]
async fn pages_follow_each_other_and_a_cursor_belongs_to_its_list() {
    let stage = Stage::set().await;
    for key in ["mobileApp", "policySet", "deviceConfiguration"] {
        let body = format!(r#"{{"policy_types":["{key}"]}}"#);
        assert_eq!(stage.start(&body).await.status, StatusCode::ACCEPTED);
    }
    let first = stage.get("/operation-runs?limit=2&status=queued").await;
    assert_eq!(first.items().len(), 2);
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let links: Vec<_> = first.headers.get_all("link").iter().collect();
    let next = links
        .iter()
        .filter_map(|link| link.to_str().ok()?.strip_suffix(">; rel=\"next\""))
        .next()
        .unwrap()
        .trim_start_matches('<')
        .to_owned();
    assert!(next.contains(cursor));
    let second = stage.get(next.strip_prefix(&stage.api.base).unwrap()).await;
    assert_eq!(second.items().len(), 1);
    assert!(second.body.get("next_cursor").is_none());
    assert!(!first.items().contains(&second.items()[0]));
    // A larger page goes on with the same cursor; another filter or list does not.
    let wider = format!("/operation-runs?limit=50&status=queued&cursor={cursor}");
    assert_eq!(stage.get(&wider).await.items().len(), 1);
    for path in [
        format!("/operation-runs?limit=2&cursor={cursor}"),
        format!("/operation-runs?status=running&cursor={cursor}"),
        format!("/me/notifications?cursor={cursor}"),
    ] {
        stage.get(&path).await.is_problem(400, "cursor_mismatch");
    }
}

#[tokio::test]
async fn what_is_going_on_is_listed_with_what_has_just_ended() {
    let stage = Stage::set().await;
    let idle = stage.get("/operation-runs/active").await;
    assert!(idle.items().is_empty());
    assert_eq!(idle.header("retry-after"), "10");
    stage.synced(1).await;
    stage.start("").await;
    let active = stage.get("/operation-runs/active").await;
    let statuses: Vec<_> = active.items().iter().map(|run| &run["status"]).collect();
    assert_eq!(statuses, ["queued", "completed"]);
    assert_eq!(active.header("retry-after"), "1");
}

#[tokio::test]
async fn lists_of_runs_leave_out_what_one_run_says_it_selected() {
    let stage = Stage::set().await;
    stage.synced(1).await;
    let syncs = stage.get(&stage.path("inventory-sync-runs")).await;
    assert!(syncs.items()[0].get("selection").is_none());
    let run = stage.start("").await.body["run"].clone();
    assert!(run["selection"].is_object());
    for list in ["/operation-runs", "/operation-runs/active"] {
        let runs = stage.get(list).await;
        assert_eq!(runs.items().len(), 2);
        for listed in runs.items() {
            assert!(listed.get("selection").is_none());
            let path = format!("/operation-runs/{}", listed["id"].as_str().unwrap());
            let mut one = stage.get(&path).await.body;
            let selection = one.as_object_mut().unwrap().shift_remove("selection");
            assert!(selection.is_some_and(|selection| selection.is_object()));
            assert_eq!(&one, listed);
        }
    }
}

#[tokio::test]
async fn a_queued_run_says_why_it_waits() {
    let stage = Stage::set().await;
    let _running = stage.begun(ONE_TYPE).await;
    let queued = stage.start("").await.body["run"]["id"].clone();
    let run = stage
        .get(&format!("/operation-runs/{}", queued.as_str().unwrap()))
        .await;
    assert_eq!(run.body["wait"]["reason"], "tenant_busy");
    assert!(run.body["wait"]["not_before"].is_string());
}
