//! Signing in.

use std::time::Duration;

use atlas_domain::failure::FailureCode;
use atlas_graph::GraphErrorKind;
use atlas_graph_sim::{Effect, FaultRule, PathMatch, SignInRefusal, SimulatorOptions};
use futures::future::join_all;

use crate::setup::{SECRET, Setup, everything};

#[tokio::test]
async fn fifty_lists_at_once_share_one_token_request() {
    let setup = Setup::start().await;
    let graph = setup.graph();
    let lists = atlas_graph::plan(&everything(), false).lists;
    let readers = lists.iter().take(50).map(|list| setup.read(&graph, list));
    for read in join_all(readers).await {
        read.unwrap();
    }
    assert_eq!(setup.token_requests().len(), 1);
}

#[tokio::test]
async fn another_view_of_the_same_tenant_uses_the_same_token_and_another_secret_does_not() {
    let setup = Setup::start().await;
    setup.graph().sign_in().await.unwrap();
    setup.graph().sign_in().await.unwrap();
    assert_eq!(setup.token_requests().len(), 1);
    let wrong = setup.client.tenant(setup.application_with_secret("wrong"));
    let error = wrong.sign_in().await.unwrap_err();
    assert_eq!(error.failure(&[]).code, FailureCode::CREDENTIALS_INVALID);
    assert!(error.is_fatal());
    assert_eq!(setup.token_requests().len(), 2);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_the_same_address_asked_again() {
    let setup = Setup::start().await;
    let list = setup.list("deviceConfiguration");
    setup.graph().sign_in().await.unwrap();
    setup.fault(FaultRule::once(
        PathMatch::prefix("/beta"),
        Effect::Unauthorized,
    ));
    let read = setup.read(&setup.graph(), &list).await.unwrap();
    assert_eq!(read.pages, 1);
    assert_eq!(setup.token_requests().len(), 2);
    let requests = setup.graph_requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].status, Some(401));
    assert_eq!(
        (&requests[0].path, &requests[0].query),
        (&requests[1].path, &requests[1].query)
    );
}

#[tokio::test]
async fn a_token_that_is_refused_again_is_renewed_no_further() {
    let setup = Setup::start().await;
    setup.fault(FaultRule::always(
        PathMatch::prefix("/beta"),
        Effect::Unauthorized,
    ));
    let list = setup.list("deviceConfiguration");
    let graph = setup.graph();
    let error = setup.read(&graph, &list).await.unwrap_err();
    assert_eq!(error.kind, GraphErrorKind::EndpointRefused);
    assert!(!error.is_fatal() && !graph.has_accepted_token());
    assert_eq!(setup.graph_requests().len(), 2);
    let other = setup.read(&graph, &setup.list("roleScopeTag")).await;
    assert_eq!(other.unwrap_err().kind, GraphErrorKind::EndpointRefused);
    assert_eq!(setup.graph_requests().len(), 3);
    assert_eq!(setup.token_requests().len(), 2);
}

#[tokio::test]
async fn a_token_that_was_renewed_in_vain_is_renewed_once_more_for_the_next_view() {
    let setup = Setup::start().await;
    setup.fault(FaultRule::always(
        PathMatch::prefix("/beta"),
        Effect::Unauthorized,
    ));
    let list = setup.list("deviceConfiguration");
    for tokens in [2, 3] {
        let graph = setup.graph();
        let error = setup.read(&graph, &list).await.unwrap_err();
        let error = graph.whose_fault(&error);
        assert_eq!(error.kind, GraphErrorKind::Unauthenticated);
        assert_eq!(setup.token_requests().len(), tokens, "once for each view");
    }
    // The directory knows none of the tokens any more, and refuses nothing else.
    setup.sim.clear_faults();
    setup.sim.revoke_tokens(&setup.directory);
    setup.read(&setup.graph(), &list).await.unwrap();
    assert_eq!(setup.token_requests().len(), 4);
}

