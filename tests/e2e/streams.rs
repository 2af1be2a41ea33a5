//! A run that real programs execute, followed by its stream.

use serde_json::Value;

use crate::installation::Installation;

const APPS: &str = "/beta/deviceAppManagement/mobileApps";
const ONE_TYPE: &str = r#"{"policy_types": ["mobileApp"], "include_foundations": false}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_followed_with_a_ticket_from_start_to_end_and_the_ticket_is_in_no_log() {
    let installation = Installation::start_with(&[("ATLAS_LOG", "trace")]).await;
    installation.hold(APPS).await;
    let (tenant, member) = installation.tenant("Contoso").await;
    let started = installation.press(tenant, &member, ONE_TYPE).await;
    let started: Value = started.json().await.unwrap();
    let run = started["run"]["id"].as_str().unwrap();
    let api = &installation.api;
    let issued = installation
        .http
        .post(format!("{api}/me/stream-tickets"))
        .bearer_auth(&member.token);
    let issued: Value = issued.send().await.unwrap().json().await.unwrap();
    let ticket = issued["ticket"].as_str().unwrap();
    let stream = format!("{api}/operation-runs/{run}/stream?ticket={ticket}");
    let mut stream = installation.http.get(stream).send().await.unwrap();
    assert_eq!(stream.status(), 200);
    let mut text = String::new();
    let mut until = async |marker: &str| {
        while !text.contains(marker) {
            let chunk = stream.chunk().await.unwrap();
            let chunk = chunk.unwrap_or_else(|| panic!("{marker} is not in {text}"));
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    };
    until("event: snapshot").await;
    let _worker = installation.worker("one");
    until("operation_run.claimed").await;
    until("event: progress").await;
    installation.release().await;
    until(r#""reason":"run_ended""#).await;
    assert!(text.contains(r#""outcome":"succeeded""#), "{text}");
    let log = std::fs::read_to_string(&installation.api_program.log).unwrap();
    assert!(log.contains("/operation-runs/{run_id}/stream"), "{log}");
    assert!(!log.contains(ticket), "the ticket is in the log");
}
