//! The log of events in pages: of a tenant, of the caller, of a run.

use atlas_domain::access::Role;
use serde_json::{Value, json};

use crate::harness::{Reply, Stage};

fn types(reply: &Reply) -> Vec<&str> {
    let items = reply.items().iter();
    items.map(|event| event["type"].as_str().unwrap()).collect()
}

fn after(path: &str, cursor: &Value) -> String {
    format!("{path}?cursor={}", cursor.as_str().unwrap())
}

#[tokio::test]
async fn a_sync_is_read_event_by_event_and_a_page_at_the_end_says_where_to_go_on() {
    let stage = Stage::set().await;
    let path = stage.path("events");
    let before = stage.get(&format!("{path}?from=now")).await;
    assert_eq!(
        (before.items().len(), &before.body["has_more"]),
        (0, &json!(false))
    );
    stage.synced(1).await;
    let all = stage.get(&path).await;
    assert_eq!(
        types(&all),
        [
            "operation_run.queued",
            "operation_run.claimed",
            "inventory.changed",
            "operation_run.completed",
        ]
    );
    let run = all.items()[0]["operation_run_id"].as_str().unwrap();
    for event in all.items() {
        assert_eq!(event["tenant_id"], stage.tenant.id.to_string());
        assert_eq!(event["operation_run_id"], run);
        let link = event["links"]["operation_run"].as_str().unwrap();
        assert!(link.ends_with(&format!("/operation-runs/{run}")));
    }
    let changed = &all.items()[2];
    assert_eq!(
        (&changed["data"]["policy_type"], &changed["data"]["created"]),
        (&json!("mobileApp"), &json!(1))
    );
    let changes = changed["links"]["changes"].as_str().unwrap();
    assert!(
        changes.ends_with("/inventory-changes?policy_type=mobileApp"),
        "{changes}"
    );
    assert_eq!(all.items()[3]["data"]["outcome"], "succeeded");

    // From the end as it was before, event by event, and from any event.
    let same = stage.get(&after(&path, &before.body["next_cursor"])).await;
    assert_eq!(same.items(), all.items());
    let (mut next, mut read) = (format!("{path}?limit=1"), Vec::new());
    loop {
        let page = stage.get(&next).await;
        read.extend(page.items().to_vec());
        next = format!(
            "{path}?limit=1&cursor={}",
            page.body["next_cursor"].as_str().unwrap()
        );
        if page.body["has_more"] == false {
            break;
        }
    }
    assert_eq!(read, all.items());
    let rest = stage.get(&after(&path, &all.items()[1]["cursor"])).await;
    assert_eq!(rest.items(), &all.items()[2..]);
    let filtered = stage
        .get(&format!("{path}?type=operation_run.completed&limit=1"))
        .await;
    assert_eq!(types(&filtered), ["operation_run.completed"]);
    let end = stage
        .get(&after(&path, &filtered.body["next_cursor"]))
        .await;
    assert_eq!(end.items().len(), 0);
    assert!(end.header("link").contains("rel=\"next\""));
    stage.start("").await;
    let more = stage.get(&after(&path, &end.body["next_cursor"])).await;
    assert_eq!(types(&more), ["operation_run.queued"]);
}

#[tokio::test]
async fn one_cursor_continues_the_lists_of_a_tenant_of_the_caller_and_of_a_run() {
    let stage = Stage::set().await;
    stage.synced(1).await;
    let mine = stage.get("/me/events").await;
    assert_eq!(
        types(&mine),
        [
            "operation_run.queued",
            "notification.created",
            "operation_run.claimed",
            "inventory.changed",
            "operation_run.completed",
            "notification.created",
        ]
    );
    let notified = stage.get("/me/notifications").await;
    assert_eq!(
        mine.items()[5]["data"]["notification_id"],
        notified.items()[0]["id"]
    );
    let run = mine.items()[0]["operation_run_id"].as_str().unwrap();
    let of_run = format!("/operation-runs/{run}/events");
    let timeline = stage.get(&of_run).await;
    assert_eq!(
        types(&timeline),
        [
            "operation_run.queued",
            "operation_run.claimed",
            "operation_run.completed"
        ]
    );
    let first = stage.get(&format!("{of_run}?limit=1")).await;
    let second = stage.get(&after(&of_run, &first.body["next_cursor"])).await;
    assert_eq!(second.items(), &timeline.items()[1..]);
    let cursor = &second.items()[0]["cursor"];
    for (path, expected) in [
        (
            "/me/events",
            vec![
                "inventory.changed",
                "operation_run.completed",
                "notification.created",
            ],
        ),
        (
            &stage.path("events"),
            vec!["inventory.changed", "operation_run.completed"],
        ),
        (&of_run, vec!["operation_run.completed"]),
    ] {
        let page = stage.get(&after(path, cursor)).await;
        assert_eq!(types(&page), expected, "{path}");
    }
    let page = stage.get(&after(&of_run, &mine.items()[2]["cursor"])).await;
    assert_eq!(types(&page), ["operation_run.completed"]);
}