#[tokio::test]
async fn answers_that_hold_no_good_token_cost_one_view_and_not_the_next() {
    let setup = Setup::start().await;
    let answer = r#"{"token_type":"Bearer","expires_in":3599,"access_token":"not-a-good-token"}"#;
    let bad = Effect::Answer {
        status: 200,
        body: answer.to_owned(),
    };
    setup.fault(FaultRule::once(PathMatch::token_endpoint(), bad).times(Some(2)));
    let list = setup.list("deviceConfiguration");
    let graph = setup.graph();
    let error = setup.read(&graph, &list).await.unwrap_err();
    let fault = graph.whose_fault(&error);
    assert_eq!(fault.kind, GraphErrorKind::Unauthenticated);
    setup.read(&setup.graph(), &list).await.unwrap();
}

#[tokio::test]
async fn many_lists_with_a_refused_token_renew_it_once() {
    let setup = Setup::start().await;
    let graph = setup.graph();
    graph.sign_in().await.unwrap();
    setup.sim.revoke_tokens(&setup.directory);
    let lists = atlas_graph::plan(&everything(), false).lists;
    let readers = lists.iter().take(20).map(|list| setup.read(&graph, list));
    for read in join_all(readers).await {
        read.unwrap();
    }
    assert_eq!(setup.token_requests().len(), 2);
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends() {
    let setup = Setup::with(SimulatorOptions {
        token_lifetime: Duration::from_secs(1),
        ..Setup::options()
    })
    .await;
    let graph = setup.graph();
    let list = setup.list("roleScopeTag");
    let renewed = async {
        while setup.token_requests().len() < 3 {
            setup.read(&graph, &list).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), renewed)
        .await
        .unwrap();
    let refused = setup
        .graph_requests()
        .iter()
        .filter(|one| one.status == Some(401))
        .count();
    assert_eq!(refused, 0, "no token was used to its very end");
}

#[tokio::test]
async fn refusals_of_the_sign_in_service_are_distinguished() {
    for (refusal, code, fatal) in [
        (
            SignInRefusal::SecretInvalid,
            FailureCode::CREDENTIALS_INVALID,
            true,
        ),
        (
            SignInRefusal::SecretExpired,
            FailureCode::CREDENTIALS_EXPIRED,
            true,
        ),
        (
            SignInRefusal::ApplicationNotFound,
            FailureCode::CONSENT_MISSING,
            true,
        ),
        (
            SignInRefusal::ConsentMissing,
            FailureCode::CONSENT_MISSING,
            true,
        ),
        (
            SignInRefusal::BlockedByConditionalAccess,
            FailureCode::ACCESS_BLOCKED,
            true,
        ),
        (
            SignInRefusal::TenantNotFound,
            FailureCode::DIRECTORY_NOT_FOUND,
            true,
        ),
        (SignInRefusal::Busy, FailureCode::GRAPH_UNAVAILABLE, false),
    ] {
        let setup = Setup::start().await;
        setup.fault(FaultRule::always(
            PathMatch::token_endpoint(),
            Effect::SignIn { refusal },
        ));
        let error = setup.graph().sign_in().await.unwrap_err();
        let failure = error.failure(&[]);
        assert_eq!(failure.code, code, "{refusal:?}");
        assert_eq!(error.is_fatal(), fatal, "{refusal:?}");
        assert_eq!(failure.retryable, !fatal, "{refusal:?}");
        let asked = setup.token_requests().len();
        assert!(
            if fatal { asked == 1 } else { asked > 6 },
            "{refusal:?}: {asked}"
        );
    }
}

#[tokio::test]
async fn a_busy_sign_in_service_is_asked_again() {
    let setup = Setup::start().await;
    let effect = Effect::SignIn {
        refusal: SignInRefusal::Busy,
    };
    setup.fault(FaultRule::once(PathMatch::token_endpoint(), effect).times(Some(2)));
    setup.graph().sign_in().await.unwrap();
    assert_eq!(setup.token_requests().len(), 3);
}

#[tokio::test]
async fn who_waits_while_signing_in_fails_gets_the_same_error_without_asking_again() {
    let setup = Setup::start().await;
    let graph = setup.client.tenant(setup.application_with_secret("wrong"));
    let results = join_all((0..20).map(|_| graph.sign_in())).await;
    for result in results {
        assert_eq!(
            result.unwrap_err().failure(&[]).code,
            FailureCode::CREDENTIALS_INVALID
        );
    }
    assert_eq!(setup.token_requests().len(), 1);
}

#[tokio::test]
async fn neither_secret_nor_token_is_shown() {
    let setup = Setup::start().await;
    let graph = setup.graph();
    let list = setup.list("roleScopeTag");
    let mut reader = graph.list(&list);
    reader.next_page().await.unwrap();
    let wrong = setup
        .client
        .tenant(setup.application_with_secret("wr0ng-s3cret"));
    let error = wrong.sign_in().await.unwrap_err();
    let shown = format!(
        "{graph:?} {reader:?} {wrong:?} {error:?} {error} {:?} {:?}",
        error.failure(&[]),
        setup.client,
    );
    for secret in [SECRET, "wr0ng-s3cret", "Bearer"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[tokio::test]
async fn a_sign_in_service_that_cannot_be_reached_is_no_fault_of_the_credentials() {
    let setup = Setup::start().await;
    let graph = setup.graph();
    let Setup { sim, .. } = setup;
    drop(sim);
    let error = graph.sign_in().await.unwrap_err();
    let failure = error.failure(&[]);
    assert_eq!(failure.code, FailureCode::GRAPH_UNREACHABLE);
    assert!(failure.retryable && !error.is_fatal());
}

/// What Intune has been seen to answer to a token that everything else accepts.
fn refused_by_its_service() -> Effect {
    let message = r#"{"_version": 3, "Message": "An error has occurred", "HttpHeaders": "{\"WWW-Authenticate\":\"Bearer realm=\\\"urn:intune:service\\\"\"}"}"#;
    Effect::Answer {
        status: 401,
        body: serde_json::json!({"error": {"code": "Forbidden", "message": message,
            "innerError": {}}})
        .to_string(),
    }
}

#[tokio::test]
async fn an_endpoint_that_refuses_a_token_that_others_accept_fails_alone() {
    let setup = Setup::start().await;
    let path = PathMatch::exact("/beta/deviceManagement/intuneBrandingProfiles");
    setup.fault(FaultRule::always(path, refused_by_its_service()));
    let graph = setup.graph();
    let list = setup.list("roleScopeTag");
    setup.read(&graph, &list).await.unwrap();
    let branding = setup.list("intuneBrandingProfile");
    let error = setup.read(&graph, &branding).await.unwrap_err();
    assert_eq!(error.kind, GraphErrorKind::EndpointRefused);
    assert!(!error.is_fatal());
    assert_eq!(graph.whose_fault(&error), error);
    let failure = error.failure(branding.keys());
    assert_eq!(failure.code, FailureCode::ENDPOINT_REFUSED);
    assert!(!failure.retryable);
    let answer = failure.upstream.unwrap();
    assert_eq!(
        (
            answer.status,
            answer.error_code.as_deref(),
            answer.path.as_str()
        ),
        (
            Some(401),
            Some("Forbidden"),
            "/beta/deviceManagement/intuneBrandingProfiles"
        )
    );
    assert_eq!(setup.token_requests().len(), 1, "the token is good");
    setup.read(&graph, &list).await.unwrap();
}

#[tokio::test]
async fn a_token_that_no_endpoint_accepts_is_at_fault() {
    let setup = Setup::start().await;
    for root in ["/beta", "/v1.0"] {
        setup.fault(FaultRule::always(
            PathMatch::prefix(root),
            refused_by_its_service(),
        ));
    }
    let graph = setup.graph();
    let error = setup
        .read(&graph, &setup.list("roleScopeTag"))
        .await
        .unwrap_err();
    let fault = graph.whose_fault(&error);
    assert_eq!(fault.kind, GraphErrorKind::Unauthenticated);
    assert!(fault.is_fatal());
    assert_eq!(fault.answer, error.answer);
}
