//! Many callers, one run.

use std::collections::BTreeMap;

use futures::future::join_all;
use serde_json::Value;

use crate::installation::Installation;

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_simultaneous_starts_make_one_run_that_is_executed_once() {
    let installation = Installation::start().await;
    let (tenant, member) = installation.tenant("Contoso").await;
    let path = "/beta/deviceAppManagement/mobileApps";
    installation.hold(path).await;
    let body = r#"{"policy_types": ["mobileApp"], "include_foundations": false}"#;
    let answers = join_all((0..100).map(|_| installation.press(tenant, &member, body))).await;

    let mut dispositions: BTreeMap<String, usize> = BTreeMap::new();
    let mut runs = Vec::new();
    for answer in answers {
        assert_eq!(answer.status(), 202);
        let location = answer.headers()["location"].to_str().unwrap().to_owned();
        assert!(answer.headers().contains_key("retry-after"));
        let answer: Value = answer.json().await.unwrap();
        let run = answer["run"]["id"].as_str().unwrap().to_owned();
        assert!(
            location.ends_with(&format!("/operation-runs/{run}")),
            "{location}"
        );
        *dispositions
            .entry(answer["disposition"].as_str().unwrap().to_owned())
            .or_default() += 1;
        runs.push(run);
    }
    let expected = [("created".to_owned(), 1), ("joined".to_owned(), 99)];
    assert_eq!(dispositions, BTreeMap::from(expected));
    runs.dedup();
    assert_eq!(runs.len(), 1);

    let _workers = [installation.worker("one"), installation.worker("two")];
    installation.release().await;
    let run = installation.ended(&member, &runs[0]).await;
    assert_eq!(run["outcome"], "succeeded");
    assert_eq!(run["attempt"], 1);

    let asked = installation.asked().await;
    let lists = asked
        .iter()
        .filter(|entry| entry["path"] == path && !entry["query"].to_string().contains("skiptoken"));
    assert_eq!(lists.count(), 1, "one execution reads the list once");
    let runs = "SELECT count(*) FROM operation_runs";
    assert_eq!(installation.number(runs).await, 1);
    let audit = "SELECT count(*) FROM audit_events WHERE action = 'operation_run.joined'";
    assert_eq!(installation.number(audit).await, 99);
    let notices = installation.get(&member, "/me/notifications").await;
    let phases: Vec<_> = notices["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|notice| notice["phase"].as_str().unwrap())
        .collect();
    assert_eq!(phases.len(), 2, "{phases:?}");
}
