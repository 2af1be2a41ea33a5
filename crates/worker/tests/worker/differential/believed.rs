//! Answers that look right and are not, and answers that look wrong and are right.

use atlas_graph_sim::{Effect, FaultRule, PathMatch};

use super::in_trouble;
use super::troubles::{APPS, Trouble, intune, lasting, trouble};

/// A list of Intune, itself and not what stands under it.
fn list(rest: &str, effect: Effect) -> FaultRule {
    FaultRule::always(PathMatch::exact(&intune(rest)), effect)
}

#[tokio::test(flavor = "multi_thread")]
async fn oddities_of_bodies_make_no_difference() {
    let object = |path: &str| lasting(path, Effect::ObjectWithoutId);
    let rules = vec![
        object("/v1.0/policies"),
        object("/beta/policies"),
        FaultRule::always(
            PathMatch::exact("/beta/deviceManagement"),
            Effect::ObjectWithoutId,
        ),
        FaultRule::always(PathMatch::token_endpoint(), Effect::LifetimeAsText),
        FaultRule::always(PathMatch::exact("/beta/$batch"), Effect::ByteOrderMark),
        FaultRule::always(PathMatch::exact(APPS), Effect::ByteOrderMark),
        lasting("/", Effect::EmptyNextLink),
    ];
    in_trouble(trouble("oddities of bodies", true, rules), 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_in_upper_case_are_the_same() {
    let rules = vec![lasting("/", Effect::OtherCase)];
    in_trouble(trouble("ids in upper case", true, rules), 21).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_that_are_too_old_once_are_got_over() {
    let once = |path: &str| FaultRule::once(PathMatch::exact(path), Effect::PageTokenExpired);
    let rules = vec![
        once(APPS).nth(3),
        once(&intune("configurationPolicies")).nth(2),
    ];
    in_trouble(trouble("links that are too old once", true, rules), 22).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_with_status_200_are_errors() {
    let rules = vec![
        lasting("/beta", Effect::ErrorWithOk).probably(0.15, 22),
        lasting("/v1.0", Effect::ErrorWithOk).probably(0.3, 23),
        lasting("/beta", Effect::InStreamError { rows: 2 }).probably(0.15, 24),
        lasting("/v1.0", Effect::InStreamError { rows: 0 }).probably(0.2, 25),
    ];
    in_trouble(trouble("errors with status 200", false, rules), 23).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_with_status_200_that_last_are_named() {
    let rules = vec![
        lasting("/v1.0/policies/authorizationPolicy", Effect::ErrorWithOk),
        lasting("/beta/policies/authorizationPolicy", Effect::ErrorWithOk),
        list(
            "deviceCompliancePolicies",
            Effect::InStreamError { rows: 0 },
        ),
        list("deviceHealthScripts", Effect::InStreamError { rows: 1 }),
    ];
    let trouble = Trouble {
        names: &[
            "authorizationPolicy",
            "deviceCompliancePolicy",
            "deviceHealthScript",
        ],
        ..trouble("errors with status 200 that last", false, rules)
    };
    in_trouble(trouble, 24).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_single_endpoints_end_no_run() {
    let parts = FaultRule::always(
        PathMatch::Suffix("/assignments".to_owned()),
        Effect::RefusedByService,
    );
    let rules = vec![
        list("deviceCompliancePolicies", Effect::RefusedByService),
        parts.probably(0.3, 26),
    ];
    let trouble = Trouble {
        names: &["deviceCompliancePolicy"],
        ..trouble("refusals of single endpoints", false, rules)
    };
    in_trouble(trouble, 25).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_that_lead_in_a_circle_are_named() {
    let rules = vec![
        list("configurationPolicies", Effect::Endless),
        list("termsAndConditions", Effect::Endless),
        list("deviceConfigurations", Effect::PageTokenExpired),
    ];
    let trouble = Trouble {
        names: &[
            "deviceConfiguration",
            "settingsCatalogPolicy",
            "termsAndConditions",
        ],
        ..trouble("lists that lead in a circle", false, rules)
    };
    in_trouble(trouble, 26).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_none_are_named() {
    let rules = vec![
        list("deviceCompliancePolicies", Effect::NullRow { row: 0 }),
        list("configurationPolicies", Effect::NullRow { row: 3 }),
        list("deviceCategories", Effect::RowWithoutId { row: 0 }),
        lasting("/beta", Effect::NullRow { row: 1 }).probably(0.05, 27),
    ];
    let trouble = Trouble {
        names: &[
            "deviceCategory",
            "deviceCompliancePolicy",
            "settingsCatalogPolicy",
        ],
        ..trouble("rows that are none", false, rules)
    };
    in_trouble(trouble, 27).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_hard_to_read_are_named() {
    let nesting = Effect::DeepNesting {
        levels: 5_000,
        row: 0,
    };
    let rules = vec![
        list("deviceCompliancePolicies", Effect::LoneSurrogate { row: 0 }),
        list("deviceHealthScripts", Effect::InvalidUtf8 { row: 0 }),
        FaultRule::always(PathMatch::exact(APPS), Effect::HugeNumber { row: 2 }),
        list("termsAndConditions", nesting),
    ];
    let trouble = Trouble {
        names: &[
            "deviceCompliancePolicy",
            "deviceHealthScript",
            "mobileApp",
            "termsAndConditions",
        ],
        spoils: true,
        ..trouble("rows that are hard to read", false, rules)
    };
    in_trouble(trouble, 28).await;
}
