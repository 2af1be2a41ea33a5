//! What an operator finds in a worker's log when a tenant's sign-in does not answer.

use atlas_test_support::eventually;

use crate::installation::Installation;

const BEGINS: &str = "the sign-in service gives no token; asking on";

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_service_that_cannot_be_reached_is_logged_once_with_its_causes() {
    for (login, cause) in [
        ("http://127.0.0.1:1/", "Connection refused"),
        ("http://no.such.host.invalid/", "dns error"),
    ] {
        let installation = Installation::start().await;
        let variables = [
            ("ATLAS_LOGIN_URL", login),
            ("ATLAS_LOG", "debug"),
            ("ATLAS_GRAPH_FIRST_BACKOFF", "10ms"),
        ];
        let worker = installation.worker_with("one", &variables);
        let (tenant, member) = installation.tenant(login).await;
        let started = installation.press(tenant, &member, "{}").await;
        assert_eq!(started.status(), 202);
        let log = || std::fs::read_to_string(&worker.log).unwrap();
        eventually("several attempts", || async {
            (log().matches("asking for a token again").count() >= 4).then_some(())
        })
        .await;
        let log = log();
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(BEGINS)).collect();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains(cause), "{lines:?}");
        assert!(!lines[0].contains("oauth2"), "the address is in the log");
    }
}
