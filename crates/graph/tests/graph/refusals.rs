//! What asking again does not help against.

use atlas_domain::failure::FailureCode;
use atlas_graph::GraphErrorKind;
use atlas_graph_sim::{Effect, FaultRule, PathMatch};

use crate::setup::Setup;

fn answer(status: u16, code: &str, message: &str) -> Effect {
    let body = serde_json::json!({"error": {"code": code, "message": message,
        "innerError": {"request-id": "00000000-0000-4000-8000-000000000001"}}});
    Effect::Answer {
        status,
        body: body.to_string(),
    }
}

#[tokio::test]
async fn refusals_are_distinguished_and_not_repeated() {
    let leak = "upstream-text";
    for (effect, code) in [
        (
            Effect::Forbidden { permission: None },
            FailureCode::PERMISSION_MISSING,
        ),
        (Effect::Unlicensed, FailureCode::NOT_LICENSED),
        (Effect::NotApplicable, FailureCode::INTUNE_NOT_AVAILABLE),
        (
            answer(
                400,
                "BadRequest",
                "Resource not found for the segment 'upstream-text'.",
            ),
            FailureCode::COLLECTION_NOT_FOUND,
        ),
        (
            answer(404, "ResourceNotFound", leak),
            FailureCode::COLLECTION_NOT_FOUND,
        ),
        (answer(400, "BadRequest", leak), FailureCode::GRAPH_REJECTED),
        (answer(302, "", leak), FailureCode::GRAPH_INVALID_RESPONSE),
    ] {
        let setup = Setup::start().await;
        setup.fault(FaultRule::always(
            PathMatch::prefix("/beta"),
            effect.clone(),
        ));
        let list = setup.list("deviceConfiguration");
        let error = setup.read(&setup.graph(), &list).await.unwrap_err();
        let failure = error.failure(list.keys());
        assert_eq!(failure.code, code, "{effect:?}");
        assert!(!error.is_fatal(), "{effect:?}");
        assert_eq!(setup.graph_requests().len(), 1, "{effect:?}");
        assert!(failure.upstream_request_id.is_some(), "{effect:?}");
        assert!(
            !format!("{failure:?} {error:?}").contains(leak),
            "{failure:?}"
        );
    }
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let setup = Setup::start().await;
    let path = PathMatch::exact("/beta/deviceManagement/deviceHealthScripts");
    setup.fault(FaultRule::always(
        path,
        Effect::Forbidden { permission: None },
    ));
    let list = setup.list("deviceHealthScript");
    let error = setup.read(&setup.graph(), &list).await.unwrap_err();
    let failure = error.failure(list.keys());
    assert_eq!(
        failure.missing_permissions,
        ["DeviceManagementScripts.Read.All"]
    );
    assert!(
        failure
            .hint
            .unwrap()
            .contains("DeviceManagementScripts.Read.All")
    );
}

#[tokio::test]
async fn a_tenant_without_intune_still_has_its_entra_policies() {
    let setup = Setup::start().await;
    for root in ["/beta/deviceManagement", "/v1.0/deviceManagement"] {
        setup.fault(FaultRule::always(
            PathMatch::prefix(root),
            Effect::NotApplicable,
        ));
    }
    let intune = setup.list("deviceConfiguration");
    let error = setup.read(&setup.graph(), &intune).await.unwrap_err();
    assert!(matches!(error.kind, GraphErrorKind::IntuneNotAvailable));
    let entra = setup.list("conditionalAccessPolicy");
    let read = setup.read(&setup.graph(), &entra).await.unwrap();
    assert!(!read.observations.is_empty());
}

#[tokio::test]
async fn nothing_of_intune_is_asked_for_again_in_the_same_run_once_it_is_known_to_be_missing() {
    let setup = Setup::start().await;
    let apps = PathMatch::prefix("/beta/deviceAppManagement");
    setup.fault(FaultRule::once(apps, Effect::NotApplicable));
    let graph = setup.graph();
    let (app, policy) = (setup.list("mobileApp"), setup.list("deviceConfiguration"));
    for list in [&app, &policy, &app] {
        let error = setup.read(&graph, list).await.unwrap_err();
        assert!(matches!(error.kind, GraphErrorKind::IntuneNotAvailable));
    }
    assert_eq!(setup.graph_requests().len(), 1);
    let entra = setup.list("conditionalAccessPolicy");
    assert!(setup.read(&graph, &entra).await.is_ok());
    // Licences come: the next run asks anew.
    assert!(setup.read(&setup.graph(), &policy).await.is_ok());
}

#[tokio::test]
async fn a_singleton_that_was_never_set_up_is_nothing_and_no_failure() {
    let setup = Setup::start().await;
    let path = PathMatch::exact("/v1.0/deviceManagement/applePushNotificationCertificate");
    setup.fault(FaultRule::once(
        path.clone(),
        answer(404, "ResourceNotFound", ""),
    ));
    let list = setup.list("applePushNotificationCertificate");
    let read = setup.read(&setup.graph(), &list).await.unwrap();
    assert_eq!((read.observations.len(), read.pages), (0, 1));

    setup.fault(FaultRule::once(
        path,
        Effect::Answer {
            status: 404,
            body: String::new(),
        },
    ));
    let error = setup.read(&setup.graph(), &list).await.unwrap_err();
    let code = error.failure(list.keys()).code;
    assert_eq!(
        code,
        FailureCode::COLLECTION_NOT_FOUND,
        "a 404 of somebody on the way"
    );
}
