//! Answers of single endpoints that must not be believed, or must not fail the whole run.

use std::collections::BTreeMap;

use atlas_domain::failure::{Failure, FailureCode};
use atlas_domain::ids::RunId;
use atlas_domain::inventory::TypeStatus;
use atlas_domain::run::{Outcome, RunState};
use atlas_graph_sim::{Effect, FaultRule, PathMatch};
use atlas_test_support::{Member, TestTenant};

use crate::installation::Installation;

const ERROR: &str = r#"{"error": {"code": "UnknownError", "message": "text of the service"}}"#;
const ERROR_BESIDE_ROWS: &str =
    r#"{"value": [], "error": {"code": "UnknownError", "message": "text of the service"}}"#;

fn answer(path: &str, status: u16, body: &str) -> FaultRule {
    let body = body.to_owned();
    FaultRule::always(PathMatch::exact(path), Effect::Answer { status, body })
}

/// What Intune has been seen to answer to a token that everything else accepts.
fn refused_by_its_service() -> String {
    let headers = serde_json::json!({"WWW-Authenticate": "Bearer realm=\"urn:intune:service\""});
    let message = serde_json::json!({"_version": 3, "Message": "An error has occurred",
        "HttpHeaders": headers.to_string()});
    serde_json::json!({"error": {"code": "Forbidden", "message": message.to_string(),
        "innerError": {}}})
    .to_string()
}

async fn sync(
    installation: &Installation,
    tenant: TestTenant,
    member: &Member,
) -> (RunId, Outcome) {
    let run = installation.press(tenant, member, "{}").await;
    let (outcome, counts) = installation.ended(member, run).await;
    assert_eq!(counts.items_missing, 0);
    (run, outcome)
}

/// Types that did not succeed, but for those that are skipped.
async fn unlucky(
    installation: &Installation,
    member: &Member,
    run: RunId,
) -> BTreeMap<&'static str, (TypeStatus, Failure)> {
    let results = installation.results(member, run).await;
    results
        .into_values()
        .filter(|result| !matches!(result.status, TypeStatus::Succeeded | TypeStatus::Skipped))
        .map(|result| {
            let error = result.error.unwrap();
            (result.policy_type.as_str(), (result.status, error))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_success_that_carries_an_error_is_a_failed_answer_of_every_shape() {
    let installation = Installation::build().await;
    let (tenant, member) = installation.tenant().await;
    let worker = installation.worker();
    assert_eq!(
        sync(&installation, tenant, &member).await.1,
        Outcome::Succeeded
    );
    let before = installation.items(tenant).await;

    // A singleton, a list, parents of children, and parts of batches.
    let intune = "/beta/deviceManagement";
    installation.simulator.fault(answer(
        "/v1.0/deviceManagement/applePushNotificationCertificate",
        200,
        ERROR,
    ));
    installation.simulator.fault(answer(
        &format!("{intune}/roleScopeTags"),
        200,
        ERROR_BESIDE_ROWS,
    ));
    installation.simulator.fault(answer(
        &format!("{intune}/depOnboardingSettings"),
        200,
        ERROR_BESIDE_ROWS,
    ));
    installation.simulator.fault(FaultRule::always(
        PathMatch::Suffix("/assignments".to_owned()),
        Effect::Answer {
            status: 200,
            body: ERROR_BESIDE_ROWS.to_owned(),
        },
    ));
    let (run, outcome) = sync(&installation, tenant, &member).await;
    worker.stop().await;
    assert_eq!(outcome, Outcome::PartiallySucceeded);
    assert_eq!(installation.items(tenant).await, before);
    let changes = "SELECT count(*) FROM inventory_changes WHERE run_id = $1::text::uuid";
    assert_eq!(installation.count(changes, run).await, 0);
    let unlucky = unlucky(&installation, &member, run).await;
    for key in [
        "applePushNotificationCertificate",
        "roleScopeTag",
        "depOnboardingSetting",
        "depEnrollmentProfile",
    ] {
        let (status, error) = &unlucky[key];
        assert_eq!(*status, TypeStatus::Failed, "{key}");
        assert_eq!(error.code, FailureCode::GRAPH_INVALID_RESPONSE, "{key}");
        let answer = error.upstream.as_ref().unwrap();
        assert_eq!(answer.status, Some(200), "{key}");
        assert_eq!(answer.error_code.as_deref(), Some("UnknownError"), "{key}");
        assert!(answer.client_request_id.is_some(), "{key}");
        assert!(!answer.path.contains('?'), "{key}");
    }
    let of_parts: Vec<_> = unlucky
        .values()
        .filter(|(status, _)| *status == TypeStatus::Incomplete)
        .collect();
    assert!(!of_parts.is_empty());
    assert!(of_parts.iter().all(|(_, error)| {
        let path = &error.upstream.as_ref().unwrap().path;
        path.ends_with("/assignments")
    }));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_refuses_a_good_token_fails_its_own_type_alone() {
    let installation = Installation::build().await;
    let (tenant, member) = installation.tenant().await;
    let worker = installation.worker();
    installation.simulator.fault(answer(
        "/beta/deviceManagement/intuneBrandingProfiles",
        401,
        &refused_by_its_service(),
    ));
    let (run, outcome) = sync(&installation, tenant, &member).await;
    worker.stop().await;
    assert_eq!(outcome, Outcome::PartiallySucceeded);
    let unlucky = unlucky(&installation, &member, run).await;
    assert_eq!(unlucky.len(), 1, "{unlucky:?}");
    let (status, error) = &unlucky["intuneBrandingProfile"];
    assert_eq!(*status, TypeStatus::Failed);
    assert_eq!(error.code, FailureCode::ENDPOINT_REFUSED);
    assert_eq!(error.upstream.as_ref().unwrap().status, Some(401));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_a_batch_that_is_refused_makes_its_type_incomplete_with_its_rows_stored() {
    let installation = Installation::build().await;
    let (tenant, member) = installation.tenant().await;
    let worker = installation.worker();
    installation.simulator.fault(FaultRule::always(
        PathMatch::Suffix("/assignments".to_owned()),
        Effect::Answer {
            status: 401,
            body: refused_by_its_service(),
        },
    ));
    let (run, outcome) = sync(&installation, tenant, &member).await;
    worker.stop().await;
    assert_eq!(outcome, Outcome::PartiallySucceeded);
    let unlucky = unlucky(&installation, &member, run).await;
    assert!(!unlucky.is_empty());
    let items = installation.items(tenant).await;
    for (key, (status, error)) in unlucky {
        assert_eq!(status, TypeStatus::Incomplete, "{key}");
        assert_eq!(error.code, FailureCode::ENDPOINT_REFUSED, "{key}");
        assert!(items.iter().any(|(of, ..)| of == key), "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_nothing_accepts_ends_the_run_at_its_first_attempt() {
    let installation = Installation::build().await;
    let (tenant, member) = installation.tenant().await;
    let worker = installation.worker();
    for root in ["/beta", "/v1.0"] {
        installation.simulator.fault(FaultRule::always(
            PathMatch::prefix(root),
            Effect::Unauthorized,
        ));
    }
    let (run, outcome) = sync(&installation, tenant, &member).await;
    worker.stop().await;
    assert_eq!(outcome, Outcome::Failed);
    let run = installation.run(&member, run).await;
    assert_eq!(run.attempt, 1);
    assert!(matches!(run.state, RunState::Completed { .. }));
    assert_eq!(run.error.unwrap().code, FailureCode::GRAPH_UNAUTHENTICATED);
}
