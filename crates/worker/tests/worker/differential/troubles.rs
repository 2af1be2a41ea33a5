//! What goes wrong in the tests beside this one.

use atlas_graph_sim::{Effect, ErrorBody, FaultRule, PathMatch, RetryAfter};

pub(super) const APPS: &str = "/beta/deviceAppManagement/mobileApps";

/// What goes wrong, under a name.
pub(super) struct Trouble {
    pub(super) name: &'static str,
    /// Nothing of it lasts, so that everything is read all the same.
    pub(super) passes: bool,
    /// Policy types that the run has to name, whatever else it names.
    pub(super) names: &'static [&'static str],
    /// Objects of the types that the run names come with other contents than they have.
    pub(super) spoils: bool,
    pub(super) rules: Vec<FaultRule>,
}

fn everywhere(probability: f64, seed: u64, effect: Effect) -> FaultRule {
    FaultRule::always(PathMatch::prefix("/"), effect).probably(probability, seed)
}

/// Strikes one request.
fn sometimes(nth: u32, effect: Effect) -> FaultRule {
    FaultRule::once(PathMatch::prefix("/"), effect).nth(nth)
}

pub(super) fn lasting(path: &str, effect: Effect) -> FaultRule {
    FaultRule::always(PathMatch::prefix(path), effect)
}

fn server_error(status: u16, body: ErrorBody) -> Effect {
    Effect::ServerError {
        status,
        body,
        retry_after: RetryAfter::Absent,
    }
}

fn throttled() -> Effect {
    Effect::Throttled {
        retry_after: RetryAfter::Decimal(0.02),
    }
}

pub(super) fn trouble(name: &'static str, passes: bool, rules: Vec<FaultRule>) -> Trouble {
    Trouble {
        name,
        passes,
        names: &[],
        spoils: false,
        rules,
    }
}

pub(super) fn intune(rest: &str) -> String {
    format!("/beta/deviceManagement/{rest}")
}

pub(super) fn troubles() -> Vec<Trouble> {
    vec![
        trouble(
            "nothing but oddities of the transport",
            true,
            vec![
                FaultRule::always(
                    PathMatch::exact(&intune("configurationPolicies")),
                    Effect::WrongContentType,
                ),
                FaultRule::always(PathMatch::exact(APPS), Effect::Gzip),
                FaultRule::always(
                    PathMatch::exact(&intune("deviceConfigurations")),
                    Effect::SlowBody {
                        pieces: 3,
                        milliseconds: 1,
                    },
                ),
                FaultRule::once(
                    PathMatch::exact(&intune("deviceCompliancePolicies")),
                    Effect::EmptyPage,
                ),
                everywhere(0.3, 5, Effect::TopIgnored),
            ],
        ),
        trouble(
            "a little of what passes",
            true,
            vec![
                sometimes(5, server_error(503, ErrorBody::Empty)),
                sometimes(9, server_error(502, ErrorBody::NestedJson)),
                sometimes(14, throttled()),
                FaultRule::once(PathMatch::exact(APPS), Effect::ConnectionReset),
                FaultRule::once(
                    PathMatch::exact(&intune("deviceConfigurations")),
                    Effect::TruncatedJson,
                ),
            ],
        ),
        trouble(
            "server errors more often than not",
            false,
            vec![
                everywhere(0.5, 11, server_error(503, ErrorBody::NestedJson)),
                everywhere(0.2, 12, server_error(500, ErrorBody::Empty)),
            ],
        ),
        trouble(
            "broken bodies",
            false,
            vec![
                everywhere(0.3, 13, Effect::TruncatedJson),
                everywhere(0.2, 14, Effect::ConnectionReset),
                everywhere(0.2, 15, Effect::HtmlPage),
            ],
        ),
        trouble(
            "lists that move and lead astray",
            false,
            vec![
                everywhere(0.2, 16, Effect::RepeatedRow),
                everywhere(0.05, 17, Effect::RepeatedNextLink),
                everywhere(0.05, 18, Effect::PageGone { status: 410 }),
                everywhere(
                    0.02,
                    19,
                    Effect::ForeignNextLink {
                        origin: "http://127.0.0.1:9".to_owned(),
                    },
                ),
            ],
        ),
        trouble(
            "batches that lack answers",
            false,
            vec![
                everywhere(0.8, 20, Effect::MissingResponse),
                everywhere(0.1, 21, throttled()),
            ],
        ),
        trouble(
            "what is not allowed or not there",
            false,
            vec![
                lasting(
                    &intune("deviceCompliancePolicies"),
                    Effect::Forbidden { permission: None },
                ),
                lasting(&intune("configurationPolicies"), Effect::Unlicensed),
                lasting(&intune("intents"), server_error(500, ErrorBody::NestedJson)),
                lasting("/v1.0/identity", Effect::HtmlPage),
                FaultRule::always(PathMatch::exact(APPS), Effect::ExpandTimesOut { rows: 5 }),
            ],
        ),
    ]
}