#[tokio::test]
async fn who_does_not_belong_to_a_tenant_reads_nothing_of_it() {
    let stage = Stage::set().await;
    stage.synced(1).await;
    let run = stage.get(&stage.path("events")).await.items()[0]["operation_run_id"].clone();
    let of_run = format!("/operation-runs/{}/events", run.as_str().unwrap());
    let stranger = stage.scenario.stranger().await;
    for path in [stage.path("events"), of_run.clone()] {
        stage
            .api
            .get(&path, &stranger.token)
            .await
            .is_problem(404, "not_found");
    }
    assert_eq!(
        stage
            .api
            .get("/me/events", &stranger.token)
            .await
            .items()
            .len(),
        0
    );
    // What a colleague is notified of is theirs.
    let colleague = stage.scenario.member(stage.tenant.id, Role::Readonly).await;
    let theirs = stage.api.get("/me/events", &colleague.token).await;
    assert_eq!(theirs.items().len(), 0);
    let shared = stage.api.get(&stage.path("events"), &colleague.token).await;
    assert_eq!(shared.items().len(), 4);
    let owner = stage.scenario.member(stage.tenant.id, Role::Owner).await;
    drop(owner);
    stage
        .store
        .remove_member(stage.tenant.id, stage.operator.id)
        .await
        .unwrap();
    for path in [stage.path("events"), of_run] {
        stage.get(&path).await.is_problem(404, "not_found");
    }
    assert_eq!(stage.get("/me/events").await.items().len(), 0);
}

#[tokio::test]
async fn a_cursor_that_the_log_does_not_go_on_from_is_refused_with_what_to_do() {
    let stage = Stage::set().await;
    stage.synced(1).await;
    let path = stage.path("events");
    let all = stage.get(&path).await;
    // As after a restore: the same positions are given again.
    let connection = stage.database.connection().await;
    let again = "UPDATE event_numberings SET mark = mark + 1 WHERE last_position > 0; \
        UPDATE events SET mark = mark + 1";
    connection.batch_execute(again).await.unwrap();
    let run = all.items()[0]["operation_run_id"].as_str().unwrap();
    for path in [
        path.clone(),
        "/me/events".to_owned(),
        format!("/operation-runs/{run}/events"),
    ] {
        let refused = stage.get(&after(&path, &all.items()[0]["cursor"])).await;
        refused.is_problem(410, "resync_required");
        assert!(!stage.get(&path).await.items().is_empty());
    }
    for (query, place) in [
        ("cursor=WzFd", "cursor"),
        ("from=then", "from"),
        ("limit=0", "limit"),
        (
            &format!(
                "from=now&cursor={}",
                all.items()[0]["cursor"].as_str().unwrap()
            ),
            "from",
        ),
    ] {
        let refused = stage.get(&format!("{path}?{query}")).await;
        refused.is_problem(400, "validation_failed");
        assert_eq!(refused.bad_place(), place);
    }
}

#[tokio::test]
async fn newest_first_is_the_same_log_from_its_end_on_and_its_cursors_continue_nothing_else() {
    let stage = Stage::set().await;
    let run = stage.synced(1).await;
    stage.synced(2).await;
    let lists = [
        stage.path("events"),
        "/me/events".to_owned(),
        format!("/operation-runs/{run}/events"),
    ];
    for path in &lists {
        let mut all = stage
            .get(&format!("{path}?limit=200"))
            .await
            .items()
            .to_vec();
        assert!(all.len() > 2);
        all.reverse();
        let newest = format!("{path}?sort=-occurred_at");
        for limit in [1, 2, 200] {
            let (mut page, mut read) =
                (stage.get(&format!("{newest}&limit={limit}")).await, vec![]);
            loop {
                read.extend(page.items().to_vec());
                if page.body["has_more"] == false {
                    break;
                }
                let cursor = page.body["next_cursor"].as_str().unwrap();
                let next = format!("{newest}&limit={limit}&cursor={cursor}");
                assert!(
                    page.header("link").contains(&next),
                    "{}",
                    page.header("link")
                );
                page = stage.get(&next).await;
            }
            assert_eq!(read, all, "{path}");
        }
        // Each event continues the log and the streams; the list's own cursor does not.
        let page = stage.get(&format!("{newest}&limit=2")).await;
        let older = page.body["next_cursor"].as_str().unwrap();
        let event = page.items()[0]["cursor"].as_str().unwrap();
        let after = stage.get(&format!("{path}?cursor={event}")).await;
        assert!(after.items().is_empty());
        let stream = path.replace("/events", "/stream");
        for refused in [
            format!("{path}?cursor={older}"),
            format!("{stream}?cursor={older}"),
            format!("{newest}&cursor={event}"),
        ] {
            let reply = stage.get(&refused).await;
            reply.is_problem(400, "validation_failed");
            assert_eq!(reply.bad_place(), "cursor");
        }
    }
    let reply = stage.get("/me/events?sort=-occurred_at&from=now").await;
    assert_eq!(reply.bad_place(), "from");
    let reply = stage.get("/me/events?sort=position").await;
    assert_eq!(reply.bad_place(), "sort");
}
